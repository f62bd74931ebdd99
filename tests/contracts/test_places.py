"""What every Places keeps to."""

import pytest

from laba.adapters.bus.local import LocalPlaces
from laba.model.stream import Position, Stream

pytestmark = pytest.mark.anyio

ROOM, OTHER = Stream("app-1", "room:1"), Stream("app-1", "room:2")


@pytest.fixture(params=[LocalPlaces])
def places(request):
    return request.param("epoch")


async def test_places_follow_each_other(places):
    """G3: what takes its places later has higher ones, and no place is given twice."""
    assert await places.take(ROOM, 3) == Position("epoch", 0)
    assert await places.take(ROOM, 2) == Position("epoch", 3)
    assert await places.position(ROOM) == Position("epoch", 5)


async def test_every_room_counts_for_itself(places):
    await places.take(ROOM, 3)
    assert await places.position(OTHER) == Position("epoch", 0)
    assert await places.take(OTHER, 1) == Position("epoch", 0)
