"""From the bus to this node's sessions: a batch is encoded once per codec, logged, and goes on with its audience."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import Any, Generic, Protocol, TypeVar

from laba.core import arrears
from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.core.tally import Tally
from laba.core.window import Bounds, Kept, Window
from laba.model.app import App
from laba.model.attendance import Seat
from laba.model.closing import Closing
from laba.model.dispatch import Audience, Message
from laba.model.notice import Notice
from laba.model.stream import Batch, Entry, Position, Revocation, Stream
from laba.ports import StoreBusyError, Streams
from laba.service.dispatching import APP_CHANNEL
from laba.service.ground import Ground
from laba.service.lasting import LastingLogs
from laba.service.outgoing import Outgoing, Rank
from laba.service.progress import Progress
from laba.service.reporting import Reporting
from laba.service.strain import Strain

Link = TypeVar("Link")

# (channel as its client calls it, the message's position, the message as `envelope` wrote it) -> bytes for the wire,
# framing included.
Encoder = Callable[[str, Position, bytes], bytes]

# The canonical message as JSON (design.md section 4).
Envelope = Callable[[Message], bytes]

# Writes that may wait for the writing loop. Then the bus waits, and behind it the ledger and the lanes hold the rest.
_OUTGOING_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class Codecs:
    """How messages are written: once as `envelope`, and around it once for each codec that somebody here speaks."""

    envelope: Envelope
    encoders: Mapping[str, Encoder]


@dataclass(frozen=True, slots=True)
class Press:
    """What deliveries are made with, and where they go."""

    codecs: Codecs
    outgoing: Outgoing[Any]
    reporting: Reporting
    ground: Ground

    @classmethod
    def of(cls, codecs: Codecs, reporting: Reporting, ground: Ground) -> "Press":
        return cls(codecs, Outgoing(_OUTGOING_LIMIT, Strain()), reporting, ground)


class Encoded(dict[str, bytes]):
    """One message in the codecs that were asked for so far."""

    __slots__ = ("_channel", "_codecs", "_data", "_position")

    def __init__(self, channel: str, position: Position, data: bytes, codecs: Codecs) -> None:
        super().__init__()
        self._channel = channel
        self._position = position
        self._data = data
        self._codecs = codecs

    def __missing__(self, codec: str) -> bytes:
        frame = self[codec] = self._codecs.encoders[codec](self._channel, self._position, self._data)
        return frame


class Framed(Protocol):
    """What has its bytes for each codec: a message in a log, or a part of a batch."""

    @property
    def frames(self) -> Mapping[str, bytes]: ...


class Joined(dict[str, bytes]):
    """Several of these as one bytes object, in the codecs that were asked for so far."""

    __slots__ = ("_framed",)

    def __init__(self, framed: Sequence[Framed]) -> None:
        super().__init__()
        self._framed = framed

    def __missing__(self, codec: str) -> bytes:
        frame = self[codec] = b"".join(one.frames[codec] for one in self._framed)
        return frame


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Link]):
    """A batch on its way to the sessions it is for. `joined` is the whole batch as one bytes object per codec."""

    key: Stream
    kept: tuple[Kept, ...]
    joined: Mapping[str, bytes]
    sessions: list[Session[Link]]
    progress: Progress

    rank = Rank.NORMAL
    gathers = False

    @property
    def first(self) -> int:
        return self.kept[0].offset

    @property
    def last(self) -> int:
        return self.kept[-1].offset

    def rest(self, session: Session[Link]) -> bytes:
        """Give what of the batch a session has not had, where it joined in the middle of it."""
        return b"".join(one.frames[session.codec] for one in self.kept if one.offset > session.written)


@dataclass(frozen=True, slots=True)
class Portion:
    """Some of what a returning session is owed, as one piece, and whom to tell when the socket has it."""

    frames: bytes
    progress: Progress


@dataclass(frozen=True, slots=True)
class Eviction(Generic[Link]):
    """Sessions that are to end, when what waits before it in the app's stream is written."""

    key: Stream
    sessions: tuple[Session[Link], ...]
    closing: Closing

    rank = Rank.NORMAL
    gathers = False


