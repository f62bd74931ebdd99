"""Who is a member of one room, beside the sessions that are in its hall."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from laba.core.pace import Pace
from laba.core.session import Session

Link = TypeVar("Link")

NOBODY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})


class Register(Generic[Link]):
    """One room's members as this node knows them, each counted once.

    `placed` are its owner and those whom REST put in, here or not; `guests` came by themselves, and are in or gone
    for a moment; `tagged` are those placed to whom REST gave tags (S3). `listeners` are the sessions that want to
    know who comes and goes, told at most at `pace`.
    """

    __slots__ = ("_changes", "guests", "is_ready", "listeners", "pace", "placed", "tagged")

    def __init__(self, moves_per_second: int) -> None:
        self.placed: set[str] = set()
        self.guests: set[str] = set()
        self.tagged: dict[str, tuple[str, ...]] = {}
        self.listeners: set[Session[Link]] = set()
        self.pace = Pace(moves_per_second)
        self.is_ready = False
        self._changes = 0

    def __len__(self) -> int:
        """How many members the room has."""
        return len(self.placed) + len(self.guests)

    def __contains__(self, user: str) -> bool:
        return user in self.placed or user in self.guests

    @property
    def changes(self) -> int:
        """Count what was told of `placed`: whoever reads it elsewhere must see that it has not changed meanwhile."""
        return self._changes

    def fill(
        self, placed: Collection[str], present: Collection[str], tagged: Mapping[str, tuple[str, ...]] = NOBODY
    ) -> None:
        """Begin with those who were placed, as the store has them; whoever else is present is a guest."""
        self.placed = set(placed)
        self.tagged = dict(tagged)
        self.guests = set(present) - self.placed
        self.is_ready = True

    def place(self, users: Collection[str]) -> None:
        """Note that REST has put users in."""
        self._changes += 1
        self.placed.update(users)
        self.guests.difference_update(users)

    def displace(self, users: Collection[str]) -> None:
        """Note that users are placed no more; whoever of them is still in is to be welcomed as a guest."""
        self._changes += 1
        self.placed.difference_update(users)
        for user in users:
            self.tagged.pop(user, None)

    def tag(self, user: str, tags: tuple[str, ...]) -> None:
        """Note that REST has given a member these tags: one who was placed has them whenever it comes in."""
        self._changes += 1
        if user in self.placed:
            self.tagged[user] = tags

    def renew(self) -> None:
        """Note that the placed are others: they are to be read again."""
        self._changes += 1
        self.is_ready = False

    def welcome(self, user: str) -> None:
        """Note that a user is in."""
        if user not in self.placed:
            self.guests.add(user)

    def bid_farewell(self, user: str) -> None:
        """Note that a user is in no more."""
        self.guests.discard(user)
