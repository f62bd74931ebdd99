"""Cursors of lists: opaque to callers, and strictly read."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

# What a cursor begins with, by the list that it is of; one of a later form begins with something else.
_USERS = b"u"
_ROOMS = b"r"
_DIGITS_MAX = 18


def written(name: str, of: bytes = _USERS) -> str:
    """Write the cursor for what comes after a name."""
    return urlsafe_b64encode(of + name.encode()).rstrip(b"=").decode()


def read(text: str, of: bytes = _USERS) -> str | None:
    """Give the name in a cursor; None for what `written` never gave."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        name = raw.removeprefix(of).decode()
    except ValueError:
        return None
    return name if name and written(name, of) == text else None


def written_number(number: int) -> str:
    """Write the cursor for the rooms that come after a number."""
    return written(str(number), _ROOMS)


def read_number(text: str) -> int | None:
    """Give the number in a cursor; None for what `written_number` never gave."""
    digits = read(text, _ROOMS)
    if digits is None or len(digits) > _DIGITS_MAX or not digits.isdecimal() or str(int(digits)) != digits:
        return None
    return int(digits)
