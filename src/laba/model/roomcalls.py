"""What a caller can ask about rooms, and what it is answered (vendor-apis.md 3.1).

Every call carries its `actor`: the user by whose token it came, None for the app and the operator, who may do all.
"""

from dataclasses import dataclass, field

from laba.model.priorities import PrioritiesChange
from laba.model.room import MAX_MEMBERS_DEFAULT, Mute, Room

# A mute for ever ends with the year 2116: clients and databases are given a time like any other.
FOREVER_MS = 4_638_873_600_000


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Make a room with its members, among whom the owner may be named again. Without `owner` it is the actor's.

    Without a `chosen_id` it gets one of laba's; one that is taken is refused.
    """

    name: str
    owner: str
    members: tuple[str, ...] = ()
    description: str = ""
    custom: str = ""
    max_members: int = MAX_MEMBERS_DEFAULT
    actor: str | None = None
    chosen_id: str | None = None


@dataclass(frozen=True, slots=True)
class GetRoom:
    room_id: str
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class ListRooms:
    """Give at most `limit` rooms in the order in which they were made, from behind the number `after`."""

    limit: int
    after: int = 0
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeRoom:
    """Change what is known of a room; what is None stays as it is."""

    room_id: str
    name: str | None = None
    description: str | None = None
    max_members: int | None = None
    priorities: PrioritiesChange = field(default_factory=PrioritiesChange)
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class GiveRoom:
    """Make a member the owner; the old owner stays a member."""

    room_id: str
    owner: str
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class DestroyRoom:
    room_id: str
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class AddMembers:
    """Put users into a room: all of them, or none. `single` says in which form the caller asked."""

    room_id: str
    users: tuple[str, ...]
    single: bool
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveMembers:
    """Take users out of a room. Where `single`, one who cannot go is a refusal; of many the rest go."""

    room_id: str
    users: tuple[str, ...]
    single: bool
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class ListMembers:
    """Give one page of the members, the first being page 1: the owner, who was put in, and who came by itself."""

    room_id: str
    page: int
    size: int
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class ListRoomsOf:
    """Give the rooms that a user is in."""

    user: str
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class MuteMembers:
    """Let members speak no more for a while; None is for ever."""

    room_id: str
    users: tuple[str, ...]
    duration_ms: int | None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class UnmuteMembers:
    room_id: str
    users: tuple[str, ...]
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class ListMutes:
    room_id: str
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class MuteRoom:
    """Let nobody but the owner speak, or everybody again."""

    room_id: str
    muted: bool
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class OpenRooms:
    """Make rooms under ids that the caller chose, without owner or members; one that is there stays as it is."""

    rooms: tuple[tuple[str, str], ...]  # (id, name)


@dataclass(frozen=True, slots=True)
class CloseRooms:
    """Destroy rooms; one that is not there is gone already."""

    room_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindRooms:
    """Show those of the rooms that there are."""

    room_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryMembers:
    """Count a room's members, and show at most `limit`, in the order of their coming or the latest first."""

    room_id: str
    limit: int
    latest_first: bool = False


@dataclass(frozen=True, slots=True)
class CheckMembers:
    """Tell of users whether they are in a room."""

    room_id: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DescribeMembers:
    """Give at most `limit` members with their tags, in the order of their names, from behind the name `after`."""

    room_id: str
    limit: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class TagMember:
    """Give a member these tags, in place of those it had (S3)."""

    room_id: str
    user: str
    tags: tuple[str, ...]


ManyRoomsCall = OpenRooms | CloseRooms | FindRooms
MemberCall = (
    AddMembers | RemoveMembers | ListMembers | ListRoomsOf | QueryMembers | CheckMembers | DescribeMembers | TagMember
)
MuteCall = MuteMembers | UnmuteMembers | ListMutes | MuteRoom
RoomCall = (
    CreateRoom | GetRoom | ListRooms | ChangeRoom | GiveRoom | DestroyRoom | ManyRoomsCall | MemberCall | MuteCall
)


@dataclass(frozen=True, slots=True)
class RoomCreated:
    room: Room


@dataclass(frozen=True, slots=True)
class RoomShown:
    """A room with its members, the owner first."""

    room: Room
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoomsListed:
    """One page of rooms, each with how many members it has. `more_after` is a number, None on the last page."""

    rooms: tuple[tuple[Room, int], ...]
    more_after: int | None = None


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """The room as it is now, and the call that made it so."""

    room: Room
    call: ChangeRoom


@dataclass(frozen=True, slots=True)
class RoomGiven:
    """The room has its new owner."""

    room: Room


@dataclass(frozen=True, slots=True)
class RoomDestroyed:
    room_id: str


@dataclass(frozen=True, slots=True)
class MembersAdded:
    """`users` are in the room now; `new` are those of them who were not before."""

    room_id: str
    users: tuple[str, ...]
    new: tuple[str, ...]
    single: bool


@dataclass(frozen=True, slots=True)
class Parting:
    """What became of one who was to go; `staying` says why it is no member any less."""

    user: str
    staying: str | None = None


@dataclass(frozen=True, slots=True)
class MembersRemoved:
    """One parting for each user, in the order asked."""

    room_id: str
    partings: tuple[Parting, ...]
    single: bool


@dataclass(frozen=True, slots=True)
class MembersListed:
    """One page of a room's members."""

    room: Room
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MembersDescribed:
    """One page of a room's members with their tags; `next` is the name to ask from, "" where nothing follows."""

    room_id: str
    members: tuple[tuple[str, tuple[str, ...]], ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class MemberTagged:
    room_id: str
    user: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoomsOfUserListed:
    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True)
class MembersMuted:
    mutes: tuple[Mute, ...]


@dataclass(frozen=True, slots=True)
class MembersUnmuted:
    """These may speak; they may have been free to do so before."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MutesListed:
    """Those that have not run out."""

    mutes: tuple[Mute, ...]


@dataclass(frozen=True, slots=True)
class RoomMuted:
    muted: bool


@dataclass(frozen=True, slots=True)
class RoomsOpened:
    """All of them are there now."""


@dataclass(frozen=True, slots=True)
class RoomsClosed:
    """None of them is there any more."""


@dataclass(frozen=True, slots=True)
class RoomsFound:
    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True)
class MembersQueried:
    """How many members there are, and some of them, each with when it came."""

    total: int
    members: tuple[tuple[str, int], ...]  # (user, joined_at_ms)


@dataclass(frozen=True, slots=True)
class MembersChecked:
    """One for each user, in the order asked."""

    members: tuple[tuple[str, bool], ...]


ManyRoomsAnswer = RoomsOpened | RoomsClosed | RoomsFound
MemberAnswer = MembersAdded | MembersRemoved | MembersListed | RoomsOfUserListed | MembersQueried | MembersChecked
MuteAnswer = MembersMuted | MembersUnmuted | MutesListed | RoomMuted
RoomAnswer = (
    RoomCreated
    | RoomShown
    | RoomsListed
    | RoomChanged
    | RoomGiven
    | RoomDestroyed
    | ManyRoomsAnswer
    | MemberAnswer
    | MuteAnswer
    | MembersDescribed
    | MemberTagged
)
