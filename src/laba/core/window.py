"""The window log: what a stream carried lately, as encoded, for those who come back (design.md section 5)."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice
from types import MappingProxyType

from laba.core.membertags import Choice
from laba.core.tally import Tally
from laba.model.dispatch import Again, Level
from laba.model.stream import Position
from laba.model.targets import Targets


class Reach(Enum):
    """Who gets a message beside those who are there when it goes out.

    PRESENT: nobody. RECENT: whoever comes while it is in the window (R5). ALL: whoever comes while it is kept for
    those who are offline (V1). CHOSEN: nobody but its own users, in whose inboxes it is (P5).
    """

    PRESENT = "present"
    RECENT = "recent"
    ALL = "all"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Kept:
    """One message in the log. `frames` gives its bytes per codec, the same objects that go to live sessions.

    `size_bytes` is the message's own length; each codec in use holds about as much again. `tally` is None where the
    message went out before this process began. In a room it is for no device of `sender`, and where `users` is not
    None for nobody else (E6, E10); `members` choose by their tags who may see it (N8), `again` who may see it later.
    `targets` pass over sessions of other platforms. What is `withdrawn` is for nobody any more (X3).
    """

    offset: int
    message_id: int
    accepted_at_ms: int
    size_bytes: int
    frames: Mapping[str, bytes]
    tally: Tally | None = None
    level: Level = Level.NORMAL
    sender: str = ""
    users: frozenset[str] | None = None
    reach: Reach = Reach.PRESENT
    targets: Targets | None = None
    withdrawn: bool = False
    members: Choice | None = None
    again: Again = Again.READERS

    def is_for(self, user: str, tags: frozenset[str]) -> bool:
        """Tell whether a member of the room with these tags may see it."""
        return (
            user != self.sender
            and (self.users is None or user in self.users)
            and (self.members is None or self.members.holds(tags))
        )


# Stands where a message was until the list is cut, so that the bytes are free at once.
_GONE = Kept(0, 0, 0, 0, MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a window log holds. What comes first ends it; by bytes or count, the oldest are lost early."""

    window_ms: int
    limit_bytes: int
    limit_messages: int


class Window:
    """The recent past of one stream on this node, and its position."""

    __slots__ = ("_bounds", "_bytes", "_head", "_kept", "_offsets", "_recent", "floor", "lost", "position")

    def __init__(self, position: Position, bounds: Bounds) -> None:
        """Start empty at `position`: what came before it is not here."""
        self.position = position
        self.lost = 0  # messages dropped by a bound other than age; a metric shows it
        self._bounds = bounds
        # Two lists with a head that moves on: a returning client finds its place by bisection.
        self._kept: list[Kept] = []
        self._offsets: list[int] = []
        self._head = 0
        self._bytes = 0
        # What is for whoever comes within the window, once more: every login asks for it. Most logs have none.
        self._recent: deque[Kept] | None = None
        self.floor = position.offset  # everything after it is here

    def __len__(self) -> int:
        return len(self._kept) - self._head

    def add(self, kept: Kept) -> None:
        """Append at the end; offsets ascend."""
        if kept.offset <= self.position.offset:
            raise ValueError("offsets ascend")
        self._kept.append(kept)
        self._offsets.append(kept.offset)
        self._bytes += kept.size_bytes
        self.position = Position(self.position.epoch, kept.offset)
        if kept.reach is Reach.RECENT:
            self._recent = self._recent or deque()
            self._recent.append(kept)
        excess = 0
        while self._bytes > self._bounds.limit_bytes or len(self) - excess > self._bounds.limit_messages:
            self._bytes -= self._kept[self._head + excess].size_bytes
            excess += 1
        self.lost += excess
        self._drop(excess)

    def pass_over(self, offset: int) -> None:
        """Note that an offset was given to something that is not for this log."""
        if offset > self.position.offset:
            self.position = Position(self.position.epoch, offset)

    def withdraw(self, message_id: int) -> None:
        """Let a message be for nobody any more, and free its bytes; its place stays."""
        for at in range(self._head, len(self._kept)):
            kept = self._kept[at]
            if kept.message_id == message_id:
                self._bytes -= kept.size_bytes
                self._kept[at] = _withdrawn(kept)
                if self._recent is not None:
                    self._recent = deque(one for one in self._recent if one is not kept)
                return

    def recent(self, since_ms: int) -> list[Kept]:
        """Give what is here for whoever comes within the window, and was accepted since then."""
        if self._recent is None:
            return []
        while self._recent and self._recent[0].offset <= self.floor:
            self._recent.popleft()
        return [kept for kept in self._recent if kept.accepted_at_ms >= since_ms]

    def trim(self, now_ms: int) -> None:
        """Forget what is older than the window."""
        horizon_ms = now_ms - self._bounds.window_ms
        old = 0
        for kept in islice(self._kept, self._head, None):
            if kept.accepted_at_ms >= horizon_ms:
                break
            self._bytes -= kept.size_bytes
            old += 1
        self._drop(old)

    def knows(self, position: Position) -> bool:
        """Tell whether `position` is one of this log's, though what followed it may be gone."""
        return position.epoch == self.position.epoch and position.offset <= self.position.offset

    def covers(self, position: Position) -> bool:
        """Tell whether everything after `position` is still here."""
        return self.knows(position) and position.offset >= self.floor

    def after(self, offset: int) -> Iterator[Kept]:
        """Give what follows `offset`, in order."""
        return islice(self._kept, bisect_right(self._offsets, offset, lo=self._head), None)

    def _drop(self, count: int) -> None:
        if not count:
            return
        self._kept[self._head : self._head + count] = [_GONE] * count
        self._head += count
        self.floor = self._offsets[self._head - 1]
        # Cutting at half keeps the cost of a drop constant on average.
        if self._head * 2 >= len(self._kept):
            del self._kept[: self._head]
            del self._offsets[: self._head]
            self._head = 0


def _withdrawn(kept: Kept) -> Kept:
    return replace(kept, size_bytes=0, frames=MappingProxyType({}), withdrawn=True)
