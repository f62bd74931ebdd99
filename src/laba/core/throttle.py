"""So many of one thing in a second, evenly spaced, and gently begun."""

from typing import Final

# After an idle time it begins with this share of its rate.
_FIRST_SHARE: Final = 0.1


class Throttle:
    """Gives places in time, one after the other, `per_second` of them; 0 gives each at once.

    Whoever was idle for `ramp_ms` begins with a tenth of the rate, and has all of it after another `ramp_ms`.
    """

    __slots__ = ("_began_ms", "_next_ms", "_per_second", "_ramp_ms")

    def __init__(self, per_second: int, ramp_ms: int) -> None:
        self._per_second = per_second
        self._ramp_ms = ramp_ms
        self._next_ms = -float(ramp_ms)
        self._began_ms = 0.0

    def take(self, now_ms: int) -> float:
        """Take the next place; tells how many milliseconds it is away."""
        if not self._per_second:
            return 0.0
        if now_ms - self._next_ms >= self._ramp_ms:
            self._began_ms = now_ms
        place_ms = max(self._next_ms, now_ms)
        share = 1.0
        if self._ramp_ms:
            share = min(1.0, max(_FIRST_SHARE, (place_ms - self._began_ms) / self._ramp_ms))
        self._next_ms = place_ms + 1000 / (self._per_second * share)
        return place_ms - now_ms
