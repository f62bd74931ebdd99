"""What passes between a client protocol and `core.session`: events come up from the wire, commands go down to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from laba.model.stream import Position

# How a device that gives no device_id is known: one default device per user (docs/clients.md says so).
DEFAULT_DEVICE = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A client presents itself. `positions` are the channels it wants to resume, by the client's name for them.

    `moves` asks to be told who comes and goes in the rooms into which the client is put.
    """

    request_id: int
    token: str
    device: str = DEFAULT_DEVICE
    platform: str | None = None
    package: str | None = None
    tags: tuple[str, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict)
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Pong:
    """The client answered a ping."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The client calls an rpc method. `data` is JSON as it came, empty where there is none."""

    request_id: int
    method: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Join:
    """The client enters a room. `asked` is where it was in it, if it wants what it missed since.

    `tags` say what kind of member it is (S3); `moves` asks to be told who comes and goes.
    """

    request_id: int
    room_id: str
    asked: Position | None = None
    tags: tuple[str, ...] = ()
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """The client leaves a room."""

    request_id: int
    room_id: str


@dataclass(frozen=True, slots=True)
class Say:
    """The client sends a message to a room. `data` is JSON as it came, empty where there is none."""

    request_id: int
    room_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """The client asks who is in a room."""

    request_id: int
    room_id: str


@dataclass(frozen=True, slots=True)
class Count:
    """The client asks how many are in a room."""

    request_id: int
    room_id: str


@dataclass(frozen=True, slots=True)
class Review:
    """The client asks for what was said in a room lately: behind `since`, or before it where the newest come first.

    `limit` is how many at most; None leaves that to laba.
    """

    request_id: int
    room_id: str
    limit: int | None = 0
    since: Position | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A well-formed command that laba does not serve; it is answered, and the session goes on.

    A `reason` says that laba does serve it, but not like this.
    """

    request_id: int
    command: str
    subject: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something that is not a command at all; the session ends."""

    reason: str


RoomEvent = Join | Leave | Say | Look | Count | Review
Event = Login | Pong | Ask | RoomEvent | Unsupported | Malformed


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel the server subscribes the client to. Without a position it cannot be resumed."""

    channel: str
    position: Position | None = None
    recovering: bool = False
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class Welcome:
    """The login succeeded.

    `handle` is the secret by which what the client says over other connections finds the session, `node` where it
    is; empty where its own connection carries both ways. `missed` are frames in its codec that follow the reply
    before anything else: what its rooms had for it while it was away.
    """

    request_id: int
    session_id: str
    subscriptions: tuple[Subscription, ...]
    ping_seconds: int
    handle: str = field(default="", repr=False)
    node: str = ""
    missed: bytes = field(default=b"", repr=False)


class Denial(Enum):
    """Why one command was refused; the codes are the Centrifuge client protocol's."""

    INTERNAL_ERROR = (100, "internal server error")
    UNKNOWN_CHANNEL = (102, "unknown channel")
    PERMISSION_DENIED = (103, "permission denied")
    METHOD_NOT_FOUND = (104, "method not found")
    LIMIT_EXCEEDED = (106, "limit exceeded")
    BAD_REQUEST = (107, "bad request")
    NOT_AVAILABLE = (108, "not available")
    TOKEN_EXPIRED = (109, "token expired")
    TOO_MANY_REQUESTS = (111, "too many requests")
    UNRECOVERABLE_POSITION = (112, "unrecoverable position")

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Denied:
    """One command was refused; the session goes on unless a closing follows. `reason` says more than the denial's."""

    request_id: int
    denial: Denial
    reason: str = ""

    @property
    def message(self) -> str:
        return self.reason or self.denial.reason


@dataclass(frozen=True, slots=True)
class Told:
    """An rpc was done. `data` is JSON."""

    request_id: int
    data: bytes


# --- what is answered about rooms, and told of them ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Member:
    """One user who is in a room, by however many devices."""

    user: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """The client is in a room. `missed` are frames in its codec that follow the reply before anything else."""

    request_id: int
    subscription: Subscription
    missed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Left:
    """The client is in that room no more."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Said:
    """A client's message was taken."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Who is in a room, or the first of them."""

    request_id: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many devices, and how many users, are in a room."""

    request_id: int
    devices: int
    users: int


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was said in a room lately, each message with its offset, and where its stream ends."""

    request_id: int
    position: Position
    messages: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Came:
    """A member came into a room."""

    channel: str
    member: Member


@dataclass(frozen=True, slots=True)
class Went:
    """A member left a room."""

    channel: str
    member: Member


@dataclass(frozen=True, slots=True)
class PutIn:
    """The app has put the client into a room; what is said in it comes from here on."""

    channel: str
    position: Position


class Ending(Enum):
    """Why laba ends a subscription: below 2500 the SDKs do not come back to it by themselves."""

    REMOVED = (2400, "removed from the room")
    DESTROYED = (2401, "the room was destroyed")

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PutOut:
    """The client is in a room no more, and not by its own will."""

    channel: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask the client for a sign of life."""


# What answers a command, and what comes unasked.
RoomReply = Joined | Left | Said | Seen | Counted | Reviewed
RoomNotice = Came | Went | PutIn | PutOut
Reply = Welcome | Denied | Told | RoomReply
Command = Reply | RoomNotice | Ping
