"""What every Campaigns keeps to: whom a message to chosen users comes to, once each, and what became of it."""

import asyncio
import signal
import subprocess
from dataclasses import replace

import pytest

from contracts.stores import APP_STREAM, EVERYBODY, SqliteStores, dispatch, ids, recalling, to_chosen, user
from laba.adapters.store.faults import NotWaitingError
from laba.model.attendance import Seat
from laba.model.campaign import Campaign, Muster, Received, Recruit
from laba.model.device import Device
from laba.model.dispatch import Conversation, ConversationType
from laba.model.stream import Stream
from laba.model.targets import Targets

pytestmark = pytest.mark.anyio

ALL = 1 << 40
VIPS = Targets(
    tags=frozenset({"vip", "安"}), any_tags=frozenset({"a"}), package="com.app", platforms=frozenset({"ios"})
)
# What a lone surrogate in a client's JSON becomes.
NO_TEXT = "\udc80"


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


def named(*names):
    return Targets(users=frozenset(names))


async def register(store, *names, **rest):
    await store.add_users([user(name, **rest) for name in names])


async def place(store, *dispatches, stream=APP_STREAM):
    for one in dispatches:
        await store.append(one)
    return await store.streams.append(stream, dispatches)


async def walk(store, campaign, limit=100):
    """Walk to the end, enrolling everybody; give the names in the order in which they came."""
    names = []
    while page := await store.campaigns.recruits(campaign, limit):
        some = [recruit.name for recruit in page]
        await store.campaigns.enrol(campaign, some, some[-1])
        (campaign,) = [one for one in await store.campaigns.walking() if one.dispatch_id == campaign.dispatch_id]
        names += some
    await store.campaigns.enrol(campaign, [], None)
    return names


async def inbox(store, name, after=0, upto=ALL, limit=100, app_uuid="app-1"):
    return list(await store.campaigns.inbox(app_uuid, name, after, upto, limit))


# --- walks ---------------------------------------------------------------------------------------------------------


async def test_a_message_to_chosen_users_walks_from_its_place_on(stores):  # P5
    """It has its campaign with its place, whole, also after a restart; in a conversation of type system."""
    async with stores.open() as store:
        await store.append(to_chosen(7, 70, targets=VIPS))
        assert await store.campaigns.walking() == ()
        await place(store, dispatch(6))
        batch = await store.streams.append(APP_STREAM, [to_chosen(7, 70, targets=VIPS)])
        assert batch.entries[0].message.conversation == Conversation(ConversationType.SYSTEM, "admin")
    async with stores.open() as store:
        assert await store.campaigns.walking() == (Campaign(7, "app-1", 2, 70, VIPS),)


async def test_walks_are_given_oldest_first_until_they_are_over(store):  # P5
    """A message of another kind, and one whose users are named, has nothing to look for."""
    await place(store, to_chosen(3, targets=VIPS), to_chosen(1), dispatch(2), to_chosen(4, targets=named("ann")))
    walking = await store.campaigns.walking()
    assert [one.dispatch_id for one in walking] == [1, 3]
    await store.campaigns.enrol(walking[0], [], None)
    assert [one.dispatch_id for one in await store.campaigns.walking()] == [3]


async def test_recruits_come_in_the_order_of_their_names_as_utf_8(store):  # P5
    """Page by page, of one app, with their tags and when they were registered."""
    names = ["a", "a-", "aa", "b", "Z", "é", "安", "\U0001f600", "nul\0", 'quote"\\']
    await register(store, *names, created_at_ms=5)
    await register(store, "other", app_uuid="app-2")
    await store.tag_users("app-1", ["安", "b"], ["vip", "a", "vip"])
    await place(store, to_chosen(1))
    (campaign,) = await store.campaigns.walking()
    ordered = sorted(names, key=str.encode)
    page = await store.campaigns.recruits(campaign, 100)
    assert [recruit.name for recruit in page] == ordered
    assert await store.campaigns.recruits(replace(campaign, cursor=ordered[2]), 1) == (page[3],)
    assert page[ordered.index("安")] == Recruit("安", frozenset({"a", "vip"}), frozenset(), 5)
    assert page[ordered.index("b")].tags == {"a", "vip"}
    assert page[ordered.index("é")].tags == frozenset()
    assert await walk(store, campaign, 3) == ordered


