"""What is sent, and to whom: broadcasts, messages to rooms, and what a client says in one."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from laba.dialects.native import contents, pushes
from laba.dialects.native.members import Members, compact_bytes, decoded, invalid, named, user_name
from laba.dialects.unacceptable import Unacceptable
from laba.model.app import Feature, QuotaName
from laba.model.calls import Claim
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, ConversationType, Level, Submission
from laba.model.flags import Flags
from laba.model.refusal import Code, Refusal

# A4: a broadcast without a sender is the administrator's.
DEFAULT_SENDER: Final = "admin"
# E2: content and ext together, as compact JSON in UTF-8.
SIZE_LIMIT_BYTES: Final = 5120
CLIENT_ID_LIMIT: Final = 128
# E1, E10: the vendors' bounds are everybody's.
ROOMS_LIMIT: Final = 10
DIRECTED_ROOMS_LIMIT: Final = 1
USERS_LIMIT: Final = 20

# R8: a command has none of the properties, everything else is stored and counted; no push starts by itself.
_PASSING: Final = Flags(stored=False, counted=False, pushed=False, updates_last=False)
_LASTING: Final = Flags(stored=True, counted=True, pushed=False, updates_last=True)

# Whom a broadcast may be for, with what switches it on and what counts it.
_BROADCASTS: Final[Mapping[str, tuple[Audience, Feature, QuotaName]]] = MappingProxyType(
    {
        "online_users": (Audience.ONLINE_USERS, Feature.USERS_BROADCAST, QuotaName.USERS_BROADCAST),
        "recent_users": (Audience.RECENT_USERS, Feature.ONLINE_BROADCAST, QuotaName.ONLINE_BROADCAST),
        "all_users": (Audience.ALL_USERS, Feature.ALL_USERS_BROADCAST, QuotaName.ALL_USERS_BROADCAST),
        "active_rooms": (Audience.ACTIVE_ROOMS, Feature.CHATROOMS_BROADCAST, QuotaName.CHATROOMS_BROADCAST),
    }
)
# A room's messages are in its conversation; what is for users may be in the app's or in the system's (R4).
_CONVERSATIONS: Final = (ConversationType.APP, ConversationType.SYSTEM)


def broadcast(_claim: Claim, body: bytes) -> Submission:
    """Read a broadcast: to the users who are online, or by `audience` to others.

    To those who are online or come within the window (R5), to all users (V1), or to active rooms (A8).
    """
    members = decoded(body)
    asked = members.value("audience") if "audience" in members else "online_users"
    if not isinstance(asked, str) or asked not in _BROADCASTS:
        raise invalid("audience", f"must be one of {', '.join(_BROADCASTS)}")
    audience, feature, quota = _BROADCASTS[asked]
    pushed = pushes.notification(members, "push")
    if pushed is not None and audience is Audience.ACTIVE_ROOMS:
        raise invalid("push", "is for broadcasts to users: who is in a room is there")
    return replace(
        _submission(members, _sender(members)),
        audience=audience,
        feature=feature,
        quota=quota,
        conversation=_conversation(members, audience),
        notification=pushed,
    )


def push(_claim: Claim, body: bytes) -> Submission:
    """Read a push that is no message: to devices alone, and to no session (S8)."""
    members = decoded(body)
    members.required("push")
    shown = pushes.notification(members, "push")
    alert = "" if shown is None else shown.alert
    return Submission(
        sender=_sender(members) if "from" in members else "",
        content=Content(Kind.TXT, {"text": alert}),
        flags=_PASSING,
        audience=Audience.DEVICES,
        feature=Feature.PUSH,
        quota=QuotaName.PUSH,
        size_bytes=len(alert.encode()),
        size_limit_bytes=SIZE_LIMIT_BYTES,
        conversation=ConversationType.SYSTEM,
        targets=pushes.targets(members),
        notification=shown,
    )


def to_rooms(_claim: Claim, body: bytes) -> Submission:
    """Read a message to rooms; where it names `users` it is for them alone (E1, E10)."""
    members = decoded(body)
    submission = _submission(members, _sender(members))
    directed = "users" in members
    rooms = _ids(members, "rooms", DIRECTED_ROOMS_LIMIT if directed else ROOMS_LIMIT)
    if not directed:
        return replace(submission, rooms=rooms)
    users = frozenset(_ids(members, "users", USERS_LIMIT))
    return replace(submission, rooms=rooms, users=users, quota=QuotaName.DIRECTED_CALLS)


def said_in_room(data: bytes, room_id: str, user: str) -> Submission | Refusal:
    """Read what a client publishes in a room: a broadcast's body, whose sender is the client's user.

    A `from` is ignored like any unknown member (G5): nobody speaks for another.
    """
    try:
        return replace(_submission(decoded(data), user), rooms=(room_id,))
    except Unacceptable as fault:
        return fault.refusal


def _submission(members: Members, sender: str) -> Submission:
    """Read what is said, as a message to rooms that are not named yet."""
    kind = named(Kind, members.required("kind"), "kind")
    members.required("content")
    inner = members.members("content")
    ext = _ext(members)
    return Submission(
        sender=sender,
        content=contents.content(kind, inner),
        flags=_PASSING if kind is Kind.CMD else _LASTING,
        audience=Audience.ROOMS,
        feature=None,
        quota=QuotaName.ROOM_MESSAGES,
        size_bytes=compact_bytes(inner.plain()) + (0 if ext is None else compact_bytes(ext)),
        size_limit_bytes=SIZE_LIMIT_BYTES,
        original=contents.original(kind, inner),
        ext=ext,
        level=named(Level, members.value("level"), "level") if "level" in members else Level.NORMAL,
        client_id=_client_id(members),
    )


def _conversation(members: Members, audience: Audience) -> ConversationType:
    """Read in which conversation a broadcast to users appears."""
    if "conversation" not in members:
        return ConversationType.APP
    if audience is Audience.ACTIVE_ROOMS:
        raise invalid("conversation", "is for broadcasts to users: a room's messages are in the room's")
    asked = members.value("conversation")
    if asked not in _CONVERSATIONS:
        raise invalid("conversation", f"must be one of {', '.join(_CONVERSATIONS)}")
    return ConversationType(asked)


def _sender(members: Members) -> str:
    if "from" not in members:
        return DEFAULT_SENDER
    if members.value("from") == "":
        raise invalid("from", "can't be empty", Code.SENDER_EMPTY)
    return user_name(members, "from")


def _ids(members: Members, name: str, most: int) -> tuple[str, ...]:
    """Take ids, each once, in the order in which they were named."""
    ids = members.required(name)
    if not isinstance(ids, list):
        raise invalid(name, "must be a list of ids")
    for at, one in enumerate(ids):
        if not isinstance(one, str) or not one:
            raise invalid(f"{name}[{at}]", "must be a string that is not empty")
    different = tuple(dict.fromkeys(ids))
    if not 1 <= len(different) <= most:
        raise invalid(name, f"must hold 1 to {most} different ids", Code.LIST_SIZE_WRONG)
    return different


def _ext(members: Members) -> dict[str, Any] | None:
    """Read `ext`: an object or absent, never null (E8)."""
    if "ext" not in members:
        return None
    ext = members.value("ext")
    if not isinstance(ext, dict):
        raise invalid("ext", "must be an object", Code.EXT_INVALID)
    return ext


def _client_id(members: Members) -> str | None:
    client_id = members.optional_text("client_id")
    if client_id is not None and len(client_id) > CLIENT_ID_LIMIT:
        raise invalid("client_id", f"may have at most {CLIENT_ID_LIMIT} characters")
    return client_id
