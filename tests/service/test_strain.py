import asyncio

import pytest

from builders import LeapingLoop
from laba.service.strain import Strain


def test_who_does_not_write_is_not_busy():
    strain = Strain()
    assert strain.busy(5.0) == 0
    assert strain.load(0.0).flush_ms == 0


def test_writing_all_the_time_is_busy_and_is_forgotten():
    """The share is of about the last second."""
    strain = Strain()
    for step in range(100):
        strain.wrote(100, step / 10, step / 10 + 0.1)
    assert strain.busy(10.0) > 0.9
    assert 0.05 < strain.busy(12.0) < 0.2
    assert strain.busy(15.0) < 0.05


def test_the_price_of_a_write_is_learnt():
    """From slices that are large enough to say something."""
    strain = Strain()
    for step in range(100):
        strain.wrote(1000, step, step + 0.02)
    assert strain.cost_ms(2000) == pytest.approx(40, rel=0.01)
    strain.wrote(1, 100, 101)
    assert strain.cost_ms(2000) == pytest.approx(40, rel=0.01)


def test_a_late_loop_is_noticed():
    """By whoever wakes up later than asked; and forgotten when it is on time again."""
    loop = LeapingLoop()
    strain = Strain()

    async def story():
        sampling = asyncio.create_task(strain.run())
        await asyncio.sleep(0.01)
        loop._leaping.now += 0.5  # the loop stood still
        await asyncio.sleep(0.1)
        stood_still = strain.load(0.0).lag_ms
        await asyncio.sleep(2)
        sampling.cancel()
        return stood_still, strain.load(0.0).lag_ms

    stood_still, later = loop.run_until_complete(story())
    loop.close()
    assert stood_still > 200
    assert later < 1
