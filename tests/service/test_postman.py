"""Callbacks, as they come to a receiver over a real socket, with time that moves when told to (S6)."""

import asyncio
import json
from dataclasses import replace

import pytest

from builders import NOW_MS, counted, submission
from houses import opened
from laba.model.calls import Accepted
from laba.model.dispatch import Audience
from laba.model.hook import Hook, Source
from laba.model.letter import Mailbox
from laba.service.postman import PostRules
from receiver import receiving

pytestmark = pytest.mark.anyio

SECOND = 1000
SECRET = "whsec_c2VjcmV0"


async def hooked(house, *hooks):
    """Have the app tell these, given as (name, receiver)."""
    made = tuple(Hook(name, receiver.url, "native", SECRET) for name, receiver in hooks)
    await having(house, *made)


async def having(house, *hooks):
    await house.store.change_app(house.app.with_policy(replace(house.app.policy, hooks=hooks)))
    await house.tenants.load()


def apart(tmp_path):
    """Give a folder for another house than the fixture's."""
    folder = tmp_path / "apart"
    folder.mkdir()
    return folder


async def sent(house, *texts, **how):
    for text in texts:
        assert isinstance(await house.intake.accept(submission(text, **how), house.app), Accepted)


def texts(deliveries):
    return [json.loads(delivery.body)["message"]["content"]["text"] for delivery in deliveries]


def ids(deliveries):
    return [delivery.headers["webhook-id"] for delivery in deliveries]


async def passes(house, seconds):
    """Let time pass second by second, and the postman go his rounds."""
    for _ in range(seconds):
        house.clock.pass_ms(SECOND)
        await house.postman.turn()


@pytest.fixture
async def back_end(house):
    """Give a receiver that is told of everything that the app sends."""
    async with receiving() as receiver:
        await hooked(house, ("main", receiver))
        yield receiver


async def test_a_back_end_is_told_of_what_was_accepted_in_that_order(house, back_end):
    await sent(house, "one", "two", "three")
    await house.postman.turn()
    assert texts(back_end.deliveries) == ["one", "two", "three"]
    assert await house.store.letters.mailboxes(house.app.uuid) == {}
    assert counted(house.meter, "laba_callbacks_delivered_total") == 3


async def test_it_is_told_of_messages_to_rooms_too_room_by_room(house, back_end):
    """By a caller, and by a client that is in the room."""
    how = {"audience": Audience.ROOMS, "feature": None, "rooms": ("r1", "r2")}
    posted = await house.posting.accept(submission("hello", **how), house.app)
    await house.postman.turn()
    bodies = [json.loads(delivery.body) for delivery in back_end.deliveries]
    assert [(body["message"]["conversation"]["id"], body["message"]["id"]) for body in bodies] == [
        (room_id, str(message_id)) for room_id, message_id in posted.ids.items()
    ]
    assert {body["source"] for body in bodies} == {"caller"}


async def test_a_message_that_is_not_to_be_copied_is_told_to_nobody(house, back_end):  # N5
    await sent(house, "secret", told=False)
    await sent(house, "open")
    await house.postman.turn()
    assert texts(back_end.deliveries) == ["open"]


async def test_an_env_is_told_at_its_own_address(house):  # N5
    async with receiving() as main, receiving() as test:
        here, there = (Hook(name, at.url, "native", SECRET) for name, at in (("main", main), ("test", test)))
        await having(house, here, replace(there, env="test"))
        await sent(house, "to test", env="test")
        await sent(house, "to main")
        await house.postman.turn()
        assert (texts(main.deliveries), texts(test.deliveries)) == (["to main"], ["to test"])


async def test_a_receiver_that_is_down_for_a_minute_gets_everything_in_order(house, back_end):
    await back_end.down()
    await sent(house, "one")
    await passes(house, 30)
    await sent(house, "two", "three")
    await passes(house, 30)
    assert back_end.deliveries == []
    await back_end.up()
    await passes(house, 60)
    assert texts(back_end.deliveries) == ["one", "two", "three"]


