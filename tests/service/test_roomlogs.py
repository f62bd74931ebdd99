import pytest

from builders import said
from laba.core.window import Bounds
from laba.model.stream import Position
from rooms_rig import RoomsRig
from service.test_roomdeliveries import flush

pytestmark = pytest.mark.anyio


@pytest.fixture
def rig():
    return RoomsRig(bounds=Bounds(60_000, limit_bytes=1_000_000, limit_messages=3))


async def test_a_member_that_comes_back_gets_what_it_missed(rig):
    """Once, in order, and nothing that is not for it (E6, E10)."""
    hall = await rig.opened()
    missed = (said(2, sender="ann"), said(3, users=frozenset({"bob"})), said(4))
    await rig.fanout.take(flush(said(1)))
    await rig.fanout.take(flush(*missed, first=2))
    assert rig.received(rig.enter(hall, "ann", asked=1)) == [4]
    assert rig.received(rig.enter(hall, "bob", asked=1)) == [2, 3, 4]


async def test_who_presents_no_position_begins_at_the_end(rig):
    hall = await rig.opened()
    await rig.fanout.take(flush(said(1)))
    session = rig.enter(hall)
    assert rig.received(session) == []
    assert session.rooms == {"room:1": 1}


async def test_the_log_holds_the_last_messages_and_says_so(rig):
    """Whoever missed more gets what there is, and is told that there was more."""
    hall = await rig.opened()
    await rig.fanout.take(flush(*(said(number) for number in range(1, 6))))
    covered, lost = (
        rig.enter(hall, "ann", asked=2),
        rig.logs.enter(hall, rig.enter(hall, "bob"), Position("epoch", 1)),
    )
    assert rig.received(covered) == [3, 4, 5]
    assert (lost.recovered, lost.missed, lost.position) == (False, b"json 3;json 4;json 5;", Position("epoch", 2))


async def test_a_member_is_written_no_more_of_the_past_than_the_limit(rig):
    """The newest, whole; and it is told that there was more."""
    hall = await rig.opened()
    await rig.fanout.take(flush(*(said(number) for number in range(1, 4))))
    entry = rig.logs.enter(hall, rig.enter(hall), Position("epoch", 0), 2 * len(b"json 1;") + 1)
    assert (entry.recovered, entry.missed, entry.position) == (False, b"json 2;json 3;", Position("epoch", 1))
    nothing = rig.logs.enter(hall, rig.enter(hall, "bob"), Position("epoch", 0), 1)
    assert (nothing.recovered, nothing.missed, nothing.position) == (False, b"", Position("epoch", 3))


async def test_a_position_of_another_life_recovers_nothing(rig):
    """Design 5: a room's epoch is new after a restart."""
    hall = await rig.opened()
    await rig.fanout.take(flush(said(1)))
    entry = rig.logs.enter(hall, rig.enter(hall), Position("older", 0))
    assert (entry.recovered, entry.missed) == (False, b"")


async def test_a_hall_closes_once_nobody_could_miss_it(rig):
    """Not while somebody is there, is expected back, or could still recover something."""
    hall = await rig.opened()
    session = rig.enter(hall)
    hall.away["bob"] = rig.clock()
    await rig.fanout.take(flush(said(1)))
    for step in (lambda: hall.leave(session), hall.away.clear, lambda: rig.clock.pass_ms(60_001)):
        rig.logs.trim()
        assert rig.halls.find(hall.stream) is hall
        step()
    rig.logs.trim()
    assert rig.halls.find(hall.stream) is None
    assert rig.logs.find(hall.stream) is None


async def test_offsets_go_on_where_a_hall_opens_again(rig):
    """A client that comes back much later is not given old offsets a second time."""
    hall = await rig.opened()
    await rig.places.take(hall.stream, 4)
    rig.logs.trim()
    again = await rig.opened()
    assert (await rig.logs.open(again)).position.offset == 4
