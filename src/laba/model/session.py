"""What passes between a client protocol and `core.session`: events come up from the wire, commands go down to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from laba.model.stream import Position

# How a device that gives no device_id is known: one default device per user (docs/clients.md says so).
DEFAULT_DEVICE = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A client presents itself. `positions` are the channels it wants to resume, by the client's name for them."""

    request_id: int
    token: str
    device: str = DEFAULT_DEVICE
    platform: str | None = None
    package: str | None = None
    tags: tuple[str, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict)


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
class Unsupported:
    """A well-formed command that laba does not serve; it is answered, and the session goes on."""

    request_id: int
    command: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something that is not a command at all; the session ends."""

    reason: str


Event = Login | Pong | Ask | Unsupported | Malformed


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
    is; empty where its own connection carries both ways.
    """

    request_id: int
    session_id: str
    subscriptions: tuple[Subscription, ...]
    ping_seconds: int
    handle: str = field(default="", repr=False)
    node: str = ""


class Denial(Enum):
    """Why one command was refused; the codes are the Centrifuge client protocol's."""

    INTERNAL_ERROR = (100, "internal server error")
    UNKNOWN_CHANNEL = (102, "unknown channel")
    METHOD_NOT_FOUND = (104, "method not found")
    BAD_REQUEST = (107, "bad request")
    NOT_AVAILABLE = (108, "not available")
    TOKEN_EXPIRED = (109, "token expired")

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


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask the client for a sign of life."""


Command = Welcome | Denied | Told | Ping
