"""The presence of a single process: whoever is connected is in its roster."""

from collections.abc import Collection
from typing import Generic, TypeVar

from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.model.room import ROOM_PREFIX
from laba.model.user import Resource

Link = TypeVar("Link")


class LocalPresence(Generic[Link]):
    """`ports.Presence` over this process's roster."""

    def __init__(self, roster: Roster[Link]) -> None:
        self._roster = roster

    async def online(self, app_uuid: str, names: Collection[str]) -> frozenset[str]:
        return frozenset(name for name in names if self._sessions(app_uuid, name))

    async def resources(self, app_uuid: str, name: str) -> tuple[Resource, ...]:
        """List the devices; of several connections of one device, the first says its platform."""
        devices: dict[str, Resource] = {}
        for session in self._sessions(app_uuid, name):
            if session.seat is not None:
                devices.setdefault(session.seat.device, Resource(session.seat.device, session.platform))
        return tuple(devices.values())

    async def rooms(self, app_uuid: str, name: str) -> tuple[str, ...]:
        entered = (channel for session in self._sessions(app_uuid, name) for channel in session.rooms or ())
        return tuple(dict.fromkeys(channel.removeprefix(ROOM_PREFIX) for channel in entered))

    def _sessions(self, app_uuid: str, name: str) -> tuple[Session[Link], ...]:
        present = self._roster.of_user(app_uuid, name)
        return tuple(session for session in present if session.state is not State.CLOSED)
