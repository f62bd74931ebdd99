import asyncio
from dataclasses import replace

import pytest

from builders import NOW_MS, LeapingLoop, counted, room, said
from laba.core.lanes import Budget, LaneBounds
from laba.core.pressure import LoadBounds
from laba.model.dispatch import TO_EVERY_ROOM, Audience, Level
from laba.model.priorities import Priorities
from laba.service.lanes import LaneRules
from rooms_rig import RoomsRig

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio", {"loop_factory": LeapingLoop}


def copied(dispatch, rooms=4):
    """Give a broadcast for which as many ids were taken as there were rooms, and one."""
    return replace(dispatch, copies=rooms + 1)


async def settled():
    for _ in range(50):
        await asyncio.sleep(0)


async def test_an_idle_room_speaks_at_once():
    """Design 6.3: linger is 0 when idle."""
    async with RoomsRig().running() as rig:
        hall = await rig.opened()
        session = rig.enter(hall)
        before = asyncio.get_running_loop().time()
        rig.lanes.put(hall.stream, said(1))
        await settled()
        assert len(await rig.written()) == 1
        assert asyncio.get_running_loop().time() - before < 0.001
        assert rig.received(session) == [1]


async def test_what_comes_soon_after_is_merged():
    """Design 6.3: into one write for each member, highest level first, in order within a level (G3)."""
    async with RoomsRig().running() as rig:
        hall = await rig.opened()
        session = rig.enter(hall)
        rig.press.outgoing.strain._write_ms = 10  # a write takes long here
        rig.lanes.put(hall.stream, said(1))
        await settled()
        for number, level in enumerate((Level.LOW, Level.NORMAL, Level.HIGH, Level.NORMAL), start=2):
            rig.lanes.put(hall.stream, said(number, level))
        await asyncio.sleep(0.2)
        first, second = await rig.written()
        assert [part.level for part in second.common.parts] == [Level.HIGH, Level.NORMAL, Level.LOW]
        assert (first.first, second.first) == (1, 2)
        assert rig.received(session) == [1, 2, 3, 4, 5]


async def test_a_room_that_nobody_is_in_has_no_lane():
    """Unknown rooms are accepted silently (E1) and cost nothing."""
    async with RoomsRig().running() as rig:
        rig.lanes.put(room("nowhere").stream, said(1))
        await settled()
        assert rig.lanes._tracks == {}


async def test_a_full_lane_sheds_the_lowest_and_counts_it():
    """E4: it never makes the caller wait."""
    rules = LaneRules(bounds=LaneBounds(messages=2))
    rig = RoomsRig(rules)
    hall = await rig.opened()
    for number, level in enumerate((Level.LOW, Level.HIGH, Level.NORMAL), start=1):
        rig.lanes.put(hall.stream, said(number, level))
    assert counted(rig.meter, "laba_room_messages_shed_total", '{level="low",reason="queue_full"}') == 1


async def test_under_pressure_budgets_bind():
    """Design 7: what does not fit its span is shed, low before normal, before it has an offset."""
    rules = LaneRules(Budget(4, 2, 200), load=LoadBounds(lag_ms=1))
    async with RoomsRig(rules).running() as rig:
        hall = await rig.opened()
        rig.enter(hall)
        rig.press.outgoing.strain._lag_ms = 1.5
        for number in range(1, 31):
            rig.lanes.put(hall.stream, said(number, Level.LOW if number % 2 else Level.NORMAL))
        await asyncio.sleep(2)
        sent = sum(
            len(part.frames["json"].split(b";")) - 1 for each in await rig.written() for part in each.common.parts
        )
        shed = {
            level: counted(rig.meter, "laba_room_messages_shed_total", f'{{level="{level}",reason="pressure"}}')
            for level in ("low", "normal")
        }
        assert sent + sum(shed.values()) == 30
        assert 0 < shed["normal"] < shed["low"]


async def test_an_app_s_cap_binds_without_pressure():
    """Design 7: where an app sets a hard cap."""
    rules = LaneRules(Budget(4, 0, 200), capped=bool)
    async with RoomsRig(rules).running() as rig:
        hall = await rig.opened()
        rig.enter(hall)
        for number in range(1, 31):
            rig.lanes.put(hall.stream, said(number))
        await asyncio.sleep(2)
        assert counted(rig.meter, "laba_room_messages_shed_total", '{level="normal",reason="cap"}') > 10


