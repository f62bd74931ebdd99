"""How a file is named in a header, for every browser (RFC 6266, with RFC 8187 for what is not ASCII)."""

from urllib.parse import quote

# RFC 8187 section 3.2.1: attr-char.
_PLAIN = "!#$&+-.^_`|~"


def disposition(filename: str | None, *, inline: bool) -> str:
    """Write a Content-Disposition. The name has been made plain already (`model.chatfile.plain_name`)."""
    kind = "inline" if inline else "attachment"
    if filename is None:
        return kind
    # Old clients read only the first; what would end its quotes, or be decoded by some of them, is left out.
    ascii_only = "".join(one if one.isascii() and one not in '"\\%' else "_" for one in filename)
    return f"{kind}; filename=\"{ascii_only}\"; filename*=UTF-8''{quote(filename, safe=_PLAIN)}"
