"""The Centrifuge client protocol v2 in JSON: commands in, replies and pushes out (design.md section 5).

The protocol is open (centrifugal.dev, client.proto of centrifugal/protocol); its SDKs are laba's native clients. One
text frame carries one or several commands, replies or pushes, joined by newlines.
"""

from typing import Annotated, Any

import msgspec

from laba.model.session import (
    DEFAULT_DEVICE,
    Command,
    Denial,
    Denied,
    Event,
    Login,
    Malformed,
    Pong,
    Subscription,
    Unsupported,
    Welcome,
)
from laba.model.stream import Position

SERVER_VERSION = "laba"

# --- what a client sends -------------------------------------------------------------------------------------------

_RequestId = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
_Offset = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
_Device = Annotated[str, msgspec.Meta(max_length=64)]
_Platform = Annotated[str, msgspec.Meta(max_length=32)]
_Package = Annotated[str, msgspec.Meta(max_length=128)]
# S3: at most 10 tags, of 32 characters.
_Tag = Annotated[str, msgspec.Meta(max_length=32)]
_Tags = Annotated[tuple[_Tag, ...], msgspec.Meta(max_length=10)]


class _Data(msgspec.Struct):
    """What laba's clients may say of themselves in `connect.data`; null is as good as nothing."""

    device_id: _Device | None = None
    platform: _Platform | None = None
    package: _Package | None = None
    tags: _Tags | None = None


class _Resume(msgspec.Struct):
    recover: bool = False
    epoch: str = ""
    offset: _Offset = 0


class _Connect(msgspec.Struct):
    token: str = ""
    data: _Data | None = None
    subs: dict[str, _Resume] | None = None


class _Request(msgspec.Struct):
    """Any request that laba does not serve, as far as its refusal needs it."""

    channel: str = ""
    method: str = ""


class _Command(msgspec.Struct):
    """One command; exactly one of its requests is there, and none in the answer to a ping."""

    id: _RequestId = 0
    connect: _Connect | None = None
    subscribe: _Request | None = None
    unsubscribe: _Request | None = None
    publish: _Request | None = None
    presence: _Request | None = None
    presence_stats: _Request | None = None
    history: _Request | None = None
    ping: _Request | None = None
    send: _Request | None = None
    rpc: _Request | None = None
    refresh: _Request | None = None
    sub_refresh: _Request | None = None


_PONG = "{}"
_REQUESTS = tuple(name for name in _Command.__struct_fields__ if name != "id")
_COMMAND = msgspec.json.Decoder(_Command)


def read(text: str, max_commands: int = 64) -> list[Event]:
    """Read one text frame. Blank lines are skipped; a frame without any command is Malformed.

    Nothing follows a Malformed: the session ends there. A frame of more than `max_commands` lines is Malformed as a
    whole. `send` expects no answer and laba has no use for it: it gives no event.
    """
    if text == _PONG:
        return [Pong()]
    stripped = text.strip()
    if not stripped:
        return [Malformed("a frame holds no command")]
    lines = stripped.split("\n", max_commands)
    if len(lines) > max_commands:
        return [Malformed(f"a frame holds more than {max_commands} lines")]
    events: list[Event] = []
    for line in filter(str.strip, lines):
        event = _read(line)
        if event is not None:
            events.append(event)
        if isinstance(event, Malformed):
            break
    return events


def _read(line: str) -> Event | None:
    try:
        command = _COMMAND.decode(line)
    except msgspec.ValidationError as error:
        return Malformed(_fault(str(error)))
    except msgspec.DecodeError:
        return Malformed("a command is not valid JSON")
    except RecursionError:
        return Malformed("a command is nested too deeply")
    requests = [name for name in _REQUESTS if getattr(command, name) is not None]
    if not requests:
        return Pong() if "".join(line.split()) == _PONG else Malformed("a command holds no request that laba knows")
    if len(requests) > 1:
        return Malformed(f"a command holds several requests: {', '.join(requests)}")
    return _event(command, requests[0])


def _event(command: _Command, name: str) -> Event | None:
    if name == "send":
        return None
    if not command.id:
        return Malformed(f"{name} has no id")
    if command.connect is not None:
        return _login(command.id, command.connect)
    request: _Request = getattr(command, name)
    return Unsupported(command.id, name, request.channel or request.method)


def _login(request_id: int, connect: _Connect) -> Login:
    data = connect.data or _Data()
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
    )


def _fault(error: str) -> str:
    """Put the field first: `Expected `str`, got `int` - at `$.connect.token`` begins with where it is wrong."""
    what, at, path = error.partition(" - at `$.")
    field = path.removesuffix("`") if at else "command"
    return f"{field}: {what[:1].lower()}{what[1:].replace('`', '')}"


def denial(event: Unsupported) -> Denial:
    """Say which of the protocol's errors answers a command that laba does not serve."""
    if event.command in {"subscribe", "unsubscribe"}:
        return Denial.UNKNOWN_CHANNEL
    if event.command == "rpc":
        return Denial.METHOD_NOT_FOUND
    return Denial.NOT_AVAILABLE


# --- what the server sends -----------------------------------------------------------------------------------------


def write(command: Command) -> bytes:
    """Write one reply, without framing."""
    if isinstance(command, Welcome):
        return msgspec.json.encode({"id": command.request_id, "connect": _welcome(command)})
    if isinstance(command, Denied):
        error = {"code": command.denial.code, "message": command.denial.reason}
        return msgspec.json.encode({"id": command.request_id, "error": error})
    return b"{}"


def push(channel: str, offset: int, data: bytes) -> bytes:
    """Write one publication around `data`, which is JSON in one line; the bytes are joined, not encoded again."""
    return b'{"push":{"channel":%b,"pub":{"data":%b,"offset":%d}}}' % (msgspec.json.encode(channel), data, offset)


def _welcome(welcome: Welcome) -> dict[str, Any]:
    return {
        "client": welcome.session_id,
        "version": SERVER_VERSION,
        "subs": {subscription.channel: _subscription(subscription) for subscription in welcome.subscriptions},
        "ping": welcome.ping_seconds,
        "pong": True,
    }


def _subscription(subscription: Subscription) -> dict[str, Any]:
    resumed = {"recovered": subscription.recovered, "was_recovering": subscription.recovering}
    if subscription.position is None:
        return resumed
    epoch, offset = subscription.position
    return {"recoverable": True, "positioned": True, "epoch": epoch, "offset": offset, **resumed}
