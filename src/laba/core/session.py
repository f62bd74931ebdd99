"""One client's session: a table of what may follow what, and the few facts a delivery asks for.

The states and their successors are the table NEXT; docs/clients.md draws them.
"""

from enum import Enum
from typing import Generic, TypeVar

from laba.core.arrears import Arrears
from laba.core.attendance import Due
from laba.core.targeting import NONE, reaches
from laba.core.window import Kept, Reach
from laba.model.attendance import Seat
from laba.model.closing import Closing
from laba.model.session import (
    Ask,
    Count,
    Event,
    Join,
    Leave,
    Login,
    Look,
    Malformed,
    Pong,
    Review,
    Say,
    Unsupported,
)

Link = TypeVar("Link")


class State(Enum):
    NEW = "new"
    LOGGING_IN = "logging_in"
    CATCHING_UP = "catching_up"
    LIVE = "live"
    CLOSED = "closed"


class Step(Enum):
    """What to do about an event."""

    LOG_IN = "log_in"
    NOTE_PONG = "note_pong"
    ASK = "ask"
    TALK = "talk"
    DENY = "deny"


NEXT: dict[tuple[State, type[Event]], Step | Closing] = {
    (State.NEW, Login): Step.LOG_IN,
    # The first command of a client is its login; anything before it is not this protocol.
    (State.NEW, Pong): Closing.BAD_REQUEST,
    (State.NEW, Ask): Closing.BAD_REQUEST,
    (State.NEW, Join): Closing.BAD_REQUEST,
    (State.NEW, Leave): Closing.BAD_REQUEST,
    (State.NEW, Say): Closing.BAD_REQUEST,
    (State.NEW, Look): Closing.BAD_REQUEST,
    (State.NEW, Count): Closing.BAD_REQUEST,
    (State.NEW, Review): Closing.BAD_REQUEST,
    (State.NEW, Unsupported): Closing.BAD_REQUEST,
    (State.NEW, Malformed): Closing.BAD_REQUEST,
    (State.CATCHING_UP, Login): Closing.BAD_REQUEST,
    (State.CATCHING_UP, Pong): Step.NOTE_PONG,
    (State.CATCHING_UP, Ask): Step.ASK,
    (State.CATCHING_UP, Join): Step.TALK,
    (State.CATCHING_UP, Leave): Step.TALK,
    (State.CATCHING_UP, Say): Step.TALK,
    (State.CATCHING_UP, Look): Step.TALK,
    (State.CATCHING_UP, Count): Step.TALK,
    (State.CATCHING_UP, Review): Step.TALK,
    (State.CATCHING_UP, Unsupported): Step.DENY,
    (State.CATCHING_UP, Malformed): Closing.BAD_REQUEST,
    (State.LIVE, Login): Closing.BAD_REQUEST,
    (State.LIVE, Pong): Step.NOTE_PONG,
    (State.LIVE, Ask): Step.ASK,
    (State.LIVE, Join): Step.TALK,
    (State.LIVE, Leave): Step.TALK,
    (State.LIVE, Say): Step.TALK,
    (State.LIVE, Look): Step.TALK,
    (State.LIVE, Count): Step.TALK,
    (State.LIVE, Review): Step.TALK,
    (State.LIVE, Unsupported): Step.DENY,
    (State.LIVE, Malformed): Closing.BAD_REQUEST,
}


class Session(Generic[Link]):
    """One connection of one user. Small on purpose: there may be ten thousand of them (design.md 6.6).

    `link` is what the adapter reaches the client by; nothing here touches it. `written` is the last offset of the
    app's stream that was written to the client: it is written nothing at or below it, which is the one rule that
    removes doubles. `pinged` is what had been written when the client was last pinged, `confirmed` what it has for
    sure: a pong follows what was written before its ping. While catching up, `owed` says what of the past, up to
    where it joined, the session is entitled to, and `arrears` what of messages that reach also who was offline.
    `inbox` are messages to chosen users that it is owed or was written, and has not confirmed; None for none.
    `platform` is what the client said at its login that it runs on, `tags` are its user's, and `packages` those of
    its user's devices, its own among them.
    `rooms` are the channels of those it is in, each with the offset behind which it joined; None where it is in none.
    """

    __slots__ = (
        "arrears",
        "codec",
        "confirmed",
        "inbox",
        "joined_at",
        "link",
        "owed",
        "packages",
        "pinged",
        "platform",
        "rooms",
        "seat",
        "state",
        "tags",
        "written",
    )

    def __init__(self, link: Link, codec: str) -> None:
        self.link = link
        self.codec = codec
        self.state = State.NEW
        self.seat: Seat | None = None
        self.platform: str | None = None
        self.written = 0
        self.pinged = 0
        self.confirmed = 0
        self.joined_at = 0
        self.owed: tuple[Due, ...] = ()
        self.arrears: Arrears | None = None
        self.inbox: list[Kept] | None = None
        self.tags = NONE
        self.packages = NONE
        self.rooms: dict[str, int] | None = None

    def heard(self, event: Event) -> Step | Closing:
        """Decide about an event. The caller holds events back while a login is under way."""
        return NEXT.get((self.state, type(event)), Closing.BAD_REQUEST)

    def entitled(self, kept: Kept) -> bool:
        """Tell whether a message is for this session: what came after it joined, and what it is owed from before.

        One to chosen users is asked about only where it is in the session's inbox.
        """
        if kept.withdrawn or not reaches(kept.targets, self.platform):
            return False
        if kept.reach is Reach.CHOSEN or (self.arrears is not None and self.arrears.covers(kept)):
            return True
        return kept.offset > self.joined_at or any(due.covers(kept.offset, kept.accepted_at_ms) for due in self.owed)
