"""What every Pushes keeps to: where a push is with each provider, whom it comes to, and what became of it (S8)."""

import pytest

from contracts.stores import APP_STREAM, SqliteStores, dispatch, recalling, to_chosen, user
from laba.model.attendance import Seat
from laba.model.device import Address, Device, Registration
from laba.model.dispatch import Audience
from laba.model.notification import Notification
from laba.model.provider import Account, Provider
from laba.model.push import Counts, DeadToken, JobHead, JobState, Progress, PushReport, PushTarget, Retry
from laba.model.targets import Targets

pytestmark = pytest.mark.anyio

HELLO = Notification("hello")
IOS = Provider("ios", "apns", Account("key", "id"), "com.app")
REST = Provider("rest", "apns", Account("key", "id"))
NOTHING = Counts()


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


async def register(store, name, device="phone", token=None, *, package="com.app", at_ms=5, **rest):
    """Register a user with a device whose token is, unless another is given, `token of NAME DEVICE`."""
    await store.add_users([user(name, **{key: rest.pop(key) for key in ("tags",) if key in rest})])
    kind, sandbox = rest.pop("kind", "apns"), rest.pop("sandbox", False)
    address = Address(kind, token or f"token of {name} {device}", sandbox)
    seat = Seat("app-1", name, device)
    described = Device(seat, rest.pop("platform", "ios"), package)
    await store.devices.register(Registration(described, address, registered_at_ms=at_ms))
    return seat


async def begun(store, number=100, providers=("ios",), **rest):
    """Place a dispatch that has something to push, and begin its push; gives the first of its jobs."""
    await place(store, to_chosen(number, notification=HELLO, **rest))
    await store.pushes.open(number, list(providers))
    head = next(head for head in await store.pushes.jobs() if head.dispatch_id == number)
    return await store.pushes.job(head.number)


async def as_it_is(store, job):
    """Give a job again, which must still be under way."""
    assert job.number in {head.number for head in await store.pushes.jobs()}
    return await store.pushes.job(job.number)


async def place(store, one):
    await store.append(one)
    if one.audience is Audience.DEVICES:
        await store.done(one)
    else:
        await store.streams.append(APP_STREAM, [one])


async def walked(store, job, provider=IOS, others=(), limit=100):
    return [(target.user, target.device) for target in await store.pushes.page(job, provider, others, limit)]


async def one_of(store, number):
    [report] = await store.pushes.reports(number)
    return report


# --- beginning -----------------------------------------------------------------------------------------------------


async def test_what_has_something_to_show_waits_to_be_pushed_from_its_place_on(stores):
    """In the same transaction; and what was begun is begun once."""
    async with stores.open() as store:
        await place(store, to_chosen(100, notification=HELLO))
        await place(store, to_chosen(101))
        await place(store, dispatch(102, audience=Audience.DEVICES, targets=Targets(), notification=HELLO))
    async with stores.open() as store:
        assert await store.pushes.unopened(10) == ((100, "app-1"), (102, "app-1"))
        assert await store.pushes.unopened(1) == ((100, "app-1"),)
        await store.pushes.open(100, ["ios", "web"])
        await store.pushes.open(100, ["ios", "late"])
        await store.pushes.open(102, [])
        assert await store.pushes.unopened(10) == ()
        ios, web = await store.pushes.jobs()
        placed = to_chosen(100, notification=HELLO)
        assert ios == JobHead(ios.number, 100, "app-1", "ios", placed.accepted_at_ms)
        assert web == JobHead(web.number, 100, "app-1", "web", placed.accepted_at_ms)
        job = await store.pushes.job(web.number)
        assert (job.number, job.provider, job.partners) == (web.number, "web", {"ios", "web"})
        assert (job.cursor, job.walked, job.dispatch.notification) == (("", ""), False, HELLO)
        assert await store.pushes.job(web.number + 1) is None
        assert await store.pushes.reports(102) == ()


async def test_nothing_is_pushed_of_what_is_withdrawn_first(store):  # X3
    await place(store, to_chosen(100, notification=HELLO))
    job = await begun(store, 101)
    await place(store, recalling(102, 100))
    await place(store, recalling(103, 101))
    assert await store.pushes.unopened(10) == ()
    assert await store.pushes.jobs() == ()
    assert await store.pushes.job(job.number) is None
    assert (await one_of(store, 101)).state is JobState.CANCELLED
    assert await store.pushes.advance(job, Progress(NOTHING)) is JobState.CANCELLED


# --- the walk ------------------------------------------------------------------------------------------------------


