"""So many of one thing in any second, and no more."""

from collections import deque

_SECOND_MS = 1000


class Pace:
    """Counts what happens, and tells whether it may. Holds as many times as may happen in a second."""

    __slots__ = ("_times",)

    def __init__(self, per_second: int) -> None:
        self._times: deque[int] = deque(maxlen=per_second)

    def allows(self, now_ms: int) -> bool:
        """Count one now; False, and nothing counted, where the second up to now is full. Time does not go back."""
        if len(self._times) == self._times.maxlen and now_ms - self._times[0] < _SECOND_MS:
            return False
        self._times.append(now_ms)
        return True
