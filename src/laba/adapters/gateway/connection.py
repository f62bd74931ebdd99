"""One WebSocket connection: bytes in, events to its session; frames out, straight to the socket where possible.

The contract of the direct write (design.md 6.2): `fd` is the socket's number while frames may go out, and -1 from
before the transport is closed, because the kernel gives a closed number to the next connection that comes. It is
kept nowhere else. While the transport holds bytes of ours nothing is written around it.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from laba.adapters.gateway.outbox import Outbox
from laba.core.session import Session, State, Step
from laba.model.closing import Closing
from laba.model.session import Command, Denied, Event, Login, Ping, Pong, Unsupported
from laba.protocols import websocket
from laba.protocols.websocket import Binary, CloseFrame, FrameReader, Incoming, PingFrame, PongFrame, Text, Violation

# How much goes into one system call, and so at most into the transport, when a backlog drains.
_DRAIN_BYTES = 32768
# How long a client may take to answer a close frame before the connection is cut.
CLOSE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Wire:
    """One form of a client protocol over WebSocket: how it is read and written, and in which kind of frame.

    `codec` names its frames. A client asks for it by `subprotocol`, or by `?format=`; one that asks for neither gets
    the path's first. Exactly one of the two readers is there: the other kind of frame is none of this form's.
    """

    codec: str
    form: str
    subprotocol: str
    write: Callable[[Command], bytes]
    deny: Callable[[Unsupported], Denied]
    read_text: Callable[[str], list[Event]] | None = None
    read_binary: Callable[[bytes], list[Event]] | None = None

    def frame(self, command: Command) -> bytes:
        payload = self.write(command)
        return websocket.text_frame(payload) if self.read_binary is None else websocket.binary_frame(payload)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one connection."""

    login_seconds: int
    ping_seconds: int
    pong_seconds: int
    message_bytes: int
    outbox_bytes: int


