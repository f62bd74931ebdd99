"""The logs of this node's rooms: what members get again when they come back, and the step of entering."""

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

from laba.core.halls import Hall, Halls
from laba.core.session import Session
from laba.core.window import Bounds, Window
from laba.model.dispatch import Again
from laba.model.stream import Position, Stream
from laba.ports import Places
from laba.service.ground import Ground

Link = TypeVar("Link")

_UNLIMITED = 2**63


@dataclass(frozen=True, slots=True)
class Entry:
    """A session is in a room, from `position` on. `missed` are the frames in its codec that follow the position.

    `recovered` tells whether they are all that it missed since the position it presented; else they are the newest
    that the room still holds, within the limit. A client that drops before it has them loses nothing.
    """

    position: Position
    recovered: bool
    missed: bytes


def _newest(frames: list[bytes], limit_bytes: int) -> list[bytes]:
    """Give as many of the last frames as fit."""
    size = 0
    for count, frame in enumerate(reversed(frames)):
        size += len(frame)
        if size > limit_bytes:
            return frames[len(frames) - count :]
    return frames


class RoomLogs(Generic[Link]):
    """One window log for each hall; its bounds are the room's, not the app's."""

    def __init__(self, halls: Halls[Link], places: Places, bounds: Bounds, ground: Ground) -> None:
        self.halls = halls
        self._places = places
        self._bounds = bounds
        self._ground = ground
        self._windows: dict[Stream, Window] = {}
        self._opening = asyncio.Lock()

    async def open(self, hall: Hall[Link]) -> Window:
        """Give the log of a hall, a new one where nobody has asked before."""
        window = self._windows.get(hall.stream)
        if window is not None:
            return window
        async with self._opening:
            if hall.stream not in self._windows:
                self._windows[hall.stream] = Window(await self._places.position(hall.stream), self._bounds)
            return self._windows[hall.stream]

    def find(self, stream: Stream) -> Window | None:
        return self._windows.get(stream)

    def enter(
        self,
        hall: Hall[Link],
        session: Session[Link],
        asked: Position | None = None,
        limit_bytes: int = _UNLIMITED,
        *,
        stayed: bool = True,
    ) -> Entry:
        """Let a session into a hall whose log is open, in the step that reads its position.

        What goes out from now on comes to it live; what it missed goes before it, `limit_bytes` of it at most. Where
        its user has not `stayed`, but had left, it has missed nothing of what is only for who was dropped (N6).
        """
        window = self._windows[hall.stream]
        hall.join(session, window.position.offset, self._ground.clock())
        if asked is None or not window.knows(asked) or session.seat is None:
            return Entry(window.position, recovered=False, missed=b"")
        user, tags = session.seat.user, hall.tags_of(session.seat.user)
        missed = [
            kept
            for kept in window.after(asked.offset)
            if (stayed or kept.again is not Again.DROPPED) and kept.is_for(user, tags)
        ]
        frames = _newest([kept.frames[session.codec] for kept in missed], limit_bytes)
        is_all = window.covers(asked) and len(frames) == len(missed)
        if not frames:
            return Entry(window.position, is_all, b"")
        first = missed[len(missed) - len(frames)]
        start = asked if is_all else window.position._replace(offset=first.offset - 1)
        return Entry(start, is_all, b"".join(frames))

    def forget(self, hall: Hall[Link]) -> None:
        """Forget a hall whose room is no more, and what was said in it."""
        self._windows.pop(hall.stream, None)
        self.halls.close(hall)

    def trim(self) -> None:
        """Forget what has left the logs, and halls in which nobody is or may still be; every few seconds."""
        now_ms = self._ground.clock()
        for hall in list(self.halls):
            window = self._windows.get(hall.stream)
            if window is not None:
                window.trim(now_ms)
            if not hall and not hall.away and not window:
                self._windows.pop(hall.stream, None)
                self.halls.close(hall)
