"""How pushes take their turns, and what stops them: pauses, crashes, stores that fail (S8).

The services are fakes that speak the true protocols, the store is the real one, and time moves when told to.
"""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, suppress
from itertools import groupby

import pytest

from builders import Clock, Ticker, counted
from houses import OFFLINE_MS
from laba.adapters.presence import LocalPresence
from laba.assembly.outside import FORMS
from laba.model.dispatch import Audience
from laba.model.push import JobState
from laba.model.pushcalls import RemoveProvider, SetPush
from laba.model.recordcalls import Recall
from laba.ports import StoreBusyError
from laba.service.pushing import Pushing
from laba.service.pushlanes import Tools
from laba.service.pushwalk import PushRules, PushWalk
from push_rig import (
    PACKAGE,
    apns,
    device,
    devices,
    fcm,
    pushed,
    pushing_house,
    put,
    received,
    report,
    rounds,
    send,
    sending,
)
from push_services import fcm_serving

pytestmark = pytest.mark.anyio

PAGE = 10
BUSY, DOWN = (429, "TooManyRequests"), (503, "Shutdown")


def paged(tmp_path, *fakes, page=PAGE, **how):
    """Open a house that pushes in small pages."""
    return pushing_house(tmp_path, *fakes, push_rules=PushRules(OFFLINE_MS, page), **how)


@pytest.fixture
async def house(tmp_path, apple):
    async with paged(tmp_path, apple) as house:
        await put(house, apns(apple))
        yield house


