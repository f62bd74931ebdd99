"""What can be asked about an app's hooks and words, and what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass

from laba.model.hook import Hook
from laba.model.letter import DeadLetter, Mailbox


@dataclass(frozen=True, slots=True)
class ListHooks:
    """Show an app's hooks."""


@dataclass(frozen=True, slots=True)
class PutHook:
    """Have this hook, in place of one of its name. Without a secret it keeps the one it had, or gets a new one."""

    hook: Hook


@dataclass(frozen=True, slots=True)
class RemoveHook:
    """Have this hook no more; what waits for it is forgotten."""

    name: str


@dataclass(frozen=True, slots=True)
class ListDeadLetters:
    """Give at most `limit` dead letters of a hook, from behind the number `after`, oldest first."""

    hook: str
    limit: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class ResendDeadLetters:
    """Queue dead letters of a hook again, behind what waits: those of these numbers, or all where None."""

    hook: str
    numbers: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class GetWords:
    """Show the words that an app's filter rejects."""


@dataclass(frozen=True, slots=True)
class PutWords:
    """Have these words rejected, in place of those before."""

    words: tuple[str, ...]


HookCall = ListHooks | PutHook | RemoveHook | ListDeadLetters | ResendDeadLetters | GetWords | PutWords


@dataclass(frozen=True, slots=True)
class HooksShown:
    """Hooks in the order of their names, and by name how their letters stand."""

    hooks: tuple[Hook, ...]
    mailboxes: Mapping[str, Mailbox]


@dataclass(frozen=True, slots=True)
class HookRemoved:
    name: str


@dataclass(frozen=True, slots=True)
class DeadLettersListed:
    """`next` asks for what follows, 0 where nothing does."""

    letters: tuple[DeadLetter, ...]
    next: int = 0


@dataclass(frozen=True, slots=True)
class DeadLettersResent:
    count: int


@dataclass(frozen=True, slots=True)
class WordsShown:
    words: tuple[str, ...]


HookAnswer = HooksShown | HookRemoved | DeadLettersListed | DeadLettersResent | WordsShown
