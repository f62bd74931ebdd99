"""One connection's backlog: what could not be written at once, in order, bounded in bytes."""

from collections import deque

# What a frame of a few bytes costs beside them: a flood of answers to pings must count for what it holds.
_FRAME_COST_BYTES = 48
# Linux: IOV_MAX. One writev takes no more buffers.
_FRAMES_AT_ONCE = 1024


class Outbox:
    """Whole frames that wait, and how many bytes of an earlier one the transport still holds.

    Exists only while something waits: an idle connection has none.
    """

    __slots__ = ("_frames", "held_bytes", "waiting_bytes")

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self.waiting_bytes = 0
        self.held_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self.waiting_bytes + self.held_bytes

    def add(self, frame: bytes) -> None:
        self._frames.append(frame)
        self.waiting_bytes += len(frame) + _FRAME_COST_BYTES

    def take(self, limit_bytes: int) -> list[bytes]:
        """Take the oldest frames for one writev, up to the limit but at least one; none where nothing waits."""
        taken: list[bytes] = []
        size = 0
        while self._frames and len(taken) < _FRAMES_AT_ONCE:
            if taken and size + len(self._frames[0]) > limit_bytes:
                break
            frame = self._frames.popleft()
            taken.append(frame)
            size += len(frame)
        self.waiting_bytes -= size + _FRAME_COST_BYTES * len(taken)
        return taken

    def clear(self) -> None:
        """Give up what waits. What the transport holds is the rest of a frame, and must still go out."""
        self._frames.clear()
        self.waiting_bytes = 0
