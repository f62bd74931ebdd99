"""Stand-ins for the rooms' store and lanes, for tests of what uses them."""

from dataclasses import dataclass, field, replace

from builders import APP_UUID, NOW_MS
from laba.model.room import Room


@dataclass
class Lanes:
    """Collects what it is given, in order: messages with their streams, and broadcasts."""

    messages: list = field(default_factory=list)
    broadcasts: list = field(default_factory=list)

    def put(self, stream, message):
        self.messages.append((stream, message))

    async def broadcast(self, dispatch):
        self.broadcasts.append(dispatch)


class Rooms:
    """Rooms in memory, as `ports.Rooms` promises, as far as sending asks for them."""

    def __init__(self):
        self.rooms = {}
        self.muted = {}
        self.activations = []

    def open(self, room_id, app_uuid=APP_UUID, **known):
        room = Room(app_uuid, room_id, room_id, NOW_MS, number=len(self.rooms) + 1, **known)
        self.rooms[app_uuid, room_id] = room
        return room

    async def find(self, app_uuid, room_id):
        return self.rooms.get((app_uuid, room_id))

    async def activate(self, app_uuid, room_ids):
        self.activations.append(tuple(room_ids))
        found = {room_id for room_id in room_ids if (app_uuid, room_id) in self.rooms}
        for room_id in found:
            self.rooms[app_uuid, room_id] = replace(self.rooms[app_uuid, room_id], active=True)
        return frozenset(found)

    async def highest_number(self):
        return max((room.number for room in self.rooms.values()), default=0)

    async def mutes(self, app_uuid, room_id):
        return self.muted.get((app_uuid, room_id), ())
