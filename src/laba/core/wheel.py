"""One timer wheel for every connection's deadline: arming costs a set operation, a tick costs what is in its slot."""

from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """Something with one deadline at a time. `slot` belongs to the wheel: -1 while nothing is armed."""

    slot: int

    def due(self, now: float) -> None:
        """Act on the deadline; `now` is in the wheel's time, in seconds."""


T = TypeVar("T", bound=Timed)


class TimerWheel(Generic[T]):
    """Deadlines in whole seconds, at most `span_seconds` ahead; a later one fires at the span's end."""

    __slots__ = ("_slots", "_tick")

    def __init__(self, span_seconds: int, now: float) -> None:
        self._slots: list[set[T]] = [set() for _ in range(span_seconds + 2)]
        self._tick = int(now)

    @property
    def now(self) -> float:
        """The time of the latest tick."""
        return float(self._tick)

    def arm(self, item: T, seconds: float) -> None:
        """Let `item` fire in `seconds`, in place of its earlier deadline: not before, at most two ticks after."""
        self.disarm(item)
        # One tick more, because the present second has begun.
        ticks = min(max(int(seconds + 0.999), 0) + 1, len(self._slots) - 1)
        item.slot = (self._tick + ticks) % len(self._slots)
        self._slots[item.slot].add(item)

    def disarm(self, item: T) -> None:
        if item.slot >= 0:
            self._slots[item.slot].discard(item)
            item.slot = -1

    def advance(self, now: float) -> list[T]:
        """Give what has become due since the last call, disarmed; nothing where the clock stood still."""
        due: list[T] = []
        ticks = int(now) - self._tick
        for step in range(1, min(ticks, len(self._slots)) + 1):
            slot = self._slots[(self._tick + step) % len(self._slots)]
            due.extend(slot)
            slot.clear()
        self._tick = max(self._tick, int(now))
        for item in due:
            item.slot = -1
        return due
