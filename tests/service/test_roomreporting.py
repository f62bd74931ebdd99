import asyncio

import pytest

from builders import OTHER_UUID, LeapingLoop, app, counted, ground
from houses import KEPT_DAYS, opened
from laba.adapters.telemetry import PrometheusMeter
from laba.model.dispatch import Level
from laba.model.recordcalls import GetRoomReport, RoomReportShown
from laba.model.room import room_stream
from laba.model.roomreport import MINUTE_MS, RoomMinute
from laba.service.roomreporting import RoomReporting

pytestmark = pytest.mark.anyio

DAY_MS = 24 * 60 * MINUTE_MS


@pytest.fixture
def reporting(house):
    return house.reporting.rooms


def tally(house, room_id="r1", reporting=None):
    """Give the tally of a room's present minute."""
    return (reporting or house.reporting.rooms).tally(room_stream(house.app.uuid, room_id), house.clock.now_ms)


async def shown(house, room_id="r1", minutes=60, of=None):
    """Give the counts of the minutes that are shown, oldest first."""
    answer = await house.reporting.rooms.show(GetRoomReport(room_id, minutes), of or house.app)
    assert isinstance(answer, RoomReportShown)
    return [dict(each.counts) for each in answer.minutes]


async def test_a_report_is_live_before_it_is_written(house):  # X2
    """As it stands at the moment of asking; the store knows nothing of it yet."""
    tally(house).accepted(Level.HIGH)
    assert await shown(house) == [{"accepted.high": 1}]
    assert await house.store.room_reports.of_room(house.app.uuid, "r1", range(2**40)) == ()


async def test_what_is_written_and_what_is_not_add_up(house, reporting):  # X2
    """However often a minute was written meanwhile."""
    for _ in range(3):
        tally(house).placed(Level.LOW, 5)
        await reporting.keep()
    tally(house).placed(Level.LOW, 1)
    assert await shown(house) == [{"placed.low": 16}]


async def test_a_report_outlives_the_process(house, reporting, tmp_path):  # X2
    tally(house).shed(Level.LOW, "pressure", 3)
    await reporting.keep()
    async with opened(tmp_path, house.clock) as again:
        assert await shown(again) == [{"shed.low.pressure": 3}]


async def test_minutes_come_oldest_first_as_far_back_as_was_asked_for(house, reporting):  # X2
    """The present one is the last of them."""
    for number in range(1, 5):
        tally(house).placed(Level.LOW, number)
        if number % 2:
            await reporting.keep()
        house.clock.pass_ms(MINUTE_MS)
    house.clock.pass_ms(-MINUTE_MS)
    assert await shown(house, minutes=3) == [{"placed.low": number} for number in (2, 3, 4)]
    assert len(await shown(house, minutes=60)) == 4


async def test_a_report_is_its_app_s_own(house):  # X2 A10
    """A room of the same name in another app is another room."""
    tally(house).accepted(Level.LOW)
    assert await shown(house, of=app(OTHER_UUID, "org/other")) == []
    assert await shown(house, room_id="r2") == []


async def test_what_is_reached_long_after_it_went_out_is_counted_where_it_went_out(house, reporting):  # X2
    """A slow client may take minutes; offered, reached and lost still add up in their own minute."""
    first = tally(house)
    first.offered(Level.LOW, 2)
    for _ in range(3):
        house.clock.pass_ms(MINUTE_MS)
        await reporting.keep()
    first.lost(Level.LOW, "slow", 2)
    await reporting.keep()
    assert await shown(house) == [{"offered.low": 2, "lost.low.slow": 2}]


async def test_counts_are_kept_for_some_days(house, reporting):
    """The last minute of the last day still is; one minute later it is forgotten."""
    tally(house).accepted(Level.LOW)
    await reporting.keep()
    house.clock.pass_ms(KEPT_DAYS * DAY_MS)
    await reporting.forget_old()
    assert len(await shown(house, minutes=KEPT_DAYS * 1440 + 1)) == 1
    house.clock.pass_ms(MINUTE_MS)
    await reporting.forget_old()
    assert await shown(house, minutes=KEPT_DAYS * 1440 + 2) == []


