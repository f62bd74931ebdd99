"""Everything that is asked of the database about rooms, by name. No query reads a table from end to end."""

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import sqlite

from laba.adapters.store.tables import room_members, room_mutes, rooms

# The order in which `rooms._room` takes a row's columns.
ROOM_COLUMNS = (
    "app_uuid",
    "id",
    "name",
    "created_at_ms",
    "number",
    "owner",
    "description",
    "custom",
    "max_members",
    "active",
    "muted",
    "high_types",
    "high_members",
)
ADDING = tuple(name for name in ROOM_COLUMNS if name != "number")
# What `ports.Rooms.change` replaces.
CHANGING = tuple(name for name in ADDING if name not in {"app_uuid", "id", "active"})

_ROOM = [rooms.c[name] for name in ROOM_COLUMNS]
# In a SET, SQLAlchemy keeps the columns' names for itself.
_THE_ROOM = (rooms.c.app_uuid == bindparam("the_app"), rooms.c.id == bindparam("the_room"))
_ITS_MEMBERS = (room_members.c.app_uuid == bindparam("the_app"), room_members.c.room_id == bindparam("the_room"))
_ITS_MUTES = (room_mutes.c.app_uuid == bindparam("the_app"), room_mutes.c.room_id == bindparam("the_room"))
_GIVEN = func.json_each(bindparam("given")).table_valued("key", "value", name="given")
_GIVEN_TO_ROOM = rooms.join(_GIVEN, true())


def _among(found: ColumnElement[str]) -> ColumnElement[bool]:
    """Expect one of those in the JSON array `given`."""
    return found.in_(select(_GIVEN.c.value))


_ADD = sqlite.insert(rooms).values({name: bindparam(f"new_{name}") for name in ADDING})
ADD_ROOM = _ADD.on_conflict_do_nothing(index_elements=["app_uuid", "id"]).returning(rooms.c.number)
ROOM = select(*_ROOM).where(*_THE_ROOM)
ROOMS_AFTER = (
    select(*_ROOM)
    .where(rooms.c.app_uuid == bindparam("the_app"), rooms.c.number > bindparam("after"))
    .order_by(rooms.c.number)
    .limit(bindparam("most"))
)
CHANGE_ROOM = update(rooms).where(*_THE_ROOM).values({name: bindparam(f"new_{name}") for name in CHANGING})
REMOVE_ROOM = delete(rooms).where(*_THE_ROOM)
EMPTY_ROOM = delete(room_members).where(*_ITS_MEMBERS)
UNMUTE_ROOM = delete(room_mutes).where(*_ITS_MUTES)
ACTIVATE = (
    update(rooms)
    .where(rooms.c.app_uuid == bindparam("the_app"), _among(rooms.c.id))
    .values(active=literal_column("1"))
    .returning(rooms.c.id)
)
# SQLite's own table of the numbers it gave: it knows those of rooms that are gone. One row for each such table.
HIGHEST_NUMBER = text("SELECT seq FROM sqlite_sequence WHERE name = 'rooms'")

# Nobody is put into a room, or muted there, that was removed in between.
PLACE_MEMBERS = (
    sqlite.insert(room_members)
    .from_select(
        ["app_uuid", "room_id", "user"],
        select(rooms.c.app_uuid, rooms.c.id, _GIVEN.c.value)
        .select_from(_GIVEN_TO_ROOM)
        .where(*_THE_ROOM)
        .order_by(_GIVEN.c.key),
    )
    .on_conflict_do_nothing()
    .returning(room_members.c.user)
)
DISPLACE_MEMBERS = (
    delete(room_members).where(*_ITS_MEMBERS, _among(room_members.c.user)).returning(room_members.c.user)
)
TAG_MEMBER = (
    update(room_members)
    .where(*_ITS_MEMBERS, room_members.c.user == bindparam("the_user"))
    .values(tags=bindparam("new_tags"))
)
TAGGED = select(room_members.c.user, room_members.c.tags).where(*_ITS_MEMBERS, room_members.c.tags.is_not(None))
MEMBERS = select(room_members.c.user).where(*_ITS_MEMBERS).order_by(room_members.c.number)
ROOMS_OF_USER = (
    select(*_ROOM)
    .join_from(
        room_members, rooms, and_(rooms.c.app_uuid == room_members.c.app_uuid, rooms.c.id == room_members.c.room_id)
    )
    .where(room_members.c.app_uuid == bindparam("the_app"), room_members.c.user == bindparam("the_user"))
    .order_by(room_members.c.number)
)

_MUTE = sqlite.insert(room_mutes).from_select(
    ["app_uuid", "room_id", "user", "until_ms"],
    select(
        rooms.c.app_uuid,
        rooms.c.id,
        func.json_extract(_GIVEN.c.value, literal_column("'$[0]'")),
        func.json_extract(_GIVEN.c.value, literal_column("'$[1]'")),
    )
    .select_from(_GIVEN_TO_ROOM)
    .where(*_THE_ROOM),
)
MUTE_MEMBERS = _MUTE.on_conflict_do_update(
    index_elements=["app_uuid", "room_id", "user"], set_={"until_ms": _MUTE.excluded.until_ms}
)
UNMUTE_MEMBERS = delete(room_mutes).where(*_ITS_MUTES, _among(room_mutes.c.user)).returning(room_mutes.c.user)
MUTES = select(room_mutes.c.user, room_mutes.c.until_ms).where(*_ITS_MUTES).order_by(room_mutes.c.user)

# Of a user who is removed. Its rooms stay, without an owner: whoever has the name next does not own them.
_OF_USER = (room_members.c.app_uuid == bindparam("the_app"), room_members.c.user == bindparam("the_user"))
DISOWN = (
    update(rooms)
    .where(rooms.c.app_uuid == bindparam("the_app"), rooms.c.owner == bindparam("the_user"))
    .where(rooms.c.id.in_(select(room_members.c.room_id).where(*_OF_USER)))
    .values(owner=literal_column("''"))
)
FORGET_PLACES = delete(room_members).where(*_OF_USER)
FORGET_MUTES = delete(room_mutes).where(
    room_mutes.c.app_uuid == bindparam("the_app"), room_mutes.c.user == bindparam("the_user")
)
