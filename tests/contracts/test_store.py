"""What every Store keeps to."""

import asyncio
import signal
import subprocess
from dataclasses import replace

import pytest

from contracts.stores import APP_STREAM, SqliteStores, app, dispatch, ids, recalling, user
from contracts.test_letters import EVERY_ROOM
from laba.core.ids import nth
from laba.model.app import AppPolicy, Feature, QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Audience, ConversationType, Level, Message
from laba.model.flags import Flags
from laba.model.hook import Source
from laba.model.letter import Letter
from laba.model.notification import Notification, Override
from laba.model.priorities import Priorities
from laba.model.quota import UNLIMITED, Quota
from laba.model.report import KeptReport, Stage
from laba.model.targets import Targets
from laba.model.user import UserChange
from laba.ports import StoreBusyError

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


# --- apps ----------------------------------------------------------------------------------------------------------


async def test_apps_come_back_in_the_order_they_were_created(stores):
    """Every app is there after a restart, with its keys and its policy."""
    policy = AppPolicy(
        features=frozenset({Feature.PUSH, Feature.USERS_BROADCAST}),
        quotas={QuotaName.PUSH: Quota.parse("1/2day,40/2seconds"), QuotaName.ROOM_CALLS: UNLIMITED},
        development=True,
    )
    kept = (app("z", "org/z", policy), app("a", "org/a"), app("m", "org/m"))
    async with stores.open() as store:
        assert [await store.add_app(one) for one in kept] == [True, True, True]
    async with stores.open() as store:
        assert await store.apps() == kept


async def test_what_goes_first_comes_back(stores):  # E5
    """An app's raised kinds and members are there after a restart."""
    policy = AppPolicy(priorities=Priorities(frozenset({"txt", "custom"}), frozenset({"vip1", "安"})))
    async with stores.open() as store:
        await store.add_app(app())
        await store.change_app(app().with_policy(policy))
    async with stores.open() as store:
        assert [one.policy for one in await store.apps()] == [policy]


async def test_an_app_s_own_types_come_back(stores):  # R8
    """Each with all five of its properties."""
    quiet = Flags(stored=True, counted=False, pushed=True, updates_last=False, offline=True)
    policy = AppPolicy(types={"app:gift": quiet, "喇叭": Flags(*[False] * 5)})
    async with stores.open() as store:
        await store.add_app(app(policy=policy))
    async with stores.open() as store:
        assert [one.policy for one in await store.apps()] == [policy]


async def test_an_app_name_is_given_once(store):
    """The second app of a name is not kept, and the first stays as it was."""
    assert await store.add_app(app("a", "org/one"))
    assert not await store.add_app(app("b", "org/one"))
    assert await store.apps() == (app("a", "org/one"),)


async def test_a_changed_policy_replaces_the_old_one(stores):  # S9
    """A changed policy is there after a restart; other apps keep theirs."""
    new = AppPolicy(frozenset({Feature.ROAMING}), {QuotaName.USERS_BROADCAST: Quota.parse("5/minute")})
    async with stores.open() as store:
        await store.add_app(app("a", "org/a"))
        await store.add_app(app("b", "org/b"))
        await store.change_app(app("a", "org/a").with_policy(new))
    async with stores.open() as store:
        assert [one.policy for one in await store.apps()] == [new, AppPolicy()]


# --- users ---------------------------------------------------------------------------------------------------------


async def test_a_user_is_found_by_app_and_name(stores):
    """A registered user comes back whole after a restart, under its own app only."""
    ann = user(
        "安",
        nickname="Ann",
        activated=False,
        password_hash="hash",
        portrait="https://a/b.png",
        tags=("a", "喇叭"),
        token_at_ms=2**41,
    )
    async with stores.open() as store:
        assert await store.add_users([ann, user("bob")]) == frozenset()
    async with stores.open() as store:
        assert await store.user("app-1", "安") == ann
        assert await store.user("app-1", "bob") == user("bob")
        assert await store.user("app-2", "安") is None


