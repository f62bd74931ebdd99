"""How a session's client is reached, whatever carries its frames, and what stands there once it is not any more."""

from collections.abc import Sequence
from typing import Protocol

from laba.core.session import Session
from laba.model.closing import Closing
from laba.model.dispatch import Level
from laba.service.progress import Counts


class Link(Protocol):
    """How a session's client is reached. Where nothing can be written to `fd`, there is an outbox, or it is gone."""

    @property
    def fd(self) -> int: ...
    @property
    def outbox(self) -> object | None: ...
    def queue(
        self, frame: bytes, progress: Counts | None = None, level: Level | None = None, channel: str = ""
    ) -> None: ...
    def hold(self, frame: bytes, sent: int, progress: Counts | None = None) -> None: ...
    def hold_rest(self, frames: Sequence[tuple[bytes, Counts]], sent: int) -> None: ...
    def close(self, closing: Closing) -> None: ...
    def abort(self) -> None: ...


class Gone:
    """What stands in a session for its link once that has ended: nothing goes out, and nobody holds the old one.

    A session and its link know each other; without this they would stay until the collector looks at them.
    """

    fd = -1
    outbox = None

    def queue(
        self,
        frame: bytes,  # noqa: ARG002 - a Link
        progress: Counts | None = None,
        level: Level | None = None,  # noqa: ARG002 - a Link
        channel: str = "",  # noqa: ARG002 - a Link
    ) -> None:
        if progress is not None:
            progress.lost(1, "closed")

    def hold(self, frame: bytes, sent: int, progress: Counts | None = None) -> None:  # noqa: ARG002 - a Link
        self.queue(frame, progress)

    def hold_rest(self, frames: Sequence[tuple[bytes, Counts]], sent: int) -> None:  # noqa: ARG002 - a Link
        for frame, progress in frames:
            self.queue(frame, progress)

    def close(self, closing: Closing) -> None: ...
    def abort(self) -> None: ...


class Client(Link, Protocol):
    """A link that knows its session."""

    session: Session[Link]