class Host(Protocol):
    """What a connection needs of its gateway."""

    limits: Limits

    def arm(self, connection: "Connection", seconds: float) -> None: ...
    def log_in(self, connection: "Connection", login: Login) -> None: ...
    def left(self, connection: "Connection", closing: Closing) -> None: ...
    def lost(self, connection: "Connection") -> None: ...
    def caught_up(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Kept small: an idle connection is this object, its session and its frame reader."""

    __slots__ = (
        "_backlog",
        "_host",
        "_pinged_at",
        "_reader",
        "_transport",
        "_unanswered",
        "fd",
        "outbox",
        "session",
        "slot",
        "wire",
    )

    def __init__(self, host: Host, wire: Wire, transport: asyncio.Transport) -> None:
        self._host = host
        self._transport = transport
        self._reader = FrameReader(host.limits.message_bytes)
        self._backlog: list[Event] | None = None
        self._pinged_at = 0.0
        self._unanswered = False
        self.wire = wire
        self.session: Session[Connection] = Session(self, wire.codec)
        self.outbox: Outbox | None = None
        self.slot = -1
        self.fd: int = transport.get_extra_info("socket").fileno()
        # Any byte the transport cannot pass on pauses us: from then on the backlog is the outbox's, and bounded.
        transport.set_write_buffer_limits(high=0)

    # --- in --------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        for incoming in self._reader.feed(data):
            self._take(incoming)

    def eof_received(self) -> None:
        # RFC 6455 section 7.1.1: who half-closes without a close frame has gone.
        self._leave(Closing.NORMAL)
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.fd = -1
        self.outbox = None
        self._leave(Closing.NORMAL)
        self._host.lost(self)

    def _take(self, incoming: Incoming) -> None:
        if self.fd < 0:
            if isinstance(incoming, CloseFrame):
                self._transport.close()
            return
        match incoming:
            case Text(text) if self.wire.read_text is not None:
                self.hear(self.wire.read_text(text))
            case Binary(data) if self.wire.read_binary is not None:
                self.hear(self.wire.read_binary(data))
            case Text() | Binary():
                self.close(Closing.UNSUPPORTED_DATA)
            case PingFrame(payload):
                self.write(websocket.pong_frame(payload))
            case CloseFrame():
                # RFC 6455 section 5.5.1: answer a close with a close; the server ends the TCP connection first.
                self.close(Closing.NORMAL)
                self._transport.close()
            case Violation(closing):
                # Half-closed, so that the reason arrives although the client may still be sending.
                self.close(closing)
                self._transport.write_eof()
            case PongFrame():
                self._unanswered = False

    def hear(self, events: Sequence[Event]) -> None:
        """Act on events in order. A login takes time: what follows it waits, and nothing more is read meanwhile."""
        for index, event in enumerate(events):
            if self.fd < 0:
                return
            if self.session.state is State.LOGGING_IN:
                if self._backlog is None:
                    self._backlog = []
                self._backlog += events[index:]
                return
            self._act(event)

    def _act(self, event: Event) -> None:
        match self.session.heard(event), event:
            case Step.LOG_IN, Login():
                self.session.state = State.LOGGING_IN
                self._host.log_in(self, event)
            case Step.NOTE_PONG, Pong():
                self._unanswered = False
            case Step.DENY, Unsupported(request_id):
                # Request 0 is a message that asks for no answer.
                if request_id:
                    self.send(self.wire.deny(event))
            case Closing() as closing, _:
                self.close(closing)

    def pause(self) -> None:
        """Read nothing more until the login is done."""
        if self.fd >= 0:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Go on reading after a login."""
        if self.fd < 0:
            return
        if not self._transport.is_reading():
            self._transport.resume_reading()
        backlog, self._backlog = self._backlog, None
        self.hear(backlog or ())

    # --- out -------------------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        self.write(self.wire.frame(command))

    def write(self, frame: bytes) -> None:
        """Write whole frames now, or keep them in order until the socket takes them."""
        if self.fd < 0:
            return
        if self.outbox is not None:
            self.queue(frame)
            return
        try:
            sent = os.write(self.fd, frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.abort()
            return
        if sent < len(frame):
            self.hold(frame, sent)

    def hold(self, frame: bytes, sent: int) -> None:
        """Begin a backlog with the rest of a frame of which `sent` bytes went out, unless the socket takes it now."""
        self.outbox = Outbox()
        self._hand(frame[sent:])
        if self.fd >= 0 and not self.outbox.held_bytes:
            self.outbox = None

    def queue(self, frame: bytes) -> None:
        """Add to the backlog. A client that lets it grow over the bound is closed as slow."""
        if self.outbox is None or self.fd < 0:
            return
        self.outbox.add(frame)
        if self.outbox.size_bytes > self._host.limits.outbox_bytes:
            self.close(Closing.SLOW)

    def resume_writing(self) -> None:
        """Go on with the backlog: the transport holds nothing any more."""
        if self.outbox is not None:
            self.outbox.held_bytes = 0
            self._drain(self.outbox)

    def _drain(self, outbox: Outbox) -> None:
        while self.fd >= 0 and not outbox.held_bytes:
            frames = outbox.take(_DRAIN_BYTES)
            if not frames:
                self.outbox = None
                self._host.caught_up(self)
                return
            try:
                sent = os.writev(self.fd, frames)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.abort()
                return
            rest = b"".join(frames)[sent:]
            if rest:
                self._hand(rest)

    def _hand(self, rest: bytes) -> None:
        """Let the transport wait for the socket with these bytes; it calls resume_writing when they are gone."""
        self._transport.write(rest)
        if self.outbox is None:
            return
        self.outbox.held_bytes = self._transport.get_write_buffer_size()
        if self.outbox.size_bytes > self._host.limits.outbox_bytes:
            self.close(Closing.SLOW)

    # --- time ------------------------------------------------------------------------------------------------------

    def start_pings(self, now: float, first_seconds: float) -> None:
        """Ping for the first time in `first_seconds`, then every `ping_seconds`."""
        self._pinged_at = now + first_seconds - self._host.limits.ping_seconds
        self._unanswered = False
        self._host.arm(self, first_seconds)

    def due(self, now: float) -> None:
        limits = self._host.limits
        if self.fd < 0:
            self.abort()
        elif self.session.state in (State.NEW, State.LOGGING_IN):
            self.close(Closing.LOGIN_TIMEOUT)
        elif self._unanswered and now - self._pinged_at >= limits.pong_seconds:
            self.close(Closing.NO_PONG)
        elif self._unanswered:
            self._host.arm(self, self._pinged_at + limits.pong_seconds - now)
        elif now - self._pinged_at >= limits.ping_seconds:
            self._pinged_at, self._unanswered = now, True
            self._host.arm(self, min(limits.ping_seconds, limits.pong_seconds))
            self.send(Ping())
        else:
            self._host.arm(self, self._pinged_at + limits.ping_seconds - now)

    # --- the end ---------------------------------------------------------------------------------------------------

    def close(self, closing: Closing) -> None:
        """Say why, and end. What waits in the outbox is given up; a frame that has begun is finished first."""
        if self.fd < 0:
            return
        self.fd = -1
        if self.outbox is not None:
            self.outbox.clear()
        self._transport.write(websocket.close_frame(closing.code, closing.reason))
        self._transport.resume_reading()
        self._leave(closing)
        self._host.arm(self, CLOSE_SECONDS)

    def abort(self) -> None:
        """End at once, without a word: the other side does not listen."""
        self.fd = -1
        self._leave(Closing.WRITE_ERROR)
        self._transport.abort()

    def _leave(self, closing: Closing) -> None:
        if self.session.state is not State.CLOSED:
            self._host.left(self, closing)
            self.session.state = State.CLOSED
