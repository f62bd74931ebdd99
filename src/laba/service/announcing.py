"""What sessions are told of their rooms unasked: who comes and goes, and where the app puts them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from laba.core.register import Register
from laba.core.session import Session
from laba.model.session import Came, Command, RoomNotice, Went
from laba.model.stream import Stream
from laba.service.ground import Ground

Link = TypeVar("Link")

# So many sessions are written to before anything else has a turn.
SLICE = 256
# How long moves are gathered: a listener gets what happened meanwhile in one write.
_LINGER_SECONDS = 0.1


class Written(Protocol[Link]):
    """Writes frames, by codec, to sessions.

    Where it `may_shed`, who has a backlog is passed over; tells how many those were.
    """

    def __call__(self, sessions: Sequence[Session[Link]], frames: Mapping[str, bytes], *, may_shed: bool) -> int: ...


class Framed(dict[str, bytes]):
    """Several commands as one bytes object, in the codecs that were asked for so far."""

    __slots__ = ("_commands", "_forms")

    def __init__(self, commands: Sequence[Command], forms: Mapping[str, Callable[[Command], bytes]]) -> None:
        super().__init__()
        self._commands = commands
        self._forms = forms

    def __missing__(self, codec: str) -> bytes:
        frame = self[codec] = b"".join(map(self._forms[codec], self._commands))
        return frame


@dataclass(frozen=True, slots=True)
class Voice(Generic[Link]):
    """How sessions are told. Who speaks a codec that `forms` has not cannot be told anything, and is in no room."""

    forms: Mapping[str, Callable[[Command], bytes]]
    write: Written[Link]

    def tell(self, sessions: Sequence[Session[Link]], notice: RoomNotice) -> None:
        """Tell what nobody may miss."""
        self.write(sessions, Framed((notice,), self.forms), may_shed=False)


class Announcer(Generic[Link]):
    """Announces who comes and goes to those who asked.

    More than a room's pace, and what a listener with a backlog would have to wait for, is not announced but counted.
    """

    def __init__(self, voice: Voice[Link], ground: Ground) -> None:
        self._voice = voice
        self._ground = ground
        # What is gathered of each room: never more than its pace allows, as it is told ten times a second.
        self._gathered: dict[Stream, tuple[Register[Link], list[Came | Went]]] = {}
        self._news = asyncio.Event()

    def note(self, stream: Stream, register: Register[Link], move: Came | Went) -> None:
        """Take up a move; where nobody wants to know of it, it is none."""
        if not register.listeners:
            return
        if not register.pace.allows(self._ground.clock()):
            self._shed(1, "pace")
            return
        self._gathered.setdefault(stream, (register, []))[1].append(move)
        self._news.set()

    async def run(self) -> None:
        """Announce until cancelled."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_LINGER_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Announce what was gathered."""
        self._news.clear()
        gathered, self._gathered = self._gathered, {}
        for register, moves in gathered.values():
            frames = Framed(moves, self._voice.forms)
            listeners = list(register.listeners)
            for start in range(0, len(listeners), SLICE):
                passed_over = self._voice.write(listeners[start : start + SLICE], frames, may_shed=True)
                self._shed(passed_over * len(moves), "slow")
                await asyncio.sleep(0)

    def _shed(self, count: int, reason: str) -> None:
        if count:
            self._ground.meter.count("laba_room_moves_shed_total", count, reason=reason)
