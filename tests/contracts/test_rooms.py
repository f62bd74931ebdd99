"""What every Rooms keeps to."""

import asyncio
from dataclasses import replace

import pytest

from contracts.stores import SqliteStores, user
from laba.model.priorities import Priorities
from laba.model.room import Mute, Room

pytestmark = pytest.mark.anyio

# What a lone surrogate in a client's JSON becomes.
NO_TEXT = "\udc80"


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


@pytest.fixture
def rooms(store):
    return store.rooms


def room(room_id="7", app_uuid="app-1", **rest):
    return Room(app_uuid, room_id, **{"name": f"room {room_id}", "created_at_ms": 5, "owner": "ann"} | rest)


# --- rooms ---------------------------------------------------------------------------------------------------------


async def test_a_room_comes_back_whole(stores):  # S3
    """All that is known of a room is there after a restart, under its own app only."""
    priorities = Priorities(frozenset({"txt", "custom"}), frozenset({"vip", "安"}))
    whole = room(description="喇叭", custom='{"a":1}', max_members=3, active=True, muted=True, priorities=priorities)
    async with stores.open() as store:
        added = await store.rooms.add(whole, ["ann", "bob"])
        assert added == replace(whole, number=added.number)
    async with stores.open() as store:
        assert await store.rooms.find("app-1", "7") == added
        assert await store.rooms.placed("app-1", "7") == ("ann", "bob")
        assert await store.rooms.find("app-2", "7") is None


async def test_a_room_that_nobody_made_is_not_found(rooms):
    """Neither is one whose id no text can be."""
    assert await rooms.find("app-1", "7") is None
    assert await rooms.find("app-1", NO_TEXT) is None


async def test_an_id_is_given_once_in_an_app(rooms):
    """The second room of an id changes nothing; another app may have its own."""
    added = await rooms.add(room(), ["ann"])
    assert await rooms.add(room(name="other", owner="bob"), ["bob"]) is None
    assert await rooms.find("app-1", "7") == added
    assert await rooms.placed("app-1", "7") == ("ann",)
    assert await rooms.add(room(app_uuid="app-2"), ()) is not None


async def test_a_number_is_never_given_twice(stores):  # A8: the ids of a broadcast's copies are made of it
    """Not to a room of another app, nor after the room is gone, nor after a restart."""
    async with stores.open() as store:
        assert await store.rooms.highest_number() == 0
        numbers = [(await store.rooms.add(room(str(one), f"app-{one}"), ())).number for one in range(3)]
        assert len(set(numbers)) == 3
        assert await store.rooms.remove("app-2", "2")
        assert await store.rooms.highest_number() == max(numbers)
    async with stores.open() as store:
        assert await store.rooms.highest_number() == max(numbers)
        assert (await store.rooms.add(room("9"), ())).number > max(numbers)


async def test_rooms_are_listed_by_page(rooms):
    """Pages that follow each other have every room of the app once, in the order of their numbers."""
    for one in range(5):
        await rooms.add(room(str(9 - one)), ())
    await rooms.add(room("x", "app-2"), ())
    first = await rooms.after("app-1", 0, 3)
    rest = await rooms.after("app-1", first[-1].number, 3)
    assert [[each.id for each in page] for page in (first, rest)] == [["9", "8", "7"], ["6", "5"]]
    assert await rooms.after("app-1", rest[-1].number, 3) == ()


async def test_a_room_is_changed_but_for_its_number_and_whether_it_is_active(rooms):
    added = await rooms.add(room(active=True), ())
    changed = replace(
        added,
        name="new",
        owner="bob",
        description="d",
        custom="c",
        max_members=2,
        muted=True,
        priorities=Priorities(frozenset({"txt"})),
    )
    assert await rooms.change(replace(changed, number=999, active=False))
    assert await rooms.find("app-1", "7") == changed


async def test_what_is_not_there_is_not_changed(rooms):
    assert not await rooms.change(room())
    assert await rooms.find("app-1", "7") is None


