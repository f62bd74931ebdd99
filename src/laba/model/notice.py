"""What travels between nodes."""

from dataclasses import dataclass

from laba.model.room import Room
from laba.model.stream import Batch, Flush, Revocation


@dataclass(frozen=True, slots=True)
class Placement:
    """Users were put into a room by REST."""

    app_uuid: str
    room_id: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """Users were taken out of a room by REST, however they had come in."""

    app_uuid: str
    room_id: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Destruction:
    """A room is no more."""

    app_uuid: str
    room_id: str


@dataclass(frozen=True, slots=True)
class RoomChange:
    """What is known of a room has changed, or who may speak in it: this is how it is now."""

    room: Room


@dataclass(frozen=True, slots=True)
class Tagging:
    """Users have these tags from now on, in place of what they had."""

    app_uuid: str
    users: frozenset[str]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class MemberTagging:
    """A member of a room has these tags from now on, in place of what it had (S3)."""

    app_uuid: str
    room_id: str
    user: str
    tags: tuple[str, ...]


Notice = Batch | Revocation | Flush | Placement | Removal | Destruction | RoomChange | Tagging | MemberTagging
