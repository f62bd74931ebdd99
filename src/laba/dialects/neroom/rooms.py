"""Rooms as callers write them (S3, S11, vendor-apis.md 3.3). What no public page gives is laba's own, under /v1."""

from typing import Final

from laba.dialects.neroom.fields import Fields, from_form, from_json
from laba.model.calls import Claim
from laba.model.room import MAX_MEMBERS
from laba.model.roomcalls import CreateRoom
from laba.model.user import USERNAME_MAX_BYTES

ROOM_ID_MAX_BYTES: Final = 64
ROOM_NAME_MAX_CHARS: Final = 64
PROFILE_MAX_CHARS: Final = 4096
TEMPLATE_MAX: Final = 2**31 - 1
TYPE_MAX: Final = 2


def create(body: bytes, _claim: Claim) -> CreateRoom:
    """Read a room. It is there until it is closed: a type that would end it after a day is judged, and has no effect.

    Neither have `template_id`, `password` and `room_profile`, which are for the vendor's own clients.
    """
    fields = Fields(from_json(body))
    fields.required("template_id", 0, TEMPLATE_MAX)
    fields.integer("type", 1, TYPE_MAX)
    given = fields.optional("room_uuid", ROOM_ID_MAX_BYTES)
    room_id = fields.identifier("room_uuid", ROOM_ID_MAX_BYTES) if given else None
    name = fields.optional("room_name", ROOM_NAME_MAX_CHARS)
    owner = fields.optional("host_user_uuid", USERNAME_MAX_BYTES)
    return CreateRoom(
        name=name or room_id or "room",
        owner=fields.identifier("host_user_uuid", USERNAME_MAX_BYTES) if owner else "",
        chosen_id=room_id,
        max_members=MAX_MEMBERS,
    )


def im_create(body: bytes, _claim: Claim) -> CreateRoom:
    """Read a chatroom of the IM platform; its number is the one by which clients enter it."""
    fields = Fields(from_form(body), worded=True)
    creator = fields.identifier("creator", USERNAME_MAX_BYTES)
    name = fields.text("name", ROOM_NAME_MAX_CHARS * 2)
    announcement = fields.optional("announcement", PROFILE_MAX_CHARS)
    for unused in ("broadcasturl", "ext"):
        fields.optional(unused, PROFILE_MAX_CHARS)
    return CreateRoom(name=name, owner=creator, description=announcement or "", max_members=MAX_MEMBERS)