async def test_a_room_goes_with_its_members_and_its_mutes(rooms):
    """One of the same id has none of them; other rooms keep theirs."""
    for one in ("7", "8"):
        await rooms.add(room(one), ["ann"])
        await rooms.mute("app-1", one, [Mute("ann", 10)])
    assert await rooms.remove("app-1", "7")
    assert not await rooms.remove("app-1", "7")
    assert await rooms.find("app-1", "7") is None
    await rooms.add(room(), ())
    assert (await rooms.placed("app-1", "7"), await rooms.mutes("app-1", "7")) == ((), ())
    assert (await rooms.placed("app-1", "8"), await rooms.mutes("app-1", "8")) == (("ann",), (Mute("ann", 10),))


async def test_a_room_becomes_active_and_stays_so(stores):  # A8
    """Those that exist are told, every time."""
    async with stores.open() as store:
        for one in ("7", "8"):
            await store.rooms.add(room(one), ())
        await store.rooms.add(room("9", "app-2"), ())
        for _ in range(2):
            assert await store.rooms.activate("app-1", ["7", "9", "none"]) == {"7"}
    async with stores.open() as store:
        active = [(await store.rooms.find(*key)).active for key in (("app-1", "7"), ("app-1", "8"), ("app-2", "9"))]
    assert active == [True, False, False]


# --- members -------------------------------------------------------------------------------------------------------


async def test_members_are_given_in_the_order_of_their_coming(rooms):
    """Who was in already is not placed again, and keeps its place."""
    await rooms.add(room(), ["ann"])
    assert await rooms.place("app-1", "7", ["zoe", "bob"]) == {"zoe", "bob"}
    assert await rooms.place("app-1", "7", ["bob", "安", "ann"]) == {"安"}
    assert await rooms.placed("app-1", "7") == ("ann", "zoe", "bob", "安")


async def test_who_is_displaced_is_out(rooms):
    """Who was not in is not told; who comes again comes last."""
    await rooms.add(room(), ["ann", "bob", "cid"])
    assert await rooms.displace("app-1", "7", ["ann", "zoe"]) == {"ann"}
    assert await rooms.placed("app-1", "7") == ("bob", "cid")
    await rooms.place("app-1", "7", ["ann"])
    assert await rooms.placed("app-1", "7") == ("bob", "cid", "ann")


async def test_nobody_is_put_into_a_room_that_is_not_there(rooms):
    """One that is made later is empty."""
    assert await rooms.place("app-1", "7", ["ann"]) == frozenset()
    await rooms.mute("app-1", "7", [Mute("ann", 1)])
    await rooms.add(room(), ())
    assert (await rooms.placed("app-1", "7"), await rooms.mutes("app-1", "7")) == ((), ())


async def test_a_user_s_rooms_are_those_it_was_put_into(rooms):
    """In the order of its coming, each as it is now."""
    await rooms.add(room("7"), ["ann"])
    await rooms.add(room("8"), ["ann", "bob"])
    await rooms.add(room("9"), ())
    await rooms.add(room("7", "app-2"), ["ann"])
    await rooms.place("app-1", "9", ["bob"])
    await rooms.place("app-1", "7", ["bob"])
    changed = replace(await rooms.find("app-1", "9"), name="new")
    await rooms.change(changed)
    assert [each.id for each in await rooms.rooms_of("app-1", "ann")] == ["7", "8"]
    assert [each.id for each in await rooms.rooms_of("app-1", "bob")] == ["8", "9", "7"]
    assert (await rooms.rooms_of("app-1", "bob"))[1] == changed
    await rooms.displace("app-1", "9", ["bob"])
    assert [each.id for each in await rooms.rooms_of("app-1", "bob")] == ["8", "7"]
    assert await rooms.rooms_of("app-1", NO_TEXT) == ()


async def test_find_and_rooms_of_wait_for_nothing(rooms):
    """They are answered in one step of the loop, so that nothing changes between them and what follows."""
    await rooms.add(room(), ["ann"])
    for asked in (rooms.find("app-1", "7"), rooms.rooms_of("app-1", "ann")):
        with pytest.raises(StopIteration):
            asked.send(None)


