"""Broadcasts as callers write them: `from`, `msg`, `ext`, and for rooms a level (A4, A8, E2, E4, E8, V1)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from laba.dialects.easemob.bodies import TYPES, Body, read_body
from laba.dialects.easemob.fields import invalid
from laba.dialects.easemob.jsontext import parse_object
from laba.dialects.easemob.pushes import notification
from laba.dialects.strictjson import compact
from laba.model.app import Feature, QuotaName
from laba.model.calls import Claim
from laba.model.dispatch import Audience, Level, Submission
from laba.model.refusal import Code, Refusal
from laba.model.user import USERNAME_MAX_BYTES

SIZE_LIMIT_BYTES = 5120  # E2
DEFAULT_SENDER = "admin"
LEVEL = "chatroom_msg_level"
LEVELS: Mapping[str, Level] = MappingProxyType({level.value: level for level in Level})
TARGET = "target_type"
TARGETS = ("users", "chatgroups", "chatrooms")  # vendor-apis.md section 2
_SWITCHES: Mapping[Audience, tuple[Feature, QuotaName]] = MappingProxyType(
    {
        Audience.ONLINE_USERS: (Feature.USERS_BROADCAST, QuotaName.USERS_BROADCAST),
        Audience.ALL_USERS: (Feature.ALL_USERS_BROADCAST, QuotaName.ALL_USERS_BROADCAST),
        Audience.ACTIVE_ROOMS: (Feature.CHATROOMS_BROADCAST, QuotaName.CHATROOMS_BROADCAST),
    }
)


def read_users_broadcast(_claim: Claim, body: bytes) -> Submission | Refusal:
    """Read a broadcast to the users who are online.

    Of several faults the first in this order is named: the JSON itself, `from`, `ext`, `msg`, `msg.type`, then the
    type's members in the order of `bodies.MEMBERS`. Members beside these are ignored (G5).
    """
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    fault = sender_fault(document) or ext_fault(document)
    if fault is not None:
        return fault
    return _broadcast(document, Audience.ONLINE_USERS)


def read_all_users_broadcast(_claim: Claim, body: bytes) -> Submission | Refusal:
    """Read a broadcast to all users, offline ones included; faults as above, `target_type` before `from` (V1)."""
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    fault = _target_fault(document) or sender_fault(document) or ext_fault(document)
    if fault is not None:
        return fault
    return _broadcast(document, Audience.ALL_USERS)


def read_rooms_broadcast(_claim: Claim, body: bytes) -> Submission | Refusal:
    """Read a broadcast to all active rooms; faults as above, `chatroom_msg_level` after `ext`."""
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    fault = sender_fault(document) or ext_fault(document) or level_fault(document)
    if fault is not None:
        return fault
    return _broadcast(document, Audience.ACTIVE_ROOMS)


def _broadcast(document: Mapping[str, Any], audience: Audience) -> Submission | Refusal:
    said = _message(document)
    if isinstance(said, Refusal):
        return said
    to_rooms = audience is Audience.ACTIVE_ROOMS
    feature, quota = _SWITCHES[audience]
    return Submission(
        sender=document.get("from", DEFAULT_SENDER),
        content=said.content,
        flags=said.flags,
        audience=audience,
        feature=feature,
        quota=quota,
        size_bytes=size_of(document, "msg"),
        size_limit_bytes=SIZE_LIMIT_BYTES,
        original=said.original,
        ext=document.get("ext"),
        level=level_of(document) if to_rooms else Level.NORMAL,
        notification=None if to_rooms else notification(said.content, document.get("ext")),
        # What reaches everybody by itself starts no push, unless the app has it so (E13).
        push_feature=None if audience is Audience.ALL_USERS else Feature.MESSAGE_PUSH,
    )


def sender_fault(document: Mapping[str, Any]) -> Refusal | None:
    sender = document.get("from", DEFAULT_SENDER)
    if not isinstance(sender, str):
        return invalid("from", "must be a string")
    if not sender:
        return Refusal(Code.SENDER_EMPTY, "must not be empty; leave it out to send as admin", field="from")
    # G5 lets a sender be unknown; but what is too long to be anybody would evade the bound on the message's size.
    if len(sender.encode()) > USERNAME_MAX_BYTES:
        return invalid("from", f"must have at most {USERNAME_MAX_BYTES} bytes")
    return None


def ext_fault(document: Mapping[str, Any]) -> Refusal | None:
    if isinstance(document.get("ext", {}), dict):
        return None
    return Refusal(Code.EXT_INVALID, "must be an object; leave it out where there is none", field="ext")


def _target_fault(document: Mapping[str, Any]) -> Refusal | None:
    target = document.get(TARGET)
    if target == "users":
        return None
    if target in TARGETS:
        reason = "must be 'users' here; all active rooms are reached by /messages/chatrooms/broadcast"
        return Refusal(Code.TARGET_UNSERVED, reason, field=TARGET)
    return Refusal(Code.TARGET_UNKNOWN, "must be 'users'", field=TARGET)


def level_fault(document: Mapping[str, Any]) -> Refusal | None:
    level = document.get(LEVEL, Level.NORMAL)
    if isinstance(level, str) and level in LEVELS:
        return None
    return invalid(LEVEL, f"must be one of {', '.join(LEVELS)}")


def level_of(document: Mapping[str, Any]) -> Level:
    """Give the level of a document without a fault in it (E4)."""
    return LEVELS[document.get(LEVEL, Level.NORMAL)]


def _message(document: Mapping[str, Any]) -> Body | Refusal:
    if "msg" not in document:
        return invalid("msg", "is missing")
    msg = document["msg"]
    if not isinstance(msg, dict):
        return invalid("msg", "must be an object")
    name = msg.get("type")
    kind = TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        return invalid("msg.type", f"must be one of {', '.join(TYPES)}")
    return read_body(kind, {member: value for member, value in msg.items() if member != "type"}, "msg")


def size_of(document: Mapping[str, Any], part: str) -> int:
    """Measure what is said and `ext` by the sentence of E2."""
    return sum(len(compact(document[name])) for name in (part, "ext") if name in document)
