"""Rooms as the services about them find them: whose they are, who is in them, and one change at a time."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from weakref import WeakValueDictionary

from laba.model.app import App
from laba.model.notice import Notice
from laba.model.refusal import Code, Refusal
from laba.model.room import Room
from laba.ports import Bus, Rooms
from laba.service.users import Users

# After so many look-ups, each of which takes the loop some 10 µs, others have a turn.
_TURN = 256

# (app uuid, room id) -> who is in the room by a session of theirs, and since when (ms)
Present = Callable[[str, str], Mapping[str, int]]
# (app uuid, room id) -> the tags of those of them who have any
Tags = Callable[[str, str], Mapping[str, tuple[str, ...]]]


class RoomBook:
    """`rooms` is the store; what is changed there is told to every node afterwards, in the same order."""

    def __init__(self, rooms: Rooms, users: Users, bus: Bus, present: Present, tags: Tags) -> None:
        self.rooms = rooms
        self._users = users
        self._bus = bus
        self._present = present
        self._tags = tags
        # A lock lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def changing(self, app: App, room_id: str) -> asyncio.Lock:
        """Give the lock under which a room and its members are looked at, changed and told of."""
        key = (app.uuid, room_id)
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    async def tell(self, notice: Notice) -> None:
        await self._bus.publish(notice)

    async def found(self, app: App, room_id: str) -> Room | Refusal:
        room = await self.rooms.find(app.uuid, room_id)
        return room or Refusal(Code.ROOM_UNKNOWN, f"there is no room {room_id}", subject=room_id)

    async def owned(self, app: App, room_id: str, actor: str | None) -> Room | Refusal:
        """Find a room that the actor may rule: the app may, and its owner."""
        room = await self.found(app, room_id)
        if isinstance(room, Room) and actor is not None and actor != room.owner:
            return Refusal(Code.TOKEN_MISMATCH, f"the token is of another user than the owner of room {room_id}")
        return room

    async def members(self, room: Room) -> tuple[str, ...]:
        """Give everybody who is in a room: the owner, who was put in, and who came by itself."""
        owner = (room.owner,) if room.owner else ()
        placed = await self.rooms.placed(room.app_uuid, room.id)
        return tuple(dict.fromkeys((*owner, *placed, *sorted(self._present(room.app_uuid, room.id)))))

    async def arrivals(self, room: Room) -> tuple[tuple[str, int], ...]:
        """Give everybody who is in a room with when each came (ms): 0 for who was put in and has no session in it."""
        members, came = await self.members(room), self._present(room.app_uuid, room.id)
        return tuple((user, came.get(user, 0)) for user in members)

    def is_present(self, room: Room, user: str) -> bool:
        """Tell whether a user is in a room by a session of its own."""
        return user in self._present(room.app_uuid, room.id)

    async def tags(self, room: Room) -> dict[str, tuple[str, ...]]:
        """Give the tags of members who have any: what is so of who is in goes before what REST gave (S3)."""
        given = await self.rooms.tagged(room.app_uuid, room.id)
        here = self._tags(room.app_uuid, room.id)
        absent = {user: tags for user, tags in given.items() if not self.is_present(room, user)}
        return {**absent, **here}

    async def stranger(self, app: App, names: Sequence[str]) -> Refusal | None:
        """Refuse the first of these names that no registered user has."""
        for number, name in enumerate(names, start=1):
            user = await self._users.known(app, name)
            if isinstance(user, Refusal):
                return user
            if number % _TURN == 0:
                await asyncio.sleep(0)
        return None


def outsider(names: Sequence[str], members: Collection[str]) -> Refusal | None:
    """Refuse the first of these names that is no member's."""
    for name in names:
        if name not in members:
            return Refusal(Code.MEMBER_UNKNOWN, f"{name} is no member of the room", subject=name)
    return None


def owner_stays(room: Room) -> Refusal:
    return Refusal(
        Code.OWNER_STAYS, f"{room.owner} owns the room: give it to another member first", subject=room.owner
    )


def full(room: Room) -> Refusal:
    return Refusal(Code.ROOM_FULL, f"a room of at most {room.max_members} members cannot hold them all")
