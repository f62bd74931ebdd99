"""The Centrifuge client protocol v2 in JSON: commands in, replies and pushes out.

One text frame carries one or several commands, replies or pushes, joined by newlines.
"""

from typing import Any

import msgspec

from laba.model.closing import Closing
from laba.model.session import Command, Denied, Event, Malformed, Pong, Subscription, Told, Welcome
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
    """Write one reply, without framing, in one line."""
    match command:
        case Welcome():
            return msgspec.json.encode({"id": command.request_id, "connect": welcome(command)})
        case Denied(request_id, denial):
            return msgspec.json.encode({"id": request_id, "error": {"code": denial.code, "message": command.message}})
        case Told(request_id, data):
            return msgspec.json.encode({"id": request_id, "rpc": {"data": msgspec.Raw(data)}})
        case _:
            return b"{}"


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
    epoch, offset = subscription.position
    return {"recoverable": True, "positioned": True, "epoch": epoch, "offset": offset, **resumed}
