"""Lanes: one room's queue before its offsets, where overload is answered (E4, design.md sections 6.3 and 7).

Everything queued goes out with the next take, high first, then normal, then low, each in the order it came, unless
budgets bind: from pressure 1 on, or where the app sets a hard cap. Then these rules hold:

- The budget of a span runs in evenly, as into two vessels. The reserve is for high alone. It holds one span's share,
  and as much more as ran in since high waits for it; what runs over is lent: it goes into the common part, of which
  high takes what it needs beyond the reserve, then normal, then low. Sending counts also while budgets do not bind.
- Low gets something only when no normal is left waiting, and nothing from pressure 2 on. From pressure 3 on a normal
  costs two, from pressure 4 on normal gets nothing.
- What does not fit waits for a later take. Low and normal that have waited longer than `wait_ms`, and high that has
  waited longer than `high_wait_ms`, are shed, low first.

Hence high that comes no faster than its reserve is never shed, however seldom the lane is asked; and whatever the
pressure, it is shed last. A full queue sheds too, with and without pressure: see `put`.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from laba.core.linger import due_ms
from laba.model.dispatch import Level

T = TypeVar("T")

FIRST_TO_LAST = (Level.HIGH, Level.NORMAL, Level.LOW)
LAST_TO_FIRST = (Level.LOW, Level.NORMAL, Level.HIGH)

# At which pressure budgets bind, and what they then cost whom.
BINDING = 1
LOW_NOTHING = 2
NORMAL_HALVED = 3
NORMAL_NOTHING = 4

# While something waits for its budget, a lane is asked again after this share of a span.
LOOK_AGAIN = 0.1

# Sums of fractions that make a whole may fall short of it by their rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Budget:
    """How many messages may go out in a span, and how many of them are reserved for high.

    The figures are those that a vendor's documents give for its chatrooms (design.md section 7).
    """

    per_span: int = 40
    reserved: int = 20
    span_ms: int = 200

    def __post_init__(self) -> None:
        if self.per_span < 1 or self.span_ms < 1:
            raise ValueError("a budget is at least one message in one millisecond")
        if not 0 <= self.reserved <= self.per_span:
            raise ValueError("what is reserved is a part of the budget")

    @property
    def common(self) -> int:
        """How much of a span's budget is for every level."""
        return self.per_span - self.reserved

    @property
    def common_most(self) -> float:
        """How much the common part holds at once: at least half a span's budget, so that lending has a place."""
        return max(self.common, self.per_span / 2)


@dataclass(frozen=True, slots=True)
class LaneBounds:
    """How much a lane holds, and how long low and normal, or high, may wait for their budget.

    High is worth waiting for: late it is still what matters. It waits for a span at least.
    """

    messages: int = 1_000
    bytes: int = 1_048_576
    wait_ms: int = 200
    high_wait_ms: int = 1_000

    def __post_init__(self) -> None:
        if self.messages < 1 or self.bytes < 1:
            raise ValueError("a lane holds at least one message of one byte")
        if not 0 <= self.wait_ms <= self.high_wait_ms:
            raise ValueError("nothing waits for less than no time, and high as long as the others at least")


class Reason(StrEnum):
    """Why a message was shed: the lane was full, or it waited too long for its budget, by whatever that bound."""

    QUEUE_FULL = "queue_full"
    PRESSURE = "pressure"
    CAP = "cap"


@dataclass(frozen=True, slots=True)
class Shed(Generic[T]):
    """A message that will not go out."""

    item: T
    level: Level
    reason: Reason


@dataclass(frozen=True, slots=True)
class Taken(Generic[T]):
    """What goes out now, by level, each in the order it came; and what is shed instead."""

    high: Sequence[T] = ()
    normal: Sequence[T] = ()
    low: Sequence[T] = ()
    shed: Sequence[Shed[T]] = ()

    def __len__(self) -> int:
        """How many go out."""
        return len(self.high) + len(self.normal) + len(self.low)

    @property
    def levels(self) -> Iterator[tuple[Level, Sequence[T]]]:
        """Give each level of which something goes out, the highest first."""
        for level, items in zip(FIRST_TO_LAST, (self.high, self.normal, self.low), strict=True):
            if items:
                yield level, items


