"""Rooms as callers write them (vendor-apis.md 3.1). The mutes' bodies are those of the vendor's public pages."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from laba.dialects.easemob import cursors
from laba.dialects.easemob.fields import invalid, username_fault
from laba.dialects.easemob.jsontext import parse_object
from laba.model.calls import Claim
from laba.model.refusal import Code, Refusal
from laba.model.room import MAX_MEMBERS, MAX_MEMBERS_DEFAULT
from laba.model.roomcalls import (
    AddMembers,
    ChangeRoom,
    CreateRoom,
    DestroyRoom,
    GetRoom,
    GiveRoom,
    ListMembers,
    ListMutes,
    ListRooms,
    ListRoomsOf,
    MuteMembers,
    MuteRoom,
    RemoveMembers,
    UnmuteMembers,
)

# vendor-apis.md 3.1: so many members are added by one call, and so many removed.
ADDED_MAX = 60
REMOVED_MAX = 100
PAGE_DEFAULT, PAGE_MAX = 10, 100
MEMBERS_PAGE_DEFAULT, MEMBERS_PAGE_MAX = 10, 1000
# laba's own, in characters: the pages say nothing of them.
NAME_MAX, DESCRIPTION_MAX, CUSTOM_MAX = 128, 512, 8192
FOREVER = -1
# Three centuries in milliseconds: longer is a mistake, and -1 is how to say for ever.
DURATION_MAX_MS = 10**13

_NUMBER = re.compile(r"[0-9]{1,9}")


# --- rooms ---------------------------------------------------------------------------------------------------------


def read_creation(claim: Claim, body: bytes) -> CreateRoom | Refusal:
    """Read a new room. A user's own token makes it the user's where no owner is named."""
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    fault = _text_faults(document) or _max_fault(document)
    if fault is not None:
        return fault
    if "name" not in document:
        return missing("name")
    owner = _name(document["owner"], "owner") if "owner" in document else claim.actor or missing("owner")
    if isinstance(owner, Refusal):
        return owner
    members = _names(document.get("members", []), "members", MAX_MEMBERS)
    if isinstance(members, Refusal):
        return members
    return CreateRoom(
        name=document["name"],
        owner=owner,
        members=members,
        description=document.get("description", ""),
        custom=document.get("custom", ""),
        max_members=document.get("maxusers", MAX_MEMBERS_DEFAULT),
        actor=claim.actor,
    )


def read_get(claim: Claim, _body: bytes) -> GetRoom:
    return GetRoom(claim.arguments["room"], claim.actor)


def read_list(claim: Claim, query: Mapping[str, str]) -> ListRooms | Refusal:
    """Read how many rooms are wanted, 10 if nothing is said, and after which; an empty cursor is none."""
    limit = _count(query, "limit", PAGE_DEFAULT, PAGE_MAX)
    if isinstance(limit, Refusal):
        return limit
    cursor = query.get("cursor", "")
    after = cursors.read_number(cursor) if cursor else 0
    if after is None:
        return invalid("cursor", "must be what an earlier answer gave")
    return ListRooms(limit, after, claim.actor)


def read_change(claim: Claim, body: bytes) -> ChangeRoom | GiveRoom | Refusal:
    """Read new words and a new bound, or alone a new owner."""
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    room_id, actor = claim.arguments["room"], claim.actor
    named = [name for name in ("name", "description", "maxusers") if name in document]
    if "newowner" in document:
        owner = _name(document["newowner"], "newowner")
        if isinstance(owner, Refusal):
            return owner
        return invalid("newowner", "must stand alone") if named else GiveRoom(room_id, owner, actor)
    if not named:
        return missing("name")
    fault = _text_faults(document) or _max_fault(document)
    if fault is not None:
        return fault
    texts = (document.get("name"), document.get("description"))
    return ChangeRoom(room_id, *texts, max_members=document.get("maxusers"), actor=actor)


def read_destruction(claim: Claim, _body: bytes) -> DestroyRoom:
    return DestroyRoom(claim.arguments["room"], claim.actor)


# --- members -------------------------------------------------------------------------------------------------------


def read_addition(claim: Claim, _body: bytes) -> AddMembers | Refusal:
    user = _in_path(claim.arguments["username"])
    if isinstance(user, Refusal):
        return user
    return AddMembers(claim.arguments["room"], (user,), single=True, actor=claim.actor)


def read_additions(claim: Claim, body: bytes) -> AddMembers | Refusal:
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    users = _required_names(document)
    if isinstance(users, Refusal):
        return users
    return AddMembers(claim.arguments["room"], users, single=False, actor=claim.actor)


def read_removal(claim: Claim, _body: bytes) -> RemoveMembers | Refusal:
    """Read one name, or many with commas between them."""
    users = _many_in_path(claim)
    if isinstance(users, Refusal):
        return users
    single = "," not in claim.arguments["usernames"]
    return RemoveMembers(claim.arguments["room"], users, single, claim.actor)


def read_members(claim: Claim, query: Mapping[str, str]) -> ListMembers | Refusal:
    page = _count(query, "pagenum", 1, 10**9)
    size = _count(query, "pagesize", MEMBERS_PAGE_DEFAULT, MEMBERS_PAGE_MAX)
    if isinstance(page, Refusal):
        return page
    return size if isinstance(size, Refusal) else ListMembers(claim.arguments["room"], page, size, claim.actor)


def read_joined(claim: Claim, _body: bytes) -> ListRoomsOf | Refusal:
    user = _in_path(claim.arguments["username"])
    return user if isinstance(user, Refusal) else ListRoomsOf(user, claim.actor)


# --- mutes ---------------------------------------------------------------------------------------------------------


def read_mute(claim: Claim, body: bytes) -> MuteMembers | Refusal:
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    if "mute_duration" not in document:
        return missing("mute_duration")
    duration = document["mute_duration"]
    if not _is_whole(duration) or not (0 < duration <= DURATION_MAX_MS or duration == FOREVER):
        return invalid("mute_duration", "must be a whole number of milliseconds above 0, or -1 for ever")
    users = _required_names(document)
    if isinstance(users, Refusal):
        return users
    return MuteMembers(claim.arguments["room"], users, None if duration == FOREVER else duration, claim.actor)


def read_unmute(claim: Claim, _body: bytes) -> UnmuteMembers | Refusal:
    users = _many_in_path(claim)
    if isinstance(users, Refusal):
        return users
    for name in users:
        if username_fault(name) is not None:
            return Refusal(Code.USER_UNKNOWN, "there is no such user", subject=name)
    return UnmuteMembers(claim.arguments["room"], users, claim.actor)


def read_mutes(claim: Claim, _body: bytes) -> ListMutes:
    return ListMutes(claim.arguments["room"], claim.actor)


def _read_ban(claim: Claim, _body: bytes, *, muted: bool) -> MuteRoom:
    return MuteRoom(claim.arguments["room"], muted, claim.actor)


read_ban = partial(_read_ban, muted=True)
read_unban = partial(_read_ban, muted=False)


# --- members of a body, a path and a query -------------------------------------------------------------------------


def missing(field: str) -> Refusal:
    return Refusal(Code.FIELD_MISSING, "is missing", field=field)


def _text_faults(document: Mapping[str, Any]) -> Refusal | None:
    for field, most in (("name", NAME_MAX), ("description", DESCRIPTION_MAX), ("custom", CUSTOM_MAX)):
        text = document.get(field, "-")
        if not isinstance(text, str) or len(text) > most:
            return invalid(field, f"must be a string of at most {most} characters")
    return missing("name") if document.get("name") == "" else None


def _max_fault(document: Mapping[str, Any]) -> Refusal | None:
    most = document.get("maxusers", MAX_MEMBERS_DEFAULT)
    if _is_whole(most) and 1 <= most <= MAX_MEMBERS:
        return None
    return invalid("maxusers", f"must be a whole number from 1 to {MAX_MEMBERS}")


def _is_whole(value: Any) -> bool:
    # To Python a boolean is a number; to JSON it is none.
    return isinstance(value, int) and not isinstance(value, bool)


def _name(value: Any, field: str) -> str | Refusal:
    """Give the name in a member of a body; user names are known in lower case."""
    if not isinstance(value, str):
        return invalid(field, "must be a string")
    return missing(field) if not value else username_fault(value, field) or value.lower()


def _required_names(document: Mapping[str, Any]) -> tuple[str, ...] | Refusal:
    if not document.get("usernames", ()):
        return missing("usernames")
    return _names(document["usernames"], "usernames", ADDED_MAX)


def _names(values: Any, field: str, most: int) -> tuple[str, ...] | Refusal:
    """Give the names in an array, each once."""
    if not isinstance(values, list):
        return invalid(field, "must be an array")
    if len(values) > most:
        return Refusal(Code.USERS_TOO_MANY, f"one call names at most {most} users", field=field)
    names: dict[str, None] = {}
    for index, value in enumerate(values):
        name = _name(value, f"{field}[{index}]")
        if isinstance(name, Refusal):
            return name
        names[name] = None
    return tuple(names)


def _in_path(name: str) -> str | Refusal:
    """Give the name in the path. What no user of this API can be called is not looked for."""
    if username_fault(name) is not None:
        return Refusal(Code.USER_UNKNOWN, "there is no such user", subject=name)
    return name.lower()


def _many_in_path(claim: Claim) -> tuple[str, ...] | Refusal:
    """Give the names in the path, each once. Whatever they are: a name that nobody can have is no member's."""
    names = claim.arguments["usernames"].split(",")
    if len(names) > REMOVED_MAX:
        return Refusal(Code.USERS_TOO_MANY, f"one call names at most {REMOVED_MAX} users", field="usernames")
    if not all(names):
        return missing("usernames")
    return tuple(dict.fromkeys(name.lower() for name in names))


def _count(query: Mapping[str, str], field: str, default: int, most: int) -> int | Refusal:
    text = query.get(field, str(default))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        return invalid(field, f"must be a whole number from 1 to {most}")
    return int(text)
