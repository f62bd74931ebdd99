"""The Centrifuge client protocol v2 in JSON: commands in, replies and pushes out.

One text frame carries one or several commands, replies or pushes, joined by newlines.
"""

from typing import Any

import msgspec

from laba.model.closing import Closing
from laba.model.session import (
    Came,
    Command,
    Counted,
    Denied,
    Event,
    Joined,
    Left,
    Malformed,
    Member,
    Ping,
    Pong,
    PutIn,
    PutOut,
    Reply,
    Reviewed,
    RoomNotice,
    RoomReply,
    Said,
    Seen,
    Subscription,
    Told,
    Welcome,
    Went,
)
from laba.model.stream import Position
from laba.protocols.centrifuge import requests

_PONG = "{}"
_COMMAND = msgspec.json.Decoder(requests.Command)

# --- what a client sends -------------------------------------------------------------------------------------------


def read_bytes(data: bytes) -> list[Event]:
    """Read commands that came in the body of a request."""
    try:
        return read(data.decode())
    except UnicodeDecodeError:
        return [Malformed("commands are not UTF-8")]


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
        return Malformed(requests.fault(error))
    except msgspec.DecodeError:
        return Malformed("a command is not valid JSON")
    except RecursionError:
        return Malformed("a command is nested too deeply")
    if "".join(line.split()) == _PONG:
        return Pong()
    return requests.meaning(command)


# --- what the server sends -----------------------------------------------------------------------------------------


def write(command: Command) -> bytes:
    """Write one reply or push, without framing, in one line."""
    match command:
        case Ping():
            return b"{}"
        case Came() | Went() | PutIn() | PutOut():
            return msgspec.json.encode({"push": notice(command)})
    return msgspec.json.encode({"id": command.request_id, **_reply(command)})


def _reply(command: Reply) -> dict[str, Any]:
    match command:
        case Welcome():
            return {"connect": welcome(command)}
        case Denied(_, denial):
            return {"error": {"code": denial.code, "message": command.message}}
        case Told(_, data):
            return {"rpc": {"data": msgspec.Raw(data)}}
    return _room_reply(command)


def _room_reply(command: RoomReply) -> dict[str, Any]:
    match command:
        case Joined(_, subscription):
            return {"subscribe": _subscription(subscription)}
        case Left():
            return {"unsubscribe": {}}
        case Said():
            return {"publish": {}}
        case Seen(_, members):
            return {"presence": {"presence": {one.user: _info(one) for one in members}}}
        case Counted(_, devices, users):
            return {"presence_stats": {"num_clients": devices, "num_users": users}}
        case Reviewed(_, (epoch, offset), messages):
            publications = [{"data": msgspec.Raw(data), "offset": at} for at, data in messages]
            return {"history": {"publications": publications, "epoch": epoch, "offset": offset}}


def notice(command: RoomNotice) -> dict[str, Any]:
    """Give what a push about a room's members holds."""
    match command:
        case Came(channel, member):
            return {"channel": channel, "join": {"info": _info(member)}}
        case Went(channel, member):
            return {"channel": channel, "leave": {"info": _info(member)}}
        case PutIn(channel, position):
            return {"channel": channel, "subscribe": _position(position)}
        case PutOut(channel, ending):
            return {"channel": channel, "unsubscribe": {"code": ending.code, "reason": ending.reason}}


def _info(member: Member) -> dict[str, Any]:
    """Give a ClientInfo. A member is a user, whose devices are not told apart: its `client` is the user."""
    said: dict[str, Any] = {"user": member.user, "client": member.user}
    return said | {"chan_info": {"tags": member.tags}} if member.tags else said


def push(channel: str, offset: int, data: bytes) -> bytes:
    """Write one publication around `data`, which is JSON in one line; the bytes are joined, not encoded again."""
    return b'{"push":%b}' % publication(channel, offset, data)


def publication(channel: str, offset: int, data: bytes) -> bytes:
    """Write what a push of a publication holds."""
    return b'{"channel":%b,"pub":{"data":%b,"offset":%d}}' % (msgspec.json.encode(channel), data, offset)


def farewell(closing: Closing) -> bytes:
    """Write the push that says why the server ends the connection."""
    return msgspec.json.encode({"push": {"disconnect": disconnect(closing)}})


def disconnect(closing: Closing) -> dict[str, Any]:
    return {"code": closing.code, "reason": closing.reason}


def welcome(welcome: Welcome) -> dict[str, Any]:
    """Give the members of a ConnectResult."""
    said: dict[str, Any] = {
        "client": welcome.session_id,
        "version": requests.SERVER_VERSION,
        "subs": {subscription.channel: _subscription(subscription) for subscription in welcome.subscriptions},
        "ping": welcome.ping_seconds,
        "pong": True,
    }
    return said | {"session": welcome.handle, "node": welcome.node} if welcome.handle else said


def _subscription(subscription: Subscription) -> dict[str, Any]:
    resumed = {"recovered": subscription.recovered, "was_recovering": subscription.recovering}
    if subscription.position is None:
        return resumed
    return {**_position(subscription.position), **resumed}


def _position(position: Position) -> dict[str, Any]:
    return {"recoverable": True, "positioned": True, "epoch": position.epoch, "offset": position.offset}
