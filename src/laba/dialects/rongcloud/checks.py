"""What a member of a message's content must be: each gives what was expected, or None where the value is right."""

import base64
import binascii
import math
import re
from typing import Any, Final

# P10: "80k" of the vendor's page.
THUMBNAIL_MAX_BYTES: Final = 81_920
# P10: of a voice message.
VOICE_MAX_SECONDS: Final = 60

_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
# How the vendor's page shortens its sample of a video's thumbnail (seeds/004).
_ELLIPSIS: Final = "..."
# What every reader can hold as a whole number.
_DIGITS_MAX: Final = 18
_USER: Final = ("id", "name", "portrait", "extra")


def text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a string"


def filled_text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "must be a string that is not empty"


def magnitude(value: Any) -> str | None:
    return None if _is_number(value) and value >= 0 else "must be a number, 0 or more"


def voice_length(value: Any) -> str | None:
    if _is_number(value) and 0 <= value <= VOICE_MAX_SECONDS:
        return None
    return f"must be a number of seconds from 0 to {VOICE_MAX_SECONDS}"


def size(value: Any) -> str | None:
    """Expect a size as a number, or as text that is one (P10)."""
    number = as_number(value)
    return None if _is_number(number) and number >= 0 else "must be a number, 0 or more, or a string that holds one"


def coordinate(value: Any) -> str | None:
    """Expect a number, or text that is one (P10)."""
    number = as_number(value)
    return None if _is_number(number) else "must be a number, or a string that holds one"


def thumbnail(value: Any) -> str | None:
    """Expect a picture as Base64 in one line, within its bound (P10)."""
    if not isinstance(value, str):
        return "must be a string"
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "must be Base64 without line breaks"
    return None if len(decoded) <= THUMBNAIL_MAX_BYTES else f"must have at most {THUMBNAIL_MAX_BYTES} bytes decoded"


def picture(value: Any) -> str | None:
    """Expect Base64 in one line (P10). Its padding is not judged, for the vendor's own sample is shortened."""
    if isinstance(value, str) and _BASE64.fullmatch(value.replace(_ELLIPSIS, "")):
        return None
    return "must be Base64 without line breaks"


def user(value: Any) -> str | None:
    """Expect {id, name, portrait, extra}, each of them text where it is there (P10)."""
    if not isinstance(value, dict):
        return "must be an object"
    strange = [name for name in _USER if not isinstance(value.get(name, ""), str | None)]
    return f"must have strings: {', '.join(strange)} is none" if strange else None


def as_number(value: Any) -> Any:
    """Turn text that is a number into it; anything else stays what it is."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        return value
    number = float(value)
    if not math.isfinite(number):
        return value
    return int(value) if value.isdecimal() and len(value) <= _DIGITS_MAX else number


def _is_number(value: Any) -> bool:
    # To Python a boolean is a number; to JSON it is none.
    return isinstance(value, int | float) and not isinstance(value, bool)