class _Queue(Generic[T]):
    """What waits of one level, as (item, size_bytes, queued_ms), and its bytes."""

    __slots__ = ("bytes", "entries")

    def __init__(self) -> None:
        self.entries: deque[tuple[T, int, float]] = deque()
        self.bytes = 0

    def pop(self) -> T:
        item, size_bytes, _ = self.entries.popleft()
        self.bytes -= size_bytes
        return item


class Lane(Generic[T]):
    """One room's queue, before its messages have offsets. Every call costs what it moves."""

    __slots__ = ("_bounds", "_budget", "_common", "_filled_ms", "_held_until_ms", "_queues", "_reserve", "flushed_ms")

    def __init__(self, budget: Budget, bounds: LaneBounds) -> None:
        if bounds.high_wait_ms < budget.span_ms:
            raise ValueError("high waits for one span at least, or its reserve would come too late")
        self.flushed_ms = -math.inf  # when something was taken last
        self._budget = budget
        self._bounds = bounds
        # Only levels of which something waits: most lanes are empty most of the time.
        self._queues: dict[Level, _Queue[T]] = {}
        self._reserve: float = budget.reserved
        self._common = budget.common_most
        self._filled_ms = 0.0
        self._held_until_ms = -math.inf

    def __len__(self) -> int:
        return sum(len(queue.entries) for queue in self._queues.values())

    @property
    def queued_bytes(self) -> int:
        return sum(queue.bytes for queue in self._queues.values())

    def due_ms(self, cost_ms: float, busy: float) -> float:
        """Tell when to take from it, as `linger.due_ms` judges; infinity while it is empty."""
        if not self._queues:
            return math.inf
        first_queued_ms = min(queue.entries[0][2] for queue in self._queues.values())
        high = self._queues.get(Level.HIGH)
        first_high_ms = high.entries[0][2] if high else None
        due = due_ms(first_queued_ms, first_high_ms, self.flushed_ms, self.queued_bytes, cost_ms, busy)
        return max(due, self._held_until_ms)

    def put(self, item: T, level: Level, size_bytes: int, now_ms: float) -> Sequence[Shed[T]]:
        """Queue a message; gives what had to go for it.

        Where the queue is full the lowest level goes first, the oldest of it before the others; the new message is
        judged like the rest. It alone is shed where all that may go before it would not make room.
        """
        shed: list[Shed[T]] = []
        if not self._has_room(size_bytes):
            if not self._could_have_room(level, size_bytes):
                return (Shed(item, level, Reason.QUEUE_FULL),)
            while not self._has_room(size_bytes):
                shed.append(self._shed_lowest())
        queue = self._queues.get(level)
        if queue is None:
            queue = self._queues[level] = _Queue()
        queue.entries.append((item, size_bytes, now_ms))
        queue.bytes += size_bytes
        return shed

    def take(self, now_ms: float, pressure: float, cap: bool) -> Taken[T]:  # noqa: FBT001 - a fact among the others
        """Take what goes out now, and what is shed now. `cap` says that the app's budget binds without pressure."""
        self._fill(now_ms)
        if pressure < BINDING and not cap:
            high, normal, low = (self._send(level, self._waiting(level)) for level in FIRST_TO_LAST)
            taken = Taken(high, normal, low)
        else:
            taken = self._take_bound(now_ms, pressure)
        if taken:
            self.flushed_ms = now_ms
        self._held_until_ms = now_ms + self._budget.span_ms * LOOK_AGAIN if self._queues else -math.inf
        return taken

    def _take_bound(self, now_ms: float, pressure: float) -> Taken[T]:
        high = self._send(Level.HIGH, math.floor(self._reserve + self._common + _ROUNDING))
        normal: Sequence[T] = ()
        low: Sequence[T] = ()
        if pressure < NORMAL_NOTHING:
            normal = self._send(Level.NORMAL, self._affordable(_cost_of_normal(pressure)), _cost_of_normal(pressure))
        if pressure < LOW_NOTHING and not self._waiting(Level.NORMAL):
            low = self._send(Level.LOW, self._affordable(1))
        reason = Reason.PRESSURE if pressure >= BINDING else Reason.CAP
        return Taken(high, normal, low, [*self._shed_late(now_ms, reason)])

    def _affordable(self, cost: int) -> int:
        return math.floor(self._common / cost + _ROUNDING)

    def _fill(self, now_ms: float) -> None:
        """Let run in what has become free since the last take; what the reserve cannot hold runs over."""
        spans = max(0.0, now_ms - self._filled_ms) / self._budget.span_ms
        self._filled_ms = max(self._filled_ms, now_ms)
        reserve = self._reserve + spans * self._budget.reserved
        self._reserve = min(reserve, self._reserve_most(now_ms))
        common = self._common + spans * self._budget.common + reserve - self._reserve
        self._common = min(common, self._budget.common_most)

    def _reserve_most(self, now_ms: float) -> float:
        """Tell how much the reserve holds: since something high waits, what runs in is kept for what waits.

        A message that had to wait to be asked for leaves the reserve no emptier than if it had gone at once.
        """
        high = self._queues.get(Level.HIGH)
        if high is None:
            return self._budget.reserved
        waited_spans = max(0.0, now_ms - high.entries[0][2]) / self._budget.span_ms
        return self._budget.reserved + min(len(high.entries), self._budget.reserved * waited_spans)

    def _send(self, level: Level, most: int, cost: int = 1) -> Sequence[T]:
        """Take up to `most` of one level, and count them: what is not there is not owed."""
        queue = self._queues.get(level)
        if queue is None or most <= 0:
            return ()
        sent = [queue.pop() for _ in range(min(most, len(queue.entries)))]
        if not queue.entries:
            del self._queues[level]
        from_reserve = min(self._reserve, len(sent)) if level is Level.HIGH else 0
        self._reserve -= from_reserve
        self._common = max(0.0, self._common - (len(sent) - from_reserve) * cost)
        return sent

    def _waiting(self, level: Level) -> int:
        queue = self._queues.get(level)
        return len(queue.entries) if queue else 0

    def _has_room(self, size_bytes: int) -> bool:
        return len(self) < self._bounds.messages and self.queued_bytes + size_bytes <= self._bounds.bytes

    def _could_have_room(self, level: Level, size_bytes: int) -> bool:
        """Tell whether a message fits beside what stands above its level."""
        higher = FIRST_TO_LAST[: FIRST_TO_LAST.index(level)]
        above = [self._queues[each] for each in higher if each in self._queues]
        messages = sum(len(queue.entries) for queue in above)
        return (
            messages < self._bounds.messages
            and sum(queue.bytes for queue in above) + size_bytes <= self._bounds.bytes
        )

    def _shed_lowest(self) -> Shed[T]:
        level = next(level for level in LAST_TO_FIRST if level in self._queues)
        return Shed(self._drop(level), level, Reason.QUEUE_FULL)

    def _shed_late(self, now_ms: float, reason: Reason) -> Iterator[Shed[T]]:
        for level in LAST_TO_FIRST:
            wait_ms = self._bounds.high_wait_ms if level is Level.HIGH else self._bounds.wait_ms
            while self._waiting(level) and now_ms - self._queues[level].entries[0][2] > wait_ms:
                yield Shed(self._drop(level), level, reason)

    def _drop(self, level: Level) -> T:
        queue = self._queues[level]
        item = queue.pop()
        if not queue.entries:
            del self._queues[level]
        return item


def _cost_of_normal(pressure: float) -> int:
    return 2 if pressure >= NORMAL_HALVED else 1
