"""What can be asked about what was sent: conversations, and reports (A2, S5, X2)."""

from dataclasses import dataclass

from laba.model.dispatch import Audience, Conversation
from laba.model.report import KeptReport
from laba.model.roomreport import RoomMinute


@dataclass(frozen=True, slots=True)
class ListConversations:
    """List a user's conversations, those with the newest message first. `before` is a cursor, 0 for the beginning."""

    user: str
    limit: int
    before: int = 0


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Note that a user has read one conversation."""

    user: str
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Give the messages of one of a user's conversations, newest first. `before` is a cursor, 0 for the newest."""

    user: str
    conversation: Conversation
    limit: int
    before: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A client says which messages it has."""

    message_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class GetReport:
    dispatch_id: int


@dataclass(frozen=True, slots=True)
class GetRoomReport:
    """Tell what became of a room's messages in so many minutes, the present one the last of them."""

    room_id: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Recall:
    """Withdraw a broadcast: who has it is told so, who has not never gets it (X3).

    Where `sender` is given it must be that of the broadcast; only one with an audience among `audiences` can be
    withdrawn so.
    """

    dispatch_id: int
    audiences: frozenset[Audience]
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One conversation of a list. `last_message` is the canonical message as JSON (design.md section 4).

    `cursor` asks for what follows it in the list.
    """

    conversation: Conversation
    unread: int
    last_message: bytes | None
    updated_at_ms: int
    cursor: int


@dataclass(frozen=True, slots=True)
class ConversationsListed:
    """`next` is the cursor of the next page, 0 where there is none."""

    conversations: tuple[Shown, ...]
    next: int = 0


@dataclass(frozen=True, slots=True)
class MarkedRead:
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class HistoryRead:
    """Canonical messages as JSON. An app that does not roam (G2) has none, and `roaming` says so."""

    messages: tuple[bytes, ...]
    next: int
    roaming: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the client has was noted."""


@dataclass(frozen=True, slots=True)
class ReportShown:
    kept: KeptReport


@dataclass(frozen=True, slots=True)
class RoomReportShown:
    """The minutes in which anything was counted, oldest first. A room that nobody knows has none."""

    room_id: str
    minutes: tuple[RoomMinute, ...]


@dataclass(frozen=True, slots=True)
class Recalled:
    """The broadcast is withdrawn; the word of it goes out in its turn, and survives a crash."""

    dispatch_id: int


RecordCall = ListConversations | MarkRead | ReadHistory | Acknowledge | GetReport | GetRoomReport | Recall
RecordAnswer = (
    ConversationsListed | MarkedRead | HistoryRead | Acknowledged | ReportShown | RoomReportShown | Recalled
)
