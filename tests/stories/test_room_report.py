"""A room under pressure at twice its budget for ten seconds, and what its report says, told with a leaping clock."""

import asyncio

import pytest

from builders import LeapingLoop, said
from laba.core.lanes import Budget
from laba.core.pressure import LoadBounds
from laba.model.dispatch import Level
from laba.model.roomreport import Count, summed, total, under_way, waiting
from laba.service.lanes import LaneRules
from rooms_rig import RoomsRig

pytestmark = pytest.mark.anyio

MEMBERS = 5
SPANS = 50
# Twice the budget, a quarter of it high; low comes first in each span.
MIX = (Level.LOW,) * 40 + (Level.NORMAL,) * 20 + (Level.HIGH,) * 20


@pytest.fixture
def anyio_backend():
    return "asyncio", {"loop_factory": LeapingLoop}


async def told(lag_ms):
    """Speak for ten seconds on a node whose loop is so late; gives the room's report, and what members received."""
    rules = LaneRules(Budget(40, 20, 200), load=LoadBounds(lag_ms=1))
    async with RoomsRig(rules).running() as rig:
        hall = await rig.opened()
        members = [rig.enter(hall, f"user{number}") for number in range(MEMBERS)]
        rig.press.outgoing.strain._lag_ms = lag_ms
        for span in range(SPANS):
            for number, level in enumerate(MIX, start=1 + span * len(MIX)):
                rig.lanes.put(hall.stream, said(number, level))
            for _ in range(4):
                await asyncio.sleep(0.05)
                await rig.written()
        await asyncio.sleep(2)
        await rig.written()
        counts = dict(summed(rig.reporting.rooms._tallies.of_room(hall.stream, range(2**40))))
        return counts, [rig.received(member) for member in members]


async def test_under_pressure_the_report_shows_the_order_and_adds_up():  # E4 X2
    """Every high arrives, low is dropped before normal, and each message and delivery is accounted for."""
    counts, received = await told(lag_ms=1.5)
    assert [counts[f"accepted.{level}"] for level in Level] == [20 * SPANS, 20 * SPANS, 40 * SPANS]
    assert [counts.get(f"placed.{level}", 0) for level in Level][:2] == [20 * SPANS, 20 * SPANS]
    assert counts["shed.low.pressure"] >= 0.9 * counts["accepted.low"]
    assert (waiting(counts), under_way(counts)) == (0, 0)
    assert total(counts, Count.ACCEPTED) == total(counts, Count.PLACED) + total(counts, Count.SHED)
    assert total(counts, Count.REACHED) == total(counts, Count.PLACED) * MEMBERS
    assert received == [[*range(1, total(counts, Count.PLACED) + 1)]] * MEMBERS


async def test_without_pressure_nothing_is_dropped():  # E4 X2
    counts, received = await told(lag_ms=0.5)
    assert total(counts, Count.SHED) == 0
    assert total(counts, Count.REACHED) == len(MIX) * SPANS * MEMBERS
    assert received == [[*range(1, len(MIX) * SPANS + 1)]] * MEMBERS
