"""One client's connection over any transport: events to its session; frames out, directly where possible.

The contract of the direct write (design.md 6.2): `fd` is the socket's number while frames may go out, and -1 from
before the transport is closed, because the kernel gives a closed number to the next connection that comes. It is
kept nowhere else. While the transport holds bytes of ours nothing is written around it.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from laba.adapters.gateway.links import Client, Gone, Link
from laba.adapters.gateway.outbox import Outbox, Waiting
from laba.core.session import Session, State, Step
from laba.model.closing import Closing
from laba.model.dispatch import Level
from laba.model.session import (
    Ask,
    Command,
    Count,
    Denied,
    Event,
    Join,
    Leave,
    Login,
    Look,
    Ping,
    Pong,
    Review,
    RoomEvent,
    Say,
    Unsupported,
    Welcome,
)
from laba.service.progress import Counts

# How much goes into one system call, and so at most into the transport, when a backlog drains.
_DRAIN_BYTES = 32768
# Of the bound of an outbox, how much is made free when it is reached: to look for what can go takes time.
_ROOM_SHARE = 8
# How long a client may take to let go of a connection that was closed before it is cut.
CLOSE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Wire:
    """One form of a client protocol on one transport: how it is written, framing included.

    `codec` names its frames. `farewell` tells the client why its connection ends. A client without pongs is pinged
    all the same, so that the network in between knows the connection to be alive.
    """

    codec: str
    frame: Callable[[Command], bytes]
    farewell: Callable[[Closing], bytes]
    deny: Callable[[Unsupported], Denied]
    has_pongs: bool


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
    def ask(self, connection: "Connection", ask: Ask) -> None: ...
    def talk(self, connection: "Connection", event: RoomEvent) -> None: ...
    def confirm(self, connection: "Connection") -> None: ...
    def register(self, connection: "Connection") -> tuple[str, str]: ...
    def left(self, client: Client, closing: Closing, *, orderly: bool = False) -> None: ...
    def lost(self, connection: "Connection") -> None: ...
    def caught_up(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Kept small: an idle connection is this object, its session and what its transport needs to read."""

    __slots__ = (
        "_backlog",
        "_host",
        "_pinged_at",
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
        # What the client said while an earlier word of it is being dealt with; None while none is.
        self._backlog: deque[Event] | None = None
        self._pinged_at = 0.0
        self._unanswered = False
        self.wire = wire
        self.session: Session[Link] = Session(self, wire.codec)
        self.outbox: Outbox | None = None
        self.slot = -1
        self.fd: int = transport.get_extra_info("socket").fileno()
        # Any byte the transport cannot pass on pauses us: from then on the backlog is the outbox's, and bounded.
        transport.set_write_buffer_limits(high=0)

    # --- in --------------------------------------------------------------------------------------------------------

    def eof_received(self) -> None:
        # Who half-closes without a word has gone: nothing could ever be heard of it again.
        self._leave(Closing.NORMAL)
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.fd = -1
        self._leave(Closing.NORMAL)
        outbox, self.outbox = self.outbox, None
        if outbox is not None:
            outbox.abandon()
        self._host.lost(self)
        self.session.link = Gone()

    def hear(self, events: Iterable[Event]) -> None:
        """Act on events in order. A login or a question takes time: what follows it waits."""
        for event in events:
            if self.fd < 0:
                return
            if self._backlog is None:
                self._act(event)
            else:
                self._backlog.append(event)

    @property
    def waiting_events(self) -> int:
        return len(self._backlog or ())

    def _act(self, event: Event) -> None:
        match self.session.heard(event), event:
            case Step.LOG_IN, Login():
                self.session.state = State.LOGGING_IN
                self._backlog = deque()
                self._host.log_in(self, event)
            case Step.ASK, Ask():
                self._backlog = deque()
                self._host.ask(self, event)
            case Step.TALK, Join() | Leave() | Say() | Look() | Count() | Review():
                self._backlog = deque()
                self._host.talk(self, event)
            case Step.NOTE_PONG, Pong():
                if self._unanswered:
                    self._unanswered = False
                    self._host.confirm(self)
            case Step.DENY, Unsupported(request_id):
                # Request 0 is a message that asks for no answer.
                if request_id:
                    self.send(self.wire.deny(event))
            case Closing() as closing, _:
                self.close(closing)

    def pause(self) -> None:
        """Read nothing more until what takes time is done."""
        if self.fd >= 0:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Go on with what the client said after its login or question, until the next that takes time."""
        waiting, self._backlog = self._backlog, None
        while waiting and self.fd >= 0:
            self._act(waiting.popleft())
            if self._backlog is not None:
                self._backlog = waiting
                return
        if self.fd >= 0 and not self._transport.is_reading():
            self._transport.resume_reading()

    # --- out -------------------------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        self.write(self.wire.frame(command))

    def write(self, frame: bytes, progress: Counts | None = None) -> None:
        """Write whole frames now, or keep them in order until the socket takes them; tell `progress` which it was."""
        if self.outbox is not None or self.fd < 0:
            self.queue(frame, progress)
            return
        try:
            sent = os.write(self.fd, frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.abort()
            if progress is not None:
                progress.lost(1, _name(Closing.WRITE_ERROR))
            return
        if sent < len(frame):
            self.hold(frame, sent, progress)
        elif progress is not None:
            progress.handed(1)

    def hold(self, frame: bytes, sent: int, progress: Counts | None = None) -> None:
        """Begin a backlog with the rest of a frame of which `sent` bytes went out, unless the socket takes it now."""
        self.outbox = Outbox()
        self._hand(self.outbox, frame[sent:], (progress,))
        if self.fd >= 0 and not self.outbox.held_bytes:
            self.outbox = None

    def hold_rest(self, frames: Sequence[tuple[bytes, Counts]], sent: int) -> None:
        """Begin a backlog with what follows the first `sent` bytes of these frames."""
        self.outbox = Outbox()
        self._hand_rest(self.outbox, [Waiting(*each) for each in frames], sent)
        if self.fd >= 0 and not self.outbox.held_bytes:
            self.outbox = None

    def queue(
        self, frame: bytes, progress: Counts | None = None, level: Level | None = None, channel: str = ""
    ) -> None:
        """Add to the backlog. At the bound low, then normal messages of rooms are left out.

        Where that is not enough the client is closed as slow. Some room is made at once, for what comes next.
        """
        if self.outbox is None or self.fd < 0:
            if progress is not None:
                progress.lost(1, "closed")
            return
        self.outbox.add(Waiting(frame, progress, level, channel))
        most = self._host.limits.outbox_bytes
        if self.outbox.size_bytes > most:
            self.outbox.shed(self.outbox.size_bytes - most + most // _ROOM_SHARE)
            if self.outbox.size_bytes > most:
                self.close(Closing.SLOW)

    def resume_writing(self) -> None:
        """Go on with the backlog: the transport holds nothing any more."""
        if self.outbox is not None:
            self.outbox.release()
            self._drain(self.outbox)

    def _drain(self, outbox: Outbox) -> None:
        while self.fd >= 0 and not outbox.held_bytes:
            waiting = outbox.take(_DRAIN_BYTES)
            if not waiting:
                self.outbox = None
                self._host.caught_up(self)
                return
            try:
                sent = os.writev(self.fd, [one.frame for one in waiting])
            except BlockingIOError:
                sent = 0
            except OSError:
                for one in waiting:
                    outbox.hold(one.progress)
                self.abort()
                return
            self._hand_rest(outbox, waiting, sent)

    def _hand_rest(self, outbox: Outbox, waiting: Sequence[Waiting], sent: int) -> None:
        """Tell of the frames that went out whole, and let the transport wait with the others."""
        for index, one in enumerate(waiting):
            if sent < len(one.frame):
                rest = b"".join(left.frame for left in waiting[index:])[sent:]
                self._hand(outbox, rest, [left.progress for left in waiting[index:]])
                return
            sent -= len(one.frame)
            if one.progress is not None:
                one.progress.handed(1)

    def _hand(self, outbox: Outbox, rest: bytes, progresses: Iterable[Counts | None]) -> None:
        """Let the transport wait for the socket with these bytes; it calls resume_writing when they are gone."""
        for progress in progresses:
            outbox.hold(progress)
        self._transport.write(rest)
        outbox.held_bytes = self._transport.get_write_buffer_size()
        if self._transport.is_closing():
            outbox.abandon()
        elif not outbox.held_bytes:
            outbox.release()
        elif outbox.size_bytes > self._host.limits.outbox_bytes:
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
            self._pinged_at, self._unanswered = now, self.wire.has_pongs
            self.session.pinged = self.session.written
            self._host.arm(self, min(limits.ping_seconds, limits.pong_seconds))
            self.send(Ping())
        else:
            self._host.arm(self, self._pinged_at + limits.ping_seconds - now)

    # --- the end ---------------------------------------------------------------------------------------------------

    def greet(self, welcome: Welcome) -> None:
        """Tell the client that it is logged in."""
        self.send(welcome)

    def turn_away(self, denied: Denied) -> None:
        """Tell the client that its login failed, and that it may try once more."""
        self.session.state = State.NEW
        self.send(denied)

    def close(self, closing: Closing) -> None:
        """Say why, and end. What waits in the outbox is given up; a frame that has begun is finished first."""
        if self.fd < 0:
            return
        self.fd = -1
        self._leave(closing)
        self._transport.write(self.wire.farewell(closing))
        self._transport.resume_reading()
        self._host.arm(self, CLOSE_SECONDS)

    def abort(self) -> None:
        """End at once, without a word: the other side does not listen."""
        self.fd = -1
        self._leave(Closing.WRITE_ERROR)
        self._transport.abort()

    def _leave(self, closing: Closing, *, orderly: bool = False) -> None:
        if self.session.state is State.CLOSED:
            return
        if self.outbox is not None:
            self.outbox.clear(_name(closing))
        self._host.left(self, closing, orderly=orderly)
        self.session.state = State.CLOSED


def _name(closing: Closing) -> str:
    return closing.name.lower()
