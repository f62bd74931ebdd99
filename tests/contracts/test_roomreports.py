"""What every RoomReports keeps to."""

import pytest

from contracts.stores import SqliteStores
from laba.model.roomreport import RoomMinute

pytestmark = pytest.mark.anyio

ALWAYS = range(1_000)


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


@pytest.fixture
def reports(store):
    return store.room_reports


def minute(number, room_id="r1", app_uuid="app-1", **counts):
    return RoomMinute(app_uuid, room_id, number, {name.replace("_", "."): each for name, each in counts.items()})


async def test_a_minute_is_there_after_a_restart(stores):  # X2
    """Every count under its name."""
    kept = minute(7, accepted_high=3, shed_low_pressure=2**40)
    async with stores.open() as store:
        await store.room_reports.keep([kept])
    async with stores.open() as store:
        assert await store.room_reports.of_room("app-1", "r1", ALWAYS) == (kept,)


async def test_parts_of_a_minute_add_up(reports):  # X2
    """Written one after the other, or together; what is counted for the first time comes in beside the rest."""
    await reports.keep([minute(7, placed_low=1, raised=1)])
    await reports.keep([minute(7, placed_low=10), minute(7, placed_low=100, lost_low_slow=5)])
    assert await reports.of_room("app-1", "r1", ALWAYS) == (minute(7, placed_low=111, raised=1, lost_low_slow=5),)


async def test_a_room_s_minutes_come_oldest_first_and_of_the_stretch_that_was_asked_for(reports):
    await reports.keep([minute(each, raised=each) for each in (9, 7, 8, 10)])
    found = await reports.of_room("app-1", "r1", range(8, 10))
    assert [each.minute for each in found] == [8, 9]


async def test_rooms_and_apps_do_not_share(reports):
    """A room of the same name in another app is another room; names are anything at all."""
    odd = "房 'x\"\\"
    others = [minute(7, odd, raised=2), minute(7, app_uuid="app-2", raised=4)]
    await reports.keep([minute(7, raised=1), *others])
    assert await reports.of_room("app-1", "r1", ALWAYS) == (minute(7, raised=1),)
    assert await reports.of_room("app-1", odd, ALWAYS) == (others[0],)
    assert await reports.of_room("app-1", "r3", ALWAYS) == ()


async def test_what_is_old_is_forgotten_oldest_first(reports):
    """No more at once than was asked for; the minute that is named stays."""
    await reports.keep([minute(each, room, raised=1) for each in (3, 1, 2) for room in ("r1", "r2")])
    assert [await reports.forget(3, 3), await reports.forget(3, 3), await reports.forget(3, 3)] == [3, 1, 0]
    assert [each.minute for each in await reports.of_room("app-1", "r1", ALWAYS)] == [3]
    assert [each.minute for each in await reports.of_room("app-1", "r2", ALWAYS)] == [3]


async def test_keeping_nothing_changes_nothing(store):
    """And needs no commit."""
    before = store.commits
    await store.room_reports.keep([])
    assert store.commits == before


async def test_a_part_is_kept_whole_or_not_at_all(stores):  # X2
    """Where one row cannot be written, none is counted: what is tried again is not counted twice."""
    async with stores.open() as store:
        with pytest.raises(Exception, match="NOT NULL"):
            await store.room_reports.keep([minute(7, raised=1), RoomMinute("app-1", None, 7, {})])
        assert await store.room_reports.of_room("app-1", "r1", ALWAYS) == ()
