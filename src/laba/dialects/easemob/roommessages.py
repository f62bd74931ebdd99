"""Messages to rooms that are named: `from`, `to`, `type`, `body`, `ext`, `users`, a level (E1, E2, E4, E8, E10)."""

from collections.abc import Mapping
from typing import Any

from laba.dialects.easemob import endpoints
from laba.dialects.easemob.bodies import TYPES, read_body
from laba.dialects.easemob.fields import invalid
from laba.dialects.easemob.jsontext import parse_object
from laba.dialects.easemob.messages import (
    DEFAULT_SENDER,
    SIZE_LIMIT_BYTES,
    ext_fault,
    level_fault,
    level_of,
    sender_fault,
    size_of,
)
from laba.dialects.easemob.pushes import notification
from laba.model.app import Feature, QuotaName
from laba.model.calls import Claim
from laba.model.dispatch import Audience, Submission
from laba.model.refusal import Code, Refusal

ROOMS_MAX = 10  # E1
DIRECTED_ROOMS_MAX = 1  # E10
USERS_MAX = 20  # E10


def read_room_message(claim: Claim, body: bytes) -> Submission | Refusal:
    """Read a message to rooms; where it names `users` it is for them alone, at either endpoint.

    Of several faults the first in this order is named: the JSON itself, `from`, `to`, `type`, `body`, `ext`, `users`,
    `chatroom_msg_level`, then the type's members in the order of `bodies.MEMBERS`. Members beside these are ignored
    (G5).
    """
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    directed = claim.endpoint is endpoints.DIRECTED_MESSAGE or "users" in document
    fault = _fault(document, directed=directed)
    if fault is not None:
        return fault
    said = read_body(TYPES[document["type"]], document["body"], "body")
    if isinstance(said, Refusal):
        return said
    return Submission(
        sender=document.get("from", DEFAULT_SENDER),
        content=said.content,
        flags=said.flags,
        audience=Audience.ROOMS,
        feature=None,
        quota=QuotaName.DIRECTED_CALLS if directed else QuotaName.ROOM_MESSAGES,
        size_bytes=size_of(document, "body"),
        size_limit_bytes=SIZE_LIMIT_BYTES,
        original=said.original,
        ext=document.get("ext"),
        level=level_of(document),
        rooms=tuple(dict.fromkeys(document["to"])),
        users=frozenset(document["users"]) if directed else None,
        notification=notification(said.content, document.get("ext")),
        push_feature=Feature.MESSAGE_PUSH,
    )


def _fault(document: Mapping[str, Any], *, directed: bool) -> Refusal | None:
    return (
        sender_fault(document)
        or _rooms_fault(document, DIRECTED_ROOMS_MAX if directed else ROOMS_MAX)
        or _type_fault(document)
        or _body_fault(document)
        or ext_fault(document)
        or (_users_fault(document) if directed else None)
        or level_fault(document)
    )


def _rooms_fault(document: Mapping[str, Any], most: int) -> Refusal | None:
    if "to" not in document:
        return _empty("to", "is missing")
    fault = _ids_fault(document, "to")
    if fault is not None:
        return fault
    # The page has one wording for none and for too many.
    return None if 1 <= len(set(document["to"])) <= most else _miscounted("to", most)


def _users_fault(document: Mapping[str, Any]) -> Refusal | None:
    if "users" not in document or document["users"] == []:
        return _empty("users", f"must name 1 to {USERS_MAX} members")
    fault = _ids_fault(document, "users")
    if fault is not None:
        return fault
    return None if len(set(document["users"])) <= USERS_MAX else _miscounted("users", USERS_MAX)


def _ids_fault(document: Mapping[str, Any], name: str) -> Refusal | None:
    """Refuse what is no list of ids. A number is none: it would be another id to whoever reads it as a double."""
    ids = document[name]
    if not isinstance(ids, list):
        return invalid(name, "must be an array of strings")
    for at, one in enumerate(ids):
        if not isinstance(one, str) or not one:
            return invalid(f"{name}[{at}]", "must be a string that is not empty")
    return None


def _type_fault(document: Mapping[str, Any]) -> Refusal | None:
    name = document.get("type", "")
    if name == "":
        return _empty("type", f"must be one of {', '.join(TYPES)}")
    if isinstance(name, str) and name in TYPES:
        return None
    return invalid("type", f"must be one of {', '.join(TYPES)}")


def _body_fault(document: Mapping[str, Any]) -> Refusal | None:
    if "body" not in document:
        return _empty("body", "is missing")
    return None if isinstance(document["body"], dict) else invalid("body", "must be an object")


def _empty(field: str, reason: str) -> Refusal:
    return Refusal(Code.FIELD_EMPTY, reason, field=field)


def _miscounted(field: str, most: int) -> Refusal:
    return Refusal(Code.LIST_SIZE_WRONG, f"must hold 1 to {most} different ids", field=field, subject=str(most))