async def test_a_name_that_cannot_be_is_simply_not_there(store):
    """A name that is no UTF-8 belongs to nobody; asking for it is no error."""
    assert await store.user("app-1", "\ud800") is None
    assert await store.remove_user("app-1", "\ud800") is None


async def test_names_that_are_taken_stay_as_they_are(store):
    """The others of the same call are registered."""
    await store.add_users([user("ann", nickname="first")])
    assert await store.add_users([user("ann", nickname="second"), user("bob")]) == {"ann"}
    assert (await store.user("app-1", "ann")).nickname == "first"
    assert await store.user("app-1", "bob") == user("bob")


async def test_of_two_that_race_for_a_name_exactly_one_has_it(store):
    """However many register a name at once, one is told that it was free, and that one is kept."""
    taken = await asyncio.gather(*(store.add_users([user("ann", epoch=n)]) for n in range(50)))
    assert taken.count(frozenset()) == 1
    assert (await store.user("app-1", "ann")).epoch == taken.index(frozenset())


async def test_a_removed_user_is_gone_and_given_back(stores):
    """Removing gives what was forgotten, once."""
    async with stores.open() as store:
        await store.add_users([user("ann"), user("bob")])
        removed = await asyncio.gather(store.remove_user("app-1", "ann"), store.remove_user("app-1", "ann"))
        assert sorted(removed, key=bool) == [None, user("ann")]
    async with stores.open() as store:
        assert await store.user("app-1", "ann") is None
        assert await store.user("app-1", "bob") == user("bob")


async def test_users_are_given_page_by_page_in_the_order_of_their_names(store):  # S11
    """By their UTF-8, of one app; the page after the last is empty."""
    names = ["a", "a-", "aa", "b", "Z", "é", "安", "\U0001f600"]
    await store.add_users([user(name) for name in names] + [user("other", "app-2")])
    ordered = sorted(names, key=str.encode)
    assert [one.name for one in await store.users_after("app-1", "", 100)] == ordered
    assert await store.users_after("app-1", ordered[2], 2) == (user(ordered[3]), user(ordered[4]))
    assert await store.users_after("app-1", ordered[-1], 5) == ()
    # The name after which a page begins need not be there any more.
    await store.remove_user("app-1", ordered[2])
    assert [one.name for one in await store.users_after("app-1", ordered[2], 1)] == [ordered[3]]


async def test_who_stays_is_on_exactly_one_page_whoever_comes_and_goes(store):  # S11
    """Users registered and removed while a caller turns the pages change nothing for the others."""
    staying = [f"u{n:02}" for n in range(0, 60, 2)]
    await store.add_users([user(name) for name in staying] + [user(f"u{n:02}") for n in range(1, 60, 4)])
    seen, last, turn = [], "", 0
    while page := await store.users_after("app-1", last, 7):
        seen += [one.name for one in page]
        last = page[-1].name
        await store.remove_user("app-1", f"u{turn * 4 + 1:02}")
        await store.add_users([user(f"u{59 - turn * 4:02}"), user(f"a{turn}")])
        turn += 1
    assert [name for name in seen if name in staying] == staying
    assert len(set(seen)) == len(seen)


async def test_a_changed_user_is_given_as_it_is_then(stores):  # S11
    """What the change does not name stays, over a restart too; other users stay as they are."""
    ann = user("ann", nickname="Ann", password_hash="old")
    async with stores.open() as store:
        await store.add_users([ann, user("bob")])
        asleep = await store.change_user(UserChange("app-1", "ann", 9, epoch=2**55, activated=False))
        assert asleep == replace(ann, modified_at_ms=9, epoch=2**55, activated=False)
        changed = await store.change_user(UserChange("app-1", "ann", 11, password_hash="new"))
        assert changed == replace(asleep, modified_at_ms=11, password_hash="new")
        assert await store.change_user(UserChange("app-1", "ann", 12)) == replace(changed, modified_at_ms=12)
        awake = await store.change_user(UserChange("app-1", "ann", 13, activated=True))
    async with stores.open() as store:
        assert await store.user("app-1", "ann") == awake == replace(changed, modified_at_ms=13, activated=True)
        assert await store.user("app-1", "bob") == user("bob")


