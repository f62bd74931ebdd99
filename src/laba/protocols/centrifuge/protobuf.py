"""The Centrifuge client protocol v2 in Protobuf: commands in, replies and pushes out.

One binary frame carries one or several commands, replies or pushes, each behind its length as a varint. What JSON
has as a value in `data` are bytes here, and laba's are JSON all the same, so that every client sees one message.
Field numbers are those of client.proto.
"""

from collections.abc import Callable
from typing import TypeVar

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
from laba.protocols.centrifuge import requests, wire
from laba.protocols.centrifuge.wire import Allowance, Fields

# Both SDKs of the tests send a command without any field for a pong, and take such a reply for a ping.
_EMPTY = b"\x00"

# The number of each request in a Command that is a channel's or nobody's, and in the request that of the channel.
_REQUESTS: dict[str, tuple[int, dict[str, int]]] = {
    "unsubscribe": (6, {"channel": 1}),
    "presence": (8, {"channel": 1}),
    "presence_stats": (9, {"channel": 1}),
    "ping": (11, {}),
    "send": (12, {}),
    "refresh": (14, {}),
    "sub_refresh": (15, {"channel": 1}),
}

_Value = TypeVar("_Value")

_DATA: msgspec.json.Decoder[requests.Data | None] = msgspec.json.Decoder(requests.Data | None)
_RAW: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)

# --- what a client sends -------------------------------------------------------------------------------------------


def read(data: bytes, max_commands: int = 64, max_fields: int = 8192) -> list[Event]:
    """Read one binary frame. A frame without any command is Malformed.

    Nothing follows a Malformed: the session ends there. A frame of more than `max_commands` commands is Malformed as
    a whole; so is the command with which a frame exceeds `max_fields` (a channel to resume takes six). `send` expects
    no answer and laba has no use for it: it gives no event.
    """
    if data == _EMPTY:
        return [Pong()]
    if not data:
        return [Malformed("a frame holds no command")]
    messages, rest = wire.split(data, max_commands)
    if rest and len(messages) == max_commands:
        return [Malformed(f"a frame holds more than {max_commands} commands")]
    events: list[Event] = []
    allowance = Allowance(max_fields)
    for message in messages:
        event = _read(message, allowance)
        if event is not None:
            events.append(event)
        if isinstance(event, Malformed):
            return events
    if rest:
        events.append(Malformed("a command does not end within its frame"))
    return events


def _read(message: bytes, allowance: Allowance) -> Event | None:
    if not message:
        return Pong()
    try:
        return requests.meaning(_command(Fields(message, allowance)))
    except wire.BrokenError as error:
        return Malformed(str(error))


def _command(fields: Fields) -> requests.Command:
    plain = {}
    for name, (number, subject) in _REQUESTS.items():
        request = fields.message(number, name)
        if request is not None:
            plain[name] = requests.Request(**{key: request.text(field, key) for key, field in subject.items()})
    return requests.Command(
        id=fields.number(1, "id", requests.MAX_ID),
        connect=_read_in(fields, 4, "connect", _connect),
        subscribe=_read_in(fields, 5, "subscribe", _subscribe),
        publish=_read_in(fields, 7, "publish", _publish),
        history=_read_in(fields, 10, "history", _history),
        rpc=_read_in(fields, 13, "rpc", _rpc),
        **plain,
    )


def _read_in(fields: Fields, number: int, name: str, read: Callable[[Fields], _Value]) -> _Value | None:
    message = fields.message(number, name)
    return None if message is None else read(message)


def _connect(fields: Fields) -> requests.Connect:
    return requests.Connect(
        token=fields.text(1, "token"),
        data=_data(fields.text(2, "data")),
        # protobuf.dev, "Maps": an entry is a message of its key and its value; both are `subs[...]` to a reader.
        subs={entry.text(1, ""): _resume(entry.message(2, "")) for entry in fields.messages(3, "subs")},
    )


def _rpc(fields: Fields) -> requests.Rpc:
    data = fields.text(1, "data")
    return requests.Rpc(fields.text(2, "method"), _decoded(_RAW, data, "rpc.data") if data else msgspec.Raw())


def _subscribe(fields: Fields) -> requests.Subscribe:
    return requests.Subscribe(
        channel=fields.text(1, "channel"),
        recover=fields.flag(3, "recover"),
        epoch=fields.text(6, "epoch"),
        offset=fields.number(7, "offset", requests.MAX_OFFSET),
        data=msgspec.Raw(fields.data(8, "data")),
        join_leave=fields.flag(11, "join_leave"),
    )


def _publish(fields: Fields) -> requests.Publish:
    return requests.Publish(channel=fields.text(1, "channel"), data=msgspec.Raw(fields.data(2, "data")))


def _history(fields: Fields) -> requests.History:
    since = fields.message(8, "since")
    # A negative number of 32 bits comes as one of 64 (protobuf.dev, "Signed Integers").
    limit = fields.number(7, "limit", 2**64 - 1)
    return requests.History(
        channel=fields.text(1, "channel"),
        limit=-1 if limit >= 2**63 else min(limit, requests.MAX_LIMIT),
        since=None if since is None else _since(since),
        reverse=fields.flag(9, "reverse"),
    )