async def test_a_walk_goes_through_devices_with_a_token_in_their_order(store):
    for name, device in [("bob", "b"), ("ann", "2"), ("安", "x"), ("ann", "1")]:
        await register(store, name, device, tags=("vip",))
    await store.add_users([user("eve")])
    await store.devices.put(Device(Seat("app-1", "eve", "no token"), "ios", "com.app"))
    job = await begun(store)
    first = await store.pushes.page(job, IOS, (), 2)
    assert [target.key for target in first] == [("ann", "1"), ("ann", "2")]
    assert first[0] == PushTarget("ann", "1", "token of ann 1", "ios", frozenset({"vip"}), 1)
    await store.pushes.advance(job, Progress(NOTHING, first[-1].key))
    job = await as_it_is(store, job)
    assert await walked(store, job) == [("bob", "b"), ("安", "x")]
    await store.pushes.advance(job, Progress(NOTHING, ("安", "x"), walked=True))
    await store.pushes.advance(job, Progress(NOTHING))
    job = await as_it_is(store, job)
    assert (job.walked, await walked(store, job)) == (True, [])


async def test_a_provider_is_for_devices_of_its_kind_package_and_service(store):
    await register(store, "a", package="com.app")
    await register(store, "b", package="com.other")
    await register(store, "c", package="")
    await register(store, "d", sandbox=True)
    await register(store, "e", kind="fcm")
    job = await begun(store)
    assert await walked(store, job) == [("a", "phone")]
    assert await walked(store, job, REST, ["com.app"]) == [("b", "phone"), ("c", "phone")]
    assert await walked(store, job, REST) == [("a", "phone"), ("b", "phone"), ("c", "phone")]
    assert await walked(store, job, Provider("dev", "apns", Account("k", "i"), "com.app", sandbox=True)) == [
        ("d", "phone")
    ]
    wanted = await begun(store, 101, targets=Targets(package="com.other"))
    assert await walked(store, wanted, REST) == [("b", "phone")]


async def test_named_users_are_looked_up_and_nobody_else(store):
    for name in ("ann", "bob", "eve"):
        await register(store, name)
    job = await begun(store, targets=Targets(users=frozenset({"bob", "ann", "nobody"})))
    assert await walked(store, job) == [("ann", "phone"), ("bob", "phone")]
    assert await walked(store, job, limit=1) == [("ann", "phone")]
    await store.pushes.advance(job, Progress(NOTHING, ("ann", "phone")))
    job = await as_it_is(store, job)
    assert await walked(store, job) == [("bob", "phone")]


async def test_a_user_who_is_removed_takes_its_devices_along(store):
    await register(store, "ann")
    await store.remove_user("app-1", "ann")
    assert await walked(store, await begun(store)) == []
    assert await store.pushes.reach("app-1", []) == ({}, {})


# --- what a page led to --------------------------------------------------------------------------------------------


async def test_counts_add_up_and_survive(stores):
    async with stores.open() as store:
        job = await begun(store)
        page = Counts(10, 9, 6, 1, {"Gone": 2, "Odd": 1})
        assert await store.pushes.advance(job, Progress(page, ("m", "1"))) is JobState.UNDER_WAY
        await store.pushes.advance(job, Progress(Counts(1, 1, 0, 0, {"Odd": 1})))
    async with stores.open() as store:
        counts = Counts(11, 10, 6, 1, {"Gone": 2, "Odd": 2})
        assert await store.pushes.reports(100) == (PushReport("ios", JobState.UNDER_WAY, counts),)
        job = await as_it_is(store, job)
        assert job.cursor == ("m", "1")


async def test_who_is_to_be_tried_again_is_due_at_its_time_and_until_it_is_settled(store):
    for name in ("ann", "bob", "eve"):
        await register(store, name)
    job = await begun(store)
    assert await store.pushes.next_due_ms(job) is None
    retries = (Retry("ann", "phone", 1, 500), Retry("bob", "phone", 2, 300), Retry("eve", "phone", 1, 900))
    await store.pushes.advance(job, Progress(NOTHING, retries=retries))
    assert await store.pushes.next_due_ms(job) == 300
    due = await store.pushes.due(job, IOS, 500, 10)
    assert [(target.user, target.token, target.attempts) for target in due] == [
        ("bob", "token of bob phone", 2),
        ("ann", "token of ann phone", 1),
    ]
    assert len(await store.pushes.due(job, IOS, 500, 1)) == 1
    again = (Retry("bob", "phone", 3, 700),)
    await store.pushes.advance(job, Progress(NOTHING, retries=again, settled=(("ann", "phone"),)))
    assert [(one.user, one.attempts) for one in await store.pushes.due(job, IOS, 10_000, 10)] == [
        ("bob", 3),
        ("eve", 1),
    ]
    assert (await one_of(store, 100)).waiting == 2


