"""What stands between asking and being taken, for what is kept and for what passes alike (G1, N2, N7, N9)."""

import json

import pytest

from builders import counted, joined, submission
from houses import DUPLICATE_MS, opened
from laba.model.app import DEFAULT_FEATURES, AppPolicy, Feature, QuotaName
from laba.model.calls import Accepted, Posted, Repeated
from laba.model.dispatch import Audience
from laba.model.hook import Hook
from laba.model.hookcalls import PutWords
from laba.model.moderation import Decision, Judge, Verdict
from laba.model.quota import Quota
from laba.model.recordcalls import GetReport
from laba.model.refusal import Code, Refusal
from laba.model.report import Stage
from laba.model.room import Room
from laba.ports import StoreBusyError
from laba.service.intake import Intake
from receiver import receiving

pytestmark = pytest.mark.anyio

BAD = Verdict(Decision.REJECTED, Judge.WORDS, "bad")


def broadcast(client_id="m1", text="hello", **rest):
    """Ask for a broadcast to every open room."""
    how = {"audience": Audience.OPEN_ROOMS, "feature": None, "quota": QuotaName.NEROOM_BROADCAST}
    return submission(text, client_id=client_id, **how | rest)


def to_room(text="hello", **rest):
    how = {"audience": Audience.ROOMS, "feature": None, "quota": QuotaName.ROOM_MESSAGES, "rooms": ("r1",)}
    return submission(text, **how | rest)


async def filtered(house):
    """Have the app filter words, and give it."""
    await house.moderating.words(PutWords(("bad",)), house.app)
    return house.app.with_policy(AppPolicy(DEFAULT_FEATURES | {Feature.WORD_FILTER}))


# --- repeats -------------------------------------------------------------------------------------------------------


async def test_a_repeat_is_answered_and_not_sent(house):  # N2
    """Within the span of the one that was accepted; without the flag it is sent again."""
    assert isinstance(await house.intake.accept(broadcast(once=True), house.app), Accepted)
    house.clock.pass_ms(DUPLICATE_MS - 1)
    assert await house.intake.accept(broadcast(once=True), house.app) == Repeated("m1")
    assert isinstance(await house.intake.accept(broadcast("m2", once=True), house.app), Accepted)
    house.clock.pass_ms(1)
    assert isinstance(await house.intake.accept(broadcast(once=True), house.app), Accepted)
    assert isinstance(await house.intake.accept(broadcast(), house.app), Accepted)
    assert len(await house.store.waiting(10)) == 4
    assert counted(house.meter, "laba_repeats_dropped_total") == 1


async def test_a_repeat_is_known_after_a_restart(house, tmp_path):  # N2
    await house.intake.accept(broadcast(), house.app)
    house.clock.pass_ms(DUPLICATE_MS - 1)
    async with opened(tmp_path, house.clock) as again:
        await again.intake.remember(again.tenants.apps)
        assert await again.intake.accept(broadcast(once=True), again.app) == Repeated("m1")
        again.clock.pass_ms(1)
        assert isinstance(await again.intake.accept(broadcast(once=True), again.app), Accepted)


async def test_what_could_not_be_kept_may_be_sent_again(house):
    """The store was too busy: neither the quota nor the client id remembers it."""

    class Busy:
        file_records = house.store.file_records

        async def append(self, dispatch, letters=()):
            raise StoreBusyError

    busy = Intake(Busy(), house.admitting, house.dispatcher, house.attending, house.intake._numbering, house.postman)
    app = house.app.with_policy(AppPolicy(DEFAULT_FEATURES, {QuotaName.NEROOM_BROADCAST: Quota.parse("1/minute")}))
    with pytest.raises(StoreBusyError):
        await busy.accept(broadcast(once=True), app)
    assert isinstance(await house.intake.accept(broadcast(once=True), app), Accepted)


async def test_a_message_to_a_room_may_be_a_repeat_too(house):
    await house.store.rooms.add(Room(house.app.uuid, "r1", "r1", 0), ())
    answers = [await house.posting.accept(to_room(client_id="m1", once=True), house.app) for _ in range(2)]
    assert isinstance(answers[0], Posted)
    assert answers[1] == Repeated("m1")
    assert len(house.lanes.messages) == 1


# --- rooms that must be there --------------------------------------------------------------------------------------


async def test_without_an_open_room_there_is_nobody_to_tell(house):  # N9
    """A refused call takes nothing, and its client id is not remembered."""
    refusal = await house.intake.accept(broadcast(needs_room=True, once=True), house.app)
    assert refusal.code is Code.ROOM_UNKNOWN
    await house.store.rooms.add(Room(house.app.uuid, "r1", "r1", 0), ())
    assert isinstance(await house.intake.accept(broadcast(needs_room=True, once=True), house.app), Accepted)


async def test_a_room_that_is_named_must_be_there_where_that_is_asked(house):  # N9
    refusal = await house.posting.accept(to_room(needs_room=True), house.app)
    assert (refusal.code, refusal.subject) == (Code.ROOM_UNKNOWN, "r1")
    assert isinstance(await house.posting.accept(to_room(), house.app), Posted)  # E1


# --- anti-spam -----------------------------------------------------------------------------------------------------


async def test_a_rejected_broadcast_is_kept_and_answered_but_not_sent(house):  # N7
    app = await filtered(house)
    accepted = await house.intake.accept(broadcast(text="a bad word"), app)
    assert accepted.dispatch.verdict == BAD
    assert await house.store.waiting(10) == ()
    shown = (await house.reporting.show(GetReport(accepted.dispatch.id), app)).kept
    assert (shown.stage, shown.dispatch.verdict, shown.report) == (Stage.REJECTED, BAD, None)


async def test_a_rejected_message_to_a_room_is_answered_but_nobody_gets_it(house):  # N7
    app = await filtered(house)
    await house.store.rooms.add(Room(house.app.uuid, "r1", "r1", 0), ())
    posted = await house.posting.accept(to_room("bad"), app)
    assert (list(posted.ids), posted.verdict) == (["r1"], BAD)
    assert house.lanes.messages == []
    assert [message.id for _, message in house.lanes.rejected] == list(posted.ids.values())


async def test_a_client_is_told_that_its_message_was_rejected(house):
    app = await filtered(house)
    hall = house.halls.open(await house.store.rooms.add(Room(house.app.uuid, "r1", "r1", 0, owner="ann"), ()))
    hall.join(joined(house.roster, "ann"), 0)
    refusal = await house.posting.say(to_room("bad"), app, "ann")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.subject) == (Code.MESSAGE_REJECTED, "bad")
    assert isinstance(await house.posting.say(to_room("good"), app, "ann"), Posted)
    assert len(house.lanes.messages) == 1


async def test_hooks_are_told_what_was_found(house):  # N7, S6
    app = await filtered(house)
    async with receiving() as receiver:
        hooks = (Hook("main", receiver.url, "native", "s"),)
        app = app.with_policy(AppPolicy(app.policy.features, hooks=hooks))
        await house.store.change_app(app)
        await house.tenants.load()
        await house.intake.accept(broadcast(text="bad"), app)
        await house.intake.accept(broadcast("m2", text="good"), app)
        await house.postman.turn()
        told = [json.loads(delivery.body)["verdict"] for delivery in receiver.taken]
        assert told == [{"decision": "rejected", "judge": "words", "label": "bad"}, None]
