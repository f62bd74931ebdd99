"""From the bus to this node's sessions: a batch is encoded once per codec, logged, and goes on with its audience."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.core.window import Bounds, Frames, Kept, Window
from laba.model.app import App
from laba.model.closing import Closing
from laba.model.stream import Batch, Entry, Notice, Revocation, Stream
from laba.ports import StoreBusyError, Streams
from laba.service.dispatching import APP_CHANNEL
from laba.service.ground import Ground

Link = TypeVar("Link")

# (channel as its client calls it, entry) -> the bytes for the wire, framing included.
Encoder = Callable[[str, Entry], bytes]

# Batches that wait for the writing loop. When it is full the bus waits, and behind it the ledger holds the rest.
_OUTGOING_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Link]):
    """A batch on its way to the sessions it is for. `joined` is the whole batch as one bytes object per codec."""

    kept: tuple[Kept, ...]
    joined: Frames
    sessions: list[Session[Link]]

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
class Eviction(Generic[Link]):
    """Sessions that are to end."""

    sessions: tuple[Session[Link], ...]
    closing: Closing


class Fanout(Generic[Link]):
    """Keeps the window logs of this node, and makes deliveries of what the bus brings."""

    def __init__(
        self, roster: Roster[Link], streams: Streams, encoders: Mapping[str, Encoder], bounds: Bounds, ground: Ground
    ) -> None:
        self._roster = roster
        self._streams = streams
        self._encoders = encoders
        self._bounds = bounds
        self._ground = ground
        self._windows: dict[Stream, Window] = {}
        self._opening = asyncio.Lock()
        self.outgoing: asyncio.Queue[Delivery[Link] | Eviction[Link]] = asyncio.Queue(_OUTGOING_LIMIT)

    async def run(self, notices: AsyncIterator[Notice]) -> None:
        """Take up what the bus brings until cancelled."""
        async for notice in notices:
            match notice:
                case Revocation(app_uuid, user, closing):
                    await self.outgoing.put(Eviction(self._roster.of_user(app_uuid, user), closing))
                case Batch():
                    try:
                        window = await self.open(notice.stream)
                    except (StoreBusyError, OSError):
                        # No log, hence nobody here: who comes next reads the batch from the ledger.
                        self._ground.meter.count("laba_store_failures_total")
                        continue
                    if notice.last > window.position.offset:
                        await self.outgoing.put(self._delivery(notice, window))

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

    def missed(self, session: Session[Link], budget_bytes: int) -> bytes | None:
        """Give the next bytes a returning session is owed, about `budget_bytes` of them; ask again until it is live.

        None where the log has lost what comes next: the session took too long, and must come back to be told so.

        Synchronous on purpose: between reading the log and being live nothing can be delivered in between.
        """
        if session.state is not State.CATCHING_UP or session.seat is None:
            return b""
        window = self._windows[Stream(session.seat.app_uuid, APP_CHANNEL)]
        if session.written < window.floor:
            return None
        frames: list[bytes] = []
        size = 0
        for kept in window.after(session.written):
            if size >= budget_bytes:
                return b"".join(frames)
            if not session.entitled(kept.offset, kept.accepted_at_ms):
                # What is owed of the past comes first: nothing up to the session's own beginning is its any more.
                session.written = session.owed_to_offset
                return b"".join(frames)
            session.written = kept.offset
            frames.append(kept.frames[session.codec])
            size += len(frames[-1])
        session.written = window.position.offset
        session.state = State.LIVE
        return b"".join(frames)

    def trim(self) -> None:
        """Forget what has left the window; to be called every few seconds."""
        now_ms = self._ground.clock()
        for window in self._windows.values():
            window.trim(now_ms)

    def _delivery(self, batch: Batch, window: Window) -> Delivery[Link]:
        """Log the batch and select its audience in one step: who joins later reads it from the log, or is past it."""
        kept = tuple(
            self._kept(batch.stream, entry) for entry in batch.entries if entry.offset > window.position.offset
        )
        lost = window.lost
        for one in kept:
            window.add(one)
        if window.lost > lost:
            self._ground.meter.count("laba_window_lost_total", window.lost - lost)
        audience = batch.entries[0].message.dispatch.audience
        joined = {codec: b"".join(one.frames[codec] for one in kept) for codec in self._encoders}
        return Delivery(kept, joined, self._roster.select(batch.stream.app_uuid, audience))

    def _kept(self, stream: Stream, entry: Entry) -> Kept:
        channel = stream.channel.partition(":")[0]
        frames = {codec: encode(channel, entry) for codec, encode in self._encoders.items()}
        return Kept(entry.offset, entry.message.dispatch.accepted_at_ms, frames)

    async def _restored(self, stream: Stream) -> Window:
        # In this order: what is given a place meanwhile is read, too, and the position is never ahead of the log.
        position = await self._streams.position(stream)
        batches = await self._streams.read(stream, self._ground.clock() - self._bounds.window_ms)
        entries = [entry for batch in batches for entry in batch.entries]
        floor = entries[0].offset - 1 if entries else position.offset
        window = Window(position._replace(offset=floor), self._bounds)
        for entry in entries:
            window.add(self._kept(stream, entry))
        return window
