"""Rooms in laba's own words, and what goes first in them and in an app (E5)."""

import re
from typing import Any, Final

from laba.dialects.native.conversations import after, cursor, limit
from laba.dialects.native.members import Members, invalid, user_name
from laba.model.content import Kind
from laba.model.priorities import Priorities, PrioritiesChange
from laba.model.refusal import Code
from laba.model.room import MAX_MEMBERS, Room
from laba.model.roomcalls import (
    AddMembers,
    ChangeRoom,
    CreateRoom,
    DescribeMembers,
    ListRooms,
    MembersAdded,
    MembersDescribed,
    MembersRemoved,
    MemberTagged,
    RoomAnswer,
    RoomChanged,
    RoomCreated,
    RoomDestroyed,
    RoomShown,
    RoomsListed,
    TagMember,
)
from laba.model.tags import TAG_MAX_CHARS, TAGS_MAX
from laba.model.user import USERNAME_MAX_BYTES

# Members are looked up for every message: who raises more of them raises a type.
HIGH_MEMBERS_MAX: Final = 1000
TEXT_MAX: Final = 512
ID_MAX_BYTES: Final = 64
MEMBERS_DEFAULT, MEMBERS_MAX = 100, 1000
ADDED_MAX: Final = 100
# An id is a segment of a path, and of a channel's name.
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f/]")

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


def create(members: Members) -> CreateRoom:
    """Read a room. Its id may be the caller's choice; its owner, where it has one, is a registered user."""
    room_id = members.optional_text("id")
    if room_id is not None and (len(room_id.encode()) > ID_MAX_BYTES or _UNFIT.search(room_id)):
        raise invalid("id", f"must have at most {ID_MAX_BYTES} bytes, without slashes, spaces or control characters")
    most = members.integer("max_members", 1, MAX_MEMBERS) if "max_members" in members else MAX_MEMBERS
    return CreateRoom(
        name=_text(members, "name") or room_id or "",
        owner=user_name(members, "owner") if "owner" in members else "",
        description=_text(members, "description") or "",
        max_members=most,
        chosen_id=room_id,
    )


def members_of(members: Members, room_id: str) -> DescribeMembers:
    """Read which page of members is wanted: `after` is the name that the page before ended with."""
    name = members.value("after") if "after" in members else ""
    most = members.integer("limit", 1, MEMBERS_MAX) if "limit" in members else MEMBERS_DEFAULT
    return DescribeMembers(room_id, most, str(name))


def additions(members: Members, room_id: str) -> AddMembers:
    """Read whom to put into a room: registered users, all of them or none (S3)."""
    if "users" not in members:
        raise invalid("users", "is missing")
    listed = _list(members, "users") or []
    if not 1 <= len(listed) <= ADDED_MAX:
        raise invalid("users", f"must name 1 to {ADDED_MAX} users", Code.LIST_SIZE_WRONG)
    for index, name in enumerate(listed):
        if not name or len(name.encode()) > USERNAME_MAX_BYTES:
            raise invalid(f"users[{index}]", f"must have 1 to {USERNAME_MAX_BYTES} bytes")
    return AddMembers(room_id, tuple(dict.fromkeys(listed)), single=False)


def tags(members: Members, room_id: str, user: str) -> TagMember:
    """Read a member's tags, in place of all that it had; an empty list leaves it none (S3)."""
    if "tags" not in members:
        raise invalid("tags", "is missing")
    listed = _list(members, "tags") or []
    if len(listed) > TAGS_MAX:
        raise invalid("tags", f"may hold at most {TAGS_MAX} tags")
    for index, tag in enumerate(listed):
        if not 1 <= len(tag) <= TAG_MAX_CHARS:
            raise invalid(f"tags[{index}]", f"must have 1 to {TAG_MAX_CHARS} characters")
    return TagMember(room_id, user, tuple(dict.fromkeys(listed)))


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


def told(answer: RoomAnswer) -> dict[str, Any]:
    """Write an answer; TypeError for one that no call of this dialect leads to."""
    match answer:
        case RoomCreated(room):
            return _shown(room)
        case RoomDestroyed(room_id):
            return {"id": room_id}
        case MembersAdded() | MembersRemoved() | MembersDescribed() | MemberTagged():
            return _of_members(answer)
        case RoomShown(room, members):
            return _shown(room) | {"members": len(members)}
        case RoomChanged(room):
            return _shown(room)
        case RoomsListed(rooms, more_after):
            shown = [_shown(room) | {"members": count} for room, count in rooms]
            return {"rooms": shown, "cursor": cursor(more_after or 0)}
        case _:
            raise TypeError(f"the native dialect asks for no {type(answer).__name__}")


def _of_members(answer: MembersAdded | MembersRemoved | MembersDescribed | MemberTagged) -> dict[str, Any]:
    match answer:
        case MembersAdded(_, users, new):
            return {"users": list(users), "new": list(new)}
        case MembersRemoved(_, partings):
            # One at a time is asked for; one who stays is a refusal.
            return {"user": partings[0].user}
        case MembersDescribed(_, members, following):
            listed = [{"user": user, "tags": list(tags)} for user, tags in members]
            return {"members": listed, "after": following or None}
        case MemberTagged(_, user, given):
            return {"user": user, "tags": list(given)}


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
