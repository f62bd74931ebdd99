"""What a client may ask, whichever form of the protocol it speaks: bounds, meanings, and who gets which error."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Final

import msgspec

from laba.model.room import ROOM_PREFIX
from laba.model.session import (
    DEFAULT_DEVICE,
    Ask,
    Count,
    Denial,
    Event,
    Join,
    Leave,
    Login,
    Look,
    Malformed,
    Review,
    Say,
    Unsupported,
)
from laba.model.stream import Position

SERVER_VERSION = "laba"

# client.proto: Command.id is 32 bits. An offset is a count below 2**53 (design.md section 4).
MAX_ID = 2**32 - 1
MAX_OFFSET = 2**53 - 1
# HistoryRequest.limit is a signed number of 32 bits.
MAX_LIMIT = 2**31 - 1

DEVICE_CHARACTERS = 64
# Without control characters: a store may end a text at the first zero.
DEVICE_PATTERN = r"\A[^\x00-\x1f\x7f]*\Z"

_RequestId = Annotated[int, msgspec.Meta(ge=0, le=MAX_ID)]
_Offset = Annotated[int, msgspec.Meta(ge=0, le=MAX_OFFSET)]
_Device = Annotated[str, msgspec.Meta(max_length=DEVICE_CHARACTERS, pattern=DEVICE_PATTERN)]
_Platform = Annotated[str, msgspec.Meta(max_length=32)]
_Package = Annotated[str, msgspec.Meta(max_length=128)]
# S3: at most 10 tags, of 32 characters.
_Tag = Annotated[str, msgspec.Meta(max_length=32)]
_Tags = Annotated[tuple[_Tag, ...], msgspec.Meta(max_length=10)]


class Data(msgspec.Struct):
    """What laba's clients may say of themselves in `connect.data`; null is as good as nothing."""

    device_id: _Device | None = None
    platform: _Platform | None = None
    package: _Package | None = None
    tags: _Tags | None = None
    join_leave: bool | None = None


class Resume(msgspec.Struct):
    recover: bool = False
    epoch: str = ""
    offset: _Offset = 0


class Connect(msgspec.Struct):
    token: str = ""
    data: Data | None = None
    subs: dict[str, Resume] | None = None


class Rpc(msgspec.Struct):
    method: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Request(msgspec.Struct):
    """Any request about a channel, or about nothing, as far as laba must know it."""

    channel: str = ""


class Membership(msgspec.Struct):
    """What laba's clients may say of themselves in `subscribe.data`."""

    tags: _Tags | None = None


class Subscribe(Request):
    recover: bool = False
    epoch: str = ""
    offset: _Offset = 0
    data: msgspec.Raw = msgspec.Raw()
    join_leave: bool = False


class Publish(Request):
    data: msgspec.Raw = msgspec.Raw()


class Since(msgspec.Struct):
    offset: _Offset = 0
    epoch: str = ""


class History(Request):
    """`limit` 0 asks for the position alone, a negative one for all there is."""

    limit: Annotated[int, msgspec.Meta(ge=-MAX_LIMIT - 1, le=MAX_LIMIT)] = 0
    since: Since | None = None
    reverse: bool = False


class Command(msgspec.Struct):
    """One command; exactly one of its requests is there, and none in the answer to a ping."""

    id: _RequestId = 0
    connect: Connect | None = None
    subscribe: Subscribe | None = None
    unsubscribe: Request | None = None
    publish: Publish | None = None
    presence: Request | None = None
    presence_stats: Request | None = None
    history: History | None = None
    ping: Request | None = None
    send: Request | None = None
    rpc: Rpc | None = None
    refresh: Request | None = None
    sub_refresh: Request | None = None


# P8, R4: only rooms are spoken in; what comes to everybody or to a user alone is not answered.
_NO_REPLY = "only a room can be published to; a SYSTEM or app-wide conversation cannot be replied to"
_REQUESTS = tuple(name for name in Command.__struct_fields__ if name != "id")


