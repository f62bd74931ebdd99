"""Opening halls: a room is entered only when its log is open and it is known who was put in."""

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

from laba.core.halls import Hall
from laba.core.register import Register
from laba.model.attendance import Seat
from laba.model.room import Room
from laba.model.stream import Stream
from laba.ports import Rooms
from laba.service.roomlogs import RoomLogs

Link = TypeVar("Link")


@dataclass(frozen=True, slots=True)
class LobbyRules:
    """How many rooms one session is let into, and how many comings and goings of a room are told in a second."""

    rooms_per_session: int
    moves_per_second: int


class Lobby(Generic[Link]):
    """Makes halls and their registers ready. Raises what Rooms raises."""

    def __init__(self, rooms: Rooms, logs: RoomLogs[Link], rules: LobbyRules) -> None:
        self.registers: dict[Stream, Register[Link]] = {}
        self._rooms = rooms
        self._logs = logs
        self._halls = logs.halls
        self._rules = rules
        self._opening = asyncio.Lock()

    async def ready(self, app_uuid: str, room_id: str) -> Hall[Link] | None:
        """Give the hall of a room that there is, ready to be entered, in the step of a last look at the store."""
        while (room := await self._rooms.find(app_uuid, room_id)) is not None:
            hall = self._opened(room)
            if self._is_ready(hall):
                return hall
            await self._make_ready(hall)
        return None

    async def ready_for(self, seat: Seat) -> list[Hall[Link]]:
        """Give the halls that a user was put into, all ready, in the step of a last look at the store."""
        while True:
            rooms = await self._rooms.rooms_of(seat.app_uuid, seat.user)
            halls = [self._opened(room) for room in rooms[: self._rules.rooms_per_session]]
            unready = [hall for hall in halls if not self._is_ready(hall)]
            if not unready:
                return halls
            for hall in unready:
                await self._make_ready(hall)

    def _opened(self, room: Room) -> Hall[Link]:
        hall = self._halls.open(room)
        if hall.stream not in self.registers:
            self.registers[hall.stream] = Register(self._rules.moves_per_second)
        return hall

    def _is_ready(self, hall: Hall[Link]) -> bool:
        return self.registers[hall.stream].is_ready and self._logs.find(hall.stream) is not None

    async def _make_ready(self, hall: Hall[Link]) -> None:
        """Open the log, and read who was put in. Changes that come meanwhile make it to be done again."""
        await self._logs.open(hall)
        async with self._opening:
            register = self.registers.get(hall.stream)
            if register is None or register.is_ready:
                return
            changes, room = register.changes, hall.room
            placed = set(await self._rooms.placed(room.app_uuid, room.id))
            tagged = await self._rooms.tagged(room.app_uuid, room.id)
            if changes == register.changes:
                placed |= {room.owner} if room.owner else set()
                register.fill(placed, {*hall.users, *hall.away}, tagged)
