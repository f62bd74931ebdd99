"""Answers about rooms, in the members that stand beside the vendor's envelope (vendor-apis.md 3.1).

The answers about mutes are those of the vendor's public pages, and unverified.
"""

from typing import Any, assert_never

from laba.dialects.easemob import cursors
from laba.model.room import Room
from laba.model.roomcalls import (
    ChangeRoom,
    MembersAdded,
    MembersChecked,
    MembersDescribed,
    MembersListed,
    MembersMuted,
    MembersQueried,
    MembersRemoved,
    MembersUnmuted,
    MemberTagged,
    MuteAnswer,
    MutesListed,
    Parting,
    RoomAnswer,
    RoomChanged,
    RoomCreated,
    RoomDestroyed,
    RoomGiven,
    RoomMuted,
    RoomsClosed,
    RoomsFound,
    RoomShown,
    RoomsListed,
    RoomsOfUserListed,
    RoomsOpened,
)


def members(answer: RoomAnswer) -> dict[str, Any]:
    """Write what the vendor's page shows of each answer. ValueError for one that no call of this dialect leads to."""
    match answer:
        case RoomCreated(room):
            return {"data": {"id": room.id}}
        case RoomShown(room, everybody):
            return {"data": [_detail(room, everybody)], "count": 1}
        case RoomsListed(rooms, more_after):
            page: dict[str, Any] = {"data": [_listed(room, count) for room, count in rooms], "count": len(rooms)}
            return page if more_after is None else page | {"cursor": cursors.written_number(more_after)}
        case RoomChanged(_, call):
            return {"data": _changes(call)}
        case RoomGiven():
            return {"data": {"newowner": True}}
        case RoomDestroyed(room_id):
            return {"data": {"success": True, "id": room_id}}
        case MembersAdded() | MembersRemoved() | MembersListed() | RoomsOfUserListed():
            return _of_members(answer)
        case (
            RoomsOpened()
            | RoomsClosed()
            | RoomsFound()
            | MembersQueried()
            | MembersChecked()
            | MembersDescribed()
            | MemberTagged()
        ):
            raise ValueError(f"another dialect writes {type(answer).__name__}")
        case _:
            return _of_mutes(answer)


def _of_members(
    answer: MembersAdded | MembersRemoved | MembersListed | RoomsOfUserListed,
) -> dict[str, Any]:
    match answer:
        case MembersAdded(room_id, (user, *_), _, single=True):
            return {"data": {"result": True, "action": "add_member", "id": room_id, "user": user}}
        case MembersAdded(room_id, _, new):
            return {"data": {"newmembers": list(new), "action": "add_member", "id": room_id}}
        case MembersRemoved(room_id, (parting, *_), single=True):
            return {"data": _parting(parting, room_id)}
        case MembersRemoved(room_id, partings):
            return {"data": [_parting(parting, room_id) for parting in partings]}
        case MembersListed(room, page):
            return {"data": _affiliations(room, page), "count": len(page)}
        case RoomsOfUserListed(rooms):
            listed = [{"id": room.id, "name": room.name} for room in rooms]
            return {"entities": [], "data": listed, "count": len(listed)}
        case _:
            assert_never(answer)


def _of_mutes(answer: MuteAnswer) -> dict[str, Any]:
    match answer:
        case MembersMuted(mutes):
            return {"data": [{"result": True, "expire": mute.until_ms, "user": mute.user} for mute in mutes]}
        case MembersUnmuted(users):
            return {"data": [{"result": True, "user": user} for user in users]}
        case MutesListed(mutes):
            return {"data": [{"expire": mute.until_ms, "user": mute.user} for mute in mutes]}
        case RoomMuted(muted):
            return {"data": {"mute": muted}}
        case _:
            assert_never(answer)


def _listed(room: Room, count: int) -> dict[str, Any]:
    return {"id": room.id, "name": room.name, "owner": room.owner, "affiliations_count": count}


def _detail(room: Room, everybody: tuple[str, ...]) -> dict[str, Any]:
    return _listed(room, len(everybody)) | {
        "description": room.description,
        "membersonly": False,
        "allowinvites": False,
        "maxusers": room.max_members,
        "created": room.created_at_ms,
        "custom": room.custom,
        "mute": room.muted,
        "affiliations": _affiliations(room, everybody),
        "public": True,
    }


def _affiliations(room: Room, users: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"owner" if user == room.owner else "member": user} for user in users]


def _changes(call: ChangeRoom) -> dict[str, bool]:
    """Say what was changed; `groupname` is the vendor's word for a room's name [UNVERIFIED]."""
    changes = {"groupname": call.name, "description": call.description, "maxusers": call.max_members}
    return {name: True for name, value in changes.items() if value is not None}


def _parting(parting: Parting, room_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"result": parting.staying is None, "action": "remove_member"}
    if parting.staying is not None:
        shown["reason"] = parting.staying
    return shown | {"user": parting.user, "id": room_id}
