"""How hard this process works at writing to clients: told by the writing loop, asked by the lanes."""

import asyncio
import math

from laba.core.pressure import Load

# The share of time spent writing is that of about the last second.
_MEMORY_SECONDS = 1.0
_SAMPLE_SECONDS = 0.05
# What a write takes before the first was measured, and how much one measurement weighs.
_FIRST_GUESS_MS = 0.006
_WEIGHT = 0.1
# Fewer writes than these say little about what one takes.
_ENOUGH_WRITES = 16


class Strain:
    """Times are seconds of a monotonic clock where they are handed in, milliseconds where they are given."""

    def __init__(self) -> None:
        self._written_seconds = 0.0
        self._at = 0.0
        self._write_ms = _FIRST_GUESS_MS
        self._lag_ms = 0.0
        self._flush_ms = 0.0

    def wrote(self, writes: int, began: float, ended: float) -> None:
        """Note that so many writes went on between two moments."""
        self._forget(ended)
        self._written_seconds += ended - began
        self._flush_ms = (ended - began) * 1000
        if writes >= _ENOUGH_WRITES:
            self._write_ms += (self._flush_ms / writes - self._write_ms) * _WEIGHT

    def busy(self, now: float) -> float:
        """Give the share of the last second that was spent writing, from 0 to 1."""
        self._forget(now)
        return min(1.0, self._written_seconds / _MEMORY_SECONDS)

    def cost_ms(self, writes: int) -> float:
        """Estimate what so many writes take."""
        return writes * self._write_ms

    def load(self, backlog_ms: float) -> Load:
        return Load(self._lag_ms, backlog_ms, self._flush_ms)

    async def run(self) -> None:
        """Measure how late the event loop is, until cancelled. A lag is forgotten by half with each sample."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _SAMPLE_SECONDS
            await asyncio.sleep(_SAMPLE_SECONDS)
            late_ms = max(0.0, loop.time() - due) * 1000
            self._lag_ms = max(late_ms, self._lag_ms / 2)
            self._flush_ms /= 2

    def _forget(self, now: float) -> None:
        if now > self._at:
            self._written_seconds *= math.exp((self._at - now) / _MEMORY_SECONDS)
            self._at = now