@pytest.mark.parametrize("mood", [500, 503, 302, 404, 429, "hang", "half", "close"])
async def test_whatever_goes_wrong_it_is_told_again_under_the_same_id(house, back_end, mood):
    """And nothing is told past it: the order stays."""
    back_end.moods.extend([mood, mood])
    await sent(house, "one", "two")
    await house.postman.turn()
    await passes(house, 4)
    assert texts(back_end.deliveries) == ["one", "one", "one", "two"]
    assert len(set(ids(back_end.deliveries))) == 2
    assert texts(back_end.taken) == ["one", "two"]
    assert counted(house.meter, "laba_callbacks_failed_total") == 2


async def test_each_wait_is_twice_the_one_before_up_to_its_bound(house, back_end):
    """Ten seconds is the bound here."""
    back_end.usual = 500
    await sent(house, "one")
    times = []
    await house.postman.turn()
    for _ in range(60):
        times += [(house.clock.now_ms - NOW_MS) // SECOND] * (len(back_end.deliveries) - len(times))
        await passes(house, 1)
    assert times == [0, 1, 3, 7, 15, 25, 35, 45, 55]


async def test_a_letter_that_is_refused_again_and_again_dies_and_unblocks_the_next(house, back_end):
    """Eight times, as it is no fault of the wire. It can be looked at, and sent again: behind what waits."""
    back_end.moods.extend([400] * 8)
    await sent(house, "poisoned", "good")
    await house.postman.turn()
    await passes(house, 60)
    assert texts(back_end.taken) == ["good"]
    assert len(back_end.deliveries) == 9
    (dead,) = await house.store.letters.dead(house.app.uuid, "main", 0, 10)
    assert (dead.letter.fault, dead.letter.id) == ("it answered 400", ids(back_end.deliveries)[0])
    await sent(house, "later")
    assert await house.store.letters.revive(house.app.uuid, "main", None) == 1
    await house.postman.turn()
    assert texts(back_end.taken) == ["good", "later", "poisoned"]


@pytest.mark.parametrize("patience", [408, 429])
async def test_a_receiver_that_asks_for_patience_has_not_refused(house, back_end, patience):
    back_end.usual = patience
    await sent(house, "one")
    await house.postman.turn()
    await passes(house, 120)
    assert await house.store.letters.dead(house.app.uuid, "main", 0, 10) == ()


async def test_a_letter_is_given_up_when_it_is_too_old(house, back_end):
    """At the first failure from then on; one that then arrives is not too late."""
    back_end.usual = 500
    await sent(house, "old")
    house.clock.pass_ms(house.post_rules.give_up_ms - 1)
    await house.postman.turn()
    assert await house.store.letters.dead(house.app.uuid, "main", 0, 10) == ()
    await passes(house, 1)
    (dead,) = await house.store.letters.dead(house.app.uuid, "main", 0, 10)
    assert (dead.letter.fault, dead.died_at_ms) == ("it answered 500", house.clock.now_ms)
    await sent(house, "late")
    house.clock.pass_ms(2 * house.post_rules.give_up_ms)
    back_end.usual = 200
    await house.postman.turn()
    assert texts(back_end.taken) == ["late"]
    assert counted(house.meter, "laba_callbacks_dead_total", '{reason="too_old"}') == 1


async def test_a_slow_receiver_keeps_nobody_waiting_but_itself(house):
    """Neither another receiver nor a caller: the round of the slow one is still under way."""
    async with receiving(usual="hang") as slow, receiving() as quick:
        await hooked(house, ("slow", slow), ("quick", quick))
        running = asyncio.create_task(house.postman.run())
        await sent(house, "one", "two", "three")
        await quick.told(3)
        assert texts(quick.deliveries) == ["one", "two", "three"]
        assert slow.taken == []
        running.cancel()


async def test_what_a_crash_left_is_taken_up_where_it_was(house, back_end, tmp_path):
    """Another process, on the same store: what had not arrived arrives, in its order."""
    await sent(house, "one", "two")
    await house.postman.turn()
    back_end.moods.append(500)
    await sent(house, "three", "four")
    await house.postman.turn()
    async with opened(tmp_path, house.clock) as again:
        again.clock.pass_ms(2 * SECOND)
        await again.postman.load()
        await again.postman.turn()
    assert texts(back_end.taken) == ["one", "two", "three", "four"]


async def test_what_arrived_but_was_not_noted_arrives_once_more_under_its_id(house, back_end, tmp_path):
    """At least once: the receiver knows it by its id."""
    await sent(house, "one")
    (letter,) = await house.store.letters.first(house.app.uuid, "main", 10)
    await house.postman.turn()
    await house.store.letters.add([letter])  # as if the process had died before it noted it
    async with opened(tmp_path, house.clock) as again:
        await again.postman.load()
        await again.postman.turn()
    assert ids(back_end.taken) == [letter.id, letter.id]


async def test_of_too_many_that_wait_the_oldest_are_given_up(house, tmp_path):
    """They are dead letters, not lost ones."""
    async with receiving(usual=500) as back_end, opened(apart(tmp_path), post_rules=SMALL) as small:
        await hooked(small, ("main", back_end))
        await sent(small, "one")
        await small.postman.turn()
        await sent(small, "two", "three", "four", "five")
        await passes(small, 1)
        dead = await small.store.letters.dead(small.app.uuid, "main", 0, 10)
        assert [each.letter.message.dispatch.content.fields["text"] for each in dead] == ["one", "two"]
        assert {each.letter.fault for each in dead} == {"too many were waiting"}
        back_end.usual = 200
        await passes(small, 3)
        assert texts(back_end.taken) == ["three", "four", "five"]
        assert counted(small.meter, "laba_callbacks_dead_total", '{reason="too_many"}') == 2


SMALL = PostRules(timeout_ms=100, waiting_limit=3)


async def test_what_waits_for_a_hook_that_is_no_more_is_forgotten(house, back_end):
    back_end.usual = 500
    await sent(house, "one")
    await house.postman.turn()
    await having(house)
    await passes(house, 2)
    assert await house.store.letters.mailboxes(house.app.uuid) == {}
    assert len(back_end.deliveries) == 1


async def test_more_receivers_than_may_be_told_at_once_have_their_turns(house, tmp_path):
    rules = PostRules(timeout_ms=1000, receivers_max=2)
    async with receiving() as back_end, opened(apart(tmp_path), post_rules=rules) as few:
        hooks = [Hook(f"h{number}", f"{back_end.url}/{number}", "native", SECRET) for number in range(5)]
        await having(few, *hooks)
        await sent(few, "one")
        for _ in range(3):
            await few.postman.turn()
        assert sorted(delivery.target for delivery in back_end.taken) == [f"/told/{number}" for number in range(5)]


async def test_a_long_queue_is_brought_in_order_while_more_comes(house, back_end):
    """Several rounds long."""
    running = asyncio.create_task(house.postman.run())
    numbers = [str(number) for number in range(170)]
    await sent(house, *numbers)
    await back_end.told(170)
    running.cancel()
    assert texts(back_end.deliveries) == numbers


async def test_how_many_wait_is_shown(house, back_end):
    back_end.usual = 500
    await sent(house, "one", "two")
    await house.postman.turn()
    assert await house.store.letters.mailboxes(house.app.uuid) == {"main": Mailbox(waiting=2, dead=0)}
    assert counted(house.meter, "laba_callbacks_waiting") == 2


async def test_a_hook_is_told_what_its_sources_send(house):
    async with receiving() as back_end:
        clients_only = Hook("main", back_end.url, "native", SECRET, sources=frozenset({Source.CLIENT}))
        await having(house, clients_only)
        await sent(house, "from a caller")
        await house.postman.turn()
        assert back_end.deliveries == []
