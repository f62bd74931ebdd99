"""When to leave a service alone that fails, and for how long."""

from laba.core.backoff import wait_ms


class Breaker:
    """Opens after `limit` failures in a row: nothing is asked until it closes again, each time twice as late.

    When it closes, one more failure opens it. `fault` is the last failure's reason, empty where all is well since.
    """

    __slots__ = ("_failures", "_limit", "_longest_ms", "_until_ms", "fault")

    def __init__(self, limit: int, longest_ms: int) -> None:
        self._limit = limit
        self._longest_ms = longest_ms
        self._failures = 0
        self._until_ms = 0
        self.fault = ""

    def closes_at_ms(self, now_ms: int) -> int:
        """Tell when something may be asked; `now_ms` where that is now."""
        return max(self._until_ms, now_ms)

    def succeeded(self, now_ms: int) -> None:
        """Note that all is well; but what succeeds while it is open was asked before."""
        if now_ms < self._until_ms:
            return
        self._failures = 0
        self._until_ms = 0
        self.fault = ""

    def failed(self, reason: str, now_ms: int) -> bool:
        """Count a failure; tells whether it is open by now. What fails while it is open was asked before."""
        if now_ms < self._until_ms:
            return True
        self.fault = reason
        self._failures += 1
        if self._failures < self._limit:
            return False
        self._until_ms = now_ms + self._wait_ms()
        return True

    def open(self, reason: str, now_ms: int, for_ms: int) -> None:
        """Leave the service alone for so long at least; a longer time that was said before stands."""
        if now_ms >= self._until_ms:
            self._failures = max(self._failures + 1, self._limit)
            for_ms = max(for_ms, self._wait_ms())
        self.fault = reason
        self._until_ms = max(self._until_ms, now_ms + for_ms)

    def _wait_ms(self) -> int:
        return wait_ms(self._failures - self._limit + 1, self._longest_ms)