async def test_packages_are_looked_up_only_where_one_is_wanted(store):  # P4
    """Those of all of a user's devices, of the same app."""
    await register(store, "ann", "bob", "carl")
    for seat, package in (("ann", "p1"), ("ann", "p2"), ("ann", "p1"), ("carl", "p3")):
        await store.devices.put(Device(Seat("app-1", seat, f"of {package}"), None, package))
    await store.devices.put(Device(Seat("app-2", "bob", ""), None, "p9"))
    await place(store, to_chosen(1), to_chosen(2, targets=Targets(package="p1")))
    for_all, for_package = await store.campaigns.walking()
    assert {recruit.packages for recruit in await store.campaigns.recruits(for_all, 9)} == {frozenset()}
    used = [recruit.packages for recruit in await store.campaigns.recruits(for_package, 9)]
    assert used == [{"p1", "p2"}, frozenset(), {"p3"}]
    rest = await store.campaigns.recruits(replace(for_package, cursor="ann"), 1)
    assert [recruit.packages for recruit in rest] == [frozenset()]


async def test_a_walk_goes_on_where_it_stopped(stores):  # P5
    """After a restart nobody is asked twice, and nobody is left out."""
    async with stores.open() as store:
        await register(store, *"abcdef", created_at_ms=1)
        await place(store, to_chosen(10))
        (campaign,) = await store.campaigns.walking()
        await store.campaigns.enrol(campaign, ["a", "c"], "c")
    async with stores.open() as store:
        (campaign,) = await store.campaigns.walking()
        assert campaign.cursor == "c"
        assert await walk(store, campaign, 2) == ["d", "e", "f"]
        assert [await inbox(store, name) for name in "abcd"] == [[1], [], [1], [1]]
    async with stores.open() as store:
        assert await store.campaigns.walking() == ()
        assert await store.campaigns.muster(10) == Muster(5, 0, 0, walking=False)


async def test_whoever_is_enrolled_twice_has_it_once(store):  # P5
    """Twice in one page, and by the same page again; the cursor never goes back."""
    await register(store, "ann", "bob", "carl")
    await place(store, to_chosen(10))
    (campaign,) = await store.campaigns.walking()
    await store.campaigns.enrol(campaign, ["ann", "bob", "ann"], "bob")
    await store.campaigns.received([Received("app-1", "ann", 1)])
    await store.campaigns.enrol(campaign, ["ann", "carl"], "ann")
    assert (await store.campaigns.walking())[0].cursor == "bob"
    assert await store.campaigns.muster(10) == Muster(3, 1, 0, walking=True)
    assert await inbox(store, "ann") == [1]


async def test_nobody_is_enrolled_who_was_not_there_when_it_was_accepted(store):  # P5
    """Neither who was removed meanwhile, nor who bears the name since, nor who never was registered."""
    await register(store, "ann", "bob", "carl", created_at_ms=10)
    await place(store, to_chosen(1, 10))
    (campaign,) = await store.campaigns.walking()
    for name in ("bob", "carl"):
        await store.remove_user("app-1", name)
    await register(store, "carl", created_at_ms=11)
    await store.campaigns.enrol(campaign, ["ann", "bob", "carl", "dora"], None)
    assert [await inbox(store, name) for name in ("ann", "bob", "carl", "dora")] == [[1], [], [], []]


async def test_an_enrolment_is_kept_whole_with_its_cursor_or_not_at_all(stores):  # P5, design.md section 8
    """A process that walks is killed: exactly those up to the cursor have it, and another finishes the walk."""
    names = [f"user{n:05}" for n in range(5000)]
    async with stores.open() as store:
        await register(store, *names)
        await place(store, to_chosen(10))
    child = await asyncio.create_subprocess_exec(*stores.walking_program(), stdout=subprocess.PIPE)
    told = [int(await child.stdout.readline()) for _ in range(30)]
    child.kill()
    assert await child.wait() == -signal.SIGKILL
    async with stores.open() as store:
        (campaign,) = await store.campaigns.walking()
        enrolled = names.index(campaign.cursor) + 1
        assert enrolled >= sum(told) == 210
        assert await store.campaigns.muster(10) == Muster(enrolled, 0, 0, walking=True)
        assert await walk(store, campaign, 1000) == names[enrolled:]
        assert await store.campaigns.muster(10) == Muster(5000, 0, 0, walking=False)


