"""One user's view of what was sent: its conversations and their messages (A2, S5)."""

from dataclasses import dataclass

from laba.model.dispatch import Conversation, Message


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a user's messages is asked for.

    `user_since_ms` is when the user was registered: what an earlier bearer of the name had is not its own. `grace_ms`
    is how long a drop still counts as present. `before` is the cursor: only what has a lower offset; 0 for all.
    `window_ms` is how long after its acceptance a message for whoever comes then waits for that (R5).
    """

    app_uuid: str
    user: str
    user_since_ms: int
    grace_ms: int
    limit: int
    before: int = 0
    window_ms: int = 600_000


@dataclass(frozen=True, slots=True)
class Listed:
    """One conversation. `offset` and `updated_at_ms` are those of its newest message."""

    conversation: Conversation
    unread: int
    last_message: Message | None
    updated_at_ms: int
    offset: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """Some conversations; `next` is the cursor of those that follow, 0 where none do."""

    listed: tuple[Listed, ...]
    next: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages; `next` is the cursor of those that follow, 0 where none do."""

    messages: tuple[Message, ...]
    next: int = 0
