"""The neutral fields of each kind (design.md section 4): which must be there, and of what type each is."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from laba.dialects.native.members import Members, invalid
from laba.model.content import FIELDS, Content, Kind, Original

# The longest event name and the most parameters that every client can be given (E7).
EXTS_LIMIT: Final = 16

_DECIMAL: Final = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")


def content(kind: Kind, members: Members) -> Content:
    """Check the fields of a kind; members that the kind has not are left out (see `original`)."""
    for name in _REQUIRED[kind]:
        members.required(name)
    fields = {name: members.value(name) for name in members if name in FIELDS[kind]}
    for name, value in fields.items():
        accepts, expected = _TYPES[name]
        if not accepts(value):
            raise invalid(members.path(name), f"must be {expected}")
    return Content(kind, fields)


def original(kind: Kind, members: Members) -> Original | None:
    """Keep the whole where the neutral fields do not hold it: unknown members are delivered (G5)."""
    if all(name in FIELDS[kind] for name in members):
        return None
    return Original("native", kind, members.plain())


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _size(value: Any) -> bool:
    return _number(value) and value >= 0


def _coordinate(value: Any) -> bool:
    """Take a number, or one in words as some vendors' clients send it (E7)."""
    return _number(value) or (isinstance(value, str) and bool(_DECIMAL.fullmatch(value)))


def _exts(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= EXTS_LIMIT and all(_text(each) for each in value.values())


def _anything(_value: Any) -> bool:
    return True


_Type = tuple[Callable[[Any], bool], str]
_TEXT: Final[_Type] = (_text, "a string")
_FILLED: Final[_Type] = (_filled, "a string that is not empty")
_SIZE: Final[_Type] = (_size, "a number, 0 or more")
_COORDINATE: Final[_Type] = (_coordinate, "a number")
_ANYTHING: Final[_Type] = (_anything, "anything")

_TYPES: Final[Mapping[str, _Type]] = {
    "text": _TEXT,
    "url": _FILLED,
    "filename": _TEXT,
    "secret": _TEXT,
    "width": _SIZE,
    "height": _SIZE,
    "thumbnail": _TEXT,
    "duration": _SIZE,
    "size": _SIZE,
    "thumbnail_url": _TEXT,
    "thumbnail_secret": _TEXT,
    "format": _TEXT,
    "latitude": _COORDINATE,
    "longitude": _COORDINATE,
    "address": _TEXT,
    "action": _FILLED,
    "data": _ANYTHING,
    "event": _FILLED,
    "exts": (_exts, f"an object of at most {EXTS_LIMIT} strings"),
    "operation": _FILLED,
}

_REQUIRED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.TXT: ("text",),
    Kind.IMG: ("url",),
    Kind.AUDIO: ("url",),
    Kind.VIDEO: ("url",),
    Kind.FILE: ("url",),
    Kind.LOC: ("latitude", "longitude", "address"),
    Kind.CMD: ("action",),
    Kind.CUSTOM: ("event",),
    Kind.TIP: ("text",),
    Kind.NOTICE: ("operation",),
}
