"""A whole room at twice its budget for ten seconds: what members receive, and what its report says of it.

Told with an event loop whose time is spent at once.
"""

import asyncio
from collections import Counter

import pytest

from builders import APP_UUID, LeapingLoop, said
from laba.core.window import Bounds
from laba.model.dispatch import Level
from laba.model.recordcalls import GetRoomReport
from laba.model.roomreport import summed
from rooms_rig import RoomsRig

pytestmark = pytest.mark.anyio

# One message every 2.5 ms is twice 40 in 200 ms; a quarter of them high.
LEVELS = (Level.HIGH, Level.NORMAL, Level.LOW, Level.NORMAL, Level.HIGH, Level.LOW, Level.LOW, Level.NORMAL)
STEP_SECONDS, MESSAGES = 0.0025, 4000
MEMBERS = 3


@pytest.fixture
def anyio_backend():
    return "asyncio", {"loop_factory": LeapingLoop}


class NothingKept:
    """A store in which nothing of rooms was ever written."""

    async def of_room(self, app_uuid, room_id, minutes):
        return ()


async def told(lag_ms):
    """Let the room live through it; gives what was sent, what each member received, and the report's totals."""
    rig = RoomsRig(bounds=Bounds(600_000, 1 << 26, MESSAGES), room_reports=NothingKept())
    rig.press.outgoing.strain._lag_ms = lag_ms
    sent, received = {}, [Counter() for _ in range(MEMBERS)]
    async with rig.running():
        hall = await rig.opened()
        members = [rig.enter(hall, f"user{number}") for number in range(MEMBERS)]
        for number in range(1, MESSAGES + 1):
            sent[number] = LEVELS[number % len(LEVELS)]
            rig.lanes.put(hall.stream, said(number, sent[number]))
            await asyncio.sleep(STEP_SECONDS)
            await rig.written()
        await asyncio.sleep(2)
        await rig.written()
        by_offset = {kept.offset: kept.message_id for kept in rig.logs.find(hall.stream).after(0)}
        for member, heard in zip(members, received, strict=True):
            heard.update(sent[by_offset[offset]] for offset in rig.received(member))
        report = await rig.reporting.rooms.show(GetRoomReport("1", 60), type("App", (), {"uuid": APP_UUID}))
    return Counter(sent.values()), received, summed(report.minutes)


async def test_high_arrives_whole_low_goes_before_normal_and_the_report_adds_up():
    """E4: at twice its budget for ten seconds, a quarter of it high."""
    sent, received, report = await told(lag_ms=150)
    assert sent[Level.HIGH] == MESSAGES / 4
    for heard in received:
        assert heard[Level.HIGH] == sent[Level.HIGH]
        assert heard[Level.NORMAL] / sent[Level.NORMAL] > heard[Level.LOW] / sent[Level.LOW]
        assert heard.total() < MESSAGES * 0.6
    for level in Level:
        accepted, placed = report[f"accepted.{level}"], report[f"placed.{level}"]
        assert accepted == sent[level]
        assert accepted == placed + report[f"shed.{level}.pressure"]
        assert report[f"offered.{level}"] == report[f"reached.{level}"] == placed * MEMBERS
        assert placed == received[0][level]


async def test_without_pressure_nothing_is_dropped():
    """E4: the same room, as loud, where the server keeps up."""
    sent, received, report = await told(lag_ms=1)
    assert all(heard == sent for heard in received)
    assert not [name for name in report if name.startswith(("shed", "lost"))]
