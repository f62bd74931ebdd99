"""What is said: `msg_type` and `attach`, as our content (N3, N4, vendor-apis.md 3.3)."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from laba.dialects.neroom.faults import invalid, missing
from laba.dialects.neroom.fields import Fields
from laba.dialects.strictjson import parse
from laba.model.content import Content, Kind, Original
from laba.model.flags import Flags

DIALECT: Final = "neroom"
ATTACH_MAX_CHARS: Final = 4096
EXT_MAX_CHARS: Final = 4096
SUB_TYPE_MAX: Final = 2**31 - 1
TEXT, TIPS, CUSTOM = 0, 10, 100
# R8: what is said by this API is kept in lists and counted, and starts no push of its own.
FLAGS: Final = Flags(stored=True, counted=True, pushed=False, updates_last=True)
# What of a call is about the message itself, and goes to clients as it came.
_MESSAGE: Final = ("attach", "ext", "sub_type", "resend_flag")


class Member(NamedTuple):
    """One member of a type's JSON: the vendor's name, our field, and how the value is taken; None: not as it is."""

    name: str
    field: str
    take: Callable[[Any], Any]
    required: bool = False


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _magnitude(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) and value >= 0 else None


def _seconds(value: Any) -> float | None:
    milliseconds = _magnitude(value)
    return None if milliseconds is None else milliseconds / 1000


def _coordinate(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return number if is_number and math.isfinite(number) else None


_URL: Final = Member("url", "url", _text, required=True)
_NAME: Final = Member("name", "filename", _text)
_WIDTH, _HEIGHT = Member("w", "width", _magnitude), Member("h", "height", _magnitude)
_DURATION: Final = Member("dur", "duration", _seconds)
_SIZE: Final = Member("size", "size", _magnitude)

TYPES: Final[Mapping[int, tuple[Kind, tuple[Member, ...]]]] = MappingProxyType(
    {
        TEXT: (Kind.TXT, ()),
        1: (Kind.IMG, (_URL, _NAME, _WIDTH, _HEIGHT)),
        2: (Kind.AUDIO, (_URL, _NAME, _DURATION)),
        3: (Kind.VIDEO, (_URL, _NAME, _DURATION, _SIZE)),
        4: (
            Kind.LOC,
            (
                Member("lat", "latitude", _coordinate, required=True),
                Member("lng", "longitude", _coordinate, required=True),
                Member("title", "address", _text),
            ),
        ),
        6: (Kind.FILE, (_URL, _NAME, _SIZE, Member("ext", "format", _text))),
        TIPS: (Kind.TIP, ()),
        CUSTOM: (Kind.CUSTOM, ()),
    }
)


def type_of(fields: Fields) -> int:
    """Take `msg_type`: one of the eight (N3)."""
    number = fields.required("msg_type", TEXT, CUSTOM)
    if number not in TYPES:
        raise invalid(fields.path("msg_type"), f"must be one of {', '.join(map(str, TYPES))}")
    return number


def content_of(number: int, fields: Fields) -> Content:
    """Read what is said. A text without `attach` is an empty one: the vendor's page does not require it."""
    attach = fields.optional("attach", ATTACH_MAX_CHARS)
    sub_type = fields.integer("sub_type", 1, SUB_TYPE_MAX)
    kind, members = TYPES[number]
    if number in (TEXT, TIPS):
        return Content(kind, {"text": attach or ""})
    if number == CUSTOM:
        return Content(kind, {"event": "custom" if sub_type is None else str(sub_type)})
    return Content(kind, _taken(_object(attach, fields.path("attach")), members, fields.path("attach")))


def original_of(number: int, fields: Fields) -> Original:
    """Keep the vendor's type and body: every one of its clients knows a message by them."""
    told = {name: fields.value(name) for name in _MESSAGE}
    return Original(DIALECT, str(number), {name: value for name, value in told.items() if value is not None})


def _object(attach: str | None, path: str) -> Mapping[str, Any]:
    if not attach:
        raise missing(path)
    try:
        value = parse(attach)
    except ValueError as fault:
        raise invalid(path, f"must be the type's JSON: {fault}") from None
    if not isinstance(value, dict):
        raise invalid(path, "must be a JSON object, as text")
    return value


def _taken(attach: Mapping[str, Any], members: tuple[Member, ...], path: str) -> dict[str, Any]:
    """Take what fits; what does not, and need not be there, is in the original all the same."""
    taken: dict[str, Any] = {}
    for name, field, take, required in members:
        value = take(attach[name]) if name in attach else None
        if value is not None:
            taken[field] = value
        elif required:
            raise missing(f"{path}.{name}") if name not in attach else invalid(f"{path}.{name}", "will not do")
    return taken