def meaning(command: Command) -> Event | None:
    """Say what a command means. `send` expects no answer and laba has no use for it: it gives no event."""
    names = [name for name in _REQUESTS if getattr(command, name) is not None]
    if not names:
        return Malformed("a command holds no request that laba knows")
    if len(names) > 1:
        return Malformed(f"a command holds several requests: {', '.join(names)}")
    name = names[0]
    if name == "send":
        return None
    if not command.id:
        return Malformed(f"{name} has no id")
    if command.connect is not None:
        return login(command.id, command.connect)
    if command.rpc is not None:
        rpc = command.rpc
        # Without a method it is a question that nobody could answer.
        return Ask(command.id, rpc.method, bytes(rpc.data)) if rpc.method else Unsupported(command.id, "rpc")
    request: Request = getattr(command, name)
    room_id = request.channel.removeprefix(ROOM_PREFIX)
    if name in _OF_ROOMS and room_id and room_id != request.channel:
        return _OF_ROOMS[name](command, room_id)
    return Unsupported(command.id, name, request.channel)


# --- what is said of a room (design.md section 5) ------------------------------------------------------------------


def _subscribe(command: Command, room_id: str) -> Event:
    request = command.subscribe or Subscribe()
    try:
        said = _MEMBERSHIP.decode(request.data) if bytes(request.data) else None
    except msgspec.ValidationError as error:
        return Unsupported(command.id, "subscribe", request.channel, fault(error, "subscribe.data"))
    except (msgspec.DecodeError, RecursionError):
        return Unsupported(command.id, "subscribe", request.channel, "subscribe.data: expected JSON")
    tags = (said.tags or ()) if said is not None else ()
    asked = Position(request.epoch, request.offset) if request.recover else None
    return Join(command.id, room_id, asked, tags, request.join_leave)


def _publish(command: Command, room_id: str) -> Event:
    return Say(command.id, room_id, bytes((command.publish or Publish()).data))


def _history(command: Command, room_id: str) -> Event:
    request = command.history or History()
    since = None if request.since is None else Position(request.since.epoch, request.since.offset)
    return Review(command.id, room_id, request.limit if request.limit >= 0 else None, since, request.reverse)


_MEMBERSHIP: Final = msgspec.json.Decoder(Membership | None)
_OF_ROOMS: Final[Mapping[str, Callable[[Command, str], Event]]] = MappingProxyType(
    {
        "subscribe": _subscribe,
        "unsubscribe": lambda command, room_id: Leave(command.id, room_id),
        "publish": _publish,
        "presence": lambda command, room_id: Look(command.id, room_id),
        "presence_stats": lambda command, room_id: Count(command.id, room_id),
        "history": _history,
    }
)


def login(request_id: int, connect: Connect) -> Login:
    """Read a login; what it does not say has its default."""
    data = connect.data or Data()
    return Login(
        request_id=request_id,
        token=connect.token,
        device=data.device_id or DEFAULT_DEVICE,
        platform=data.platform,
        package=data.package,
        tags=data.tags or (),
        positions={
            channel: Position(resume.epoch, resume.offset)
            for channel, resume in (connect.subs or {}).items()
            if resume.recover
        },
        moves=bool(data.join_leave),
    )


def fault(error: msgspec.ValidationError, inside: str = "") -> str:
    """Put the field first: `Expected `str`, got `int` - at `$.connect.token`` begins with where it is wrong.

    `inside` is the path of the field that was read on its own.
    """
    what, _, path = str(error).partition(" - at `$")
    field = (inside + path.removesuffix("`")).removeprefix(".") or "command"
    return f"{field}: {what[:1].lower()}{what[1:].replace('`', '')}"


def denial(event: Unsupported) -> Denial:
    """Say which of the protocol's errors answers a command that laba does not serve."""
    if event.command == "publish":
        return Denial.PERMISSION_DENIED
    if event.reason:
        return Denial.BAD_REQUEST
    if event.command in {"subscribe", "unsubscribe"}:
        return Denial.UNKNOWN_CHANNEL
    if event.command == "rpc":
        return Denial.METHOD_NOT_FOUND
    return Denial.NOT_AVAILABLE


def reason(event: Unsupported) -> str:
    """Say more than the denial does, where there is more to say."""
    return event.reason or (_NO_REPLY if event.command == "publish" else "")
