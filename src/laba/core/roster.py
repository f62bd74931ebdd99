"""Who is connected to this node: an index of sessions by app and user, and the selection of an audience from it."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from laba.core.session import Session
from laba.core.targeting import includes, reaches
from laba.model.dispatch import Audience
from laba.model.targets import Targets

Link = TypeVar("Link")


class Roster(Generic[Link]):
    """Every session that has logged in on this node."""

    __slots__ = ("_apps", "_count", "_everyone")

    def __init__(self) -> None:
        # Per app: user -> its one session, or a tuple of them. Most users have one, and a tuple costs memory.
        self._apps: dict[str, dict[str, Session[Link] | tuple[Session[Link], ...]]] = {}
        # Per app: all its sessions, until one comes or goes. A broadcast then need not touch each of them for it.
        self._everyone: dict[str, list[Session[Link]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Session[Link]]:
        for users in self._apps.values():
            yield from _flattened(users)

    def join(self, session: Session[Link]) -> None:
        """Add a session whose seat is known."""
        if session.seat is None:
            raise ValueError("a session joins after its login")
        users = self._apps.setdefault(session.seat.app_uuid, {})
        present = users.get(session.seat.user)
        match present:
            case None:
                users[session.seat.user] = session
            case tuple():
                users[session.seat.user] = (*present, session)
            case _:
                users[session.seat.user] = (present, session)
        self._everyone.pop(session.seat.app_uuid, None)
        self._count += 1

    def leave(self, session: Session[Link]) -> bool:
        """Remove a session; True if it was the last one of its seat, False too where it never joined."""
        if session.seat is None:
            return False
        users = self._apps.get(session.seat.app_uuid, {})
        before = self.of_user(session.seat.app_uuid, session.seat.user)
        after = tuple(other for other in before if other is not session)
        if len(after) == len(before):
            return False
        self._everyone.pop(session.seat.app_uuid, None)
        self._count -= 1
        if len(after) > 1:
            users[session.seat.user] = after
        elif after:
            users[session.seat.user] = after[0]
        else:
            del users[session.seat.user]
        return all(other.seat != session.seat for other in after)

    def of_user(self, app_uuid: str, user: str) -> tuple[Session[Link], ...]:
        present = self._apps.get(app_uuid, {}).get(user, ())
        return present if isinstance(present, tuple) else (present,)

    def select(self, app_uuid: str, audience: Audience, targets: Targets | None = None) -> list[Session[Link]]:
        """Give the sessions an audience means, as they are now. The list may be shared: nobody may change it."""
        match audience:
            case Audience.ONLINE_USERS | Audience.RECENT_USERS | Audience.ALL_USERS:
                everyone = self._everyone.get(app_uuid)
                if everyone is None:
                    everyone = self._everyone[app_uuid] = list(_flattened(self._apps.get(app_uuid, {})))
                if targets is None or not targets.platforms:
                    return everyone
                return [session for session in everyone if reaches(targets, session.platform)]
            case Audience.TARGETS if targets is not None:
                return [session for session in self._chosen(app_uuid, targets) if reaches(targets, session.platform)]
            case _:
                raise ValueError("who is in a room stands in its hall, and a device has no session")

    def tag(self, app_uuid: str, users: Iterable[str], tags: frozenset[str]) -> None:
        """Note the tags that these users have now."""
        for user in users:
            for session in self.of_user(app_uuid, user):
                session.tags = tags

    def _chosen(self, app_uuid: str, targets: Targets) -> Iterator[Session[Link]]:
        """Give all sessions of the users who are meant; of whom one session matches, all are."""
        if targets.users is not None:
            for user in targets.users:
                yield from self.of_user(app_uuid, user)
            return
        for user in self._apps.get(app_uuid, {}):
            sessions = self.of_user(app_uuid, user)
            if any(includes(targets, user, session.tags, session.packages) for session in sessions):
                yield from sessions


def _flattened(users: dict[str, Session[Link] | tuple[Session[Link], ...]]) -> Iterator[Session[Link]]:
    for present in users.values():
        if isinstance(present, tuple):
            yield from present
        else:
            yield present
