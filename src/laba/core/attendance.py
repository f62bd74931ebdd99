"""Who was online when: decides what a client that comes back is still owed (A1, design.md section 5)."""

from collections import OrderedDict
from typing import NamedTuple

from laba.model.attendance import Seat


class Due(NamedTuple):
    """Stands in until attendance is rewritten: everything accepted up to a time is owed."""

    until_ms: int

    def covers(self, offset: int, accepted_at_ms: int) -> bool:
        return offset >= 0 and accepted_at_ms <= self.until_ms


class Attendance:
    """When devices left. What is accepted while a device is away longer than the grace is not for it.

    Holds at most `limit` departures; at the bound the oldest is forgotten, and that device is owed nothing it missed.
    Departures are kept in memory: after a restart the grace counts from `ready_at_ms` for everyone (design.md 5).
    """

    __slots__ = ("_departures", "_grace_ms", "_limit", "_ready_at_ms")

    def __init__(self, grace_ms: int, ready_at_ms: int, limit: int = 1_000_000) -> None:
        self._grace_ms = grace_ms
        self._ready_at_ms = ready_at_ms
        self._limit = limit
        self._departures: OrderedDict[Seat, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._departures)

    def left(self, seat: Seat, now_ms: int) -> None:
        """Note that the last connection of a seat has ended."""
        self._departures.pop(seat, None)
        self._departures[seat] = now_ms
        while len(self._departures) > self._limit:
            self._departures.popitem(last=False)

    def returned(self, seat: Seat, now_ms: int) -> int:
        """Tell up to which time of acceptance the returning device is owed what it missed, and forget the departure.

        Within the grace that is now; after a longer absence the moment it left; 0 where nothing is known of it.
        """
        left_at_ms = self._departures.pop(seat, None)
        if left_at_ms is None:
            return now_ms if now_ms - self._ready_at_ms <= self._grace_ms else 0
        return now_ms if now_ms - left_at_ms <= self._grace_ms else left_at_ms

    def trim(self, window_ms: int, now_ms: int) -> None:
        """Forget departures older than the window: nothing that they could be owed exists any more."""
        while self._departures:
            seat, left_at_ms = next(iter(self._departures.items()))
            if left_at_ms >= now_ms - window_ms:
                return
            del self._departures[seat]
