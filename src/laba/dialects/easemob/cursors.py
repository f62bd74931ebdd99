"""Cursors of lists: opaque to callers, and strictly read."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

# Of lists of users; a cursor of another list, or of a later form, begins with something else.
_USERS = b"u"


def written(name: str) -> str:
    """Write the cursor for what comes after a name."""
    return urlsafe_b64encode(_USERS + name.encode()).rstrip(b"=").decode()


def read(text: str) -> str | None:
    """Give the name in a cursor; None for what `written` never gave."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        name = raw.removeprefix(_USERS).decode()
    except ValueError:
        return None
    return name if name and written(name) == text else None
