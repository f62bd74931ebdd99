"""A user's conversations in laba's own words: what rpc methods and REST say alike (design.md section 5)."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, Final

import msgspec

from laba.dialects.native import devices
from laba.dialects.native.members import Members, decoded, invalid
from laba.dialects.unacceptable import Unacceptable
from laba.model.calls import Answer, Call
from laba.model.dispatch import Conversation, ConversationType
from laba.model.pushcalls import DeviceRemoved, DevicesShown
from laba.model.recordcalls import (
    Acknowledge,
    Acknowledged,
    ConversationsListed,
    HistoryRead,
    ListConversations,
    MarkedRead,
    MarkRead,
    ReadHistory,
    Shown,
)
from laba.model.refusal import Refusal

LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 100
IDS_MAX: Final = 100
_ID_MAX_CHARACTERS: Final = 256
# Offsets are below 2**53 (design.md section 4), ids below 2**63: no store holds a larger number.
_DIGITS: Final = 19
_NUMBER_MAX: Final = 2**63 - 1

# --- what is asked -------------------------------------------------------------------------------------------------


def from_query(query: Mapping[str, str]) -> Members:
    """Take a query string's members; `limit` is a number there."""
    limit = query.get("limit", "")
    return Members({**query, "limit": int(limit)} if limit.isdecimal() and len(limit) < _DIGITS else query)


def list_of(members: Members, user: str) -> ListConversations:
    return ListConversations(user, limit(members), after(members))


def mark_read(members: Members, user: str) -> MarkRead:
    return MarkRead(user, _conversation(members))


def history(members: Members, user: str) -> ReadHistory:
    return ReadHistory(user, _conversation(members), limit(members), after(members))


def message_id(text: Any, field: str) -> int:
    """Read an id as clients see it: the decimal form of a number of 64 bits (G3)."""
    number = _number(text) if isinstance(text, str) else None
    if number is None:
        raise invalid(field, "must be a message's id, in decimal digits")
    return number


def _acknowledge(members: Members, _user: str) -> Acknowledge:
    ids = members.required("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= IDS_MAX:
        raise invalid("ids", f"must be a list of 1 to {IDS_MAX} message ids")
    return Acknowledge(frozenset(message_id(each, f"ids[{index}]") for index, each in enumerate(ids)))


def _conversation(members: Members) -> Conversation:
    kind, name = members.text("type"), members.text("id")
    if kind not in set(ConversationType):
        raise invalid("type", f"must be one of {', '.join(ConversationType)}")
    if len(name) > _ID_MAX_CHARACTERS:
        raise invalid("id", f"may have at most {_ID_MAX_CHARACTERS} characters")
    return Conversation(ConversationType(kind), name)


def limit(members: Members) -> int:
    return members.integer("limit", 1, LIMIT_MAX) if "limit" in members else LIMIT_DEFAULT


def after(members: Members) -> int:
    text = members.optional_text("cursor")
    if text is None:
        return 0
    number = _number(text)
    if number is None:
        raise invalid("cursor", "must be one that an earlier answer gave")
    return number


def _number(text: str) -> int | None:
    if not text.isdecimal() or not text.isascii() or len(text) > _DIGITS:
        return None
    number = int(text)
    return number if number <= _NUMBER_MAX else None


# --- by rpc --------------------------------------------------------------------------------------------------------


def _by_rpc(read: Callable[[Members, str], Call]) -> Callable[[bytes, str], Call | Refusal]:
    def asked(data: bytes, user: str) -> Call | Refusal:
        try:
            return read(decoded(data or b"{}"), user)
        except Unacceptable as fault:
            return fault.refusal

    return asked


_METHODS: Final[Mapping[str, Callable[[bytes, str], Call | Refusal]]] = MappingProxyType(
    {
        "conversations": _by_rpc(list_of),
        "read": _by_rpc(mark_read),
        "history": _by_rpc(history),
        "ack": _by_rpc(_acknowledge),
        "device.delete": _by_rpc(lambda _members, user: devices.remove(user, None)),
    }
)


def methods(kinds: AbstractSet[str]) -> Mapping[str, Callable[[bytes, str], Call | Refusal]]:
    """Give every rpc method; `kinds` are those of push providers that laba can speak to."""
    register = _by_rpc(lambda members, user: devices.put(members, user, None, kinds))
    return {**_METHODS, "device.set": register}


def tell(answer: Answer) -> bytes:
    """Write what an rpc is answered."""
    return msgspec.json.encode(told(answer))


# --- what is answered ----------------------------------------------------------------------------------------------


def told(answer: Answer) -> Any:
    """Give an answer's JSON; TypeError for one that nothing here leads to."""
    match answer:
        case ConversationsListed(conversations):
            return [_shown(each) for each in conversations]
        case MarkedRead() | Acknowledged():
            return {}
        case HistoryRead(messages, following, roaming):
            return {
                "messages": [msgspec.Raw(each) for each in messages],
                "cursor": cursor(following),
                "roaming": roaming,
            }
    if isinstance(answer, DevicesShown | DeviceRemoved):
        return {}
    raise TypeError(f"no conversation is answered with {type(answer).__name__}")


def cursor(offset: int) -> str | None:
    return str(offset) if offset else None


def _shown(shown: Shown) -> dict[str, Any]:
    return {
        "type": shown.conversation.type,
        "id": shown.conversation.id,
        "unread": shown.unread,
        "last_message": None if shown.last_message is None else msgspec.Raw(shown.last_message),
        "updated_at": shown.updated_at_ms,
        "cursor": cursor(shown.cursor),
    }
