import asyncio
from itertools import pairwise

import pytest

from builders import APP_UUID, NOW_MS, LeapingLoop, counted, ground
from houses import CONFIRMED_MS, GRACE_MS, opened
from laba.adapters.telemetry import PrometheusMeter
from laba.core.attendance import Arrival, Attendance
from laba.model.attendance import Seat, Stay
from laba.ports import StoreBusyError
from laba.service.attending import Attending

pytestmark = pytest.mark.anyio

ANN, BOB = Seat(APP_UUID, "ann", "phone"), Seat(APP_UUID, "bob", "phone")


class Register:
    """Stays that fail when told to, that take their time when told to, and that remember what was asked of them."""

    def __init__(self):
        self.rows = {}
        self.reads = []
        self.checkpoints = []
        self.ended = []
        self.failures = []
        self.writes = 0
        self.let = asyncio.Event()
        self.let.set()

    async def of_seat(self, seat, limit):
        self.reads.append(seat)
        mine = sorted((row for row in self.rows.values() if row.seat == seat), key=lambda row: -row.from_offset)
        return tuple(mine[:limit])

    async def write(self, stays):
        self.writes += 1
        await self.let.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.rows |= {(stay.seat, stay.from_offset): stay for stay in stays}

    async def checkpoint(self, alive_at_ms):
        self.checkpoints.append(alive_at_ms)

    async def end_open(self, ready_at_ms, confirmed_after_ms):
        self.ended.append((ready_at_ms, confirmed_after_ms))


@pytest.fixture
def register():
    return Register()


@pytest.fixture
def attending(register):
    return Attending(Attendance(GRACE_MS, NOW_MS), register, CONFIRMED_MS, ground())


def arrive(attending, seat=ANN, here=0):
    attending.attendance.arrived(Arrival(seat, NOW_MS, here))


def leave(attending, seat=ANN, *, written=0, confirmed=0):
    attending.attendance.left(seat, written, confirmed, NOW_MS + 1)


# --- writing -------------------------------------------------------------------------------------------------------


async def test_what_is_written_is_written_once(attending, register):
    """The second time there is nothing left."""  # A2
    arrive(attending)
    await attending.write()
    assert [*register.rows.values()] == [Stay(ANN, 0, 0, 0, NOW_MS)]
    register.rows.clear()
    await attending.write()
    assert register.rows == {}


@pytest.mark.parametrize("failure", [OSError("disk"), StoreBusyError()])
async def test_a_store_that_fails_loses_no_stay(attending, register, failure):
    """Who asked is told; the next writing has all of it, and what changed meanwhile in its newer word."""  # A2
    arrive(attending)
    arrive(attending, BOB)
    register.failures = [failure]
    register.let.clear()
    writing = asyncio.create_task(attending.write())
    await asyncio.sleep(0)
    leave(attending, written=3)
    register.let.set()
    with pytest.raises(type(failure)):
        await writing
    assert register.rows == {}
    await attending.write()
    assert [register.rows[seat, 0].ended_at_ms for seat in (ANN, BOB)] == [NOW_MS + 1, None]


async def test_a_writing_that_is_given_up_loses_no_stay(attending, register):
    """Its caller's connection was cut while it waited."""  # A2
    arrive(attending)
    register.let.clear()
    writing = asyncio.create_task(attending.write())
    await asyncio.sleep(0)
    writing.cancel()
    register.let.set()
    await asyncio.wait([writing])
    assert attending.attendance.unwritten == 1


async def test_one_writes_at_a_time(attending, register):
    """An older word cannot come in behind a newer one; who waits is answered when its own is written."""  # A2
    arrive(attending)
    register.let.clear()
    first = asyncio.create_task(attending.write())
    await asyncio.sleep(0)
    leave(attending)
    second = asyncio.create_task(attending.write())
    for _ in range(5):
        await asyncio.sleep(0)
    assert register.writes == 1
    register.let.set()
    await asyncio.gather(first, second)
    assert (register.writes, register.rows[ANN, 0].ended_at_ms) == (2, NOW_MS + 1)


# --- before a broadcast --------------------------------------------------------------------------------------------


async def test_a_writing_is_with_the_store_when_it_has_begun(attending, register):
    """It is not waited for: what is handed to the store next comes behind it."""  # A2
    arrive(attending)
    register.let.clear()
    await attending.begin_write()
    assert (register.writes, attending.attendance.unwritten) == (1, 0)
    register.let.set()
    await asyncio.sleep(0)
    await attending.write()
    assert len(register.rows) == 1


async def test_a_writing_that_is_under_way_is_waited_for_where_more_has_come(attending, register):
    """What came after it began must be in the store, too."""  # A2
    arrive(attending)
    register.let.clear()
    await attending.begin_write()
    arrive(attending, BOB)
    begun = asyncio.create_task(attending.begin_write())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not begun.done()
    register.let.set()
    await begun
    assert {seat for seat, _ in register.rows} == {ANN, BOB}


