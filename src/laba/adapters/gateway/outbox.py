"""One connection's backlog: what could not be written at once, in order, bounded in bytes."""

from collections import deque
from typing import NamedTuple

from laba.service.progress import Progress

# What a frame of a few bytes costs beside them: a flood of answers to pings must count for what it holds.
_FRAME_COST_BYTES = 112
# Linux: IOV_MAX. One writev takes no more buffers.
_FRAMES_AT_ONCE = 1024


class Waiting(NamedTuple):
    """One whole frame, and who wants to know of it."""

    frame: bytes
    progress: Progress | None


class Outbox:
    """Whole frames that wait, and how many bytes of earlier ones the transport still holds.

    Exists only while something waits: an idle connection has none.
    """

    __slots__ = ("_frames", "_held", "_reason", "held_bytes", "waiting_bytes")

    def __init__(self) -> None:
        self._frames: deque[Waiting] = deque()
        self._held: list[Progress] = []
        self._reason = "closed"
        self.waiting_bytes = 0
        self.held_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self.waiting_bytes + self.held_bytes

    def add(self, frame: bytes, progress: Progress | None = None) -> None:
        self._frames.append(Waiting(frame, progress))
        self.waiting_bytes += len(frame) + _FRAME_COST_BYTES

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

    def hold(self, progress: Progress | None) -> None:
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
