import asyncio
from dataclasses import dataclass, field

import pytest

from laba.service.outgoing import Outgoing, Rank
from laba.service.strain import Strain

pytestmark = pytest.mark.anyio


@dataclass
class Item:
    key: str
    rank: Rank = Rank.NORMAL
    sessions: list = field(default_factory=lambda: [None])
    gathers: bool = True


@dataclass
class Alone(Item):
    gathers: bool = False


@pytest.fixture
def outgoing():
    return Outgoing(100, Strain())


async def taken(outgoing, most=10, gathered=10):
    return [(piece.item.key, piece.begin, piece.end) for piece in await outgoing.take(most, gathered)]


async def test_the_highest_level_goes_first(outgoing):
    """E4: whatever came before it in other rooms."""
    for key, rank in (("low", Rank.LOW), ("normal", Rank.NORMAL), ("high", Rank.HIGH)):
        await outgoing.put(Item(key, rank))
    assert [key for key, _, _ in await taken(outgoing)] == ["high", "normal", "low"]


async def test_a_stream_keeps_its_order_and_is_as_urgent_as_its_most_urgent(outgoing):
    """G3: what is high takes along what came before it in its room."""
    first, second = Item("room", Rank.LOW), Item("room", Rank.HIGH)
    await outgoing.put(first)
    await outgoing.put(Item("other", Rank.NORMAL))
    await outgoing.put(second)
    pieces = await outgoing.take(10, 10)
    assert [piece.item for piece in pieces][:2] == [first, second]


async def test_rooms_of_one_level_take_turns(outgoing):
    """A loud one does not starve the rest."""
    for _ in range(3):
        await outgoing.put(Item("loud"))
    await outgoing.put(Item("quiet"))
    assert [key for key, _, _ in await taken(outgoing)] == ["loud", "quiet", "loud", "loud"]


async def test_what_is_low_has_a_turn_now_and_then(outgoing):
    """However much is high: what is for everybody is no room's, and cannot be shed."""
    await outgoing.put(Alone("app", Rank.LOW))
    for number in range(20):
        await outgoing.put(Alone(number, Rank.HIGH))
    order = [(await taken(outgoing))[0][0] for _ in range(21)]
    assert order.index("app") < 8
    assert [key for key in order if key != "app"] == [*range(20)]


async def test_a_long_one_is_taken_in_pieces(outgoing):
    """What is more urgent gets in between; the rest follows where it was left."""
    await outgoing.put(Item("long", sessions=[None] * 25))
    assert await taken(outgoing) == [("long", 0, 10)]
    await outgoing.put(Item("urgent", Rank.HIGH))
    assert await taken(outgoing) == [("urgent", 0, 1), ("long", 10, 19)]
    assert await taken(outgoing) == [("long", 19, 25)]
    assert len(outgoing) == 0


async def test_what_does_not_gather_is_taken_alone(outgoing):
    await outgoing.put(Alone("app", sessions=[None] * 3))
    await outgoing.put(Item("room"))
    await outgoing.put(Alone("app"))
    assert await taken(outgoing) == [("app", 0, 3)]
    assert await taken(outgoing) == [("room", 0, 1)]
    assert await taken(outgoing) == [("app", 0, 1)]


async def test_at_the_bound_whoever_brings_more_waits(outgoing):
    await outgoing.put(Item("first", sessions=[None] * 100))
    late = asyncio.create_task(outgoing.put(Item("late")))
    await asyncio.sleep(0)
    assert (late.done(), len(outgoing)) == (False, 1)
    await outgoing.take(100, 100)
    await late
    assert await taken(outgoing) == [("late", 0, 1)]


async def test_it_is_empty_once_the_taker_comes_for_more(outgoing):
    """Not while the last of it is being written."""
    await outgoing.put(Item("room"))
    emptied = asyncio.create_task(outgoing.emptied())
    await outgoing.take(10, 10)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not emptied.done()
    more = asyncio.create_task(outgoing.take(10, 10))
    await emptied
    more.cancel()


async def test_the_backlog_is_as_old_as_what_waits_longest(outgoing):
    assert outgoing.backlog_ms(asyncio.get_running_loop().time()) == 0
    await outgoing.put(Item("room"))
    assert outgoing.backlog_ms(asyncio.get_running_loop().time() + 1.0) >= 1000
