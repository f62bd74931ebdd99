"""Answers about users and rooms, in the members that stand beside `code` (vendor-apis.md 3.2)."""

from datetime import UTC, datetime
from typing import Any

from laba.model.room import Room
from laba.model.roomcalls import (
    MembersChecked,
    MembersQueried,
    RoomAnswer,
    RoomsClosed,
    RoomsFound,
    RoomsOpened,
)
from laba.model.user import User
from laba.model.usercalls import StatusesFound, TagsFound, TagsSet, UserAnswer, UserChanged, UserFound


def about_users(answer: UserAnswer) -> dict[str, Any]:
    match answer:
        case UserFound(user):
            return _profile(user)
        case StatusesFound(statuses):
            # One was asked for. The vendor writes 1 for online, as text.
            return {"status": "1" if any(status.online for status in statuses) else "0"}
        case TagsFound(tags):
            return {"result": {name: list(of_user) for name, of_user in tags}}
        case UserChanged() | TagsSet():
            return {}
        case _:
            raise ValueError(f"another dialect writes {type(answer).__name__}")


def about_rooms(answer: RoomAnswer, *, single: bool) -> dict[str, Any]:
    """Write what the vendor's page shows; `single` says that one member was asked about, which has its own form."""
    match answer:
        case RoomsFound(rooms):
            return {"chatRooms": [_room(room) for room in rooms]}
        case MembersQueried(total, members):
            # When somebody came who was put in and is not connected is not known.
            came = ({"id": user, "time": written(at_ms) if at_ms else ""} for user, at_ms in members)
            return {"total": total, "users": list(came)}
        case MembersChecked(members):
            return _presence(members, single=single)
        case RoomsOpened() | RoomsClosed():
            return {}
        case _:
            raise ValueError(f"another dialect writes {type(answer).__name__}")


def written(at_ms: int) -> str:
    """Write a time as the vendor's pages do; they name no zone, and laba writes UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _profile(user: User) -> dict[str, Any]:
    return {
        "userName": user.nickname or "",
        "userPortrait": user.portrait or "",
        "createTime": written(user.created_at_ms),
    }


def _room(room: Room) -> dict[str, Any]:
    """Show a room under both names of its id: the vendor's pages have either."""
    return {"chrmId": room.id, "chatroomId": room.id, "name": room.name, "time": written(room.created_at_ms)}


def _presence(members: tuple[tuple[str, bool], ...], *, single: bool) -> dict[str, Any]:
    """Write a boolean for one member, and 0 or 1 for each of many."""
    if single:
        return {"isInChrm": all(there for _, there in members)}
    return {"result": [{"userid": user, "userId": user, "isInChrm": int(there)} for user, there in members]}