async def test_where_everything_is_written_a_broadcast_waits_for_nothing(attending, register):
    """No empty write."""
    await attending.begin_write()
    assert register.writes == 0


async def test_a_store_that_fails_stops_no_broadcast(attending, register):
    """It would fail on the broadcast itself; the stay is written later."""  # A2
    arrive(attending)
    register.failures = [OSError("disk")]
    await attending.begin_write()
    for _ in range(5):
        await asyncio.sleep(0)
    assert attending.attendance.unwritten == 1


# --- reading -------------------------------------------------------------------------------------------------------


async def test_the_store_is_asked_where_memory_does_not_reach(attending, register):
    """For a seat nobody knows; not for one whose last stay says enough."""
    register.rows[ANN, 5] = stay = Stay(ANN, 5, 9, 9, 1, 2)
    assert await attending.earlier(ANN, None) == (stay,)
    arrive(attending, here=9)
    leave(attending, written=9, confirmed=9)
    register.reads.clear()
    assert await attending.earlier(ANN, None) == ()
    assert register.reads == []


async def test_what_is_not_written_yet_is_written_before_the_store_is_asked(attending, register):
    """Two quick returns: the first one's end is in what the second one reads."""  # A1
    arrive(attending, here=5)
    leave(attending, written=7, confirmed=7)
    earlier = await attending.earlier(ANN, 3)
    assert earlier == (Stay(ANN, 5, 7, 7, NOW_MS, NOW_MS + 1),)


async def test_a_start_ends_what_was_left_open(attending, register):
    """As of now, by the rule of how long a silent client lives."""  # A1
    await attending.take_over()
    assert register.ended == [(NOW_MS, CONFIRMED_MS)]


async def test_a_house_that_opens_again_takes_over(house, tmp_path):
    """The stay that was open ends in the store when the next process is ready."""  # A1
    house.attending.attendance.arrived(Arrival(ANN, house.clock.now_ms, 0))
    await house.attending.write()
    house.clock.pass_ms(7_000)
    async with opened(tmp_path, house.clock) as again:
        (stay,) = await again.store.stays.of_seat(ANN, 8)
    assert stay.ended_at_ms == house.clock.now_ms


# --- every second --------------------------------------------------------------------------------------------------


def lived(seconds, scenario):
    """Let it run for some seconds of a clock that leaps, beside a scenario; gives the meter."""
    meter = PrometheusMeter()

    async def live():
        loop = asyncio.get_running_loop()
        register = Register()
        attendance = Attendance(GRACE_MS, NOW_MS, limit=2)
        attending = Attending(attendance, register, CONFIRMED_MS, ground(lambda: int(loop.time() * 1000), meter))
        running = asyncio.create_task(attending.run())
        await scenario(attending, register)
        await asyncio.sleep(seconds)
        running.cancel()
        return register

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(live()), meter


def test_what_is_not_written_is_written_within_a_second():
    """Without anybody asking."""  # A2

    async def scenario(attending, register):
        arrive(attending)

    register, meter = lived(1.5, scenario)
    assert len(register.rows) == 1
    assert counted(meter, "laba_attendance_unwritten") == 0


def test_a_process_with_clients_notes_every_few_seconds_that_it_lives():
    """Not every second: a crash is judged by it, and each is a sync of the disk."""  # A1

    async def scenario(attending, register):
        arrive(attending)

    register, _ = lived(16.5, scenario)
    gaps = [later - earlier for earlier, later in pairwise(register.checkpoints)]
    assert len(register.checkpoints) in (3, 4)
    assert set(gaps) == {5_000}


def test_a_process_without_clients_writes_nothing():
    """An idle server leaves the disk alone: there is no stay that a crash could leave open."""  # A1

    async def scenario(attending, register):
        arrive(attending)
        leave(attending)

    register, _ = lived(20, scenario)
    assert (len(register.rows), register.checkpoints) == (1, [])


def test_a_failing_store_is_asked_again_a_second_later():
    """Each failure is counted; then all is written."""  # A2

    async def scenario(attending, register):
        register.failures = [OSError("disk"), StoreBusyError(), OSError("disk")]
        arrive(attending)

    register, meter = lived(4.5, scenario)
    assert len(register.rows) == 1
    assert counted(meter, "laba_store_failures_total") == 3


def test_what_waits_and_what_was_given_up_are_shown():
    """Of three stays two are held where the bound is two."""  # A2

    async def scenario(attending, register):
        register.failures = [OSError("disk")] * 10
        for name in ("ann", "bob", "eve"):
            arrive(attending, Seat(APP_UUID, name, "phone"))

    register, meter = lived(2.5, scenario)
    assert register.rows == {}
    assert counted(meter, "laba_attendance_unwritten") == 2
    assert counted(meter, "laba_attendance_given_up_total") == 1
