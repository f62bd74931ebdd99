"""Rooms as callers write them (S3, S11, vendor-apis.md 3.2)."""

from typing import Final

from laba.dialects.rongcloud.faults import bounded, counted, missing
from laba.dialects.rongcloud.forms import Form, form
from laba.dialects.rongcloud.messages import ROOM_ID_MAX_BYTES
from laba.model.app import App
from laba.model.roomcalls import CheckMembers, CloseRooms, FindRooms, OpenRooms, QueryMembers
from laba.model.user import USERNAME_MAX_BYTES

# The vendor names no bound for these.
ROOMS_MAX: Final = 100
NAME_MAX_BYTES: Final = 1024
# vendor-apis.md 3.2, and docs.rongcloud.cn/v4/views/im/server/chatroom/info.html: at most 500 are given.
SHOWN_MAX: Final = 500
CHECKED_MAX: Final = 1000
# Either end of a room's life by itself; laba keeps a room until it is destroyed.
LIFETIME_MAX_MINUTES: Final = 10_080
LATEST_FIRST: Final = 2


def create(body: bytes, _app: App) -> OpenRooms:
    """Read rooms as `chatroom[id]=name`, repeated; a room without a name is called by its id."""
    rooms = form(body).named("chatroom")
    if not rooms:
        raise missing("chatroom")
    ids = tuple(bounded("chatroom", room_id, ROOM_ID_MAX_BYTES) for room_id, _ in rooms)
    counted("chatroom", ids, ROOMS_MAX)
    return OpenRooms(
        tuple((room_id, bounded("chatroom", name or room_id, NAME_MAX_BYTES)) for room_id, name in rooms)
    )


def create_new(body: bytes, _app: App) -> OpenRooms:
    """Read one room. When it is to end, and whether it begins muted, are judged but have no effect."""
    fields = form(body)
    room_id = _room(fields)
    fields.integer("destroyType", 0, 1, 0)
    fields.integer("destroyTime", 0, LIFETIME_MAX_MINUTES, 0)
    fields.flag("isBan")
    return OpenRooms(((room_id, room_id),))


def destroy(body: bytes, _app: App) -> CloseRooms:
    return CloseRooms(form(body).texts("chatroomId", ROOMS_MAX, ROOM_ID_MAX_BYTES))


def query(body: bytes, _app: App) -> FindRooms:
    return FindRooms(form(body).texts("chatroomId", ROOMS_MAX, ROOM_ID_MAX_BYTES))


def query_members(body: bytes, _app: App) -> QueryMembers:
    """Read whose members are wanted, how many, and in which order: 1 as they came, 2 the latest first."""
    fields = form(body)
    room_id = _room(fields)
    count = fields.integer("count", 1, 2**31 - 1, SHOWN_MAX)
    order = fields.integer("order", 1, LATEST_FIRST, 1)
    return QueryMembers(room_id, min(count, SHOWN_MAX), latest_first=order == LATEST_FIRST)


def check_member(body: bytes, _app: App) -> CheckMembers:
    fields = form(body)
    return CheckMembers(_room(fields), (fields.text("userId", USERNAME_MAX_BYTES),))


def check_members(body: bytes, _app: App) -> CheckMembers:
    fields = form(body)
    return CheckMembers(_room(fields), fields.texts("userId", CHECKED_MAX, USERNAME_MAX_BYTES))


def _room(fields: Form) -> str:
    return fields.text("chatroomId", ROOM_ID_MAX_BYTES)