async def test_an_enrolment_that_fails_moves_no_cursor(store):  # P5
    """Names that no text can be are a bug of the caller's; nothing of their page is kept."""
    await register(store, "ann")
    await place(store, to_chosen(10))
    (campaign,) = await store.campaigns.walking()
    with pytest.raises(UnicodeEncodeError):
        await store.campaigns.enrol(campaign, ["ann", NO_TEXT], "ann")
    assert await store.campaigns.walking() == (campaign,)
    assert await inbox(store, "ann") == []


# --- users by name -------------------------------------------------------------------------------------------------


async def test_those_who_are_named_have_it_with_its_place(stores):  # P4 P5
    """As far as they were registered when it was accepted; there is no walk."""
    async with stores.open() as store:
        await register(store, "ann", "安", created_at_ms=10)
        await register(store, "late", created_at_ms=11)
        await register(store, "bob", app_uuid="app-2")
        await place(store, to_chosen(1, 10, targets=named("ann", "安", "late", "nobody", "bob")))
        assert await store.campaigns.walking() == ()
    async with stores.open() as store:
        assert [await inbox(store, name) for name in ("ann", "安", "late", "nobody", "bob")] == [[1], [1], [], [], []]
        assert await inbox(store, "bob", app_uuid="app-2") == []
        assert await store.campaigns.muster(1) == Muster(2, 0, 0, walking=False)
        (batch,) = await store.streams.read(APP_STREAM, 0)
        assert batch.entries[0].message.dispatch.targets == named("ann", "安", "late", "nobody", "bob")


async def test_a_place_that_fails_fills_no_inbox(store):  # P5
    """One transaction: a batch in which one dispatch does not wait begins no campaign."""
    await register(store, "ann")
    for one in (to_chosen(1), to_chosen(2, targets=named("ann"))):
        await store.append(one)
    with pytest.raises(NotWaitingError):
        await store.streams.append(APP_STREAM, [to_chosen(1), to_chosen(2, targets=named("ann")), dispatch(404)])
    assert await store.campaigns.walking() == ()
    assert await inbox(store, "ann") == []
    assert await store.campaigns.muster(2) is None
    assert ids(await store.waiting(9)) == [1, 2]


# --- at a login ----------------------------------------------------------------------------------------------------


async def test_an_inbox_gives_the_latest_of_a_stretch_in_order(store):  # P5
    """Behind the first offset, up to the last, and delivered or not: each device asks for itself."""
    await register(store, "ann", "bob")
    await place(store, *(to_chosen(n, targets=named("ann" if n % 3 else "bob")) for n in range(1, 10)))
    assert await inbox(store, "ann") == [1, 2, 4, 5, 7, 8]
    assert await inbox(store, "ann", after=2, upto=7) == [4, 5, 7]
    assert await inbox(store, "ann", after=0, upto=7, limit=2) == [5, 7]
    assert await inbox(store, "bob") == [3, 6, 9]
    await store.campaigns.received([Received("app-1", "ann", 9)])
    assert await inbox(store, "ann", after=5) == [7, 8]
    assert await inbox(store, NO_TEXT) == []
    assert await inbox(store, "ann", app_uuid="app-3") == []


async def test_who_comes_before_the_walk_is_told_what_walks(store):  # P5
    """By the order of names as UTF-8, up to an offset, of its own app; a walk that is over has come to everybody."""
    await place(store, to_chosen(1), to_chosen(2, targets=VIPS), to_chosen(3, targets=named("é")), to_chosen(4))
    await place(store, to_chosen(5, app_uuid="app-2"), stream=Stream("app-2", "app"))
    first, second, third, _ = await store.campaigns.walking()
    await store.campaigns.enrol(first, [], "z")
    assert await store.campaigns.walks_before("app-1", "é", 2) == (replace(first, cursor="z"), second)
    assert await store.campaigns.walks_before("app-1", "z", 4) == (second, third)
    await store.campaigns.enrol(second, [], None)
    assert await store.campaigns.walks_before("app-1", "z", 4) == (third,)
    assert await store.campaigns.walks_before("app-1", "z", 3) == ()
    assert await store.campaigns.walks_before("app-1", NO_TEXT, 4) == ()


