"""The eight message types: from the vendor's body to our content (E7, design.md section 4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from laba.dialects.easemob import fields
from laba.dialects.easemob.fields import invalid
from laba.model.content import Content, Kind, Original
from laba.model.flags import Flags
from laba.model.refusal import Refusal

DIALECT = "easemob"


@dataclass(frozen=True, slots=True)
class Member:
    """One row: the vendor's member (inside `group`, where there is one), our field, and what the value must be.

    `convert` gives our value from theirs. `alias` marks a second spelling, which our field alone could not give back.
    """

    name: str
    field: str
    fault: Callable[[Any], str | None]
    required: bool = False
    convert: Callable[[Any], Any] | None = None
    group: str | None = None
    alias: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A body as read. `original` is None where the content already holds all of it, exactly."""

    content: Content
    original: Original | None
    flags: Flags


_URL = Member("url", "url", fields.filled_text, required=True)
_FILENAME = Member("filename", "filename", fields.text)
_SECRET = Member("secret", "secret", fields.text)
_LENGTH = Member("length", "duration", fields.magnitude)

MEMBERS: Mapping[Kind, tuple[Member, ...]] = MappingProxyType(
    {
        Kind.TXT: (Member("msg", "text", fields.text, required=True),),
        Kind.IMG: (
            _URL,
            _FILENAME,
            _SECRET,
            Member("width", "width", fields.magnitude, group="size"),
            Member("height", "height", fields.magnitude, group="size"),
        ),
        # The vendor's table writes `Length`, its example `length`; where both stand, the later row's `length` wins.
        Kind.AUDIO: (_URL, _FILENAME, _SECRET, Member("Length", "duration", fields.magnitude, alias=True), _LENGTH),
        Kind.VIDEO: (
            _URL,
            _FILENAME,
            _SECRET,
            _LENGTH,
            Member("file_length", "size", fields.magnitude),
            Member("thumb", "thumbnail_url", fields.text),
            Member("thumb_secret", "thumbnail_secret", fields.text),
        ),
        Kind.FILE: (_URL, _FILENAME, _SECRET),
        Kind.LOC: (
            Member("lat", "latitude", fields.coordinate, required=True, convert=fields.as_number),
            Member("lng", "longitude", fields.coordinate, required=True, convert=fields.as_number),
            Member("addr", "address", fields.text, required=True),
        ),
        Kind.CMD: (Member("action", "action", fields.text, required=True),),
        Kind.CUSTOM: (Member("customEvent", "event", fields.event), Member("customExts", "exts", fields.exts)),
    }
)
TYPES: Mapping[str, Kind] = MappingProxyType({kind.value: kind for kind in MEMBERS})

# R8: a command leaves no trace, everything else enters the conversation list and is counted.
_SILENT = Flags(stored=False, counted=False, pushed=False, updates_last=False)
_SHOWN = Flags(stored=True, counted=True, pushed=False, updates_last=True)


def read_body(kind: Kind, body: Mapping[str, Any], at: str) -> Body | Refusal:
    """Read the members beside `type`; `at` is the path of the body, for the refusal that names the first bad one.

    Members are judged in the order of MEMBERS. What MEMBERS does not know is kept in `original` (G5).
    """
    content: dict[str, Any] = {}
    held: dict[str, Any] = {}
    for member in MEMBERS[kind]:
        home = _home(member, body)
        if home is None:
            return invalid(f"{at}.{member.group}", "must be an object")
        if member.name not in home:
            if member.required:
                return invalid(_path(at, member), "is missing")
            continue
        value = home[member.name]
        fault = member.fault(value)
        if fault is not None:
            return invalid(_path(at, member), fault)
        content[member.field] = member.convert(value) if member.convert else value
        if content[member.field] is value and not member.alias:
            _put(held, member, value)
    original = None if held == body else Original(DIALECT, kind.value, body)
    return Body(Content(kind, content), original, _SILENT if kind is Kind.CMD else _SHOWN)


def _home(member: Member, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if member.group is None:
        return body
    group = body.get(member.group, {})
    return group if isinstance(group, dict) else None


def _put(held: dict[str, Any], member: Member, value: Any) -> None:
    home = held if member.group is None else held.setdefault(member.group, {})
    home[member.name] = value


def _path(at: str, member: Member) -> str:
    return ".".join(part for part in (at, member.group, member.name) if part)
