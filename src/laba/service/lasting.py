"""The lasting logs: what was sent to all users, kept for those who come later than the window reaches (V1)."""

from collections.abc import Callable

from laba.core.window import Bounds, Kept, Window
from laba.model.stream import Batch, Entry, Position, Stream
from laba.ports import Streams
from laba.service.ground import Ground

# By its quota an app has at most 21 within a week, of at most 128 KiB each (R3).
_LIMIT_MESSAGES = 1000
_LIMIT_BYTES = 8 * 1024 * 1024


def lasting_bounds(offline_ms: int) -> Bounds:
    """Bound one app's log: by age, and where its operator lifted the quota, by count and bytes."""
    return Bounds(offline_ms, _LIMIT_BYTES, _LIMIT_MESSAGES)


class LastingLogs:
    """One log per app's stream, beside its window. At its bounds the oldest is given up early, and counted.

    What both hold are the same objects: the bytes that went out live.
    """

    def __init__(self, streams: Streams, bounds: Bounds, ground: Ground) -> None:
        self._streams = streams
        self._bounds = bounds
        self._ground = ground
        self._logs: dict[Stream, Window] = {}

    def of(self, stream: Stream) -> Window:
        """Give the log of a stream that is open."""
        return self._logs[stream]

    async def restore(self, stream: Stream, window: Window, kept: Callable[[Batch, Entry], Kept]) -> None:
        """Fill the log of a stream from the ledger.

        To be called when its window is filled: what has a place by then is in the ledger, and all that follows goes
        out here.
        """
        since_ms = self._ground.clock() - self._bounds.window_ms
        batch = await self._streams.read_to_all(stream, since_ms, self._bounds.limit_messages)
        log = Window(Position(window.position.epoch, 0), self._bounds)
        shared = {one.offset: one for one in window.after(0)}
        if batch is not None:
            for entry in batch.entries:
                self._put(log, shared.get(entry.offset) or kept(batch, entry))
        self._logs[stream] = log

    def add(self, stream: Stream, kept: Kept) -> None:
        """Add what goes out now; it is there already where it was in the ledger when the log was filled."""
        log = self._logs[stream]
        if kept.offset > log.position.offset:
            self._put(log, kept)

    def trim(self, now_ms: int) -> None:
        """Forget what is not owed any more."""
        for log in self._logs.values():
            log.trim(now_ms)

    def _put(self, log: Window, kept: Kept) -> None:
        lost = log.lost
        log.add(kept)
        self._ground.meter.count("laba_lasting_lost_total", log.lost - lost)
