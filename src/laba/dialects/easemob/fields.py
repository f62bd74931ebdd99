"""What a member's value must be: each check gives what was expected, or None where the value is right."""

import math
import re
from typing import Any

from laba.model.refusal import Code, Refusal
from laba.model.user import USERNAME_MAX_BYTES

_USERNAME = re.compile(r"[a-zA-Z0-9_.-]+")
_EVENT = re.compile(r"[a-zA-Z0-9\-_/.]{1,32}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_EXTS_MAX = 16


def invalid(field: str, reason: str) -> Refusal:
    """Refuse one member by its path, as in `msg.size.width` (G4)."""
    return Refusal(Code.FIELD_INVALID, reason, field=field)


def text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a string"


def filled_text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "must be a string that is not empty"


def magnitude(value: Any) -> str | None:
    """Expect a size or a length: any number from 0 up (E7)."""
    return None if _is_number(value) and value >= 0 else "must be a number, 0 or more"


def coordinate(value: Any) -> str | None:
    """Expect a number, or text that is one (E7: the pages say string, the vendor's SDK sends numbers)."""
    if _is_number(value) or (isinstance(value, str) and math.isfinite(as_number(value))):
        return None
    return "must be a number, or a string that holds one"


def event(value: Any) -> str | None:
    if isinstance(value, str) and _EVENT.fullmatch(value):
        return None
    return "must be 1 to 32 characters of a-z A-Z 0-9 - _ / ."


def exts(value: Any) -> str | None:
    if isinstance(value, dict) and len(value) <= _EXTS_MAX and all(isinstance(each, str) for each in value.values()):
        return None
    return f"must be an object of at most {_EXTS_MAX} members that are all strings"


def as_number(value: Any) -> Any:
    """Turn text into the number it holds (NaN if none); anything else stays what it is."""
    if not isinstance(value, str):
        return value
    return float(value) if _DECIMAL.fullmatch(value.strip()) else math.nan


def username_fault(name: str, field: str | None = None) -> Refusal | None:
    """Refuse what is no user name: at most 64 bytes of [a-zA-Z0-9_.-] (vendor-apis.md 3.1)."""
    if len(name.encode(errors="replace")) > USERNAME_MAX_BYTES:
        return Refusal(Code.USERNAME_TOO_LONG, f"a user name has at most {USERNAME_MAX_BYTES} bytes", field)
    if not _USERNAME.fullmatch(name):
        return Refusal(Code.USERNAME_ILLEGAL, "a user name is made of a-z A-Z 0-9 _ . -", field, subject=name)
    return None


def _is_number(value: Any) -> bool:
    # To Python a boolean is a number; to JSON it is none.
    return isinstance(value, int | float) and not isinstance(value, bool)