async def test_a_user_s_name_picture_and_first_token_are_changed_each_for_itself(stores):  # S1
    """What the change does not name stays."""
    async with stores.open() as store:
        await store.add_users([user("ann", tags=("a",))])
        await store.change_user(UserChange("app-1", "ann", 9, nickname="Ann"))
        await store.change_user(UserChange("app-1", "ann", 10, portrait="p.png"))
        await store.change_user(UserChange("app-1", "ann", 11, token_at_ms=11))
        changed = await store.change_user(UserChange("app-1", "ann", 12, nickname="安"))
    async with stores.open() as store:
        whole = user("ann", modified_at_ms=12, nickname="安", portrait="p.png", tags=("a",), token_at_ms=11)
        assert await store.user("app-1", "ann") == changed == whole


async def test_tags_replace_those_that_were_there(stores):  # S2
    """Of the registered among the named, who are told; sorted, each once, and none is none."""
    async with stores.open() as store:
        await store.add_users([user("ann", tags=("old",)), user("bob"), user("carl", tags=("c",))])
        await store.add_users([user("ann", "app-2", tags=("two",))])
        given = await store.tag_users("app-1", ["ann", "bob", "nobody", "\ud800"], ["vip", "a", "vip"])
        assert given == {"ann", "bob"}
    async with stores.open() as store:
        found = [await store.user("app-1", name) for name in ("ann", "bob", "carl")]
        assert [one.tags for one in found] == [("a", "vip"), ("a", "vip"), ("c",)]
        assert (await store.user("app-2", "ann")).tags == ("two",)
        assert await store.tag_users("app-1", ["ann"], []) == {"ann"}
        assert await store.tag_users("app-1", [], ["a"]) == frozenset()
        assert await store.user("app-1", "ann") == user("ann")


async def test_nobody_is_changed_by_a_name_that_is_free(store):  # S11
    """Neither one in another app, nor one who was removed while the change waited."""
    await store.add_users([user("ann", "app-2"), user("bob")])
    for name in ("ann", "\ud800"):
        assert await store.change_user(UserChange("app-1", name, 9, activated=False)) is None
    assert await store.user("app-2", "ann") == user("ann", "app-2")
    removed, changed = await asyncio.gather(
        store.remove_user("app-1", "bob"), store.change_user(UserChange("app-1", "bob", 9))
    )
    assert (removed, changed) == (user("bob"), None)


# --- the ledger ----------------------------------------------------------------------------------------------------


async def test_a_kept_dispatch_comes_back_whole(stores):  # A1
    """Every member survives a restart as it was, numbers beyond 64 bits and NUL characters included."""
    kept = (
        dispatch(2**63 - 1),
        dispatch(
            7,
            sender="ann",
            content=Content(Kind.CUSTOM, {"event": "喇叭\0", "exts": [{"k": [1, None, 1.5, 10**30]}]}),
            flags=Flags(stored=False, counted=True, pushed=False, updates_last=True),
            quota=QuotaName.PUSH,
            original=Original("native", "custom", {"a": "b"}),
            ext={"k": {"deep": True}},
            level=Level.HIGH,
            client_id="c1",
        ),
        dispatch(8, ext={}),
        dispatch(
            9,
            flags=Flags(stored=True, counted=False, pushed=False, updates_last=False, offline=True),
            audience=Audience.TARGETS,
            original=Original("rongcloud", "RC:TxtMsg", "no JSON \0 at all"),
            conversation=ConversationType.SYSTEM,
            targets=Targets(None, frozenset({"a", "安"}), frozenset({"b"}), "com.app", frozenset({"ios"})),
            notification=Notification(
                "text", "title", {"ios": Override(extras={"k": [1]}), "android": Override("other", silent=True)}
            ),
            to_sender=True,
        ),
        dispatch(10, audience=Audience.TARGETS, targets=Targets(users=frozenset({"ann", "bob"}))),
        recalling(11, 2**62),
        dispatch(12, audience=Audience.DEVICES, notification=Notification("to devices")),
    )
    async with stores.open() as store:
        for one in kept:
            await store.append(one)
    async with stores.open() as store:
        assert await store.waiting(10) == kept


