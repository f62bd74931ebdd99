"""Which client ids were accepted lately (N2)."""

from collections.abc import Iterable
from typing import Final

LIMIT: Final = 200_000

# A client id of an app, by its uuid.
Key = tuple[str, str]


class Repeats:
    """Remembers client ids with when they were accepted last, at most `limit` over all apps.

    At the bound the one that was accepted longest ago is forgotten, and its repeat would not be known as one;
    `forgotten` counts them. Time does not run backwards in here.
    """

    __slots__ = ("_accepted_ms", "_before_ms", "_limit", "forgotten")

    def __init__(self, limit: int = LIMIT) -> None:
        self.forgotten = 0
        self._limit = limit
        # In the order in which they were accepted last.
        self._accepted_ms: dict[Key, int] = {}
        # When those that were accepted more than once had been accepted before that.
        self._before_ms: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._accepted_ms)

    def knows(self, key: Key, span_ms: int, now_ms: int) -> bool:
        """Tell whether this was accepted within the span: up to the last millisecond before it is that long ago."""
        accepted_ms = self._accepted_ms.get(key)
        return accepted_ms is not None and now_ms - accepted_ms < span_ms

    def note(self, key: Key, now_ms: int) -> None:
        """Note that it is accepted now."""
        before_ms = self._accepted_ms.pop(key, None)
        if before_ms is not None:
            self._before_ms[key] = before_ms
        elif len(self._accepted_ms) >= self._limit:
            oldest = next(iter(self._accepted_ms))
            del self._accepted_ms[oldest]
            self._before_ms.pop(oldest, None)
            self.forgotten += 1
        self._accepted_ms[key] = now_ms

    def forget(self, key: Key, accepted_ms: int) -> None:
        """Note that what was accepted then came to nothing: the time before it counts again, if it is the last.

        No more than one time before the last is known. What it leaves counts as the latest at the bound.
        """
        before_ms = self._before_ms.get(key)
        if self._accepted_ms.get(key) == accepted_ms:
            del self._accepted_ms[key]
            if before_ms is not None:
                self._accepted_ms[key] = self._before_ms.pop(key)
        elif before_ms == accepted_ms:
            del self._before_ms[key]

    def refill(self, app_uuid: str, accepted: Iterable[tuple[str, int]]) -> None:
        """Remember what was accepted before a restart, as (client id, accepted_at_ms), oldest first."""
        for client_id, accepted_ms in accepted:
            self.note((app_uuid, client_id), accepted_ms)