async def test_many_come_and_go_at_once(rooms):
    """A full room is filled and emptied in two calls, while others ask."""
    names = [f"user {number}" for number in range(10_000)]
    await rooms.add(room(), ())
    placed, *_ = await asyncio.gather(
        rooms.place("app-1", "7", names), *(rooms.rooms_of("app-1", name) for name in names[:100])
    )
    assert len(placed) == 10_000
    assert await rooms.placed("app-1", "7") == tuple(names)
    assert await rooms.displace("app-1", "7", names) == set(names)


async def test_a_user_who_is_removed_is_in_no_room(store):
    """Its places and mutes are gone, its rooms are nobody's; another app's user of that name keeps all."""
    for app_uuid in ("app-1", "app-2"):
        await store.add_users([user("ann", app_uuid), user("bob", app_uuid)])
        await store.rooms.add(room("7", app_uuid), ["ann", "bob"])
        await store.rooms.add(room("8", app_uuid, owner="bob"), ["bob", "ann"])
        await store.rooms.mute(app_uuid, "8", [Mute("ann", 1), Mute("bob", 2)])
    await store.remove_user("app-1", "ann")
    assert await store.rooms.rooms_of("app-1", "ann") == ()
    assert [(each.id, each.owner) for each in await store.rooms.after("app-1", 0, 9)] == [("7", ""), ("8", "bob")]
    assert await store.rooms.placed("app-1", "8") == ("bob",)
    assert await store.rooms.mutes("app-1", "8") == (Mute("bob", 2),)
    assert [each.owner for each in await store.rooms.after("app-2", 0, 9)] == ["ann", "bob"]
    assert len(await store.rooms.rooms_of("app-2", "ann")) == 2
    assert len(await store.rooms.mutes("app-2", "8")) == 2


# --- mutes ---------------------------------------------------------------------------------------------------------


async def test_a_mute_replaces_the_earlier_one(stores):
    """Mutes are there after a restart, and also when they have run out."""
    async with stores.open() as store:
        await store.rooms.add(room(), ())
        await store.rooms.mute("app-1", "7", [Mute("bob", 5), Mute("ann", 2**52)])
        await store.rooms.mute("app-1", "7", [Mute("bob", 1)])
    async with stores.open() as store:
        assert set(await store.rooms.mutes("app-1", "7")) == {Mute("ann", 2**52), Mute("bob", 1)}
        assert await store.rooms.mutes("app-1", "8") == ()


async def test_who_is_unmuted_is_told_once(rooms):
    await rooms.add(room(), ())
    await rooms.mute("app-1", "7", [Mute("ann", 5), Mute("bob", 5)])
    assert await rooms.unmute("app-1", "7", ["ann", "zoe"]) == {"ann"}
    assert await rooms.unmute("app-1", "7", ["ann"]) == frozenset()
    assert await rooms.mutes("app-1", "7") == (Mute("bob", 5),)


async def test_tags_are_those_of_who_was_put_in(store):  # S3
    """They go with the place; and come back after a restart, in their order."""
    await store.rooms.add(Room("app-1", "r1", "one", 0), ("ann", "bob"))
    assert await store.rooms.tag("app-1", "r1", "ann", ("vip", "de")) is True
    assert await store.rooms.tag("app-1", "r1", "bob", ("x",)) is True
    assert await store.rooms.tag("app-1", "r1", "stranger", ("x",)) is False
    assert await store.rooms.tag("app-1", "nowhere", "ann", ("x",)) is False
    assert await store.rooms.tagged("app-1", "r1") == {"ann": ("vip", "de"), "bob": ("x",)}
    assert await store.rooms.tag("app-1", "r1", "bob", ()) is True
    assert await store.rooms.tagged("app-1", "r1") == {"ann": ("vip", "de")}
    await store.rooms.displace("app-1", "r1", ("ann",))
    await store.rooms.place("app-1", "r1", ("ann",))
    assert await store.rooms.tagged("app-1", "r1") == {}
