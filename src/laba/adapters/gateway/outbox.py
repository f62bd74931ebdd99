"""One connection's backlog: what could not be written at once, in order, bounded in bytes."""

from collections import Counter, deque
from typing import NamedTuple

from laba.model.dispatch import Level
from laba.service.progress import Counts

# What a frame of a few bytes costs beside them: a flood of answers to pings must count for what it holds.
_FRAME_COST_BYTES = 112
# Linux: IOV_MAX. One writev takes no more buffers.
_FRAMES_AT_ONCE = 1024


# What may be left out for a slow client, in this order. High messages, and what belongs to no room, never are.
_SHEDDABLE = (Level.LOW, Level.NORMAL)


class Waiting(NamedTuple):
    """One whole frame, and who wants to know of it. One of a room has its level and channel."""

    frame: bytes
    progress: Counts | None
    level: Level | None = None
    channel: str = ""

    @property
    def cost_bytes(self) -> int:
        return len(self.frame) + _FRAME_COST_BYTES


class Outbox:
    """Whole frames that wait, and how many bytes of earlier ones the transport still holds.

    Exists only while something waits: an idle connection has none.
    """

    __slots__ = ("_frames", "_held", "_reason", "held_bytes", "waiting_bytes")

    def __init__(self) -> None:
        self._frames: deque[Waiting] = deque()
        self._held: list[Counts] = []
        self._reason = "closed"
        self.waiting_bytes = 0
        self.held_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self.waiting_bytes + self.held_bytes

    def add(self, waiting: Waiting) -> None:
        self._frames.append(waiting)
        self.waiting_bytes += waiting.cost_bytes

    def shed(self, excess_bytes: int) -> None:
        """Leave out low, then normal messages of rooms for so many bytes; of the loudest room first, the oldest."""
        for level in _SHEDDABLE:
            if excess_bytes > 0:
                excess_bytes -= self._shed_level(level, excess_bytes)

    def _shed_level(self, level: Level, excess_bytes: int) -> int:
        sizes: Counter[str] = Counter()
        for waiting in self._frames:
            if waiting.level is level:
                sizes[waiting.channel] += waiting.cost_bytes
        shed = 0
        for channel, _ in sizes.most_common():
            if shed >= excess_bytes:
                break
            shed += self._shed_channel(level, channel, excess_bytes - shed)
        return shed

    def _shed_channel(self, level: Level, channel: str, excess_bytes: int) -> int:
        kept: deque[Waiting] = deque()
        left_out: list[Waiting] = []
        shed = 0
        for waiting in self._frames:
            if shed < excess_bytes and waiting.level is level and waiting.channel == channel:
                shed += waiting.cost_bytes
                left_out.append(waiting)
            else:
                kept.append(waiting)
        self._frames = kept
        self.waiting_bytes -= shed
        for waiting in left_out:
            if waiting.progress is not None:
                waiting.progress.lost(1, level)
        return shed

    def take(self, limit_bytes: int) -> list[Waiting]:
        """Take the oldest frames for one writev, up to the limit but at least one; none where nothing waits."""
        taken: list[Waiting] = []
        size = 0
        while self._frames and len(taken) < _FRAMES_AT_ONCE:
            if taken and size + len(self._frames[0].frame) > limit_bytes:
                break
            taken.append(self._frames.popleft())
            size += len(taken[-1].frame)
        self.waiting_bytes -= size + _FRAME_COST_BYTES * len(taken)
        return taken

    def hold(self, progress: Counts | None) -> None:
        """Note that the transport holds the end of a frame of which somebody wants to know."""
        if progress is not None:
            self._held.append(progress)

    def release(self) -> None:
        """Note that the transport holds nothing any more."""
        self.held_bytes = 0
        held, self._held = self._held, []
        for progress in held:
            progress.handed(1)

    def clear(self, reason: str) -> None:
        """Give up what waits. What the transport holds is the rest of a frame, and must still go out."""
        self._reason = reason
        lost = [waiting.progress for waiting in self._frames if waiting.progress is not None]
        self._frames.clear()
        self.waiting_bytes = 0
        for progress in lost:
            progress.lost(1, reason)

    def abandon(self) -> None:
        """Give up everything: the transport is gone, and what it held with it."""
        self.clear(self._reason)
        self.held_bytes = 0
        held, self._held = self._held, []
        for progress in held:
            progress.lost(1, self._reason)
