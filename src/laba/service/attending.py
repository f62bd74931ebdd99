"""Attendance on its way into the store and back: written in batches, read where memory does not reach."""

import asyncio

from laba.core.attendance import Attendance
from laba.model.attendance import Seat, Stay
from laba.ports import Stays, StoreBusyError
from laba.service.ground import Ground

# How many of its stays a returning device is judged by. What lies behind them has left the window long ago.
_STAYS_LIMIT = 8
_WRITE_SECONDS = 1.0
_CHECKPOINT_MS = 5000


class Attending:
    """Keeps `attendance` in the store. A store that fails is asked again a second later; nothing is lost meanwhile.

    `confirmed_after_ms` is how long a client may live without confirming what was written to it.
    """

    def __init__(self, attendance: Attendance, stays: Stays, confirmed_after_ms: int, ground: Ground) -> None:
        self.attendance = attendance
        self._stays = stays
        self._confirmed_after_ms = confirmed_after_ms
        self._ground = ground
        self._turn = asyncio.Lock()
        self._checkpoint_at_ms = 0
        self._writing: asyncio.Task[None] | None = None

    async def take_over(self) -> None:
        """End what an earlier process left open; to be called once, before the first client."""
        await self._stays.end_open(self._ground.clock(), self._confirmed_after_ms)

    async def earlier(self, seat: Seat, asked: int | None) -> tuple[Stay, ...]:
        """Give what the store knows of a seat, newest first; nothing where memory is enough to judge it."""
        if not self.attendance.lacks(seat, asked):
            return ()
        if self.attendance.known(seat) is not None:
            await self.write()
        return await self._stays.of_seat(seat, _STAYS_LIMIT)

    async def write(self) -> None:
        """Write what is not in the store yet, and wait until it is; raises what the store raises."""
        async with self._turn:
            taken = self.attendance.take_unwritten()
            try:
                await self._stays.write(taken)
            except BaseException:
                self.attendance.put_back(taken)
                raise

    async def begin_write(self) -> None:
        """Have what is not in the store yet written before anything that is written after this call.

        A broadcast that is accepted next is then never in the ledger without those who were online before it.
        """
        if not self.attendance.unwritten:
            return
        if self._turn.locked():
            await self._try_to_write()
            return
        self._writing = asyncio.create_task(self._try_to_write())
        # Its first step hands the write to the store, in front of whatever comes next.
        await asyncio.sleep(0)

    async def run(self) -> None:
        """Write every second, and note every few that the process lives, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            await self._try_to_write()
            self._ground.meter.gauge("laba_attendance_unwritten", self.attendance.unwritten)
            given_up, self.attendance.given_up = self.attendance.given_up, 0
            self._ground.meter.count("laba_attendance_given_up_total", given_up)

    async def _try_to_write(self) -> None:
        try:
            await self.write()
            await self.note_alive()
        except (StoreBusyError, OSError):
            self._ground.meter.count("laba_store_failures_total")

    async def note_alive(self) -> None:
        """Note every few seconds, while somebody is there, that this process lives.

        Should it end without a word, what it had sent long enough before that is taken for confirmed.
        """
        now_ms = self._ground.clock()
        if self.attendance.present and now_ms - self._checkpoint_at_ms >= _CHECKPOINT_MS:
            await self._stays.checkpoint(now_ms)
            self._checkpoint_at_ms = now_ms
