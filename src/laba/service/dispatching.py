"""From the ledger to the bus: what was accepted gets its place in a stream, and goes out to every node.

The ledger is the queue. The path after a crash is the everyday path: whatever waits is taken up in its order.
"""

import asyncio
from contextlib import suppress
from itertools import groupby

from laba.model.dispatch import Audience, Dispatch
from laba.model.stream import Stream
from laba.ports import Bus, Store, StoreBusyError, Streams
from laba.service.ground import Ground

_BATCH_LIMIT = 256
_RETRY_SECONDS = 1.0
_SETTLE_SECONDS = 3.0

APP_CHANNEL = "app"


def stream_of(dispatch: Dispatch) -> Stream:
    """Name the stream that a dispatch belongs to."""
    match dispatch.audience:
        case Audience.ONLINE_USERS:
            return Stream(dispatch.app_uuid, APP_CHANNEL)
        case Audience.ACTIVE_ROOMS | Audience.ROOMS:
            raise ValueError("a message to rooms is in one stream for each of them")


class Dispatcher:
    """Takes what waits in the ledger, oldest first. What is older than the window is given up, and counted."""

    def __init__(self, store: Store, streams: Streams, bus: Bus, window_ms: int, ground: Ground) -> None:
        self._store = store
        self._streams = streams
        self._bus = bus
        self._window_ms = window_ms
        self._ground = ground
        self._something = asyncio.Event()
        self._something.set()  # what an earlier process left undone
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """Say that the ledger holds work."""
        self._idle.clear()
        self._something.set()

    async def settled(self) -> None:
        """Wait until everything that was accepted is on the bus; where the store fails, a few seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                await self._idle.wait()

    async def run(self) -> None:
        """Work until cancelled. A store that fails is asked again every second; nothing is lost meanwhile."""
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                # A batch that is not full was the last one; what comes after it wakes us again.
                while await self.turn() == _BATCH_LIMIT:
                    pass
                if not self._something.is_set():
                    self._idle.set()
            except (StoreBusyError, OSError):
                self._ground.meter.count("laba_store_failures_total")
                await asyncio.sleep(_RETRY_SECONDS)
                self._something.set()

    async def turn(self) -> int:
        """Send out one batch of what waits, and tell how many dispatches that were."""
        waiting = await self._store.waiting(_BATCH_LIMIT)
        horizon_ms = self._ground.clock() - self._window_ms
        late = [dispatch for dispatch in waiting if dispatch.accepted_at_ms < horizon_ms]
        if late:
            await self._store.expire(late)
            self._ground.meter.count("laba_broadcasts_expired_total", len(late))
        due = sorted((d for d in waiting if d.accepted_at_ms >= horizon_ms), key=stream_of)  # stable: order is kept
        for stream, dispatches in groupby(due, key=stream_of):
            await self._bus.publish(await self._streams.append(stream, tuple(dispatches)))
        return len(waiting)
