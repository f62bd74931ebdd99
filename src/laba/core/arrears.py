"""What a session is owed of messages to all users, which reach also those who were offline (V1)."""

from collections.abc import Sequence
from typing import NamedTuple

from laba.core.window import Kept, Window

# What it costs of a portion to pass one message over: that takes time, too.
PASSED_OVER_BYTES = 32


class Arrears(NamedTuple):
    """Messages to all users from before the session joined: behind `after`, and accepted since `since_ms`.

    That is when its user was registered. Up to `upto` they stand in the lasting log; what has a higher offset is in
    the window's, among all the rest that the session is owed.
    """

    after: int
    since_ms: int
    upto: int

    def covers(self, offset: int, accepted_at_ms: int) -> bool:
        return offset > self.after and accepted_at_ms >= self.since_ms


class Portion(NamedTuple):
    """Some of the arrears: the messages, up to which offset that is all of them, and their bytes with the cost."""

    taken: Sequence[Kept]
    upto: int
    size_bytes: int


def portion(arrears: Arrears, log: Window, written: int, codec: str, budget_bytes: int) -> Portion:
    """Give what of the lasting log follows `written`, about as many bytes as the budget."""
    taken: list[Kept] = []
    size = 0
    for kept in log.after(written):
        if kept.offset > arrears.upto:
            break
        if size >= budget_bytes:
            return Portion(taken, written, size)
        written = kept.offset
        size += PASSED_OVER_BYTES
        if arrears.covers(kept.offset, kept.accepted_at_ms):
            taken.append(kept)
            size += len(kept.frames[codec])
    return Portion(taken, max(written, arrears.upto), size)
