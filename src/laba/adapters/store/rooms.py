"""Rooms in the same file. What a login or a message asks is read at once, on the event loop; the rest beside it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import roomstatements as statements
from laba.adapters.store.reads import at_once
from laba.adapters.store.statements import Hot
from laba.adapters.store.worker import Worker
from laba.model.priorities import Priorities
from laba.model.room import Mute, Room

_NONE = "[]"
_NOTHING_FIRST = Priorities()


class SqliteRooms:
    """`ports.Rooms` over the two threads. `find` and `rooms_of` read on a connection of the event loop's own."""

    def __init__(self, writer: Worker, reader: Worker, near: Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._near = near
        self._room = Hot(statements.ROOM)
        self._rooms_of_user = Hot(statements.ROOMS_OF_USER)

    # --- rooms -----------------------------------------------------------------------------------------------------

    async def add(self, room: Room, members: Collection[str]) -> Room | None:
        placed = _the_room(room.app_uuid, room.id) | {"given": _json(list(members))}

        def write(connection: Connection) -> Room | None:
            if connection.execute(statements.ADD_ROOM, _row(room, statements.ADDING)).one_or_none() is None:
                return None
            connection.execute(statements.PLACE_MEMBERS, placed).all()
            return _of_row(connection.execute(statements.ROOM, placed).one())

        return await self._writer.do(write)

    async def find(self, app_uuid: str, room_id: str) -> Room | None:
        """Find one room on the event loop: a thread would cost a message more than the query does."""
        found = self._at_once(self._room, _the_room(app_uuid, room_id))
        return found[0] if found else None

    async def after(self, app_uuid: str, number: int, limit: int) -> tuple[Room, ...]:
        page = {"the_app": app_uuid, "after": number, "most": limit}

        def read(connection: Connection) -> tuple[Room, ...]:
            return tuple(map(_of_row, connection.execute(statements.ROOMS_AFTER, page)))

        return await self._reader.do(read)

    async def change(self, room: Room) -> bool:
        change = _the_room(room.app_uuid, room.id) | _row(room, statements.CHANGING)

        def write(connection: Connection) -> bool:
            return connection.execute(statements.CHANGE_ROOM, change).rowcount == 1

        return await self._writer.do(write)

    async def remove(self, app_uuid: str, room_id: str) -> bool:
        the_room = _the_room(app_uuid, room_id)

        def write(connection: Connection) -> bool:
            connection.execute(statements.EMPTY_ROOM, the_room)
            connection.execute(statements.UNMUTE_ROOM, the_room)
            return connection.execute(statements.REMOVE_ROOM, the_room).rowcount == 1

        return await self._writer.do(write)

    async def activate(self, app_uuid: str, room_ids: Collection[str]) -> frozenset[str]:
        given = {"the_app": app_uuid, "given": _json(list(room_ids))}

        def write(connection: Connection) -> frozenset[str]:
            return frozenset(connection.execute(statements.ACTIVATE, given).scalars())

        return await self._writer.do(write)

    async def highest_number(self) -> int:
        def read(connection: Connection) -> int:
            return connection.execute(statements.HIGHEST_NUMBER).scalar_one_or_none() or 0

        return await self._reader.do(read)

    # --- members ---------------------------------------------------------------------------------------------------

    async def place(self, app_uuid: str, room_id: str, users: Collection[str]) -> frozenset[str]:
        given = _the_room(app_uuid, room_id) | {"given": _json(list(users))}

        def write(connection: Connection) -> frozenset[str]:
            return frozenset(connection.execute(statements.PLACE_MEMBERS, given).scalars())

        return await self._writer.do(write)

    async def displace(self, app_uuid: str, room_id: str, users: Collection[str]) -> frozenset[str]:
        given = _the_room(app_uuid, room_id) | {"given": _json(list(users))}

        def write(connection: Connection) -> frozenset[str]:
            return frozenset(connection.execute(statements.DISPLACE_MEMBERS, given).scalars())

        return await self._writer.do(write)

    async def placed(self, app_uuid: str, room_id: str) -> tuple[str, ...]:
        def read(connection: Connection) -> tuple[str, ...]:
            return tuple(connection.execute(statements.MEMBERS, _the_room(app_uuid, room_id)).scalars())

        return await self._reader.do(read)

    async def tag(self, app_uuid: str, room_id: str, user: str, tags: tuple[str, ...]) -> bool:
        given = _the_room(app_uuid, room_id) | {"the_user": user, "new_tags": _json(tags) if tags else None}

        def write(connection: Connection) -> bool:
            return connection.execute(statements.TAG_MEMBER, given).rowcount == 1

        return await self._writer.do(write)

    async def tagged(self, app_uuid: str, room_id: str) -> dict[str, tuple[str, ...]]:
        def read(connection: Connection) -> dict[str, tuple[str, ...]]:
            found = connection.execute(statements.TAGGED, _the_room(app_uuid, room_id))
            return {user: tuple(msgspec.json.decode(tags)) for user, tags in found}

        return await self._reader.do(read)

    async def rooms_of(self, app_uuid: str, user: str) -> tuple[Room, ...]:
        """Give the rooms on the event loop, as `SqliteStore.user` does for the same login."""
        return self._at_once(self._rooms_of_user, {"the_app": app_uuid, "the_user": user})

    # --- mutes -----------------------------------------------------------------------------------------------------

    async def mute(self, app_uuid: str, room_id: str, mutes: Collection[Mute]) -> None:
        given = _the_room(app_uuid, room_id) | {"given": _json([(mute.user, mute.until_ms) for mute in mutes])}

        def write(connection: Connection) -> None:
            connection.execute(statements.MUTE_MEMBERS, given)

        await self._writer.do(write)

    async def unmute(self, app_uuid: str, room_id: str, users: Collection[str]) -> frozenset[str]:
        given = _the_room(app_uuid, room_id) | {"given": _json(list(users))}

        def write(connection: Connection) -> frozenset[str]:
            return frozenset(connection.execute(statements.UNMUTE_MEMBERS, given).scalars())

        return await self._writer.do(write)

    async def mutes(self, app_uuid: str, room_id: str) -> tuple[Mute, ...]:
        def read(connection: Connection) -> tuple[Mute, ...]:
            return tuple(Mute(*row) for row in connection.execute(statements.MUTES, _the_room(app_uuid, room_id)))

        return await self._reader.do(read)

    def _at_once(self, statement: Hot, parameters: Mapping[str, object]) -> tuple[Room, ...]:
        return tuple(map(_of_row, at_once(self._near, statement, parameters)))


def forget_in_rooms(connection: Connection, app_uuid: str, user: str) -> None:
    """Take a user who is being removed out of every room."""
    the_user = {"the_app": app_uuid, "the_user": user}
    for statement in (statements.DISOWN, statements.FORGET_PLACES, statements.FORGET_MUTES):
        connection.execute(statement, the_user)


def _the_room(app_uuid: str, room_id: str) -> dict[str, object]:
    return {"the_app": app_uuid, "the_room": room_id}


def _row(room: Room, columns: Collection[str]) -> dict[str, object]:
    """Give the parameters of a statement that writes these columns."""
    first = {"high_types": room.priorities.high_types, "high_members": room.priorities.high_members}
    return {f"new_{name}": _json(sorted(first[name])) if name in first else getattr(room, name) for name in columns}


def _of_row(row: Sequence[Any]) -> Room:
    """Give the room of a row of ROOM_COLUMNS."""
    app_uuid, room_id, name, created_at_ms, number, owner, description, custom, *bounds, types, members = row
    max_members, active, muted = bounds
    known = (app_uuid, room_id, name, created_at_ms, number, owner, description, custom, max_members)
    return Room(*known, bool(active), bool(muted), _priorities(types, members))


def _priorities(types: str, members: str) -> Priorities:
    # Most rooms raise nothing, and a message asks for its room.
    if types == members == _NONE:
        return _NOTHING_FIRST
    return Priorities(frozenset(msgspec.json.decode(types)), frozenset(msgspec.json.decode(members)))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
