"""Reports of rooms: counted by the minute, written a little later, kept for some days (E4, X2)."""

import asyncio

from laba.core.roomtally import RoomTallies, RoomTally
from laba.model.app import App
from laba.model.recordcalls import GetRoomReport, RoomReportShown
from laba.model.room import room_stream
from laba.model.roomreport import MINUTE_MS, RoomMinute, summed
from laba.model.stream import Stream
from laba.ports import RoomReports, StoreBusyError
from laba.service.ground import Ground

# Every few seconds; most of these are spent writing in parts, for ten thousand rooms at once would hold up the rest.
_KEEP_SECONDS, _SPREAD_SECONDS = 5.0, 4.0
# How many minutes are written in one transaction, and how many old ones are forgotten in one.
_AT_ONCE, _FORGET_AT_ONCE = 200, 2_000
_DAY_MINUTES = 1_440


class RoomReporting:
    """Counts what becomes of rooms' messages on this node, and keeps it for `kept_days`.

    A crash costs what was counted in the last seconds: messages to rooms are passing (design.md section 8). What
    cannot be written waits; how much of it there may be is the tallies' own bound.
    """

    def __init__(self, reports: RoomReports, kept_days: int, ground: Ground) -> None:
        self._reports = reports
        self._kept_minutes = kept_days * _DAY_MINUTES
        self._ground = ground
        self._tallies = RoomTallies()
        # Whoever reads while something is being written would miss it, or count it twice.
        self._turn = asyncio.Lock()

    def tally(self, stream: Stream, at_ms: int) -> RoomTally:
        """Give the counters of a room's minute: of a message, that in which it was accepted."""
        return self._tallies.tally(stream, at_ms)

    async def show(self, call: GetRoomReport, app: App) -> RoomReportShown:
        """Give a room's minutes as they stand now. Raises what the store raises."""
        last = self._ground.clock() // MINUTE_MS
        minutes = range(last - call.minutes + 1, last + 1)
        async with self._turn:
            kept = await self._reports.of_room(app.uuid, call.room_id, minutes)
            live = self._tallies.of_room(room_stream(app.uuid, call.room_id), minutes)
        return RoomReportShown(call.room_id, _merged([*kept, *live]))

    async def run(self) -> None:
        """Write what was counted, and forget what is old, every few seconds, until cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            await asyncio.sleep(began + _KEEP_SECONDS - loop.time())
            began = loop.time()
            try:
                await self.keep(_SPREAD_SECONDS)
                await self.forget_old()
            except (StoreBusyError, OSError):
                self._ground.meter.count("laba_store_failures_total")

    async def keep(self, spread_seconds: float = 0.0) -> None:
        """Write what was counted until now, in parts spread over a time; raises what the store raises.

        What is not written then is not lost.
        """
        parts = -(-len(self._tallies) // _AT_ONCE)
        for part in range(parts):
            if part and spread_seconds:
                await asyncio.sleep(spread_seconds / parts)
            async with self._turn:
                taken = self._tallies.take(_AT_ONCE)
                try:
                    await self._reports.keep(taken)
                except (StoreBusyError, OSError):
                    self._tallies.put_back(taken)
                    raise
        self._tallies.forget(self._ground.clock())
        given_up, self._tallies.given_up = self._tallies.given_up, 0
        self._ground.meter.count("laba_room_reports_given_up_total", given_up)

    async def forget_old(self) -> None:
        """Forget some of what is older than it is kept; what is left is for the next time."""
        await self._reports.forget(self._ground.clock() // MINUTE_MS - self._kept_minutes, _FORGET_AT_ONCE)


def _merged(parts: list[RoomMinute]) -> tuple[RoomMinute, ...]:
    """Put the parts of each minute together, oldest minute first."""
    minutes: dict[int, list[RoomMinute]] = {}
    for each in parts:
        minutes.setdefault(each.minute, []).append(each)
    return tuple(
        RoomMinute(some[0].app_uuid, some[0].room_id, minute, summed(some))
        for minute, some in sorted(minutes.items())
    )
