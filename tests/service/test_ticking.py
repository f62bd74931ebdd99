import asyncio

import pytest

from builders import LeapingLoop
from laba.core.wheel import TimerWheel
from laba.service.ticking import tick

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    """Time leaps from timer to timer."""
    return "asyncio", {"loop_factory": LeapingLoop}


class Deadline:
    def __init__(self, fired):
        self.slot = -1
        self._fired = fired

    def due(self, now):
        self._fired.append(now)


def now():
    return asyncio.get_running_loop().time()


async def test_deadlines_are_acted_on_when_they_are_due():
    """In their order, never early, at most two ticks late."""
    wheel, fired = TimerWheel(60, now()), []
    turning = asyncio.create_task(tick(wheel, ()))
    started = now()
    for seconds in (10, 2, 30):
        wheel.arm(Deadline(fired), seconds)
    await asyncio.sleep(40)
    turning.cancel()
    late = [at - started - seconds for at, seconds in zip(fired, (2, 10, 30), strict=True)]
    assert all(0 <= each <= 2.001 for each in late)


async def test_chores_are_done_every_five_seconds():
    """All of them, in the order they were given."""
    done = []
    chores = (lambda: done.append(("first", round(now()))), lambda: done.append(("second", round(now()))))
    started = round(now())
    turning = asyncio.create_task(tick(TimerWheel(10, now()), chores))
    await asyncio.sleep(12)
    turning.cancel()
    assert done == [(name, started + at) for at in (5, 10) for name in ("first", "second")]


async def test_thousands_of_deadlines_at_once_let_others_work_in_between():
    """After each 256 the loop is given away, so that a broadcast need not wait for all pings."""
    wheel, fired, seen = TimerWheel(10, now()), [], []
    for _ in range(1000):
        wheel.arm(Deadline(fired), 0)
    turning = asyncio.create_task(tick(wheel, ()))
    await asyncio.sleep(0.5)
    while len(fired) < 1000:
        seen.append(len(fired))
        await asyncio.sleep(0 if fired else 0.5)
    turning.cancel()
    assert {256, 512, 768} <= set(seen)