class Disk:
    """Room reports that remember what was kept, on a medium that can fail, or take its time."""

    def __init__(self):
        self.kept = []
        self.failures = 0
        self.forgotten = 0
        self.slow = asyncio.Event()
        self.slow.set()

    async def keep(self, minutes):
        if self.failures:
            self.failures -= 1
            raise OSError("disk")
        await self.slow.wait()
        self.kept += minutes

    async def of_room(self, _app_uuid, _room_id, _minutes):
        return tuple(self.kept)

    async def forget(self, _before_minute, _limit):
        self.forgotten += 1
        return 0


async def test_what_could_not_be_written_is_written_the_next_time(house):  # X2
    """Once, with what was counted since."""
    disk = Disk()
    disk.failures = 1
    reporting = RoomReporting(disk, KEPT_DAYS, house.ground)
    counting = tally(house, reporting=reporting)
    counting.placed(Level.LOW, 1)
    with pytest.raises(OSError, match="disk"):
        await reporting.keep()
    counting.placed(Level.LOW, 2)
    await reporting.keep()
    assert [dict(each.counts) for each in disk.kept] == [{"placed.low": 3}]


async def test_what_is_being_written_is_not_missed_and_not_seen_twice(house):  # X2
    """Whoever asks meanwhile is answered when it is written."""
    disk = Disk()
    disk.slow.clear()
    reporting = RoomReporting(disk, KEPT_DAYS, house.ground)
    tally(house, reporting=reporting).placed(Level.LOW, 1)
    writing = asyncio.ensure_future(reporting.keep())
    asking = asyncio.ensure_future(reporting.show(GetRoomReport("r1", 1), house.app))
    await asyncio.sleep(0)
    tally(house, reporting=reporting).placed(Level.LOW, 10)
    disk.slow.set()
    await writing
    assert [dict(each.counts) for each in (await asking).minutes] == [{"placed.low": 11}]


async def test_many_rooms_are_written_in_several_parts(house):
    """So that no transaction holds up the others for long."""
    sizes = []

    class Counting(Disk):
        async def keep(self, minutes):
            sizes.append(len(minutes))

    reporting = RoomReporting(Counting(), KEPT_DAYS, house.ground)
    for number in range(450):
        tally(house, f"r{number}", reporting).accepted(Level.LOW)
    await reporting.keep()
    assert sizes == [200, 200, 50]


def test_what_is_written_by_itself_is_spread_over_seconds():
    """Ten thousand rooms at once would hold up everything else."""
    written = []

    class Timing(Disk):
        async def keep(self, minutes):
            written.append((asyncio.get_running_loop().time(), len(minutes)))

    reporting = RoomReporting(Timing(), KEPT_DAYS, ground())
    for number in range(800):
        reporting.tally(room_stream("app", f"r{number}"), 0).accepted(Level.LOW)

    async def live():
        running = asyncio.create_task(reporting.run())
        await asyncio.sleep(9.5)
        running.cancel()

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(live())
    assert [(pytest.approx(at), count) for at, count in written] == [(5, 200), (6, 200), (7, 200), (8, 200)]


def test_counts_are_written_every_few_seconds_whatever_the_store_does():  # X2
    """A failure is counted and tried again; what is old is forgotten in the same turn."""
    disk, meter = Disk(), PrometheusMeter()
    disk.failures = 2
    reporting = RoomReporting(disk, KEPT_DAYS, ground(meter=meter))
    reporting.tally(room_stream("app", "r1"), 0).accepted(Level.LOW)

    async def live():
        running = asyncio.create_task(reporting.run())
        await asyncio.sleep(16)
        running.cancel()

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(live())
    assert disk.kept == [RoomMinute("app", "r1", 0, {"accepted.low": 1})]
    assert (counted(meter, "laba_store_failures_total"), disk.forgotten) == (2, 1)
