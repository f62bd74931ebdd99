"""From the bus to this node's sessions: a batch is encoded once per codec, logged, and goes on with its audience."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, takewhile
from types import MappingProxyType
from typing import Generic, TypeVar

from laba.core.catchup import portion
from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.core.tally import Tally
from laba.core.targeting import reaches
from laba.core.window import Bounds, Kept, Reach, Window
from laba.model.app import App
from laba.model.attendance import Seat
from laba.model.closing import Closing
from laba.model.dispatch import Audience
from laba.model.notice import Notice, Tagging
from laba.model.stream import Batch, Entry, Position, Revocation, Stream
from laba.model.targets import Targets
from laba.ports import StoreBusyError, Streams
from laba.service.chosen import ChosenLogs
from laba.service.dispatching import APP_CHANNEL, USER_CHANNEL
from laba.service.lasting import LastingLogs
from laba.service.outgoing import Rank
from laba.service.press import Encoded, Joined, Press
from laba.service.progress import Progress

Link = TypeVar("Link")

# How many messages to its user alone a session may have that it has not confirmed; at the bound the oldest is
# forgotten, and counts as not delivered.
_INBOX_LIMIT = 1000

_REACHES: Mapping[Audience, Reach] = MappingProxyType(
    {
        Audience.ONLINE_USERS: Reach.PRESENT,
        Audience.RECENT_USERS: Reach.RECENT,
        Audience.ALL_USERS: Reach.ALL,
        Audience.TARGETS: Reach.CHOSEN,
    }
)


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
        self._chosen = ChosenLogs()
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
                    await self._take_up(notice, window)
                case Tagging(app_uuid, users, tags):
                    self._roster.tag(app_uuid, users, tags)
                case _ if about_rooms is not None:
                    await about_rooms(notice)

    async def _take_up(self, batch: Batch, window: Window) -> None:
        """Make deliveries of a batch, one for each run of messages with the same audience."""
        if batch.last <= window.position.offset:
            self._went_to_nobody(batch)
            return
        fresh = [entry for entry in batch.entries if entry.offset > window.position.offset]
        for (audience, targets), entries in groupby(fresh, key=_selection):
            sessions = self._roster.select(batch.stream.app_uuid, audience, targets)
            await self.outgoing.put(self._delivery(batch, list(entries), window, sessions))

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
            if session.arrears is not None and session.written < session.arrears.upto:
                lasting = self._lasting.of(Stream(session.seat.app_uuid, APP_CHANNEL)).after(session.written)
                budget_bytes -= self._take(session, lasting, session.arrears.upto, budget_bytes, taken)
            if session.arrears is None or session.written >= session.arrears.upto:
                window = self._log_of(session.seat)
                if session.written >= window.floor:
                    self._take_missed(session, window, budget_bytes, taken)
                elif not taken:
                    return None
        later = sum(kept.reach is not Reach.PRESENT and kept.offset <= session.joined_at for kept in taken)
        if later:
            self._ground.meter.count("laba_delivered_later_total", later)
        # Those that went out after it had joined count it in their audience.
        counting = [kept.tally for kept in taken if kept.tally is not None and kept.offset > session.joined_at]
        frames = b"".join(kept.frames[session.codec] for kept in taken)
        return Portion(frames, Progress(counting, self._ground))

    def lasting(self, seat: Seat, user_since_ms: int, now_ms: int) -> list[int]:
        """Give the offsets of what is owed to who has not had it, wherever it was, inboxes apart (V1, R5)."""
        stream = Stream(seat.app_uuid, APP_CHANNEL)
        window = self._windows[stream]
        to_all = self._lasting.of(stream).after(0)
        return sorted(
            [
                *(kept.offset for kept in window.recent(self.recent_since_ms(now_ms))),
                *(
                    kept.offset
                    for kept in to_all
                    if kept.accepted_at_ms >= user_since_ms and kept.offset <= window.position.offset
                ),
            ]
        )

    def recent_since_ms(self, now_ms: int) -> int:
        """Tell when the window began: what was accepted then is the oldest that who comes now still gets (R5)."""
        return now_ms - self._bounds.window_ms

    def chosen(self, batch: Batch) -> list[Kept]:
        """Give messages to chosen users as encoded: those that went out here, as the same bytes."""
        return [self._chosen.find(batch.stream, entry.offset) or self._kept(batch, entry) for entry in batch.entries]

    def _take_missed(self, session: Session[Link], window: Window, budget_bytes: int, taken: list[Kept]) -> None:
        end = window.position.offset
        self._take(session, window.after(session.written), end, budget_bytes, taken)
        if session.written >= end:
            session.state = State.LIVE
            session.owed, session.arrears = (), None

    def _take(
        self, session: Session[Link], log: Iterable[Kept], upto: int, budget_bytes: int, taken: list[Kept]
    ) -> int:
        """Take some of what the session is owed from a log; tells what that costs."""
        some = portion(session, log, upto, budget_bytes)
        session.written = some.upto
        taken += some.taken
        return some.size_bytes

    def given_up(self, session: Session[Link]) -> None:
        """Note that a session ends before it had what it missed: what counted it in its audience has lost it."""
        if session.state is not State.CATCHING_UP or session.seat is None:
            return
        window = self._log_of(session.seat)
        since = max(session.written, session.joined_at)
        for kept in chain(window.after(since), (one for one in session.inbox or () if one.offset > since)):
            if kept.tally is not None and session.entitled(kept):
                kept.tally.lose(1, "closed")
        session.written = max(session.written, window.position.offset)

    def confirmed(self, session: Session[Link], seat: Seat, after: int, upto: int) -> None:
        """Note that one session has for sure what went out to it, behind `after` and up to `upto`."""
        for kept in takewhile(lambda one: one.offset <= upto, self._log_of(seat).after(after)):
            if kept.tally is not None and reaches(kept.targets, session.platform):
                kept.tally.confirmed += 1

    def newest_of(self, session: Session[Link], message_ids: frozenset[int]) -> int:
        """Give the highest offset of these messages among those written and not confirmed, 0 for none."""
        if session.seat is None:
            return 0
        logs = self._log_of(session.seat), self._lasting.of(Stream(session.seat.app_uuid, APP_CHANNEL))
        written = chain.from_iterable(
            takewhile(lambda one: one.offset <= session.written, log)
            for log in (*(log.after(session.confirmed) for log in logs), session.inbox or ())
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

    def _delivery(
        self, batch: Batch, entries: Sequence[Entry], window: Window, sessions: list[Session[Link]]
    ) -> Delivery[Link]:
        """Log messages with their audience in one step: who joins later reads them from the log, or is past them."""
        kept = tuple(self._kept(batch, entry, len(sessions)) for entry in entries)
        lost = window.lost
        for entry, one in zip(entries, kept, strict=True):
            self._withdraw(batch.stream, entry.message.dispatch.recalls, window)
            self._log(batch.stream, one, window, sessions)
        if window.lost > lost:
            self._ground.meter.count("laba_window_lost_total", window.lost - lost)
        tallies = [one.tally for one in kept if one.tally is not None]
        return Delivery(batch.stream, kept, Joined(kept), sessions, Progress(tallies, self._ground))

    def _log(self, stream: Stream, kept: Kept, window: Window, sessions: Iterable[Session[Link]]) -> None:
        if kept.reach is not Reach.CHOSEN:
            window.add(kept)
            if kept.reach is Reach.ALL:
                self._lasting.add(stream, kept)
            return
        window.pass_over(kept.offset)
        self._chosen.add(stream, kept)
        for session in sessions:
            if session.inbox is not None and len(session.inbox) >= _INBOX_LIMIT:
                self._ground.meter.count("laba_inbox_given_up_total")
            session.inbox = [*(session.inbox or ())[1 - _INBOX_LIMIT :], kept]

    def _withdraw(self, stream: Stream, message_id: int | None, window: Window) -> None:
        """Give a recalled message to nobody any more (X3)."""
        if message_id is None:
            return
        window.withdraw(message_id)
        self._lasting.of(stream).withdraw(message_id)
        self._chosen.withdraw(stream, message_id)
        for session in self._roster.select(stream.app_uuid, Audience.ONLINE_USERS):
            if session.inbox:
                session.inbox = [kept for kept in session.inbox if kept.message_id != message_id] or None

    def _kept(self, batch: Batch, entry: Entry, audience: int | None = None) -> Kept:
        message, dispatch = entry.message, entry.message.dispatch
        data = self._codecs.envelope(message)
        reach = _REACHES[dispatch.audience]
        channel = USER_CHANNEL if reach is Reach.CHOSEN else APP_CHANNEL
        frames = Encoded(channel, Position(batch.epoch, entry.offset), data, self._codecs)
        tally = None if audience is None else Tally(dispatch.accepted_at_ms, audience)
        if tally is not None:
            self._reporting.watch(dispatch.id, tally)
        return Kept(
            entry.offset,
            message.id,
            dispatch.accepted_at_ms,
            len(data),
            frames,
            tally,
            reach=reach,
            targets=dispatch.targets,
        )

    async def _restored(self, stream: Stream) -> Window:
        # In this order: what is given a place meanwhile is read, too, and the position is never ahead of the log.
        position = await self._streams.position(stream)
        batches = await self._streams.read(stream, self._ground.clock() - self._bounds.window_ms)
        entries = [(batch, entry) for batch in batches for entry in batch.entries]
        floor = entries[0][1].offset - 1 if entries else position.offset
        window = Window(position._replace(offset=floor), self._bounds)
        for batch, entry in entries:
            if entry.message.dispatch.audience is Audience.TARGETS:
                window.pass_over(entry.offset)
            else:
                window.add(self._kept(batch, entry))
        # What was recalled is not read any more, but has had its place.
        window.pass_over(position.offset)
        await self._lasting.restore(stream, window, self._kept)
        return window


def _selection(entry: Entry) -> tuple[Audience, Targets | None]:
    """Say by what the sessions of a message are selected; what is for everybody is selected alike."""
    dispatch = entry.message.dispatch
    if dispatch.audience is Audience.TARGETS or dispatch.targets is not None:
        return dispatch.audience, dispatch.targets
    return Audience.ONLINE_USERS, None
