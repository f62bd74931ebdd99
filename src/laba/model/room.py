"""Rooms: what is known of one, and who is in it (S3, vendor-apis.md 3.1)."""

from dataclasses import dataclass, field, replace

from laba.model.priorities import Priorities
from laba.model.stream import Stream

ROOM_PREFIX = "room:"

MAX_MEMBERS_DEFAULT = 1000
MAX_MEMBERS = 10_000


@dataclass(frozen=True, slots=True)
class Room:
    """One room. `id` is what callers and clients call it; `number` is the store's, small and never given twice.

    `active` says that at least one message was ever accepted for it by name (A8). `muted` says that only its owner
    may speak. Owners are members.
    """

    app_uuid: str
    id: str
    name: str
    created_at_ms: int
    number: int = 0
    owner: str = ""
    description: str = ""
    custom: str = ""
    max_members: int = MAX_MEMBERS_DEFAULT
    active: bool = False
    muted: bool = False
    priorities: Priorities = field(default_factory=Priorities)

    @property
    def stream(self) -> Stream:
        return room_stream(self.app_uuid, self.id)

    def awake(self) -> "Room":
        """Give the room as one that was spoken in."""
        return replace(self, active=True)


@dataclass(frozen=True, slots=True)
class Mute:
    """A member who may not speak before `until_ms`."""

    user: str
    until_ms: int


def room_stream(app_uuid: str, room_id: str) -> Stream:
    """Name the stream of a room."""
    return Stream(app_uuid, ROOM_PREFIX + room_id)
