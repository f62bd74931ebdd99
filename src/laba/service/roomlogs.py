"""The logs of this node's rooms: what members get again when they come back, and the step of entering."""

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

from laba.core.halls import Hall, Halls
from laba.core.session import Session
from laba.core.window import Bounds, Window
from laba.model.stream import Position, Stream
from laba.ports import Places
from laba.service.ground import Ground

Link = TypeVar("Link")


@dataclass(frozen=True, slots=True)
class Entry:
    """A session is in a room, from `position` on. `missed` are frames in its codec that it is to be written first.

    `recovered` tells whether they are all that it missed since the position it presented.
    """

    position: Position
    recovered: bool
    missed: bytes


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

    def enter(self, hall: Hall[Link], session: Session[Link], asked: Position | None = None) -> Entry:
        """Let a session into a hall whose log is open, in the step that reads its position.

        What went out after that position comes to it live; what is to be recovered goes before it.
        """
        window = self._windows[hall.stream]
        recovered = asked is not None and window.covers(asked)
        missed = b""
        if asked is not None and recovered and session.seat is not None:
            user = session.seat.user
            missed = b"".join(kept.frames[session.codec] for kept in window.after(asked.offset) if kept.is_for(user))
        hall.join(session, window.position.offset)
        return Entry(window.position, recovered, missed)

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
