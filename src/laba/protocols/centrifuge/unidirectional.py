"""The Centrifuge client protocol for clients that only listen: the login comes with the request, pushes go unwrapped.

centrifugal.dev, "Unidirectional client protocol" and "Unidirectional Server-Sent Events": what is sent are pushes
alone, the login's answer being one, and `{}` is a ping that nobody answers. Each push on the app's channel, and on
the user's, has its position as the event's id, which Centrifugo has not: so that a browser's own reconnection goes on
where it was.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from laba.model.closing import Closing
from laba.model.http import RequestHead
from laba.model.session import Came, Command, Event, Malformed, PutIn, PutOut, Welcome, Went
from laba.model.stream import Position
from laba.protocols import cursor
from laba.protocols.centrifuge import json, requests

RESUMED_CHANNEL = "app"
# Both have their places in one order: a position of either says what the client has of both.
PLACED_CHANNELS = frozenset({RESUMED_CHANNEL, "user"})
LAST_EVENT_ID = "last-event-id"

_CONNECT = msgspec.json.Decoder(requests.Connect)
# What may stand in the address instead of a whole request: members of `connect.data`.
_WORDS = ("device_id", "platform", "package")

# --- what a client sends -------------------------------------------------------------------------------------------


def read(head: RequestHead, body: bytes) -> list[Event]:
    """Read the one thing that such a client ever says, its login.

    `?cf_connect=` or the body is a connect request; else `?token=` and the rest of the address are. A token may come
    as `Authorization: Bearer`, too. `Last-Event-ID` says where the client was, and wins.
    """
    try:
        connect = _connect(head, body)
    except msgspec.ValidationError as error:
        return [Malformed(requests.fault(error, "connect"))]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [Malformed("connect is not valid JSON")]
    except RecursionError:
        return [Malformed("connect is nested too deeply")]
    if not connect.token:
        connect.token = head.bearer or ""
    position = cursor.read(head.headers.get(LAST_EVENT_ID, ""))
    if position is not None:
        resume = requests.Resume(recover=True, epoch=position.epoch, offset=position.offset)
        connect.subs = {**(connect.subs or {}), RESUMED_CHANNEL: resume}
    return [requests.login(0, connect)]


def _connect(head: RequestHead, body: bytes) -> requests.Connect:
    said: str | bytes = head.query.get("cf_connect") or body
    if said:
        return _CONNECT.decode(said)
    data = {word: head.query[word] for word in _WORDS if word in head.query}
    return msgspec.convert({"token": head.query.get("token", ""), "data": data}, requests.Connect)


# --- what the server sends -----------------------------------------------------------------------------------------


def write(command: Command) -> bytes:
    """Write a push in one line of JSON: a login's answer, or what happens in the client's rooms."""
    match command:
        case Welcome():
            return msgspec.json.encode({"connect": _welcome(command)})
        case Came() | Went() | PutIn() | PutOut():
            return msgspec.json.encode(json.notice(command))
    return b"{}"


def push(channel: str, offset: int, data: bytes) -> bytes:
    """Write one publication around `data`, which is JSON in one line."""
    return json.publication(channel, offset, data)


def farewell(closing: Closing) -> bytes:
    return msgspec.json.encode({"disconnect": json.disconnect(closing)})


def position(command: Command) -> Position | None:
    """Give where a login begins in the app's channel; None for any other command."""
    if not isinstance(command, Welcome):
        return None
    return next((one.position for one in command.subscriptions if one.channel == RESUMED_CHANNEL), None)


def _welcome(welcome: Welcome) -> Mapping[str, Any]:
    said = json.welcome(welcome)
    del said["pong"]
    return said
