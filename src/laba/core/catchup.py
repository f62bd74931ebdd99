"""What a returning session is written next: some of the past, in order, and only what it is entitled to."""

from collections.abc import Iterable, Sequence
from heapq import merge
from typing import Any, NamedTuple

from laba.core.session import Session
from laba.core.window import Kept

# What it costs of a portion to pass one message over: that takes time, too.
PASSED_OVER_BYTES = 32


class Portion(NamedTuple):
    """The messages, up to which offset that is all that is owed, and their bytes with the cost of looking."""

    taken: Sequence[Kept]
    upto: int
    size_bytes: int


def portion(session: Session[Any], log: Iterable[Kept], upto: int, budget_bytes: int) -> Portion:
    """Give what of a log, and of the session's inbox, follows what it was written: about as much as the budget.

    The log begins behind what the session was written. Nothing behind `upto` is looked at.
    """
    taken: list[Kept] = []
    size, written = 0, session.written
    for kept in _with_inbox(log, session):
        if kept.offset > upto:
            break
        if size >= budget_bytes:
            return Portion(taken, written, size)
        written = kept.offset
        size += PASSED_OVER_BYTES
        if session.entitled(kept):
            taken.append(kept)
            size += len(kept.frames[session.codec])
    return Portion(taken, max(written, upto), size)


def _with_inbox(log: Iterable[Kept], session: Session[Any]) -> Iterable[Kept]:
    if not session.inbox:
        return log
    return merge(log, [kept for kept in session.inbox if kept.offset > session.written], key=_offset)


def _offset(kept: Kept) -> int:
    return kept.offset
