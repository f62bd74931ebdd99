"""Callbacks and what leaves laba over HTTP. Part of the page that `laba.ports` is."""

from collections.abc import Collection, Sequence
from typing import Protocol

from laba.model.app import App
from laba.model.hook import Hook
from laba.model.http import HttpCall, HttpReply
from laba.model.letter import DeadLetter, Letter, Mailbox


class Letters(Protocol):
    """What hooks are to be told, in the order in which it was kept. Raises what Store raises.

    What a kept dispatch is told of is kept by `Store.append`, with the dispatch.
    """

    async def add(self, letters: Sequence[Letter]) -> None:
        """Queue letters, all in one transaction, each at the end of its hook's queue."""

    async def queues(self) -> tuple[tuple[str, str, int], ...]:
        """Give every hook for which letters wait, as (app uuid, hook, how many)."""

    async def first(self, app_uuid: str, hook: str, limit: int) -> tuple[Letter, ...]:
        """Give the first `limit` letters that wait for a hook, in their order."""

    async def delivered(self, numbers: Collection[int]) -> None:
        """Forget letters that arrived."""

    async def postpone(self, number: int, due_at_ms: int, fault: str) -> None:
        """Note that one more attempt failed, and when the next is due."""

    async def bury(self, numbers: Collection[int], fault: str, now_ms: int) -> None:
        """Make letters dead: they leave their queue. `fault` replaces theirs, unless it is empty."""

    async def dead(self, app_uuid: str, hook: str, after: int, limit: int) -> tuple[DeadLetter, ...]:
        """Give the first `limit` dead letters of a hook behind the number `after`, in the order of their numbers."""

    async def revive(self, app_uuid: str, hook: str, numbers: Collection[int] | None) -> int:
        """Queue dead letters again, all of a hook's or those of these numbers; tells how many.

        Each is behind all that waits, in the order in which they stood, due at once, without attempts.
        """

    async def mailboxes(self, app_uuid: str) -> dict[str, Mailbox]:
        """Count the letters of an app, by hook; a hook without any is absent."""

    async def forget(self, app_uuid: str, hook: str) -> None:
        """Forget all letters of a hook, dead ones too."""

    async def expire(self, before_ms: int, limit: int) -> int:
        """Forget at most `limit` letters that died before then; tells how many."""


class CourierError(Exception):
    """A call got no whole answer: nobody listens, it took too long, or the connection broke."""


class Courier(Protocol):
    """HTTP out. Follows no redirect."""

    async def send(self, call: HttpCall, timeout_ms: int) -> HttpReply:
        """Make one call and give its answer, whatever its status. Raises CourierError where there is none in time.

        Of a body longer than 64 KiB the rest is left unread, and CourierError raised.
        """


class Scribe(Protocol):
    """Writes letters in one form. Pure."""

    def __call__(self, letter: Letter, hook: Hook, app: App, now_ms: int) -> HttpCall | None:
        """Write and sign one delivery; None for what is not told in this form."""
