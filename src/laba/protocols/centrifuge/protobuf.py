"""The Centrifuge client protocol v2 in Protobuf: commands in, replies and pushes out.

One binary frame carries one or several commands, replies or pushes, each behind its length as a varint. What JSON
has as a value in `data` are bytes here, and laba's are JSON all the same, so that every client sees one message.
Field numbers are those of client.proto.
"""

from typing import TypeVar

import msgspec

from laba.model.closing import Closing
from laba.model.session import Command, Denied, Event, Malformed, Pong, Subscription, Told, Welcome
from laba.protocols.centrifuge import requests, wire
from laba.protocols.centrifuge.wire import Allowance, Fields

# Both SDKs of the tests send a command without any field for a pong, and take such a reply for a ping.
_EMPTY = b"\x00"

# The number of each request in a Command, and in the request that of what its refusal needs.
_REQUESTS: dict[str, tuple[int, dict[str, int]]] = {
    "subscribe": (5, {"channel": 1}),
    "unsubscribe": (6, {"channel": 1}),
    "publish": (7, {"channel": 1}),
    "presence": (8, {"channel": 1}),
    "presence_stats": (9, {"channel": 1}),
    "history": (10, {"channel": 1}),
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
    connect, rpc = fields.message(4, "connect"), fields.message(13, "rpc")
    unserved = {}
    for name, (number, subject) in _REQUESTS.items():
        request = fields.message(number, name)
        if request is not None:
            unserved[name] = requests.Request(**{key: request.text(field, key) for key, field in subject.items()})
    return requests.Command(
        id=fields.number(1, "id", requests.MAX_ID),
        connect=None if connect is None else _connect(connect),
        rpc=None if rpc is None else _rpc(rpc),
        **unserved,
    )


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
    """Write one reply behind its length, without framing."""
    if isinstance(command, Welcome):
        return wire.prefixed(wire.number(1, command.request_id) + wire.block(5, _welcome(command)))
    if isinstance(command, Denied):
        error = wire.number(1, command.denial.code) + wire.text(2, command.message)
        return wire.prefixed(wire.number(1, command.request_id) + wire.block(2, error))
    if isinstance(command, Told):
        return wire.prefixed(wire.number(1, command.request_id) + wire.block(13, wire.block(1, command.data)))
    return _EMPTY


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
