"""How halls are made ready; the entering itself is in test_membership.py."""

import asyncio

import pytest

from builders import APP_UUID
from laba.model.attendance import Seat
from laba.service.lobby import Lobby, LobbyRules
from roomhouses import opened_rooms

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path):
    async with opened_rooms(tmp_path) as house:
        yield house


@pytest.fixture
def lobby(house):
    return Lobby(house.store.rooms, house.logs, LobbyRules(rooms_per_session=2, moves_per_second=50))


async def test_a_hall_is_ready_with_its_log_and_who_was_put_in(house, lobby):  # S3
    """The owner among them, and the tags that REST gave."""
    await house.room("7", "bob", owner="ann")
    await house.store.rooms.tag(APP_UUID, "7", "bob", ("vip",))
    hall = await lobby.ready(APP_UUID, "7")
    register = lobby.registers[hall.stream]
    assert (register.placed, register.tagged, register.is_ready) == ({"ann", "bob"}, {"bob": ("vip",)}, True)
    assert house.logs.find(hall.stream) is not None
    assert await lobby.ready(APP_UUID, "7") is hall


async def test_a_room_that_there_is_not_has_no_hall(lobby):
    assert await lobby.ready(APP_UUID, "none") is None
    assert lobby.registers == {}


async def test_a_session_has_the_halls_of_its_user_as_many_as_it_may_enter(house, lobby):
    for room_id in ("7", "8", "9"):
        await house.room(room_id, "ann")
    halls = await lobby.ready_for(Seat(APP_UUID, "ann", ""))
    assert [hall.room.id for hall in halls] == ["7", "8"]
    assert await lobby.ready_for(Seat(APP_UUID, "bob", "")) == []


async def test_what_changes_while_it_is_read_makes_it_be_read_again(house, lobby):
    """Nobody who was put in meanwhile is left out."""
    await house.room("7", "ann")
    making = asyncio.create_task(lobby.ready(APP_UUID, "7"))
    await asyncio.sleep(0)
    (register,) = lobby.registers.values()
    await house.store.rooms.place(APP_UUID, "7", ["bob"])
    register.place(["bob"])
    await making
    assert register.placed == {"ann", "bob"}
