"""What a caller asked to send, what was admitted, and one conversation's copy of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from laba.model.app import Feature, QuotaName
from laba.model.content import Content, Original
from laba.model.flags import Flags
from laba.model.moderation import Screening, Verdict
from laba.model.notification import Notification
from laba.model.tags import TagExpression
from laba.model.targets import Targets


class Level(StrEnum):
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Audience(StrEnum):
    """Whom a dispatch is for, as a predicate: it travels to the nodes, never a list of users.

    RECENT_USERS are those online, and who comes within the window (R5). TARGETS are the users whom its targets
    choose. OPEN_ROOMS are those with anybody in them, spoken in before or not. DEVICES are reached by providers only:
    nothing of it goes to a session (P11).
    """

    ONLINE_USERS = "online_users"
    RECENT_USERS = "recent_users"
    ALL_USERS = "all_users"
    TARGETS = "targets"
    ACTIVE_ROOMS = "active_rooms"
    OPEN_ROOMS = "open_rooms"
    ROOMS = "rooms"
    DEVICES = "devices"


# What goes to every room of an app, each with an id of its own.
TO_EVERY_ROOM = frozenset({Audience.ACTIVE_ROOMS, Audience.OPEN_ROOMS})
# What goes to everybody in an app, or to every room: a broadcast.
BROADCASTS = TO_EVERY_ROOM | {Audience.ONLINE_USERS, Audience.RECENT_USERS, Audience.ALL_USERS}


class Again(StrEnum):
    """Who is given a room's message later than those who were there when it went out (N1, N6).

    READERS: whoever comes back with a position, and whoever reads what the room holds. RETURNING: only those who come
    back. DROPPED: only those who had lost their connection, not those who had left.
    """

    READERS = "readers"
    RETURNING = "returning"
    DROPPED = "dropped"


class ConversationType(StrEnum):
    APP = "app"
    ROOM = "room"
    SYSTEM = "system"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Conversation:
    type: ConversationType
    id: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller asked for: vendor words have ended, nothing is decided yet.

    `size_bytes` is measured as the dialect's contract says, `size_limit_bytes` is that contract's bound. `rooms` are
    those it names, each once. `users`, where it is not None, are the only members who may see it (E10). Without a
    `feature` it is always on. `counts_first` says that the quota is taken even where the feature is off (R2).
    `counts_call` says that a message to rooms takes from the calls to rooms, too (E3).
    `conversation` is where it appears that is for no room. `targets` choose among its audience. `to_sender` lets a
    room's message reach its sender, too. `recalls` is the dispatch that this one withdraws. `members` are, by their
    tags, the only ones in a room who may see it (N8). `again` is for rooms. One that is `budgeted` is of level high
    only within its room's budget of these (N6). `needs_room` refuses it where there is no room for it, in all or of
    those named. `once` drops it where its client id was accepted lately (N2). `told` says whether callbacks tell of
    it, `env` which (N5). Its `notification` is pushed only where its `push_feature`, if it has one, is on (E13).
    """

    sender: str
    content: Content
    flags: Flags
    audience: Audience
    feature: Feature | None
    quota: QuotaName
    size_bytes: int
    size_limit_bytes: int
    original: Original | None = None
    ext: Mapping[str, Any] | None = None
    level: Level = Level.NORMAL
    client_id: str | None = None
    rooms: tuple[str, ...] = ()
    users: frozenset[str] | None = None
    counts_first: bool = False
    counts_call: bool = True
    conversation: ConversationType = ConversationType.APP
    targets: Targets | None = None
    to_sender: bool = False
    notification: Notification | None = None
    recalls: int | None = None
    members: TagExpression | None = None
    again: Again = Again.READERS
    budgeted: bool = False
    needs_room: bool = False
    once: bool = False
    told: bool = True
    env: str | None = None
    push_feature: Feature | None = None
    screening: Screening = field(default_factory=Screening)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """An admitted submission. `id` is 64 bits, time-ordered and unique across nodes.

    `users`, where it is not None, are the only members who may see it. `copies` is how many ids, from its own on, are
    its messages' alone (`core.ids.nth`): for all rooms, one for every number that a room had when it was accepted.
    `size_bytes` is the submission's; 0 for one that was read back from the ledger. `verdict` is what anti-spam found,
    None where it was not asked or found nothing.
    """

    id: int
    app_uuid: str
    accepted_at_ms: int
    sender: str
    content: Content
    flags: Flags
    audience: Audience
    quota: QuotaName
    original: Original | None = None
    ext: Mapping[str, Any] | None = None
    level: Level = Level.NORMAL
    client_id: str | None = None
    users: frozenset[str] | None = None
    copies: int = 1
    size_bytes: int = field(default=0, compare=False)
    conversation: ConversationType = ConversationType.APP
    targets: Targets | None = None
    to_sender: bool = False
    notification: Notification | None = None
    recalls: int | None = None
    members: TagExpression | None = None
    again: Again = Again.READERS
    budgeted: bool = False
    verdict: Verdict | None = None

    @classmethod
    def admitted(
        cls,
        submission: Submission,
        *,
        dispatch_id: int,
        app_uuid: str,
        now_ms: int,
        copies: int = 1,
        verdict: Verdict | None = None,
    ) -> "Dispatch":
        return cls(
            id=dispatch_id,
            app_uuid=app_uuid,
            accepted_at_ms=now_ms,
            sender=submission.sender,
            content=submission.content,
            flags=submission.flags,
            audience=submission.audience,
            quota=submission.quota,
            original=submission.original,
            ext=submission.ext,
            level=submission.level,
            client_id=submission.client_id,
            users=submission.users,
            copies=copies,
            size_bytes=submission.size_bytes,
            conversation=submission.conversation,
            targets=submission.targets,
            to_sender=submission.to_sender,
            notification=submission.notification,
            recalls=submission.recalls,
            members=submission.members,
            again=submission.again,
            budgeted=submission.budgeted,
            verdict=verdict,
        )

    def raised(self) -> "Dispatch":
        """Give it as one of level high (E5), whatever budget it would have had."""
        return replace(self, level=Level.HIGH, budgeted=False)

    def demoted(self) -> "Dispatch":
        """Give it as one of level normal (N6)."""
        return replace(self, level=Level.NORMAL)


@dataclass(frozen=True, slots=True)
class Message:
    """One conversation's copy of a dispatch. With one conversation it has the dispatch's id."""

    id: int
    conversation: Conversation
    dispatch: Dispatch
