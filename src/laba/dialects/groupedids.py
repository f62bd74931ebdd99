"""Message ids in another form than the decimal one, as some callers are given them: XXXX-XXXX-XXXX-XXXX (R7)."""

import re
from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WRITTEN: Final = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}")
# An id has 64 bits, of which the first is never set (core.ids).
_ID_BITS: Final = 63


def written(number: int) -> str:
    """Write an id to the base 36 in four groups of four; `read` gives it back."""
    digits = []
    for _ in range(16):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    text = "".join(reversed(digits))
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def read(text: str) -> int | None:
    """Give the id; None where `written` could not have given the text."""
    if not _WRITTEN.fullmatch(text):
        return None
    number = int(text.replace("-", ""), len(_DIGITS))
    return number if number < 1 << _ID_BITS else None
