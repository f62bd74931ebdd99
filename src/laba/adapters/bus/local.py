"""The bus and the gate of a single process: nothing leaves it, and nothing is lost on the way."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

from laba.core.quota import Turnstile
from laba.core.repeats import LIMIT, Repeats
from laba.model.app import QuotaName, Want
from laba.model.notice import Notice
from laba.model.stream import Position, Stream
from laba.ports.gate import Exhausted, Once, Repeated


class LocalBus:
    """`ports.Bus` within one process.

    Bound: `queue_length` notices per subscriber; at it `publish` waits, and so does every later one, so that all
    subscribers receive all notices in one order.
    """

    def __init__(self, *, queue_length: int = 256) -> None:
        self._queue_length = queue_length
        self._subscriptions: set[Subscription] = set()
        # Held over all subscribers: else two publishers that wait could reach them in different orders.
        self._turn = asyncio.Lock()

    async def publish(self, notice: Notice) -> None:
        async with self._turn:
            for subscription in tuple(self._subscriptions):
                await subscription.offer(notice)

    def subscribe(self) -> "Subscription":
        """Receive every notice published from now on; close it, or a publisher waits for it for ever."""
        subscription = Subscription(self._queue_length, self._subscriptions)
        self._subscriptions.add(subscription)
        return subscription


class Subscription(AsyncIterator[Notice]):
    """One subscriber's notices, in the order they were published."""

    def __init__(self, length: int, siblings: "set[Subscription]") -> None:
        self._length = length
        self._siblings = siblings
        self._notices: deque[Notice] = deque()
        self._changed = asyncio.Condition()
        self._closed = False

    async def offer(self, notice: Notice) -> None:
        """Wait for room and queue the notice; a closed subscription lets it fall."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or len(self._notices) < self._length)
            if not self._closed:
                self._notices.append(notice)
                self._changed.notify_all()

    async def __anext__(self) -> Notice:
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or self._notices)
            if self._closed:
                raise StopAsyncIteration
            notice = self._notices.popleft()
            self._changed.notify_all()
            return notice

    async def aclose(self) -> None:
        """Receive nothing more: the iteration ends, and a publisher that waits here goes on."""
        self._siblings.discard(self)
        async with self._changed:
            self._closed = True
            self._changed.notify_all()


class LocalGate:
    """`ports.gate.Gate` within one process. Bound: `repeats_limit` client ids; the oldest are forgotten first."""

    def __init__(self, repeats_limit: int = LIMIT) -> None:
        self._turnstile = Turnstile()
        self._repeats = Repeats(repeats_limit)

    async def take(
        self, app_uuid: str, wants: Sequence[Want], now_ms: int, once: Once | None = None
    ) -> Exhausted | Repeated | None:
        key = None if once is None else (app_uuid, once.client_id)
        if once is not None and key is not None and once.drops and self._repeats.knows(key, once.span_ms, now_ms):
            return Repeated.REPEATED
        full = self._turnstile.take(app_uuid, wants, now_ms)
        if full is not None:
            return Exhausted(full.name, full.span_seconds, full.retry_after_seconds)
        if key is not None:
            self._repeats.note(key, now_ms)
        return None

    async def give_back(
        self, app_uuid: str, wants: Sequence[Want], taken_at_ms: int, once: Once | None = None
    ) -> None:
        self._turnstile.give_back(app_uuid, wants, taken_at_ms)
        if once is not None:
            self._repeats.forget((app_uuid, once.client_id), taken_at_ms)

    async def refill(self, taken: Sequence[tuple[str, QuotaName, int]]) -> None:
        self._turnstile.refill(taken)

    async def recall_ids(self, app_uuid: str, accepted: Sequence[tuple[str, int]]) -> None:
        self._repeats.refill(app_uuid, accepted)


class LocalPlaces:
    """`ports.Places` within one process, whose `epoch` no other process has.

    Holds a number for every room that was ever spoken in while members were there: about 200 bytes each.
    """

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._last: dict[Stream, int] = {}

    async def take(self, stream: Stream, count: int) -> Position:
        before = self._last.get(stream, 0)
        self._last[stream] = before + count
        return Position(self._epoch, before)

    async def position(self, stream: Stream) -> Position:
        return Position(self._epoch, self._last.get(stream, 0))
