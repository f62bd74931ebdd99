"""One timer wheel for every connection's deadline: arming costs a set operation, a tick costs what is in its slot."""

import math
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """Something with one deadline at a time. `slot` belongs to the wheel: -1 while nothing is armed."""

    slot: int

    def due(self, now: float) -> None:
        """Act on the deadline; `now` is in the wheel's time, in seconds."""


T = TypeVar("T", bound=Timed)


class TimerWheel(Generic[T]):
    """Deadlines in whole seconds, at most `span_seconds` ahead; a later one fires at the span's end."""

    __slots__ = ("_size", "_slots", "_tick")

    def __init__(self, span_seconds: int, now: float) -> None:
        self._size = span_seconds + 2
        # One slot per second of the turning wheel, and a last one for what is due and waits for its turn.
        self._slots: list[set[T]] = [set() for _ in range(self._size + 1)]
        self._tick = int(now)

    @property
    def now(self) -> float:
        """The time of the latest tick."""
        return float(self._tick)

    def arm(self, item: T, seconds: float) -> None:
        """Let `item` fire in `seconds`, in place of its earlier deadline: not before, at most two ticks after."""
        self.disarm(item)
        # One tick more, because the present second has begun.
        ticks = min(max(math.ceil(seconds), 0) + 1, self._size - 1)
        item.slot = (self._tick + ticks) % self._size
        self._slots[item.slot].add(item)

    def disarm(self, item: T) -> None:
        if item.slot >= 0:
            self._slots[item.slot].discard(item)
            item.slot = -1

    def advance(self, now: float) -> Iterator[T]:
        """Turn to `now`, and give what has become due, each disarmed; nothing where the clock stood still.

        What is armed anew or disarmed before it is given, is not given.
        """
        due = self._slots[self._size]
        for step in range(1, min(int(now) - self._tick, self._size) + 1):
            slot = self._slots[(self._tick + step) % self._size]
            for item in slot:
                item.slot = self._size
            due |= slot
            slot.clear()
        self._tick = max(self._tick, int(now))
        return self._given(due)

    def _given(self, due: set[T]) -> Iterator[T]:
        while due:
            item = due.pop()
            item.slot = -1
            yield item
