"""From the ledger to the bus: what was accepted gets its place in a stream, and goes out to every node.

The ledger is the queue. The path after a crash is the everyday path: whatever waits is taken up in its order.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Protocol

from laba.model.dispatch import TO_EVERY_ROOM, Audience, Dispatch
from laba.model.stream import Stream
from laba.ports import Bus, Store, StoreBusyError, Streams
from laba.service.ground import Ground

_BATCH_LIMIT = 256
_RETRY_SECONDS = 1.0
_SETTLE_SECONDS = 3.0

APP_CHANNEL = "app"
# What a client calls the channel of what is for its user alone; its places are in the app's stream.
USER_CHANNEL = "user"


# What waits for those who are offline (V1, P5), or for a provider.
_LASTING = frozenset({Audience.ALL_USERS, Audience.TARGETS, Audience.DEVICES})


def stream_of(dispatch: Dispatch) -> Stream:
    """Name the stream that a dispatch belongs to."""
    match dispatch.audience:
        case Audience.ONLINE_USERS | Audience.RECENT_USERS | Audience.ALL_USERS | Audience.TARGETS:
            return Stream(dispatch.app_uuid, APP_CHANNEL)
        case _:
            raise ValueError("a message to rooms is in one stream for each of them, one to devices in none")


class Waker(Protocol):
    """What has work to do when something is placed."""

    def wake(self) -> None: ...


class Herald(Protocol):
    """What carries a dispatch to the rooms: the lanes."""

    async def broadcast(self, dispatch: Dispatch) -> None:
        """Give a copy to every room for which it is and in which somebody is now."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Where a dispatch goes: into a stream, to the rooms, into inboxes beside its stream, or to devices."""

    streams: Streams
    rooms: Herald
    inboxes: Waker
    pushes: Waker


@dataclass(frozen=True, slots=True)
class Patience:
    """`window_ms` is how old a dispatch may be that still goes out, `offline_ms` how old one to all users (V1).

    What an earlier process left undone has an id up to `left_upto`; of that, what is for rooms waits `grace_ms` from
    readiness on, until clients are back in their rooms.
    """

    window_ms: int
    grace_ms: int = 0
    left_upto: int = 0
    offline_ms: int = 0

    def allows(self, dispatch: Dispatch, now_ms: int) -> bool:
        lasts = dispatch.audience in _LASTING
        return now_ms - dispatch.accepted_at_ms <= (self.offline_ms if lasts else self.window_ms)


class Dispatcher:
    """Takes what waits in the ledger, oldest first. What is older than is allowed is given up, and counted."""

    def __init__(self, store: Store, ways: Ways, bus: Bus, patience: Patience, ground: Ground) -> None:
        self._store = store
        self._ways = ways
        self._bus = bus
        self._patience = patience
        self._ground = ground
        self._something = asyncio.Event()
        self._something.set()  # what an earlier process left undone
        self._idle = asyncio.Event()
        # What is for rooms and waits for their members, as ids per app; None when the grace is over.
        self._held: dict[str, list[int]] | None = {}

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
        grace = asyncio.get_running_loop().call_later(self._patience.grace_ms / 1000, self._let_go)
        try:
            await self._work()
        finally:
            grace.cancel()

    async def _work(self) -> None:
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
        waiting = await self._store.waiting(_BATCH_LIMIT, [*chain(*(self._held or {}).values())])
        now_ms = self._ground.clock()
        late = [dispatch for dispatch in waiting if not self._patience.allows(dispatch, now_ms)]
        if late:
            await self._store.expire(late)
            self._ground.meter.count("laba_broadcasts_expired_total", len(late))
        due = [d for d in waiting if self._patience.allows(d, now_ms) and not self._is_held(d)]
        for send, dispatches in groupby(due, key=self._way_of):
            await send(list(dispatches))
        return len(waiting)

    def _way_of(self, dispatch: Dispatch) -> Callable[[list[Dispatch]], Awaitable[None]]:
        if dispatch.audience in TO_EVERY_ROOM:
            return self._to_rooms
        return self._to_devices if dispatch.audience is Audience.DEVICES else self._to_streams

    async def _to_streams(self, dispatches: list[Dispatch]) -> None:
        dispatches.sort(key=stream_of)  # stable: order is kept
        for stream, those in groupby(dispatches, key=stream_of):
            placed = tuple(those)
            batch = await self._ways.streams.append(stream, placed)
            # Before the bus has it: else a login could be past its place and not know that there is something.
            if any(one.audience is Audience.TARGETS for one in placed):
                self._ways.inboxes.wake()
            await self._bus.publish(batch)
            # Behind it: whoever is there has the message before a push could ask who is not.
            if any(one.notification is not None or one.recalls is not None for one in placed):
                self._ways.pushes.wake()

    async def _to_rooms(self, dispatches: list[Dispatch]) -> None:
        """Send these to the rooms. One that a crash repeats gives its copies the ids that they had."""
        for dispatch in dispatches:
            await self._ways.rooms.broadcast(dispatch)
            await self._store.done(dispatch)

    async def _to_devices(self, dispatches: list[Dispatch]) -> None:
        """Note that no session is to have these; from then on they wait to be pushed (P11)."""
        for dispatch in dispatches:
            await self._store.done(dispatch)
        self._ways.pushes.wake()

    def _is_held(self, dispatch: Dispatch) -> bool:
        """Tell whether it waits for the members of its rooms, or behind one of its app that does (G3)."""
        if self._held is None or dispatch.audience not in TO_EVERY_ROOM:
            return False
        if dispatch.id > self._patience.left_upto and dispatch.app_uuid not in self._held:
            return False
        self._held.setdefault(dispatch.app_uuid, []).append(dispatch.id)
        return True

    def _let_go(self) -> None:
        self._held = None
        self.wake()