async def test_entries_are_given_by_their_places_in_order(store):  # P5
    """What was recalled is not there, nor what has no place; without any there is no batch."""
    batch = await place(store, to_chosen(1), dispatch(2), to_chosen(3, ext={"k": "v"}), dispatch(4))
    await place(store, recalling(5, 4))
    given = await store.campaigns.entries(APP_STREAM, [3, 99, 1, 4])
    assert given == replace(batch, entries=(batch.entries[0], batch.entries[2]))
    assert await store.campaigns.entries(APP_STREAM, [99]) is None
    assert await store.campaigns.entries(APP_STREAM, []) is None
    assert await store.campaigns.entries(Stream("app-2", "app"), [1]) is None


async def test_an_app_without_inboxes_says_so(store):  # P5
    """Until something is in one of them or on its way there, and again when they are empty."""
    await register(store, "ann")
    assert not await store.campaigns.has_inboxes("app-1")
    await place(store, dispatch(1))
    assert not await store.campaigns.has_inboxes("app-1")
    await place(store, to_chosen(2))
    assert await store.campaigns.has_inboxes("app-1")
    assert not await store.campaigns.has_inboxes("app-2")
    await store.campaigns.enrol((await store.campaigns.walking())[0], ["ann"], None)
    assert await store.campaigns.has_inboxes("app-1")
    await store.campaigns.expire(3, 100)
    assert not await store.campaigns.has_inboxes("app-1")


async def test_a_login_s_reads_give_nobody_else_a_turn(store):  # P5
    """They end without waiting for anything."""
    await register(store, "ann")
    await place(store, to_chosen(1), to_chosen(2, targets=named("ann")))
    for asking in (
        store.campaigns.inbox("app-1", "ann", 0, 9, 9),
        store.campaigns.walks_before("app-1", "ann", 9),
        store.campaigns.entries(APP_STREAM, [1, 2]),
        store.campaigns.has_inboxes("app-1"),
        store.devices.of_user("app-1", "ann"),
    ):
        with pytest.raises(StopIteration):
            asking.send(None)


# --- what became of them -------------------------------------------------------------------------------------------


async def test_what_users_have_is_counted_once_each(stores):  # P5 X2
    """Up to an offset, of their own inbox only, also when it is told again."""
    async with stores.open() as store:
        await register(store, "ann", "bob")
        await register(store, "ann", app_uuid="app-2")
        await place(store, *(to_chosen(n, targets=named("ann", "bob")) for n in (1, 2, 3)))
        marks = [Received("app-1", "ann", 2), Received("app-1", "ann", 1), Received("app-1", "bob", 1)]
        await store.campaigns.received([*marks, Received("app-2", "ann", 9), Received("app-1", "nobody", 9)])
        await store.campaigns.received(marks[:1])
    async with stores.open() as store:
        found = [await store.campaigns.muster(n) for n in (1, 2, 3)]
        assert found == [Muster(2, delivered, 0, walking=False) for delivered in (2, 1, 0)]


async def test_receiving_nothing_changes_nothing(store):
    """And needs no commit."""
    before = store.commits
    await store.campaigns.received([])
    assert store.commits == before


async def test_what_is_no_campaign_has_no_muster(store):  # X2
    """Neither a broadcast, nor what was never kept, nor what has no place yet."""
    await place(store, dispatch(1))
    await store.append(to_chosen(2))
    assert [await store.campaigns.muster(n) for n in (1, 2, 404)] == [None] * 3


async def test_who_never_came_in_time_is_counted_as_expired(stores):  # P5 X2
    """Some places at a time; who had it stays counted as delivered, and the inboxes are empty in the end."""
    names = [f"u{n}" for n in range(10)]
    async with stores.open() as store:
        await register(store, *names)
        await place(store, *(to_chosen(n, n, targets=named(*names)) for n in (10, 20, 30)))
        await store.campaigns.received([Received("app-1", name, 3) for name in names[:4]])
        assert await store.campaigns.expire(10, 100) == 0
        assert [await store.campaigns.expire(30, 7) for _ in range(5)] == [7, 7, 6, 0, 0]
    async with stores.open() as store:
        found = [await store.campaigns.muster(n) for n in (10, 20, 30)]
        assert found == [Muster(10, 4, expired, walking=False) for expired in (6, 6, 0)]
        assert await inbox(store, "u7") == [3]


