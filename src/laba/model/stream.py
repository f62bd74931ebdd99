"""Streams and positions: what orders messages after nothing reorders them any more."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from laba.model.closing import Closing
from laba.model.dispatch import Message


class Stream(NamedTuple):
    """One ordered sequence of messages. `channel` is what a client calls it, unique within the app.

    The app-wide stream is `app`; one user's own is `user:<name>` here and `user` to its client.
    """

    app_uuid: str
    channel: str


class Position(NamedTuple):
    """Where a client is: an offset counts only within its epoch, below 2**53, and may skip numbers."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One message at its place in a stream."""

    offset: int
    message: Message


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that go out together, in order, with ascending offsets. Never empty."""

    stream: Stream
    epoch: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if not self.entries:
            raise ValueError("a batch holds at least one message")
        if any(later.offset <= earlier.offset for earlier, later in pairwise(self.entries)):
            raise ValueError("offsets ascend")

    @property
    def first(self) -> int:
        return self.entries[0].offset

    @property
    def last(self) -> int:
        return self.entries[-1].offset


@dataclass(frozen=True, slots=True)
class Revocation:
    """A user's live sessions end, on whatever node they are, and are told why."""

    app_uuid: str
    user: str
    closing: Closing


@dataclass(frozen=True, slots=True)
class Flush:
    """Batches of rooms that go out in one moment; each of another stream."""

    batches: tuple[Batch, ...]
