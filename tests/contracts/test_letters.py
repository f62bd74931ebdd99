"""What every Letters keeps to (S6)."""

import asyncio
from dataclasses import replace

import pytest

from contracts.stores import SqliteStores, dispatch
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Audience, Conversation, ConversationType, Message
from laba.model.hook import Source
from laba.model.letter import Letter, Mailbox
from laba.model.moderation import Decision, Judge, Verdict

pytestmark = pytest.mark.anyio

EVERY_ROOM = Conversation(ConversationType.ROOM, "")


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


@pytest.fixture
def letters(store):
    return store.letters


def letter(number, hook="main", app_uuid="app-1", **rest):
    message = Message(number, Conversation(ConversationType.ROOM, "r1"), dispatch(number))
    return Letter(str(number), app_uuid, hook, message, Source.CALLER, **rest)


async def waiting(letters, hook="main", app_uuid="app-1", limit=100):
    return [each.id for each in await letters.first(app_uuid, hook, limit)]


async def numbers(letters, hook="main"):
    return {each.id: each.number for each in await letters.first("app-1", hook, 100)}


async def test_letters_come_back_as_they_were_given_in_their_order(stores):
    """After a restart: the message with its id and conversation, where it came from, and what was found in it."""
    rejected = Verdict(Decision.REJECTED, Judge.CHECKER, "200 ad")
    original = Original("neroom", "0", {"attach": "hi"})
    sent = dispatch(1, content=Content(Kind.TXT, {"text": "hi"}), original=original, verdict=rejected)
    given = [
        Letter("1", "app-1", "main", Message(1, EVERY_ROOM, sent), Source.CALLER, rejected, resent=True),
        replace(letter(2), source=Source.CLIENT),
        letter(3),
    ]
    async with stores.open() as store:
        await store.letters.add(given[:1])
        await store.letters.add(given[1:])
    async with stores.open() as store:
        found = await store.letters.first("app-1", "main", 10)
        assert [replace(each, number=0) for each in found] == given
        kept = [each.number for each in found]
        assert kept == sorted(set(kept))
        assert await store.letters.queues() == (("app-1", "main", 3),)


async def test_each_hook_has_a_queue_of_its_own(letters):
    await letters.add([letter(1), letter(2, "other"), letter(3), letter(4, app_uuid="app-2")])
    assert await waiting(letters) == ["1", "3"]
    assert await waiting(letters, limit=1) == ["1"]
    assert await waiting(letters, "other") == ["2"]
    assert await waiting(letters, app_uuid="app-2") == ["4"]
    assert set(await letters.queues()) == {("app-1", "main", 2), ("app-1", "other", 1), ("app-2", "main", 1)}
    assert await letters.mailboxes("app-1") == {"main": Mailbox(2, 0), "other": Mailbox(1, 0)}


async def test_letters_that_are_added_side_by_side_stand_in_the_order_of_the_calls(letters):
    await asyncio.gather(*(letters.add([letter(number)]) for number in range(50)))
    assert await waiting(letters) == [str(number) for number in range(50)]


async def test_what_arrived_is_forgotten(letters):
    await letters.add([letter(number) for number in range(3)])
    known = await numbers(letters)
    await letters.delivered([known["0"], known["2"], 999])
    assert await waiting(letters) == ["1"]


async def test_a_failure_is_noted_and_the_letter_keeps_its_place(letters):
    await letters.add([letter(1), letter(2)])
    known = await numbers(letters)
    await letters.postpone(known["1"], 5000, "it answered 500")
    await letters.postpone(known["1"], 9000, "it answered 503")
    first, second = await letters.first("app-1", "main", 10)
    assert (first.id, first.attempts, first.due_at_ms, first.fault) == ("1", 2, 9000, "it answered 503")
    assert (second.attempts, second.due_at_ms, second.fault) == (0, 0, "")


async def test_a_dead_letter_leaves_the_order(letters):
    """It keeps its last fault, unless another is given."""
    await letters.add([letter(1), letter(2), letter(3)])
    known = await numbers(letters)
    await letters.postpone(known["1"], 0, "it answered 400")
    await letters.bury([known["1"]], "", 7000)
    await letters.bury([known["2"]], "too many were waiting", 8000)
    await letters.postpone(known["2"], 1, "late")  # whoever had it in hand meanwhile
    assert await waiting(letters) == ["3"]
    first, second = await letters.dead("app-1", "main", 0, 10)
    assert (first.letter.id, first.letter.fault, first.letter.attempts, first.died_at_ms) == (
        "1",
        "it answered 400",
        1,
        7000,
    )
    assert (second.letter.fault, second.died_at_ms) == ("too many were waiting", 8000)
    assert await letters.mailboxes("app-1") == {"main": Mailbox(1, 2)}
    assert [each.letter.id for each in await letters.dead("app-1", "main", 0, 1)] == ["1"]
    assert [each.letter.id for each in await letters.dead("app-1", "main", known["1"], 10)] == ["2"]


