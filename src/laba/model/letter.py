"""Callbacks on their way (S6): a letter is one event that one hook is to be told of."""

from dataclasses import dataclass

from laba.model.dispatch import Message
from laba.model.hook import Source
from laba.model.moderation import Verdict


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that a hook is to be told of. `id` stays the same however often it is delivered.

    `number` is its place in the queue of its hook; 0 for one that is not kept yet. `attempts` were made, the last one
    failed with `fault`, the next is due at `due_at_ms`. A message to every room names a room without an id.
    """

    id: str
    app_uuid: str
    hook: str
    message: Message
    source: Source
    verdict: Verdict | None = None
    resent: bool = False
    number: int = 0
    attempts: int = 0
    due_at_ms: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A letter that was given up."""

    letter: Letter
    died_at_ms: int


@dataclass(frozen=True, slots=True)
class Mailbox:
    """How many letters of a hook wait, and how many are dead."""

    waiting: int = 0
    dead: int = 0
