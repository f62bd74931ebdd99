"""Rooms: making, showing, changing and destroying them (S3)."""

from dataclasses import replace
from typing import TypeVar

from laba.core.ids import IdSequence
from laba.model.app import App
from laba.model.notice import Destruction, Placement, RoomChange
from laba.model.refusal import Code, Refusal
from laba.model.room import MAX_MEMBERS, Room
from laba.model.roomcalls import (
    ChangeRoom,
    CloseRooms,
    CreateRoom,
    DestroyRoom,
    FindRooms,
    GetRoom,
    GiveRoom,
    ListRooms,
    OpenRooms,
    RoomChanged,
    RoomCreated,
    RoomDestroyed,
    RoomGiven,
    RoomsClosed,
    RoomsFound,
    RoomShown,
    RoomsListed,
    RoomsOpened,
)
from laba.service.ground import Ground
from laba.service.roombook import RoomBook, full, outsider

_Value = TypeVar("_Value")


class Rooms:
    """Every room of every app. An owner is always among those who were put into its room."""

    def __init__(self, book: RoomBook, ids: IdSequence, ground: Ground) -> None:
        self._book = book
        self._ids = ids
        self._ground = ground

    async def create(self, call: CreateRoom, app: App) -> RoomCreated | Refusal:
        if call.actor is not None and call.actor != call.owner:
            return Refusal(Code.TOKEN_MISMATCH, f"the token is of another user than {call.owner}")
        owner = (call.owner,) if call.owner else ()
        members = tuple(dict.fromkeys((*owner, *call.members)))
        stranger = await self._book.stranger(app, members)
        if stranger is not None:
            return stranger
        now_ms = self._ground.clock()
        room = Room(
            app_uuid=app.uuid,
            id=call.chosen_id or str(self._ids.next(now_ms)),
            name=call.name,
            created_at_ms=now_ms,
            owner=call.owner,
            description=call.description,
            custom=call.custom,
            max_members=call.max_members,
        )
        if len(members) > room.max_members:
            return full(room)
        async with self._book.changing(app, room.id):
            added = await self._book.rooms.add(room, members)
            if added is None:
                # Ids follow the clock: it was set back, or somebody chose this id for a room of its own.
                return Refusal(Code.ROOM_EXISTS, f"there is a room {room.id} already; try again", subject=room.id)
            await self._book.tell(Placement(app.uuid, added.id, members))
        return RoomCreated(added)

    async def get(self, call: GetRoom, app: App) -> RoomShown | Refusal:
        room = await self._book.found(app, call.room_id)
        return room if isinstance(room, Refusal) else RoomShown(room, await self._book.members(room))

    async def list(self, call: ListRooms, app: App) -> RoomsListed:
        found = await self._book.rooms.after(app.uuid, call.after, call.limit + 1)
        shown = found[: call.limit]
        # One after the other: a room may have ten thousand members, and a page a hundred rooms.
        rooms = [(room, len(await self._book.members(room))) for room in shown]
        return RoomsListed(tuple(rooms), shown[-1].number if len(found) > len(shown) else None)

    async def change(self, call: ChangeRoom, app: App) -> RoomChanged | Refusal:
        """Change a room. With fewer places than members nobody has to go, but nobody is put in any more."""
        async with self._book.changing(app, call.room_id):
            room = await self._book.owned(app, call.room_id, call.actor)
            if isinstance(room, Refusal):
                return room
            changed = replace(
                room,
                name=_new(call.name, room.name),
                description=_new(call.description, room.description),
                max_members=_new(call.max_members, room.max_members),
                priorities=call.priorities.applied(room.priorities),
            )
            await self._changed(changed)
        return RoomChanged(changed, call)

    async def give(self, call: GiveRoom, app: App) -> RoomGiven | Refusal:
        async with self._book.changing(app, call.room_id):
            room = await self._book.owned(app, call.room_id, call.actor)
            if isinstance(room, Refusal):
                return room
            refusal = await self._book.stranger(app, (call.owner,)) or outsider(
                (call.owner,), await self._book.members(room)
            )
            if refusal is not None:
                return refusal
            # One who only came by itself is put in, and is then there for good.
            if await self._book.rooms.place(app.uuid, room.id, (call.owner,)):
                await self._book.tell(Placement(app.uuid, room.id, (call.owner,)))
            changed = replace(room, owner=call.owner)
            await self._changed(changed)
        return RoomGiven(changed)

    async def destroy(self, call: DestroyRoom, app: App) -> RoomDestroyed | Refusal:
        async with self._book.changing(app, call.room_id):
            room = await self._book.owned(app, call.room_id, call.actor)
            if isinstance(room, Refusal):
                return room
            await self._book.rooms.remove(app.uuid, room.id)
            await self._book.tell(Destruction(app.uuid, room.id))
        return RoomDestroyed(room.id)

    # --- under ids that the caller chose (vendor-apis.md 3.2): each of these may be asked again --------------------

    async def open(self, call: OpenRooms, app: App) -> RoomsOpened:
        """Make the rooms that there are not; they belong to nobody, and hold as many as a room may."""
        for room_id, name in call.rooms:
            async with self._book.changing(app, room_id):
                made = Room(app.uuid, room_id, name, self._ground.clock(), max_members=MAX_MEMBERS)
                await self._book.rooms.add(made, ())
        return RoomsOpened()

    async def close(self, call: CloseRooms, app: App) -> RoomsClosed:
        """Destroy rooms. It is told of those, too, that are gone: whoever did not hear of it hears it now."""
        for room_id in call.room_ids:
            async with self._book.changing(app, room_id):
                await self._book.rooms.remove(app.uuid, room_id)
                await self._book.tell(Destruction(app.uuid, room_id))
        return RoomsClosed()

    async def find(self, call: FindRooms, app: App) -> RoomsFound:
        found = [await self._book.rooms.find(app.uuid, room_id) for room_id in call.room_ids]
        return RoomsFound(tuple(room for room in found if room is not None))

    async def _changed(self, room: Room) -> None:
        await self._book.rooms.change(room)
        await self._book.tell(RoomChange(room))


def _new(value: _Value | None, old: _Value) -> _Value:
    return old if value is None else value