async def test_a_dead_letter_is_sent_again_behind_what_waits(letters):
    """All of a hook's, or some; due at once, and as if it had never been tried."""
    await letters.add([letter(number) for number in range(1, 5)])
    known = await numbers(letters)
    await letters.postpone(known["1"], 99, "no")
    await letters.bury([known["1"], known["2"], known["3"]], "", 7000)
    assert await letters.revive("app-1", "main", [known["2"], known["4"], 999]) == 1
    assert await waiting(letters) == ["4", "2"]
    assert await letters.revive("app-1", "main", None) == 2
    assert await waiting(letters) == ["4", "2", "1", "3"]
    *_, first, _ = await letters.first("app-1", "main", 10)
    assert (first.id, first.attempts, first.due_at_ms, first.fault) == ("1", 0, 0, "")
    assert await letters.dead("app-1", "main", 0, 10) == ()
    assert await letters.revive("app-1", "main", None) == 0
    assert await letters.revive("app-1", "other", None) == 0


async def test_a_number_is_never_given_twice(letters):
    """Not even that of the last letter, after it arrived: a page of dead letters goes on where it ended."""
    await letters.add([letter(1)])
    before = await numbers(letters)
    await letters.delivered(list(before.values()))
    await letters.add([letter(2)])
    assert (await numbers(letters))["2"] > before["1"]


async def test_all_of_a_hook_is_forgotten(letters):
    await letters.add([letter(1), letter(2), letter(3, "other")])
    await letters.bury([(await numbers(letters))["1"]], "", 7000)
    await letters.forget("app-1", "main")
    assert await letters.mailboxes("app-1") == {"other": Mailbox(1, 0)}


async def test_dead_letters_are_forgotten_when_they_are_too_old(letters):
    """So many at once; what died at that very time stays."""
    await letters.add([letter(number) for number in range(1, 6)])
    known = await numbers(letters)
    for number in range(1, 5):
        await letters.bury([known[str(number)]], "", 1000 * number)
    assert await letters.expire(4000, 2) == 2
    assert await letters.expire(4000, 2) == 1
    assert await letters.expire(4000, 2) == 0
    assert [each.letter.id for each in await letters.dead("app-1", "main", 0, 10)] == ["4"]
    assert await waiting(letters) == ["5"]


# --- with a dispatch -----------------------------------------------------------------------------------------------


async def test_a_dispatch_is_kept_with_its_letters_or_not_at_all(store):
    """A second dispatch of one id fails, and nobody is told of it."""
    first, twice = dispatch(1), dispatch(1)
    await store.append(first, [letter(1), letter(1, "other")])
    with pytest.raises(Exception, match="UNIQUE"):
        await store.append(twice, [replace(letter(1), id="twice")])
    assert await store.waiting(10) == (first,)
    assert await waiting(store.letters) == ["1"]
    assert await waiting(store.letters, "other") == ["1"]


async def test_letters_stand_in_the_order_of_their_dispatches(store):
    """However many are appended side by side, some with letters and some without."""
    appended = [store.append(dispatch(number), [letter(number)] if number % 3 else []) for number in range(1, 61)]
    await asyncio.gather(*appended)
    assert [each.id for each in await store.waiting(100)] == list(range(1, 61))
    assert await waiting(store.letters) == [str(number) for number in range(1, 61) if number % 3]


async def test_a_failure_among_many_that_are_kept_together_is_its_own(store):
    """The others are kept, with their letters."""
    await store.append(dispatch(5))
    outcomes = await asyncio.gather(
        *(store.append(dispatch(number), [letter(number)]) for number in range(1, 10)), return_exceptions=True
    )
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [number == 5 for number in range(1, 10)]
    assert sorted(await waiting(store.letters)) == [str(number) for number in range(1, 10) if number != 5]


async def test_what_was_rejected_is_kept_and_not_sent(store):  # N7
    rejected = dispatch(1, verdict=Verdict(Decision.REJECTED, Judge.WORDS, "bad"))
    suspect = dispatch(2, verdict=Verdict(Decision.SUSPECT, Judge.CHECKER, "600 abuse"))
    await store.append(rejected, [letter(1)])
    await store.append(suspect)
    assert await store.waiting(10) == (suspect,)
    kept = await store.reports.find(1)
    assert (kept.stage, kept.dispatch.verdict) == ("rejected", rejected.verdict)
    assert (await store.reports.find(2)).dispatch.verdict == suspect.verdict
    assert await waiting(store.letters) == ["1"]


async def test_client_ids_of_what_went_to_rooms_are_known(store):  # N2
    """Since a time, the latest of too many; those of the other dialects are nobody's business here."""
    how = {"audience": Audience.OPEN_ROOMS, "quota": "neroom_broadcast"}
    for number in range(1, 6):
        await store.append(dispatch(number, 1000 * number, client_id=f"m{number % 3}", **how))
    await store.append(dispatch(6, 6000, client_id="m6", audience=Audience.OPEN_ROOMS, quota="nim_broadcast"))
    await store.append(dispatch(7, 7000, client_id="m7"))
    await store.append(dispatch(8, 8000, **how))
    assert await store.client_ids_since("app-1", 2000, 100) == (
        ("m2", 2000),
        ("m0", 3000),
        ("m1", 4000),
        ("m2", 5000),
        ("m6", 6000),
    )
    assert await store.client_ids_since("app-1", 2000, 2) == (("m2", 5000), ("m6", 6000))
    assert await store.client_ids_since("app-2", 0, 100) == ()
