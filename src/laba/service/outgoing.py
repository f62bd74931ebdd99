"""What waits for the writing loop: within a stream in order, and of the streams the highest level first."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, Protocol, TypeVar

from laba.core.session import Session
from laba.service.strain import Strain

Item = TypeVar("Item", bound="Waits")


# One turn in so many begins with the lowest rank.
_FROM_BELOW = 8


class Rank(IntEnum):
    """What goes first. What is for everybody in the app has the rank of a normal message."""

    AT_ONCE = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


class Waits(Protocol):
    """One thing to be written to some sessions. Those of one `key` keep their order.

    Those that `gathers` are written together, for the sake of sessions that get several of them.
    """

    @property
    def key(self) -> object: ...
    @property
    def rank(self) -> Rank: ...
    @property
    def gathers(self) -> bool: ...
    @property
    def sessions(self) -> Sequence[Session[Any]]: ...


@dataclass(slots=True)
class _Queued(Generic[Item]):
    """An item, since when it waits, and how many of its sessions were taken already."""

    item: Item
    since: float
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Piece(Generic[Item]):
    """An item, and which of its sessions it is to be written to now."""

    item: Item
    begin: int
    end: int


class Outgoing(Generic[Item]):
    """A queue with a bound: at `limit` sessions that wait to be written to, `put` waits.

    Streams of one rank have their turns one after the other, so that a loud one does not starve the rest; and every
    eighth turn begins with the lowest rank, so that high messages do not starve what is for everybody.
    """

    def __init__(self, limit: int, strain: Strain) -> None:
        self.strain = strain
        self._limit = limit
        self._queues: dict[object, deque[_Queued[Item]]] = {}
        self._ranks: dict[object, Rank] = {}
        self._turns: tuple[deque[object], ...] = tuple(deque() for _ in Rank)
        self._waiting = 0
        self._is_writing = False
        self._taken = 0
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        """How many items wait, or are being written."""
        return sum(map(len, self._queues.values()))

    def backlog_ms(self, now: float) -> float:
        """Tell how long the item that waits longest has waited; `now` is the event loop's, in seconds."""
        oldest = min((queue[0].since for queue in self._queues.values()), default=now)
        return max(0.0, now - oldest) * 1000

    async def put(self, item: Item) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting < self._limit)
            self._waiting += _weight(item)
            queue = self._queues.setdefault(item.key, deque())
            queue.append(_Queued(item, asyncio.get_running_loop().time()))
            if item.rank < self._ranks.get(item.key, len(Rank)):
                self._line_up(item.key, item.rank)
            self._changed.notify_all()

    async def take(self, most: int, gathered: int) -> list[Piece[Item]]:
        """Take what is to be written next, as soon as there is anything.

        That is one item, or a part of it, for at most `most` sessions; or several that gather, for `gathered`.
        """
        async with self._changed:
            self._is_writing = False
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self._queues)
            self._is_writing = True
            pieces: list[Piece[Item]] = []
            room = most
            while room > 0 and (key := self._next()) is not None:
                head = self._queues[key][0]
                if pieces and not head.item.gathers:
                    self._line_up(key, self._ranks[key], first=True)
                    break
                if not pieces and head.item.gathers:
                    room = gathered
                pieces.append(self._cut(key, head, room))
                room -= max(1, pieces[-1].end - pieces[-1].begin) if head.item.gathers else room
            self._changed.notify_all()
            return pieces

    async def emptied(self) -> None:
        """Wait until everything was taken, and whoever took it has come for more."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._queues and not self._is_writing)

    def _cut(self, key: object, head: _Queued[Item], most: int) -> Piece[Item]:
        begin, whole = head.taken, len(head.item.sessions)
        end = head.taken = min(whole, begin + most)
        queue = self._queues[key]
        if end == whole:
            queue.popleft()
            self._waiting -= _weight(head.item)
        if queue:
            self._line_up(key, min(queued.item.rank for queued in queue))
        else:
            del self._queues[key], self._ranks[key]
        return Piece(head.item, begin, end)

    def _line_up(self, key: object, rank: Rank, *, first: bool = False) -> None:
        self._ranks[key] = rank
        turns = self._turns[rank]
        if first:
            turns.appendleft(key)
        else:
            turns.append(key)

    def _next(self) -> object | None:
        """Give the stream whose turn it is. One that has risen meanwhile still stands in its old place, too."""
        self._taken += 1
        for rank in reversed(Rank) if self._taken % _FROM_BELOW == 0 else Rank:
            turns = self._turns[rank]
            while turns:
                key = turns.popleft()
                if self._ranks.get(key) is rank:
                    return key
        return None


def _weight(item: Waits) -> int:
    return max(1, len(item.sessions))
