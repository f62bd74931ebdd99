"""Which of a file's bytes a fetch is to be given (RFC 9110 sections 13 and 14)."""

import re

from laba.model.filecalls import Conditions, Span
from laba.model.refusal import Code, Refusal

# Section 14.1.1; one range. Of several, or in another unit, a server may give the whole instead (section 14.2).
_BYTES = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def etag(name: str) -> str:
    """Write the entity tag of what is kept under a name, which never changes."""
    return f'"{name}"'


def is_known(conditions: Conditions, name: str) -> bool:
    """Tell whether the caller has it already: If-None-Match names it, or anything (section 13.1.2)."""
    listed = conditions.none_match
    return listed is not None and (listed.strip() == "*" or name in _TAG.findall(listed))


def span(conditions: Conditions, name: str, size_bytes: int) -> Span | Refusal | None:
    """Give the one range that is wanted, None for the whole; a Refusal where no byte of the range is there."""
    wanted = _BYTES.fullmatch(conditions.bytes_wanted or "")
    if wanted is None or conditions.if_range not in (None, etag(name)):
        return None
    first, last, suffix = wanted.groups()
    if suffix is not None:
        length = min(int(suffix), size_bytes)
        start = size_bytes - length
    elif last and int(last) < int(first):
        return None  # invalid, and so ignored (section 14.1.1)
    else:
        start = int(first)
        length = min(int(last) + 1 if last else size_bytes, size_bytes) - start
    if length > 0:
        return Span(start, length)
    reason = f"the file has {size_bytes} bytes, and none of those that are wanted"
    return Refusal(Code.RANGE_UNSATISFIABLE, reason, field="Range", subject=str(size_bytes))