async def test_a_message_half_expired_is_counted_whole(store):  # P5 X2
    """Between two steps nobody is lost and nobody is counted twice; what came to nobody does not hold up the rest."""
    await register(store, *"abcde")
    nobody, everybody = to_chosen(10, targets=named("nobody")), to_chosen(20, targets=named(*"abcde"))
    await place(store, nobody, everybody)
    await store.campaigns.received([Received("app-1", "b", 2)])
    assert await store.campaigns.expire(21, 2) == 2
    assert await store.campaigns.muster(20) == Muster(5, 1, 2, walking=False)
    assert await store.campaigns.expire(21, 3) == 3
    assert await store.campaigns.muster(20) == Muster(5, 1, 4, walking=False)
    assert await store.campaigns.expire(21, 3) == 0
    assert await store.campaigns.muster(10) == Muster(0, 0, 0, walking=False)


async def test_a_walk_that_takes_too_long_ends(store):  # P5
    """Nobody is put into an inbox that was emptied."""
    await register(store, "ann", "bob")
    await place(store, to_chosen(10))
    (campaign,) = await store.campaigns.walking()
    await store.campaigns.enrol(campaign, ["ann"], "ann")
    assert await store.campaigns.expire(11, 100) == 1
    assert await store.campaigns.walking() == ()
    await store.campaigns.enrol(campaign, ["bob"], "bob")
    assert await store.campaigns.walking() == ()
    assert await inbox(store, "bob") == []
    assert await store.campaigns.muster(10) == Muster(1, 0, 1, walking=False)


# --- recall --------------------------------------------------------------------------------------------------------


async def test_what_was_recalled_is_in_no_inbox(stores):  # X3
    """Its walk ends where it is; the word of it is in the inboxes instead, by a walk of its own or by name."""
    async with stores.open() as store:
        await register(store, "ann", "bob")
        await place(store, to_chosen(1), to_chosen(2, targets=named("ann")), to_chosen(3, targets=named("ann")))
        (campaign,) = await store.campaigns.walking()
        await store.campaigns.enrol(campaign, ["ann"], "ann")
        words = [recalling(4, 1), recalling(5, 2, targets=named("ann"))]
        words = [replace(word, audience=to_chosen(1).audience, targets=word.targets or EVERYBODY) for word in words]
        await place(store, *words)
        await store.campaigns.enrol(campaign, ["bob"], "bob")
    async with stores.open() as store:
        assert await inbox(store, "ann") == [3, 5]
        assert await inbox(store, "bob") == []
        assert [one.dispatch_id for one in await store.campaigns.walking()] == [4]
        assert [one.dispatch_id for one in await store.campaigns.walks_before("app-1", "bob", 9)] == [4]


async def test_who_was_never_given_what_was_recalled_does_not_have_it(store):  # X3
    """A sign of what came after it is none of this one; who had it before has it."""
    await register(store, "ann", "bob")
    await place(store, to_chosen(1, targets=named("ann", "bob")), to_chosen(2, targets=named("ann", "bob")))
    await store.campaigns.received([Received("app-1", "ann", 1)])
    await place(store, recalling(3, 1))
    await store.campaigns.received([Received("app-1", name, 3) for name in ("ann", "bob")])
    assert await store.campaigns.muster(1) == Muster(2, 1, 0, walking=False)
    assert await store.campaigns.muster(2) == Muster(2, 2, 0, walking=False)


async def test_a_removed_user_s_inbox_is_gone(store):  # S1 P5
    """Whoever has the name next begins with an empty one."""
    await register(store, "ann", "bob")
    await place(store, to_chosen(5, targets=named("ann", "bob")))
    await store.remove_user("app-1", "ann")
    await register(store, "ann")
    assert await inbox(store, "ann") == []
    assert await inbox(store, "bob") == [1]