async def test_dispatches_are_kept_in_the_order_of_append(store):  # G3
    """Neither ids nor times decide the order: the calls do."""
    numbers = [(n * 37) % 101 for n in range(1, 101)]
    await asyncio.gather(*(store.append(dispatch(n)) for n in numbers))
    assert ids(await store.waiting(1000)) == numbers
    assert ids(await store.waiting(3)) == numbers[:3]


async def test_a_dispatch_that_cannot_be_kept_leaves_the_others_of_its_group(store):
    """One id twice is a bug of the caller's: its second append fails, and no other does."""
    kept = await asyncio.gather(*(store.append(dispatch(n)) for n in (1, 2, 1, 3)), return_exceptions=True)
    assert [outcome is None for outcome in kept] == [True, True, False, True]
    assert ids(await store.waiting(10)) == [1, 2, 3]


async def test_several_dispatches_are_kept_together_or_none_of_them_is(store):  # E13
    """With what hooks are told of them."""
    told = Letter("1", "app-1", "main", Message(1, EVERY_ROOM, dispatch(1)), Source.CALLER)
    await store.append(dispatch(3))
    [fault] = await asyncio.gather(store.append_all([dispatch(2), dispatch(3)], [told]), return_exceptions=True)
    assert fault is not None
    assert ids(await store.waiting(10)) == [3]
    assert await store.letters.queues() == ()
    await store.append_all([dispatch(2), dispatch(1)], [told])
    assert ids(await store.waiting(10)) == [3, 2, 1]
    assert await store.letters.queues() == (("app-1", "main", 1),)
    with pytest.raises(ValueError, match="at least one"):
        await store.append_all([])


async def test_an_expired_dispatch_waits_no_more_and_still_counts(stores):  # G1
    """Its work is done, also after a restart; the quota it took stays taken."""
    async with stores.open() as store:
        for n in (1, 2, 3):
            await store.append(dispatch(n))
        await store.expire([dispatch(1), dispatch(3)])
        await store.expire([])
    async with stores.open() as store:
        assert ids(await store.waiting(10)) == [2]
        assert len(await store.accepted_since("app-1", QuotaName.USERS_BROADCAST, 0, 10)) == 3


async def test_what_waits_is_given_but_for_what_is_named(store):
    """As many of the others as were asked for."""
    for n in range(1, 8):
        await store.append(dispatch(n))
    assert ids(await store.waiting(3, besides=[1, 3, 99])) == [2, 4, 5]
    assert ids(await store.waiting(10, besides=range(1, 8))) == []
    assert ids(await store.waiting(10)) == [1, 2, 3, 4, 5, 6, 7]


async def test_what_went_out_to_rooms_is_done_without_a_place(stores):  # A8
    """It waits no more, counts in its quota, is in no stream, and its report says that it was sent."""
    to_rooms = dispatch(2, audience=Audience.ACTIVE_ROOMS, quota=QuotaName.CHATROOMS_BROADCAST, copies=9)
    async with stores.open() as store:
        for one in (dispatch(1), to_rooms, dispatch(20)):
            await store.append(one)
        assert (await store.waiting(10))[1] == to_rooms
        await store.done(to_rooms)
        await store.expire([to_rooms])
        await store.streams.append(APP_STREAM, [dispatch(1), dispatch(20)])
    async with stores.open() as store:
        assert await store.waiting(10) == ()
        [batch] = await store.streams.read(APP_STREAM, 0)
        assert [(entry.offset, entry.message.id) for entry in batch.entries] == [(1, 1), (2, 20)]
        assert len(await store.accepted_since("app-1", QuotaName.CHATROOMS_BROADCAST, 0, 10)) == 1
        assert await store.reports.find(2) == KeptReport(to_rooms, Stage.SENT, None)