class Fanout(Generic[Link]):
    """Keeps the window logs of this node, and makes deliveries of what the bus brings."""

    def __init__(self, roster: Roster[Link], streams: Streams, bounds: Bounds, lasting: Bounds, press: Press) -> None:
        self.outgoing = press.outgoing
        self._roster = roster
        self._streams = streams
        self._bounds = bounds
        self._codecs = press.codecs
        self._reporting = press.reporting
        self._ground = press.ground
        self._windows: dict[Stream, Window] = {}
        self._lasting = LastingLogs(streams, lasting, press.ground)
        self._opening = asyncio.Lock()

    async def run(
        self, notices: AsyncIterator[Notice], about_rooms: Callable[[Notice], Awaitable[None]] | None = None
    ) -> None:
        """Take up what the bus brings until cancelled; what is about rooms goes on to those who know them."""
        async for notice in notices:
            match notice:
                case Revocation(app_uuid, user, closing):
                    sessions = self._roster.of_user(app_uuid, user)
                    await self.outgoing.put(Eviction(Stream(app_uuid, APP_CHANNEL), sessions, closing))
                    if about_rooms is not None:
                        await about_rooms(notice)
                case Batch():
                    try:
                        window = await self.open(notice.stream)
                    except (StoreBusyError, OSError):
                        # No log, hence nobody here: who comes next reads the batch from the ledger.
                        self._ground.meter.count("laba_store_failures_total")
                        continue
                    if notice.last > window.position.offset:
                        await self.outgoing.put(self._delivery(notice, window))
                    else:
                        self._went_to_nobody(notice)
                case _ if about_rooms is not None:
                    await about_rooms(notice)

    def _went_to_nobody(self, batch: Batch) -> None:
        """Report a batch that was in the log when that was opened: nobody was here before it."""
        for entry in batch.entries:
            dispatch = entry.message.dispatch
            self._reporting.watch(dispatch.id, Tally(dispatch.accepted_at_ms, 0))

    async def open_app(self, app: App) -> Window:
        return await self.open(Stream(app.uuid, APP_CHANNEL))

    async def open(self, stream: Stream) -> Window:
        """Give the stream's window log, filled from the ledger when this node asks for the first time."""
        window = self._windows.get(stream)
        if window is not None:
            return window
        async with self._opening:
            if stream not in self._windows:
                self._windows[stream] = await self._restored(stream)
            return self._windows[stream]

    def missed(self, session: Session[Link], budget_bytes: int) -> Portion | None:
        """Give the next portion a returning session is owed, about `budget_bytes`; ask again until it is live.

        None where the log has lost what comes next: the session took too long, and must come back to be told so.

        Synchronous on purpose: between reading the log and being live nothing can be delivered in between.
        """
        taken: list[Kept] = []
        if session.state is State.CATCHING_UP and session.seat is not None:
            budget_bytes -= self._take_arrears(session, session.seat, budget_bytes, taken)
            if session.arrears is None or session.written >= session.arrears.upto:
                window = self._log_of(session.seat)
                if session.written >= window.floor:
                    self._take_missed(session, window, budget_bytes, taken)
                elif not taken:
                    return None
        later = sum(kept.to_all and kept.offset <= session.joined_at for kept in taken)
        if later:
            self._ground.meter.count("laba_delivered_later_total", later)
        # Those that went out after it had joined count it in their audience.
        counting = [kept.tally for kept in taken if kept.tally is not None and kept.offset > session.joined_at]
        frames = b"".join(kept.frames[session.codec] for kept in taken)
        return Portion(frames, Progress(counting, self._ground))

    def to_all(self, seat: Seat, since_ms: int) -> list[int]:
        """Give the offsets of what was accepted for all users since then and is still owed to who has not had it."""
        stream = Stream(seat.app_uuid, APP_CHANNEL)
        last = self._windows[stream].position.offset
        every = self._lasting.of(stream).after(0)
        return [kept.offset for kept in every if kept.accepted_at_ms >= since_ms and kept.offset <= last]

    def _take_arrears(self, session: Session[Link], seat: Seat, budget_bytes: int, taken: list[Kept]) -> int:
        """Take what the session is owed from the lasting log; tells what that costs."""
        if session.arrears is None or session.written >= session.arrears.upto:
            return 0
        log = self._lasting.of(Stream(seat.app_uuid, APP_CHANNEL))
        portion = arrears.portion(session.arrears, log, session.written, session.codec, budget_bytes)
        session.written = portion.upto
        taken += portion.taken
        return portion.size_bytes

    def _take_missed(self, session: Session[Link], window: Window, budget_bytes: int, taken: list[Kept]) -> None:
        size = 0
        for kept in window.after(session.written):
            if size >= budget_bytes:
                return
            session.written = kept.offset
            size += arrears.PASSED_OVER_BYTES
            if session.entitled(kept.offset, kept.accepted_at_ms, to_all=kept.to_all):
                taken.append(kept)
                size += len(kept.frames[session.codec])
        session.written = window.position.offset
        session.state = State.LIVE
        session.owed, session.arrears = (), None

    def given_up(self, session: Session[Link]) -> None:
        """Note that a session ends before it had what it missed: what counted it in its audience has lost it."""
        if session.state is not State.CATCHING_UP or session.seat is None:
            return
        window = self._log_of(session.seat)
        for kept in window.after(max(session.written, session.joined_at)):
            if kept.tally is not None:
                kept.tally.lose(1, "closed")
        session.written = max(session.written, window.position.offset)

    def confirmed(self, seat: Seat, after: int, upto: int) -> None:
        """Note that one session has for sure what went out to it, behind `after` and up to `upto`."""
        for kept in takewhile(lambda one: one.offset <= upto, self._log_of(seat).after(after)):
            if kept.tally is not None:
                kept.tally.confirmed += 1

    def newest_of(self, session: Session[Link], message_ids: frozenset[int]) -> int:
        """Give the highest offset of these messages among those written and not confirmed, 0 for none."""
        if session.seat is None:
            return 0
        logs = self._log_of(session.seat), self._lasting.of(Stream(session.seat.app_uuid, APP_CHANNEL))
        written = chain.from_iterable(
            takewhile(lambda one: one.offset <= session.written, log.after(session.confirmed)) for log in logs
        )
        return max((kept.offset for kept in written if kept.message_id in message_ids), default=0)

    def trim(self) -> None:
        """Forget what has left the window; to be called every few seconds."""
        now_ms = self._ground.clock()
        for window in self._windows.values():
            window.trim(now_ms)
        self._lasting.trim(now_ms)

    def _log_of(self, seat: Seat) -> Window:
        """Give the log of the app's stream, which is open where a session has a seat."""
        return self._windows[Stream(seat.app_uuid, APP_CHANNEL)]

    def _delivery(self, batch: Batch, window: Window) -> Delivery[Link]:
        """Log the batch and select its audience in one step: who joins later reads it from the log, or is past it."""
        audience = batch.entries[0].message.dispatch.audience
        sessions = self._roster.select(batch.stream.app_uuid, audience)
        kept = tuple(
            self._kept(batch, entry, len(sessions))
            for entry in batch.entries
            if entry.offset > window.position.offset
        )
        lost = window.lost
        for one in kept:
            window.add(one)
            if one.to_all:
                self._lasting.add(batch.stream, one)
        if window.lost > lost:
            self._ground.meter.count("laba_window_lost_total", window.lost - lost)
        tallies = [one.tally for one in kept if one.tally is not None]
        return Delivery(batch.stream, kept, Joined(kept), sessions, Progress(tallies, self._ground))

    def _kept(self, batch: Batch, entry: Entry, audience: int | None = None) -> Kept:
        message = entry.message
        data = self._codecs.envelope(message)
        frames = Encoded(
            batch.stream.channel.partition(":")[0], Position(batch.epoch, entry.offset), data, self._codecs
        )
        tally = None if audience is None else Tally(message.dispatch.accepted_at_ms, audience)
        if tally is not None:
            self._reporting.watch(message.dispatch.id, tally)
        accepted_at_ms, to_all = message.dispatch.accepted_at_ms, message.dispatch.audience is Audience.ALL_USERS
        return Kept(entry.offset, message.id, accepted_at_ms, len(data), frames, tally, to_all=to_all)

    async def _restored(self, stream: Stream) -> Window:
        # In this order: what is given a place meanwhile is read, too, and the position is never ahead of the log.
        position = await self._streams.position(stream)
        batches = await self._streams.read(stream, self._ground.clock() - self._bounds.window_ms)
        kept = [self._kept(batch, entry) for batch in batches for entry in batch.entries]
        floor = kept[0].offset - 1 if kept else position.offset
        window = Window(position._replace(offset=floor), self._bounds)
        for one in kept:
            window.add(one)
        await self._lasting.restore(stream, window, self._kept)
        return window
