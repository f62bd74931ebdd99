"""Halls: rooms as this node has them in memory, with the sessions that are in them."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from laba.core.membertags import Choice
from laba.core.session import Session
from laba.model.room import Room
from laba.model.stream import Stream

Link = TypeVar("Link")

NO_TAGS: Final[frozenset[str]] = frozenset()


class Hall(Generic[Link]):
    """One room here. It is open while a member is in it, or was until lately.

    `room` is what the store knows of it, replaced when that changes. `away` says since when (ms) those members are
    gone who may still come back as if they had not been. Members' tags are held for as long as they are in, or away
    (S3); sets that are equal are one object.
    """

    __slots__ = ("_came", "_groups", "_list", "_sets", "_tags", "_users", "away", "room", "stream")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.stream = room.stream
        self.away: dict[str, int] = {}
        # user -> its one session, or a tuple of them, as in the roster.
        self._users: dict[str, Session[Link] | tuple[Session[Link], ...]] = {}
        self._came: dict[str, int] = {}
        self._list: list[Session[Link]] | None = None
        # Only those who have any.
        self._tags: dict[str, frozenset[str]] = {}
        self._sets: dict[frozenset[str], frozenset[str]] = {}
        self._groups: dict[frozenset[str], list[Session[Link]]] | None = None

    def __len__(self) -> int:
        """How many users are in it."""
        return len(self._users)

    @property
    def users(self) -> Iterator[str]:
        return iter(self._users)

    @property
    def came(self) -> Mapping[str, int]:
        """Tell when each user came (ms) who is in, or away only."""
        return MappingProxyType(self._came)

    @property
    def sessions(self) -> list[Session[Link]]:
        """Every session that is in it now. The list is shared: nobody may change it."""
        if self._list is None:
            self._list = [session for user in self._users for session in self.of_user(user)]
        return self._list

    @property
    def groups(self) -> Mapping[frozenset[str], list[Session[Link]]]:
        """Every session that is in it now, by the tags of its user. Nobody may change it."""
        if self._groups is None:
            groups: dict[frozenset[str], list[Session[Link]]] = {}
            for user in self._users:
                groups.setdefault(self._tags.get(user, NO_TAGS), []).extend(self.of_user(user))
            self._groups = groups
        return self._groups

    @property
    def tags(self) -> Mapping[str, frozenset[str]]:
        """Give the tags of those who have any and are in, or away only."""
        return MappingProxyType(self._tags)

    def entitled(self, sender: str, choice: Choice | None) -> int:
        """Count the sessions that are in it now and for whom a message of this sender is, `choice` allowing (E6, N8).

        A sender of no name is nobody in here.
        """
        if choice is None:
            return len(self.sessions) - len(self.of_user(sender))
        chosen = sum(len(sessions) for tags, sessions in self.groups.items() if choice.holds(tags))
        return chosen - (len(self.of_user(sender)) if choice.holds(self.tags_of(sender)) else 0)

    def tags_of(self, user: str) -> frozenset[str]:
        return self._tags.get(user, NO_TAGS)

    def tag(self, user: str, tags: Collection[str]) -> None:
        """Give a user who is in these tags, in place of those it had."""
        given = frozenset(tags)
        self._groups = None
        if given:
            self._tags[user] = self._shared(given)
        else:
            self._tags.pop(user, None)

    def _shared(self, tags: frozenset[str]) -> frozenset[str]:
        """Give the one object for equal sets; those that nobody has any more are forgotten by and by."""
        if len(self._sets) > 2 * len(self._tags) + 1:
            self._sets = {each: each for each in self._tags.values()}
        return self._sets.setdefault(tags, tags)

    def of_user(self, user: str) -> tuple[Session[Link], ...]:
        present = self._users.get(user, ())
        return present if isinstance(present, tuple) else (present,)

    def join(self, session: Session[Link], here: int, now_ms: int = 0) -> bool:
        """Let a session in, from behind the offset `here`; tells whether it is the first one of its user.

        Whoever was in before and is not `gone` came when it first did.
        """
        if session.seat is None:
            raise ValueError("a session joins after its login")
        user = session.seat.user
        if session in self.of_user(user):
            return False
        if session.rooms is None:
            session.rooms = {}
        session.rooms[self.stream.channel] = here
        present = self.of_user(user)
        self._users[user] = (*present, session) if present else session
        self._came.setdefault(user, now_ms)
        self._list = self._groups = None
        return not present

    def leave(self, session: Session[Link]) -> bool:
        """Let a session go; tells whether it was the last one of its user. False too where it was not in."""
        if session.seat is None or session.rooms is None or self.stream.channel not in session.rooms:
            return False
        user = session.seat.user
        del session.rooms[self.stream.channel]
        session.rooms = session.rooms or None
        left = tuple(other for other in self.of_user(user) if other is not session)
        self._list = self._groups = None
        if left:
            self._users[user] = left if len(left) > 1 else left[0]
            return False
        del self._users[user]
        return True

    def gone(self, user: str) -> None:
        """Note that a user has left for good: when it comes again, it comes anew."""
        self._came.pop(user, None)
        self._tags.pop(user, None)


class Halls(Generic[Link]):
    """Every hall of this node."""

    __slots__ = ("_apps",)

    def __init__(self) -> None:
        self._apps: dict[str, dict[str, Hall[Link]]] = {}

    def __iter__(self) -> Iterator[Hall[Link]]:
        for halls in self._apps.values():
            yield from halls.values()

    def find(self, stream: Stream) -> Hall[Link] | None:
        halls = self._apps.get(stream.app_uuid)
        return None if halls is None else halls.get(stream.channel)

    def of_app(self, app_uuid: str) -> list[Hall[Link]]:
        return list(self._apps.get(app_uuid, {}).values())

    def open(self, room: Room) -> Hall[Link]:
        """Give the room's hall, a new one where there was none."""
        halls = self._apps.setdefault(room.app_uuid, {})
        hall = halls.get(room.stream.channel)
        if hall is None:
            hall = halls[room.stream.channel] = Hall(room)
        return hall

    def close(self, hall: Hall[Link]) -> None:
        """Forget a hall in which nobody is any more."""
        self._apps.get(hall.stream.app_uuid, {}).pop(hall.stream.channel, None)