@asynccontextmanager
async def running(pushing):
    """Have it push by itself."""
    task = asyncio.create_task(pushing.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def pushing_by(house, sender, *, pushes=None, users=None, page=PAGE):
    """Give what pushes as the house's does, but with other parts."""
    tools, presence = Tools(FORMS, sender, house.ground, ramp_ms=0), LocalPresence(house.roster)
    pushes = pushes or house.store.pushes
    walk = PushWalk(pushes, users or house.store, house.tenants, presence, PushRules(OFFLINE_MS, page))
    return Pushing(pushes, house.tenants, walk, tools)


async def cut_off(pushing, fake, count):
    """Begin a round, and stop it half-way, as a crash does."""
    turn = asyncio.create_task(pushing.turn())
    await fake.until(count)
    turn.cancel()
    with suppress(asyncio.CancelledError):
        await turn


async def interrupted(house, fake, count, call):
    """Begin a round, and make a call when so many pushes were accepted; gives its answer when the round is over."""
    turn = asyncio.create_task(house.pushing.turn())
    await fake.until(count)
    answer = await house.pushdesk.serve(call, house.app)
    await turn
    return answer


# --- turns ---------------------------------------------------------------------------------------------------------


async def test_a_round_goes_through_all_devices_in_their_order(house, apple):
    tokens = await devices(house, 35)
    dispatch_id = await send(house)
    assert await house.pushing.turn()
    assert [sorted(received(apple)[at : at + PAGE]) for at in range(0, 35, PAGE)] == [
        tokens[at : at + PAGE] for at in range(0, 35, PAGE)
    ]
    assert not await house.pushing.turn()
    assert (await report(house, dispatch_id)).state is JobState.DONE


async def test_without_a_push_or_a_provider_there_is_nothing_to_do(tmp_path, apple):
    async with paged(tmp_path, apple) as house:
        assert not await house.pushing.turn()
        await device(house, "ann")
        dispatch_id = await send(house)
        assert not await house.pushing.turn()
        assert await house.pushing.reports(house.app.uuid, dispatch_id) == ()


def order(fake, name):
    """Tell which push went out when: the names of pushes, each as often as it came before another."""
    return [(push_id, len(list(each))) for push_id, each in groupby(fake.pushes, name)]


async def test_pushes_of_one_provider_take_turns(tmp_path, apple):
    """A short one need not wait until a long one is over."""  # S8
    async with paged(tmp_path, apple, page=1) as house:
        await put(house, apns(apple))
        await devices(house, 20)
        first, second = [str(await send(house)) for _ in range(2)]
        await rounds(house)
        pieces = order(apple, lambda push: push.headers["apns-collapse-id"])
        assert pieces == [(first, 16), (second, 16), (first, 4), (second, 4)]


async def test_fcm_gets_one_push_at_a_time(tmp_path):
    """All of a project's share its quota of each minute. One that has only devices to try again holds up none."""
    async with fcm_serving() as google, paged(tmp_path, google, page=1) as house:
        await put(house, fcm(google))
        await devices(house, 20, "fcm")
        first, second = [str(await send(house)) for _ in range(2)]
        await rounds(house)
        assert order(google, lambda push: push.payload["android"]["collapse_key"]) == [(first, 20), (second, 20)]


async def test_a_page_is_no_larger_than_a_providers_rate(house, apple):
    """A page is what a crash repeats: it should not be what waits for its turn for long."""  # S8
    await put(house, apns(apple, per_second=40))
    await devices(house, 45)
    dispatch_id = await send(house)
    async with sending(apple) as sender:
        await cut_off(pushing_by(house, sender, page=500), apple, 41)
    assert (await report(house, dispatch_id)).counts.accepted == 40


async def test_pushes_are_sent_as_they_come(house, apple):
    async with running(house.pushing):
        await device(house, "ann")
        for number in (1, 2):
            await send(house)
            await apple.until(number)


async def test_what_an_earlier_process_left_is_sent_at_once(house, apple):  # S8
    await device(house, "ann")
    await send(house)
    async with running(house.pushing):
        await apple.until(1)


async def test_who_is_to_be_tried_again_is_tried_without_anybodys_asking(tmp_path, apple):  # S8
    async with paged(tmp_path, apple, clock=Ticker(300)) as house:
        await put(house, apns(apple))
        apple.moods[await device(house, "ann")] = [BUSY]
        await send(house)
        async with running(house.pushing):
            await apple.until(1)
        assert len(apple.attempts) == 2


# --- one device, and all the others --------------------------------------------------------------------------------


REFUSALS = [(500, "InternalServerError"), (503, "Shutdown"), (403, "Forbidden"), (429, "TooManyProviderTokenUpdates")]


@pytest.mark.parametrize("mood", REFUSALS)
async def test_what_a_service_says_of_all_for_one_device_alone_stops_no_other(house, apple, mood):
    """It is that device's own as soon as others are accepted between."""  # S8
    tokens = await devices(house, 3 * PAGE + 5)
    apple.moods[tokens[3]] = [mood] * 1000
    first, second = await send(house), await send(house)
    await rounds(house, 600)
    for told in (await report(house, first), await report(house, second)):
        assert (told.state, told.counts.accepted) == (JobState.DONE, len(tokens) - 1)
        assert told.counts.rejected == {mood[1]: 1}


async def test_fcms_next_push_begins_though_one_device_of_the_last_is_refused_each_time(tmp_path):  # S8
    async with fcm_serving() as google, paged(tmp_path, google) as house:
        await put(house, fcm(google))
        tokens = await devices(house, 2 * PAGE + 5, "fcm")
        google.moods[tokens[3]] = [(429, "QUOTA_EXCEEDED")] * 1000
        first, second = await send(house), await send(house)
        await rounds(house, 1200)
        for told in (await report(house, first), await report(house, second)):
            assert (told.state, told.counts.accepted) == (JobState.DONE, len(tokens) - 1)


# --- very many pushes ----------------------------------------------------------------------------------------------


async def test_many_small_pushes_are_looked_up_together(house, apple):
    """Not each of them anew with all the others."""  # S8
    await device(house, "ann")
    for _ in range(80):
        await send(house)
    async with sending(apple) as sender:
        pushes = Failing(house.store.pushes, "jobs", times=0)
        pushing = pushing_by(house, sender, pushes=pushes)
        while await pushing.turn():
            pass
    assert (len(apple.pushes), pushes.asked) == (80, 2)


async def test_pushes_that_wait_for_a_service_ask_nothing_of_the_store(house, apple):  # S8
    await device(house, "ann")
    for _ in range(50):
        await send(house)
    apple.moods["*"] = [(503, "Shutdown", {"retry-after": "600"})]
    async with sending(apple) as sender:
        pushes = Failing(house.store.pushes, "job", times=0)
        pushing = pushing_by(house, sender, pushes=pushes)
        while await pushing.turn():
            pass
        assert pushes.asked == 1
        house.clock.pass_ms(599_000)
        assert not await pushing.turn()
        house.clock.pass_ms(2000)
        while await pushing.turn():
            pass
    assert len(apple.pushes) == 50


# --- stopping ------------------------------------------------------------------------------------------------------


async def test_an_orderly_stop_ends_the_page_that_is_under_way_and_nothing_is_sent_twice(tmp_path, apple):  # S8
    clock = Clock()
    async with paged(tmp_path, apple, clock=clock) as house:
        await put(house, apns(apple))
        tokens = await devices(house, 50)
        async with running(house.pushing) as run:
            dispatch_id = await send(house)
            await apple.until(5)
            await house.pushing.stop(10)
            await run
        assert len(apple.pushes) < 50
    async with paged(tmp_path, apple, clock=clock) as again:
        await rounds(again)
        assert sorted(received(apple)) == tokens
        assert (await report(again, dispatch_id)).counts.accepted == 50


async def test_a_crash_half_way_repeats_a_page_at_most_and_misses_nobody(tmp_path, apple):
    """A repeat replaces what it repeats."""  # S8
    clock = Clock()
    async with paged(tmp_path, apple, clock=clock) as house:
        await put(house, apns(apple))
        tokens = await devices(house, 50)
        dispatch_id = await send(house)
        await cut_off(house.pushing, apple, 25)
        assert len(apple.pushes) < 50
    async with paged(tmp_path, apple, clock=clock) as again:
        await rounds(again)
        told = await report(again, dispatch_id)
    times = Counter(received(apple))
    assert sorted(times) == tokens
    twice = {tokens.index(one) // PAGE for one, count in times.items() if count > 1}
    assert len(twice) <= 1
    assert max(times.values()) <= 2
    assert {push.headers["apns-collapse-id"] for push in apple.pushes} == {str(dispatch_id)}
    assert (told.state, told.counts.targeted, told.counts.accepted) == (JobState.DONE, 50, 50)


async def test_who_waits_to_be_tried_again_waits_through_a_restart(tmp_path, apple):  # S8
    clock = Clock()
    async with paged(tmp_path, apple, clock=clock) as house:
        await put(house, apns(apple))
        apple.moods[await device(house, "ann")] = [BUSY]
        await pushed(house)
    async with paged(tmp_path, apple, clock=clock) as again:
        await rounds(again)
        assert len(apple.attempts) == 1
        await rounds(again, 1)
        assert len(apple.pushes) == 1


async def test_a_push_is_paused_and_goes_on_where_it_was(house, apple):  # S8
    tokens = await devices(house, 50)
    dispatch_id = await send(house)
    answer = await interrupted(house, apple, 15, SetPush(dispatch_id, JobState.PAUSED))
    assert answer.providers == 1
    sent = len(apple.pushes)
    assert sent < 50
    await rounds(house, 10)
    assert (len(apple.pushes), (await report(house, dispatch_id)).state) == (sent, JobState.PAUSED)
    await house.pushdesk.serve(SetPush(dispatch_id, JobState.UNDER_WAY), house.app)
    await rounds(house)
    assert (sorted(received(apple)), (await report(house, dispatch_id)).state) == (tokens, JobState.DONE)


async def test_who_waits_when_a_push_is_paused_is_tried_again_when_it_goes_on(house, apple):
    apple.moods[await device(house, "ann")] = [BUSY]
    dispatch_id = await send(house)
    await rounds(house)
    await house.pushdesk.serve(SetPush(dispatch_id, JobState.PAUSED), house.app)
    await rounds(house, 10)
    told = await report(house, dispatch_id)
    assert (len(apple.attempts), told.waiting) == (1, 1)
    await house.pushdesk.serve(SetPush(dispatch_id, JobState.UNDER_WAY), house.app)
    await rounds(house)
    assert (len(apple.pushes), (await report(house, dispatch_id)).state) == (1, JobState.DONE)


async def test_a_push_that_is_cancelled_half_way_goes_to_nobody_more(house, apple):
    """Nor is anybody tried again."""  # S8
    tokens = await devices(house, 50)
    apple.moods[tokens[0]] = [BUSY]
    dispatch_id = await send(house)
    await interrupted(house, apple, 15, SetPush(dispatch_id, JobState.CANCELLED))
    sent = len(apple.attempts)
    assert sent < 50
    await rounds(house, 10)
    told = await report(house, dispatch_id)
    assert (len(apple.attempts), told.state, told.waiting) == (sent, JobState.CANCELLED, 0)


async def test_a_push_whose_message_is_withdrawn_half_way_goes_to_nobody_more(house, apple):  # X3
    await devices(house, 50)
    dispatch_id = await send(house)
    turn = asyncio.create_task(house.pushing.turn())
    await apple.until(5)
    await house.recalling.recall(Recall(dispatch_id, frozenset({Audience.TARGETS})), house.app)
    await house.dispatcher.turn()
    await turn
    sent = len(apple.pushes)
    assert sent < 50
    await rounds(house, 10)
    assert (len(apple.pushes), (await report(house, dispatch_id)).state) == (sent, JobState.CANCELLED)


async def test_a_provider_that_is_removed_half_way_pushes_no_more(house, apple):
    """At most to the page that is under way."""  # S8
    await devices(house, 50)
    dispatch_id = await send(house)
    await interrupted(house, apple, 5, RemoveProvider("ios"))
    sent = len(apple.pushes)
    assert sent < 50
    await rounds(house, 10)
    assert (len(apple.pushes), (await report(house, dispatch_id)).state) == (sent, JobState.CANCELLED)


async def test_a_provider_that_is_put_anew_half_way_pushes_the_rest_as_it_is_now(house, apple):
    tokens = await devices(house, 50)
    await send(house)
    turn = asyncio.create_task(house.pushing.turn())
    await apple.until(5)
    await put(house, apns(apple, topic="com.two"))
    await turn
    await rounds(house)
    assert sorted(received(apple)) == tokens
    assert [topic for topic, _ in groupby(push.headers["apns-topic"] for push in apple.pushes)] == [
        "com.example.app",
        "com.two",
    ]


async def test_a_provider_that_is_put_half_way_takes_nobody_from_who_has_a_part_in_the_push(tmp_path, apple):
    """It has none itself: its devices would be pushed to by nobody."""  # S8
    async with paged(tmp_path, apple) as house:
        await put(house, apns(apple, name="any", package="", topic=PACKAGE))
        names = [f"u{number:04}" for number in range(4 * PAGE)]
        tokens = [
            await device(house, name, package=("com.two", PACKAGE)[index % 2]) for index, name in enumerate(names)
        ]
        dispatch_id = await send(house)
        turn = asyncio.create_task(house.pushing.turn())
        await apple.until(1)
        await put(house, apns(apple, name="two", package="com.two"))
        await turn
        await rounds(house)
        assert sorted(received(apple)) == sorted(tokens)
        assert [one.provider for one in await house.pushing.reports(house.app.uuid, dispatch_id)] == ["any"]


async def test_a_push_that_is_too_old_is_given_up(house, apple):
    """With whoever waits to be tried again."""  # P5
    await devices(house, 3)
    apple.moods["*"] = [DOWN] * 100
    dispatch_id = await send(house)
    await rounds(house)
    house.clock.pass_ms(OFFLINE_MS - 1)
    await rounds(house)
    assert (await report(house, dispatch_id)).state is JobState.UNDER_WAY
    asked = len(apple.attempts)
    house.clock.pass_ms(OFFLINE_MS)
    await rounds(house)
    told = await report(house, dispatch_id)
    assert (told.state, told.waiting, len(apple.attempts)) == (JobState.EXPIRED, 0, asked)


@pytest.mark.parametrize("mood", [(503, "Shutdown"), (429, "TooManyRequests")])
async def test_a_push_is_given_up_in_time_however_long_a_service_wants_to_be_left_alone(house, apple, mood):
    apple.moods[await device(house, "ann")] = [(*mood, {"retry-after": "999999999"})]
    dispatch_id = await send(house)
    await rounds(house)
    house.clock.pass_ms(OFFLINE_MS)
    await rounds(house)
    assert (await report(house, dispatch_id)).state is JobState.EXPIRED


# --- stores that fail ----------------------------------------------------------------------------------------------


class Failing:
    """A port that fails the first times that it is asked for this."""

    def __init__(self, port, name, error=None, times=1):
        self._port, self._name, self._error, self._times = port, name, error, times
        self.asked = 0

    def __getattr__(self, name):
        return self._asked if name == self._name else getattr(self._port, name)

    async def _asked(self, *how):
        self.asked += 1
        if self.asked <= self._times:
            raise self._error
        return await getattr(self._port, self._name)(*how)


@pytest.mark.parametrize("name", ["unopened", "open", "jobs", "job", "due", "page", "advance", "next_due_ms", "end"])
@pytest.mark.parametrize("error", [StoreBusyError(), OSError()])
async def test_whatever_the_store_fails_at_everybody_is_pushed_to(house, apple, name, error):
    """Once: what it did not keep, it is asked to keep again before anybody is pushed to."""  # S8
    tokens = await devices(house, 3)
    dispatch_id = await send(house)
    async with sending(apple) as sender:
        pushes = Failing(house.store.pushes, name, error)
        pushing = pushing_by(house, sender, pushes=pushes)
        for _ in range(4):
            with suppress(StoreBusyError, OSError):
                await pushing.turn()
            house.clock.pass_ms(1000)
    assert pushes.asked > 1
    told = await report(house, dispatch_id)
    assert (sorted(received(apple)), told.state, told.counts.accepted) == (tokens, JobState.DONE, 3)


@pytest.mark.parametrize("error", [StoreBusyError(), OSError()])
async def test_while_nothing_can_be_kept_nobody_is_pushed_to_again_and_again(house, apple, error):  # S8
    tokens = await devices(house, 2 * PAGE)
    dispatch_id = await send(house)
    async with sending(apple) as sender:
        pushing = pushing_by(house, sender, pushes=Failing(house.store.pushes, "advance", error, times=60))
        for _ in range(60):
            await pushing.turn()
            house.clock.pass_ms(1000)
        assert received(apple) == tokens[:PAGE]
        await pushing.turn()
    assert received(apple) == tokens
    assert (await report(house, dispatch_id)).counts.accepted == 2 * PAGE


async def test_a_store_that_fails_ends_nothing(house, apple):
    await device(house, "ann")
    await send(house)
    async with sending(apple) as sender:
        pushing = pushing_by(house, sender, pushes=Failing(house.store.pushes, "jobs", StoreBusyError()))
        async with running(pushing):
            await apple.until(1)
    assert counted(house.meter, "laba_store_failures_total") == 1


async def test_a_sender_who_cannot_be_looked_up_holds_a_push_up_for_a_second(house, apple):
    """And is then looked up once for all devices."""  # P9
    tokens = await devices(house, 20)
    await send(house)
    async with sending(apple) as sender:
        users = Failing(house.store, "user", OSError())
        pushing = pushing_by(house, sender, users=users)
        await pushing.turn()
        assert (counted(house.meter, "laba_store_failures_total"), apple.attempts) == (1, [])
        house.clock.pass_ms(1000)
        await pushing.turn()
    assert (sorted(received(apple)), users.asked) == (tokens, 2)