async def test_a_broadcast_goes_to_every_active_room():
    """A8: a room in which somebody is, and that was ever spoken in; each with a message id of its own."""
    async with RoomsRig().running() as rig:
        halls = [await rig.opened(str(number), number=number, active=True) for number in (1, 2, 3)]
        silent = await rig.opened("4", number=4)
        younger = await rig.opened("5", number=5, active=True)
        members = [rig.enter(hall, f"user{at}") for at, hall in enumerate((*halls[:2], silent, younger))]
        both = rig.enter(halls[0], "both")
        rig.logs.enter(halls[1], both)
        dispatch = copied(said(100, audience=Audience.ACTIVE_ROOMS, rooms=(), sender="user0").dispatch)
        await rig.lanes.broadcast(dispatch)
        await asyncio.sleep(0.2)
        await rig.written()
        ids = {hall.room.id: [kept.message_id for kept in rig.logs.find(hall.stream).after(0)] for hall in rig.halls}
        assert ids == {"1": [101], "2": [102], "3": [], "4": [], "5": []}
        assert [len(rig.received(each)) for each in members] == [0, 1, 0, 0]
        assert len(rig.received(both)) == 2
        tally = rig.reporting.live(100)
        assert (tally.audience, tally.reached, tally.pending) == (3, 3, 0)


async def test_a_broadcast_to_open_rooms_goes_to_those_too_that_are_silent():
    """Vendor-apis.md 3.2: every room with somebody in it, spoken in or not; one that was made later has no copy."""
    async with RoomsRig().running() as rig:
        spoken_in = await rig.opened("1", number=1, active=True)
        silent, empty = await rig.opened("2", number=2), await rig.opened("3", number=3)
        younger = await rig.opened("5", number=5)
        members = [rig.enter(hall, f"user{at}") for at, hall in enumerate((spoken_in, silent, younger))]
        await rig.lanes.broadcast(copied(said(100, audience=Audience.OPEN_ROOMS, rooms=()).dispatch))
        await asyncio.sleep(0.2)
        await rig.written()
        assert [len(rig.received(each)) for each in members] == [1, 1, 0]
        assert not silent.room.active
        assert list(rig.logs.find(empty.stream).after(0)) == []
        tally = rig.reporting.live(100)
        assert (tally.audience, tally.reached, tally.pending) == (2, 2, 0)


async def test_a_broadcast_reaches_its_sender_where_it_asked_for_it():
    """Vendor-apis.md 3.2, isIncludeSender: its sessions are in the audience then, and else are not."""
    async with RoomsRig().running() as rig:
        hall = await rig.opened("1", number=1, active=True)
        ann, bob = rig.enter(hall, "ann"), rig.enter(hall, "bob")
        for number, to_sender in ((100, False), (200, True)):
            fields = {"audience": Audience.ACTIVE_ROOMS, "rooms": (), "sender": "ann", "to_sender": to_sender}
            await rig.lanes.broadcast(copied(said(number, **fields).dispatch))
            await asyncio.sleep(0.2)
            await rig.written()
        assert [len(rig.received(each)) for each in (ann, bob)] == [1, 2]
        tallies = [rig.reporting.live(number) for number in (100, 200)]
        assert [(tally.audience, tally.reached, tally.pending) for tally in tallies] == [(1, 1, 0), (2, 2, 0)]


async def test_a_room_raises_its_own_copy_of_a_broadcast():
    """E5: what is high for one room is no more so for another."""
    async with RoomsRig().running() as rig:
        priorities = Priorities(high_members=frozenset({"admin"}))
        raising, other = (
            await rig.opened("1", number=1, active=True, priorities=priorities),
            await rig.opened("2", number=2, active=True),
        )
        for hall in (raising, other):
            rig.enter(hall)
        await rig.lanes.broadcast(copied(said(100, Level.LOW, audience=Audience.ACTIVE_ROOMS, rooms=()).dispatch))
        await asyncio.sleep(0.2)
        levels = {
            hall.room.id: [kept.level for kept in rig.logs.find(hall.stream).after(0)] for hall in (raising, other)
        }
        assert levels == {"1": [Level.HIGH], "2": [Level.LOW]}