async def test_what_is_done_already_stays_what_it_became(store):
    """Neither a place nor its coming too late is taken back."""
    for n in (1, 2):
        await store.append(dispatch(n))
    await store.streams.append(APP_STREAM, [dispatch(1)])
    await store.expire([dispatch(2)])
    for n in (1, 2):
        await store.done(dispatch(n))
    assert [(await store.reports.find(n)).stage for n in (1, 2)] == [Stage.SENT, Stage.EXPIRED]
    [batch] = await store.streams.read(APP_STREAM, 0)
    assert batch.last == 1


async def test_what_was_accepted_since_is_given_oldest_first(store):  # G1
    """The times of the latest dispatches under one app's quota, whatever became of them."""
    await store.append(dispatch(1, 30, quota=QuotaName.PUSH))
    await store.append(dispatch(2, 30, app_uuid="b"))
    for number, at_ms in ((3, 10), (4, 40), (5, 20)):
        await store.append(dispatch(number, at_ms))
    await store.streams.append(APP_STREAM, [dispatch(5, 20)])
    assert await store.accepted_since("app-1", QuotaName.USERS_BROADCAST, 20, 10) == (20, 40)
    assert await store.accepted_since("app-1", QuotaName.USERS_BROADCAST, 0, 1) == (40,)


async def test_the_last_id_is_the_highest_ever_kept(stores):
    """It is 0 at first, and outlives restarts."""
    async with stores.open() as store:
        assert await store.last_id() == 0
        await store.append(dispatch(2**62))
        await store.append(dispatch(5))
    async with stores.open() as store:
        assert await store.last_id() == 2**62


async def test_the_last_id_covers_the_copies_of_a_broadcast(stores):  # A8
    """Ids go on above the last one that a room may have got, however long the block is."""
    async with stores.open() as store:
        await store.append(dispatch(5, copies=10_000))
        assert await store.last_id() == nth(5, 9_999)
        await store.append(dispatch(nth(5, 10_000)))
    async with stores.open() as store:
        assert await store.last_id() == nth(5, 10_000)


# --- durability and bounds -----------------------------------------------------------------------------------------


async def test_whatever_append_returned_for_survives_kill_9(stores):  # A1, design.md section 8
    """A process that appends from twenty tasks is killed; every id it had told is in the ledger."""
    child = await asyncio.create_subprocess_exec(*stores.appending_program(), stdout=subprocess.PIPE)
    told = [await child.stdout.readline() for _ in range(200)]
    child.kill()
    told += [line async for line in child.stdout]
    assert await child.wait() == -signal.SIGKILL
    # The kill may have cut the last line short.
    numbers = {int(line) for line in told if line.endswith(b"\n")}
    assert len(numbers) >= 200
    async with stores.open() as store:
        assert numbers <= set(ids(await store.waiting(1_000_000)))


async def test_a_read_sees_every_write_that_has_returned(store):
    """Between a write's return and the next read nothing is stale, for any kind of read."""
    for n in range(1, 30):
        await store.append(dispatch(n))
        assert await store.last_id() == n
        await store.add_users([user(f"user{n}")])
        assert await store.user("app-1", f"user{n}")


async def test_writes_beyond_the_bound_are_refused_and_not_kept(stores):
    """With room for ten, of thirty writes at once ten are kept; afterwards there is room again."""
    async with stores.open(writes_waiting_limit=10) as store:
        outcomes = await asyncio.gather(*(store.append(dispatch(n)) for n in range(30)), return_exceptions=True)
        assert outcomes[:10] == [None] * 10
        assert all(isinstance(outcome, StoreBusyError) for outcome in outcomes[10:])
        await store.append(dispatch(100))
        assert ids(await store.waiting(100)) == [*range(10), 100]


async def test_leaving_the_store_keeps_what_was_waiting(stores):
    """Writes that were asked for before the store closes are kept and answered."""
    async with stores.open() as store:
        appends = [asyncio.ensure_future(store.append(dispatch(n))) for n in range(100)]
        await asyncio.sleep(0)
    await asyncio.gather(*appends)
    async with stores.open() as store:
        assert len(await store.waiting(1000)) == 100