def _since(fields: Fields) -> requests.Since:
    return requests.Since(fields.number(1, "offset", requests.MAX_OFFSET), fields.text(2, "epoch"))


def _resume(fields: Fields | None) -> requests.Resume:
    if fields is None:
        return requests.Resume()
    return requests.Resume(
        recover=fields.flag(3, "recover"),
        epoch=fields.text(6, "epoch"),
        offset=fields.number(7, "offset", requests.MAX_OFFSET),
    )


def _data(text: str) -> requests.Data | None:
    return _decoded(_DATA, text, "connect.data") if text else None


def _decoded(decoder: msgspec.json.Decoder[_Value], text: str, path: str) -> _Value:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise wire.BrokenError(requests.fault(error, path)) from None
    except msgspec.DecodeError:
        raise wire.BrokenError(f"{path}: expected JSON") from None
    except RecursionError:
        raise wire.BrokenError(f"{path}: nested too deeply") from None


# --- what the server sends -----------------------------------------------------------------------------------------


def write(command: Command) -> bytes:
    """Write one reply or push behind its length, without framing."""
    match command:
        case Came() | Went() | PutIn() | PutOut():
            return wire.prefixed(wire.block(4, wire.text(2, command.channel) + _notice(command)))
        case Ping():
            return _EMPTY
    return wire.prefixed(wire.number(1, command.request_id) + _reply(command))


def _reply(command: Reply) -> bytes:
    match command:
        case Welcome():
            return wire.block(5, _welcome(command))
        case Denied(_, denial):
            return wire.block(2, wire.number(1, denial.code) + wire.text(2, command.message))
        case Told(_, data):
            return wire.block(13, wire.block(1, data))
    return _room_reply(command)


def _room_reply(command: RoomReply) -> bytes:
    match command:
        case Joined(_, subscription):
            return wire.block(6, _subscription(subscription))
        case Left():
            return wire.block(7, b"")
        case Said():
            return wire.block(8, b"")
        case Seen(_, members):
            entries = (wire.text(1, one.user) + wire.block(2, _info(one)) for one in members)
            return wire.block(9, b"".join(wire.block(1, entry) for entry in entries))
        case Counted(_, devices, users):
            return wire.block(10, wire.number(1, devices) + wire.number(2, users))
        case Reviewed(_, (epoch, offset), messages):
            publications = b"".join(wire.block(1, wire.block(4, data) + wire.number(6, at)) for at, data in messages)
            return wire.block(11, publications + wire.text(2, epoch) + wire.number(3, offset))


def _notice(command: RoomNotice) -> bytes:
    match command:
        case Came(_, member):
            return wire.block(5, wire.block(1, _info(member)))
        case Went(_, member):
            return wire.block(6, wire.block(1, _info(member)))
        case PutIn(_, (epoch, offset)):
            recoverable, positioned = wire.number(1, value=True), wire.number(6, value=True)
            return wire.block(9, recoverable + wire.text(4, epoch) + wire.number(5, offset) + positioned)
        case PutOut(_, ending):
            return wire.block(7, wire.number(2, ending.code) + wire.text(3, ending.reason))


def _info(member: Member) -> bytes:
    """Write a ClientInfo. A member is a user, whose devices are not told apart: its `client` is the user."""
    tags = wire.block(4, msgspec.json.encode({"tags": member.tags})) if member.tags else b""
    return wire.text(1, member.user) + wire.text(2, member.user) + tags


def push(channel: str, offset: int, data: bytes) -> bytes:
    """Write one publication of `data`, behind its length, without framing; the bytes are carried as they are."""
    publication = wire.block(4, data) + wire.number(6, offset)
    return wire.prefixed(wire.block(4, wire.text(2, channel) + wire.block(4, publication)))


def farewell(closing: Closing) -> bytes:
    """Write the push that says why the server ends the connection, behind its length."""
    reconnect = wire.number(3, closing.may_reconnect)
    disconnect = wire.number(1, closing.code) + wire.text(2, closing.reason) + reconnect
    return wire.prefixed(wire.block(4, wire.block(11, disconnect)))


def _welcome(welcome: Welcome) -> bytes:
    entries = (
        wire.text(1, subscription.channel) + wire.block(2, _subscription(subscription))
        for subscription in welcome.subscriptions
    )
    return b"".join(
        (
            wire.text(1, welcome.session_id),
            wire.text(2, requests.SERVER_VERSION),
            *(wire.block(6, entry) for entry in entries),
            wire.number(7, welcome.ping_seconds),
            wire.number(8, value=True),
            wire.text(9, welcome.handle),
            wire.text(10, welcome.node),
        )
    )


def _subscription(subscription: Subscription) -> bytes:
    recovered, was_recovering = wire.number(8, subscription.recovered), wire.number(12, subscription.recovering)
    if subscription.position is None:
        return recovered + was_recovering
    epoch, offset = subscription.position
    recoverable, positioned = wire.number(3, value=True), wire.number(10, value=True)
    return recoverable + wire.text(6, epoch) + recovered + wire.number(9, offset) + positioned + was_recovering
