"""Rooms in laba's own words, and what goes first in them and in an app (E5)."""

from typing import Any, Final

from laba.dialects.native.conversations import after, cursor, limit
from laba.dialects.native.members import Members, invalid
from laba.model.content import Kind
from laba.model.priorities import Priorities, PrioritiesChange
from laba.model.room import MAX_MEMBERS, Room
from laba.model.roomcalls import ChangeRoom, ListRooms, RoomChanged, RoomShown, RoomsListed
from laba.model.user import USERNAME_MAX_BYTES

# Members are looked up for every message: who raises more of them raises a type.
HIGH_MEMBERS_MAX: Final = 1000
TEXT_MAX: Final = 512

# --- what is asked -------------------------------------------------------------------------------------------------


def list_of(members: Members) -> ListRooms:
    return ListRooms(limit(members), after(members))


def change(members: Members, room_id: str) -> ChangeRoom:
    """Read what is to be different; what is not named stays as it is."""
    return ChangeRoom(
        room_id,
        name=_text(members, "name"),
        description=_text(members, "description"),
        max_members=members.integer("max_members", 1, MAX_MEMBERS) if "max_members" in members else None,
        priorities=priorities(members),
    )


def priorities(members: Members) -> PrioritiesChange:
    """Read `high_types` and `high_members`: whole lists, which may be empty, in place of what is there."""
    return PrioritiesChange(_kinds(members), _senders(members))


def _kinds(members: Members) -> frozenset[str] | None:
    listed = _list(members, "high_types")
    for index, kind in enumerate(listed or ()):
        if kind not in set(Kind):
            raise invalid(members.path(f"high_types[{index}]"), f"must be one of {', '.join(Kind)}")
    return None if listed is None else frozenset(Kind(kind) for kind in listed)


def _senders(members: Members) -> frozenset[str] | None:
    listed = _list(members, "high_members")
    if listed is not None and len(listed) > HIGH_MEMBERS_MAX:
        raise invalid(members.path("high_members"), f"may name at most {HIGH_MEMBERS_MAX} users")
    for index, name in enumerate(listed or ()):
        if not name or len(name.encode()) > USERNAME_MAX_BYTES:
            raise invalid(members.path(f"high_members[{index}]"), f"must have 1 to {USERNAME_MAX_BYTES} bytes")
    return None if listed is None else frozenset(listed)


def _list(members: Members, name: str) -> list[str] | None:
    if name not in members:
        return None
    listed = members.value(name)
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise invalid(members.path(name), "must be a list of strings")
    return listed


def _text(members: Members, name: str) -> str | None:
    text = members.optional_text(name)
    if text is not None and len(text) > TEXT_MAX:
        raise invalid(members.path(name), f"may have at most {TEXT_MAX} characters")
    return text


# --- what is answered ----------------------------------------------------------------------------------------------


def told(answer: RoomShown | RoomChanged | RoomsListed) -> dict[str, Any]:
    match answer:
        case RoomShown(room, members):
            return _shown(room) | {"members": len(members)}
        case RoomChanged(room):
            return _shown(room)
        case RoomsListed(rooms, more_after):
            listed = [_shown(room) | {"members": count} for room, count in rooms]
            return {"rooms": listed, "cursor": cursor(more_after or 0)}


def shown_priorities(first: Priorities) -> dict[str, list[str]]:
    return {"high_types": sorted(first.high_types), "high_members": sorted(first.high_members)}


def _shown(room: Room) -> dict[str, Any]:
    return {
        "id": room.id,
        "name": room.name,
        "owner": room.owner,
        "description": room.description,
        "custom": room.custom,
        "max_members": room.max_members,
        "active": room.active,
        "muted": room.muted,
        "created_at": room.created_at_ms,
        **shown_priorities(room.priorities),
    }