def levels_in(rig, hall):
    return [kept.level for kept in rig.logs.find(hall.stream).after(0)]


async def test_past_ten_in_a_second_a_budgeted_broadcast_is_an_ordinary_one():
    """N6: in each room by itself; a second after the first, there is room for one again."""
    async with RoomsRig().running() as rig:
        busy = await rig.opened("1", number=1)
        member = rig.enter(busy)
        how = {"audience": Audience.OPEN_ROOMS, "rooms": (), "budgeted": True}
        for number in range(11):
            if number == 5:
                late = await rig.opened("2", number=2)
                rig.enter(late, "bob")
            await rig.lanes.broadcast(copied(said(100 * number + 100, Level.HIGH, **how).dispatch))
            await asyncio.sleep(0.2)
            await rig.written()
        assert levels_in(rig, busy) == [Level.HIGH] * 10 + [Level.NORMAL]
        assert levels_in(rig, late) == [Level.HIGH] * 6
        assert counted(rig.meter, "laba_room_broadcasts_demoted_total") == 1
        rig.clock.pass_ms(999)
        await rig.lanes.broadcast(copied(said(2000, Level.HIGH, **how).dispatch))
        await asyncio.sleep(0.2)
        await rig.written()
        rig.clock.pass_ms(1)
        await rig.lanes.broadcast(copied(said(3000, Level.HIGH, **how).dispatch))
        await asyncio.sleep(0.2)
        assert levels_in(rig, busy)[-2:] == [Level.NORMAL, Level.HIGH]
        await rig.written()
        assert len(rig.received(member)) == 13


async def test_what_is_not_budgeted_or_raised_by_the_operator_keeps_its_level():
    """N6 is about the broadcasts of one dialect; E5 stands above it."""
    async with RoomsRig().running() as rig:
        hall = await rig.opened("1", number=1)
        raising = await rig.opened("2", number=2, priorities=Priorities(high_members=frozenset({"admin"})))
        for each in (hall, raising):
            rig.enter(each)
        how = {"audience": Audience.OPEN_ROOMS, "rooms": ()}
        for number in range(12):
            budgeted = said(100 * number + 100, Level.HIGH, budgeted=True, **how).dispatch
            await rig.lanes.broadcast(copied(budgeted.raised()))
            await asyncio.sleep(0.2)
            await rig.written()
            await rig.lanes.broadcast(copied(replace(budgeted, id=100 * number + 150)))
            await asyncio.sleep(0.2)
            await rig.written()
        assert levels_in(rig, raising) == [Level.HIGH] * 24
        assert levels_in(rig, hall) == [Level.HIGH] * 21 + [Level.NORMAL, Level.HIGH, Level.NORMAL]


async def test_what_anti_spam_rejects_is_counted_and_goes_nowhere():
    """N7: in the room's report of the minute."""
    async with RoomsRig().running() as rig:
        hall = await rig.opened()
        member = rig.enter(hall)
        rig.lanes.reject(hall.stream, said(1))
        await asyncio.sleep(0.2)
        assert rig.received(member) == []
        assert rig.reporting.rooms.tally(hall.stream, NOW_MS).look().counts == {"rejected.normal": 1}


@pytest.mark.parametrize("audience", sorted(TO_EVERY_ROOM))
async def test_what_is_shed_of_a_broadcast_is_in_its_report(audience):
    """E4: counted and visible, by level."""
    rig = RoomsRig(LaneRules(bounds=LaneBounds(messages=1)))
    hall = await rig.opened(number=1, active=True)
    rig.enter(hall)
    rig.lanes.put(hall.stream, said(1, Level.HIGH))
    await rig.lanes.broadcast(copied(said(100, Level.LOW, audience=audience, rooms=()).dispatch))
    tally = rig.reporting.live(100)
    assert (tally.audience, tally.lost, tally.pending) == (1, {"low": 1}, 0)


async def test_lanes_are_forgotten_when_their_rooms_are_quiet():
    async with RoomsRig().running() as rig:
        hall = await rig.opened()
        rig.lanes.put(hall.stream, said(1))
        await settled()
        rig.lanes.trim()
        assert len(rig.lanes._tracks) == 1
        await asyncio.sleep(1.5)
        rig.lanes.trim()
        assert len(rig.lanes._tracks) == 0