async def test_a_device_that_lost_its_token_while_it_waited_is_due_without_one(store):
    seat = await register(store, "ann")
    job = await begun(store)
    await store.pushes.advance(
        job, Progress(NOTHING, retries=(Retry("ann", "phone", 1, 1), Retry("gone", "x", 1, 2)))
    )
    await store.devices.remove(seat)
    assert [(one.user, one.token) for one in await store.pushes.due(job, IOS, 9, 9)] == [("ann", ""), ("gone", "")]


async def test_a_dead_token_is_removed_with_the_service_s_reason(store):
    """But not one that the device has got since, nor of a device registered after the service's word."""
    for name in ("ann", "bob", "eve"):
        await register(store, name, at_ms=500)
    job = await begun(store)
    dead = (
        DeadToken("ann", "phone", "token of ann phone", "Unregistered", 500),
        DeadToken("bob", "phone", "an older token", "Unregistered", 500),
        DeadToken("eve", "phone", "token of eve phone", "Unregistered", 499),
    )
    await store.pushes.advance(job, Progress(NOTHING, dead=dead))
    assert await walked(store, job) == [("bob", "phone"), ("eve", "phone")]
    [ann] = await store.devices.registrations("app-1", "ann")
    assert (ann.address, ann.dead) == (None, "Unregistered")
    await register(store, "ann", token="a new one")
    [ann] = await store.devices.registrations("app-1", "ann")
    assert (ann.address.token, ann.dead) == ("a new one", None)


# --- how it ends ---------------------------------------------------------------------------------------------------


async def test_a_push_can_be_paused_resumed_and_cancelled(store):
    job = await begun(store, providers=["ios", "web"])
    await store.pushes.advance(job, Progress(NOTHING, retries=(Retry("ann", "phone", 1, 1),)))
    assert await store.pushes.set_state(100, JobState.PAUSED) == 2
    assert await store.pushes.set_state(100, JobState.PAUSED) == 0
    assert await store.pushes.jobs() == ()
    assert await store.pushes.advance(job, Progress(Counts(sent=1))) is JobState.PAUSED
    assert await store.pushes.set_state(100, JobState.UNDER_WAY) == 2
    assert [one.provider for one in await store.pushes.jobs()] == ["ios", "web"]
    assert await store.pushes.next_due_ms(job) == 1
    assert await store.pushes.set_state(100, JobState.CANCELLED) == 2
    assert await store.pushes.set_state(100, JobState.UNDER_WAY) == 0
    assert await store.pushes.next_due_ms(job) is None
    assert [one.counts.sent for one in await store.pushes.reports(100)] == [1, 0]


async def test_what_ended_gets_nobody_to_try_again(store):
    job = await begun(store)
    await store.pushes.end(job, JobState.DONE)
    await store.pushes.advance(job, Progress(NOTHING, retries=(Retry("ann", "phone", 1, 1),)))
    assert await store.pushes.next_due_ms(job) is None
    assert (await one_of(store, 100)).state is JobState.DONE
    await store.pushes.end(job, JobState.EXPIRED)
    assert (await one_of(store, 100)).state is JobState.DONE


async def test_reach_counts_devices_that_can_be_pushed_to(store):
    await register(store, "ann", "1")
    await register(store, "ann", "2")
    await register(store, "bob", kind="webpush")
    await store.devices.put(Device(Seat("app-1", "bob", "silent"), "ios", "com.app"))
    every = [("apns", "com.app", False), ("webpush", "", False)]
    assert await store.pushes.reach("app-1", every) == ({"apns": 2, "webpush": 1}, {})
    assert await store.pushes.reach("app-2", every) == ({}, {})


@pytest.mark.parametrize(
    ("served", "strays"),
    [
        ([], {"apns": 3, "fcm": 1}),
        ([("apns", "com.app", False)], {"apns": 2, "fcm": 1}),
        ([("apns", "", False)], {"apns": 1, "fcm": 1}),
        ([("apns", "", False), ("apns", "com.app", True)], {"apns": 1, "fcm": 1}),
        ([("apns", "", False), ("apns", "com.other", True), ("fcm", "", False)], {}),
    ],
)
async def test_reach_tells_which_devices_nobody_serves(store, served, strays):
    """Those of no provider's package, or of its other service."""
    await register(store, "ann", "1", package="com.app")
    await register(store, "ann", "2", package="")
    await register(store, "bob", "3", package="com.other", sandbox=True)
    await register(store, "bob", "4", kind="fcm")
    assert await store.pushes.reach("app-1", served) == ({"apns": 3, "fcm": 1}, strays)
