"""What every Stays keeps to."""

import pytest

from contracts.stores import APP_STREAM, SqliteStores, dispatch, user
from laba.model.attendance import Seat, Stay
from laba.model.stream import Stream

pytestmark = pytest.mark.anyio

ANN = Seat("app-1", "ann", "phone")
CONFIRMED_MS = 60


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


async def place(store, *times, app_uuid="app-1"):
    """Place one message per time of acceptance; give nothing."""
    first = await store.last_id() + 1
    sent = [dispatch(number, at_ms, app_uuid=app_uuid) for number, at_ms in enumerate(times, start=first)]
    for one in sent:
        await store.append(one)
    await store.streams.append(Stream(app_uuid, "app"), sent)


def stay(seat=ANN, begin=0, written=0, confirmed=0, since_ms=1, ended_at_ms=None):
    return Stay(seat, begin, written, confirmed, since_ms, ended_at_ms)


# --- keeping -------------------------------------------------------------------------------------------------------


async def test_the_stays_of_a_seat_come_newest_first_after_a_restart(stores):  # A1
    """At most as many as were asked for, and none of another device, user or app."""
    mine = [stay(begin=begin, written=begin + 2, ended_at_ms=begin + 9) for begin in (0, 10, 20)]
    others = [ANN._replace(device="tablet"), ANN._replace(user="bob"), ANN._replace(app_uuid="app-2")]
    async with stores.open() as store:
        await store.stays.write([mine[1], mine[0], mine[2], *map(stay, others)])
    async with stores.open() as store:
        assert await store.stays.of_seat(ANN, 10) == (mine[2], mine[1], mine[0])
        assert await store.stays.of_seat(ANN, 2) == (mine[2], mine[1])
        assert await store.stays.of_seat(ANN._replace(user="eve"), 10) == ()


async def test_a_later_word_about_a_stay_replaces_the_earlier_one(store):  # A1
    """Its beginning is its name; within one writing the last word holds, too."""
    await store.stays.write([stay()])
    await store.stays.write([stay(written=5), stay(written=6, confirmed=5, since_ms=7, ended_at_ms=8)])
    assert await store.stays.of_seat(ANN, 10) == (stay(written=6, confirmed=5, since_ms=7, ended_at_ms=8),)


async def test_writing_nothing_changes_nothing(store):
    """And needs no commit."""
    before = store.commits
    await store.stays.write([])
    assert store.commits == before


@pytest.mark.parametrize("device", ["", "喇叭", "a\"b'c\\", "\n\x7f"])
async def test_a_device_is_called_whatever_it_likes(store, device):
    """What a client says is a value, never a part of a statement."""
    seat = ANN._replace(device=device)
    await store.stays.write([stay(seat, 3)])
    assert await store.stays.of_seat(seat, 10) == (stay(seat, 3),)


async def test_a_device_whose_name_is_no_text_has_no_stays(store):
    """A lone surrogate cannot be kept; asking for it is no error."""
    assert await store.stays.of_seat(ANN._replace(device="\ud800"), 10) == ()


async def test_the_stays_of_a_removed_user_go_with_it(store):  # S1
    """All its devices'; nobody else's."""
    bob, tablet = ANN._replace(user="bob"), ANN._replace(device="tablet")
    elsewhere = ANN._replace(app_uuid="app-2")
    await store.add_users([user("ann"), user("bob")])
    await store.stays.write([stay(), stay(tablet), stay(bob), stay(elsewhere)])
    await store.remove_user("app-1", "ann")
    left = [len(await store.stays.of_seat(seat, 10)) for seat in (ANN, tablet, bob, elsewhere)]
    assert left == [0, 0, 1, 1]


# --- what a crash left open ----------------------------------------------------------------------------------------


async def ended(stores, *stays, ready_at_ms=1_000):
    """Write open stays, let the process live until 200 and crash; give what the next one makes of them."""
    async with stores.open() as store:
        await store.stays.write(stays)
        await store.stays.checkpoint(150)
        await store.stays.checkpoint(200)
    async with stores.open() as store:
        await store.stays.end_open(ready_at_ms, CONFIRMED_MS)
        return [(await store.stays.of_seat(one.seat, 1))[0] for one in stays]


async def test_open_stays_end_when_the_next_process_is_ready(stores):  # A1
    """Who was connected counts as present over the crash; who had left stays as it was."""
    gone = stay(ANN._replace(user="bob"), written=1, confirmed=1, ended_at_ms=90)
    found = await ended(stores, stay(), gone)
    assert [one.ended_at_ms for one in found] == [1_000, 90]
    assert found[1] == gone


async def test_what_was_accepted_long_before_the_last_sign_of_life_is_confirmed(stores):  # A1
    """A client that had not shown that it has it would have been closed. Both edges: 140 is 60 before 200."""
    async with stores.open() as store:
        await place(store, 100, 140, 141, 199, 200, 201)
    (found,) = await ended(stores, stay(since_ms=139))
    assert (found.confirmed_offset, found.to_offset) == (2, 5)


@pytest.mark.parametrize(("since_ms", "confirmed"), [(140, 2), (141, 1)])
async def test_who_came_later_than_that_has_confirmed_only_what_it_did(stores, since_ms, confirmed):  # A1
    """It had not been there long enough to be closed for its silence."""
    async with stores.open() as store:
        await place(store, 100, 140, 200)
    (found,) = await ended(stores, stay(confirmed=1, since_ms=since_ms))
    assert found.confirmed_offset == confirmed


async def test_no_word_goes_backwards(stores):  # A1
    """What was known to be written or confirmed stays so, and a stay that began later began there."""
    async with stores.open() as store:
        await place(store, 100, 200)
    ahead, late = stay(written=9, confirmed=8), stay(ANN._replace(user="bob"), 5, 5, 5, since_ms=190)
    found = await ended(stores, ahead, late)
    assert [(one.to_offset, one.confirmed_offset) for one in found] == [(9, 8), (5, 5)]


async def test_every_app_s_stays_end_by_its_own_stream(stores):  # A1
    """Also that of an app to which nothing was ever sent."""
    other, silent = ANN._replace(app_uuid="app-2"), ANN._replace(app_uuid="app-3")
    async with stores.open() as store:
        await place(store, 10, 20, 30)
        await place(store, 10, app_uuid="app-2")
    found = await ended(stores, stay(), stay(other), stay(silent))
    assert [(one.to_offset, one.confirmed_offset) for one in found] == [(3, 3), (1, 1), (0, 0)]
    assert {one.ended_at_ms for one in found} == {1_000}


async def test_without_a_sign_of_life_nothing_is_confirmed(store):  # A1
    """A process that crashed in its first seconds."""
    await place(store, 100)
    await store.stays.write([stay()])
    await store.stays.end_open(1_000, CONFIRMED_MS)
    assert await store.stays.of_seat(ANN, 1) == (stay(ended_at_ms=1_000),)
    assert (await store.streams.position(APP_STREAM)).offset == 1


async def test_a_stay_is_ended_once(store):  # A1
    """The next start leaves it as it is."""
    await store.stays.write([stay()])
    await store.stays.end_open(1_000, CONFIRMED_MS)
    await store.stays.end_open(2_000, CONFIRMED_MS)
    assert (await store.stays.of_seat(ANN, 1))[0].ended_at_ms == 1_000
