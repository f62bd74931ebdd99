import asyncio
from dataclasses import replace

import pytest

from builders import APP_UUID, counted, submission
from houses import offsets, opened
from laba.adapters.store import files
from laba.core.attendance import Arrival
from laba.core.ids import EPOCH_MS, nth
from laba.model.app import AppPolicy, Feature, QuotaName, Want
from laba.model.attendance import Seat
from laba.model.calls import Accepted, ChangeApp, Grant, TokenRequest
from laba.model.dispatch import Audience, Level
from laba.model.priorities import Priorities
from laba.model.quota import UNLIMITED, Quota
from laba.model.refusal import Code, Refusal
from laba.model.room import Room
from laba.ports import StoreBusyError

pytestmark = pytest.mark.anyio

LIMITED = AppPolicy(frozenset({Feature.USERS_BROADCAST}), {QuotaName.USERS_BROADCAST: Quota.parse("1/minute,2/day")})


async def test_what_is_accepted_is_in_the_ledger(house, tmp_path):
    """It is there when the caller is answered, and after a restart, under the caller's id."""  # G3
    accepted = await house.intake.accept(submission("hi"), house.app)
    assert (accepted.dispatch.accepted_at_ms, accepted.dispatch.app_uuid) == (house.clock.now_ms, house.app.uuid)
    async with opened(tmp_path) as again:
        assert await again.store.waiting(10) == (accepted.dispatch,)
    assert counted(house.meter, "laba_broadcasts_accepted_total", '{audience="online_users"}') == 1


async def test_a_refused_call_takes_nothing_from_a_quota(house):
    """Neither where the feature is off nor where the message is too large: the next good call passes."""  # A7 A9 G1
    app = house.app.with_policy(LIMITED)
    off = house.app.with_policy(AppPolicy(frozenset(), LIMITED.quotas))
    refusals = [
        await house.intake.accept(submission(), off),
        await house.intake.accept(submission(size_bytes=5121), app),
    ]
    assert [refusal.code for refusal in refusals] == [Code.FEATURE_OFF, Code.MESSAGE_TOO_LARGE]
    assert isinstance(await house.intake.accept(submission(), app), Accepted)


async def test_a_full_span_is_named_and_nothing_is_sent(house):
    """The minute's first, then the day's; a call that was refused by one takes nothing from the other."""  # A3 G1
    app = house.app.with_policy(LIMITED)
    answers = []
    for _ in range(4):
        answers += [await house.intake.accept(submission(), app), await house.intake.accept(submission(), app)]
        house.clock.pass_ms(60_000)
    assert [isinstance(answer, Accepted) for answer in answers] == [True, False, True] + [False] * 5
    assert [answer.span_seconds for answer in answers if not isinstance(answer, Accepted)] == [
        60,
        60,
        86_400,
        86_400,
        86_400,
        86_400,
    ]
    assert answers[1].code is Code.QUOTA_EXHAUSTED
    assert answers[1].retry_after_seconds == 60
    assert len(await house.store.waiting(10)) == 2


async def test_a_quota_is_changed_at_run_time(house):
    """The next call is judged by it."""  # G1 S9
    await house.tenants.change(ChangeApp(quotas=LIMITED.quotas), house.app)
    answers = [await house.intake.accept(submission(), house.app) for _ in range(2)]
    assert [isinstance(answer, Accepted) for answer in answers] == [True, False]
    await house.tenants.change(ChangeApp(quotas={QuotaName.USERS_BROADCAST: Quota()}), house.app)
    assert isinstance(await house.intake.accept(submission(), house.app), Accepted)


async def test_a_call_that_was_not_kept_is_given_back(house, tmp_path):
    """A store without room refuses by raising, and the quota is as it was."""  # G1
    app = house.app.with_policy(LIMITED)
    async with opened(tmp_path, writes_waiting_limit=0) as full:
        for _ in range(3):
            with pytest.raises(StoreBusyError):
                await full.intake.accept(submission(), app)
        assert await full.gate.take(app.uuid, [Want(QuotaName.USERS_BROADCAST, Quota.parse("1/day"))], 0) is None
        assert await full.store.waiting(10) == ()
        assert counted(full.meter, "laba_broadcasts_accepted_total") == 0


async def test_a_restart_forgets_no_quota(house, tmp_path):
    """Every span goes on as if nothing had been: the minute, and the day behind it."""  # A3 G1
    await house.tenants.change(ChangeApp(quotas=LIMITED.quotas), house.app)
    assert isinstance(await house.intake.accept(submission(), house.app), Accepted)
    spans = []
    for passed_ms in (59_999, 1, 86_400_000 - 60_001, 1):
        house.clock.pass_ms(passed_ms)
        async with opened(tmp_path, house.clock) as again:
            await again.intake.remember(again.tenants.apps)
            answer = await again.intake.accept(submission(), again.app)
            spans.append(None if isinstance(answer, Accepted) else answer.span_seconds)
    assert spans == [60, None, 86_400, None]


async def test_ids_ascend_in_the_order_of_the_ledger(house):
    """Two hundred callers at once, a clock that goes back between them: nobody overtakes."""  # G3

    async def call(number):
        house.clock.pass_ms(-number % 7 - 3)
        return await house.intake.accept(submission(f"{number}"), house.app)

    accepted = await asyncio.gather(*map(call, range(200)))
    ledger = [kept.id for kept in await house.store.waiting(300)]
    assert ledger == sorted(set(ledger))
    assert sorted(answer.dispatch.id for answer in accepted) == ledger
    assert [answer.dispatch.content.fields["text"] for answer in accepted] == [*map(str, range(200))]


async def test_ids_go_on_above_those_of_the_last_run(house, tmp_path):
    """Although the clock was set back to the beginning of time in between."""  # G3
    before = await house.intake.accept(submission(), house.app)
    async with opened(tmp_path, house.clock) as again:
        again.clock.now_ms = EPOCH_MS
        after = await again.intake.accept(submission(), again.app)
    assert after.dispatch.id > before.dispatch.id


async def test_the_dispatcher_is_woken(house):
    """What is accepted goes out without anybody asking again."""  # G3
    notices = house.bus.subscribe()
    running = asyncio.create_task(house.dispatcher.run())
    for place in (1, 2):
        accepted = await house.intake.accept(submission(), house.app)
        batch = await anext(notices)
        assert offsets(batch) == [place]
        assert batch.entries[0].message.dispatch == accepted.dispatch
    running.cancel()


@pytest.mark.parametrize("quota", ["1/minute", "1/day", "1/2days", "1/second,3/2days"])
async def test_quotas_are_counted_on_after_a_restart(house, tmp_path, quota):
    """What the ledger holds of a span that is still running counts, however long the span is."""  # G1
    policy = AppPolicy(LIMITED.features, {QuotaName.USERS_BROADCAST: Quota.parse(quota)})
    await house.store.change_app(house.app.with_policy(policy))
    longest_s = max(span.seconds for span in policy.quotas[QuotaName.USERS_BROADCAST].spans)
    taken = 0
    while isinstance(await house.intake.accept(submission(), house.app.with_policy(policy)), Accepted):
        taken += 1
        house.clock.pass_ms(1000)
    house.clock.pass_ms((longest_s - taken - 1) * 1000)
    async with opened(tmp_path, house.clock) as again:
        await again.intake.remember(again.tenants.apps)
        assert isinstance(await again.intake.accept(submission(), again.app), Refusal)
        again.clock.pass_ms(1000)
        assert isinstance(await again.intake.accept(submission(), again.app), Accepted)


# --- broadcasts to all rooms ----------------------------------------------------------------------------------------


def to_all_rooms(**rest):
    return submission(
        **{
            "audience": Audience.ACTIVE_ROOMS,
            "feature": Feature.CHATROOMS_BROADCAST,
            "quota": QuotaName.CHATROOMS_BROADCAST,
        }
        | rest
    )


def with_rooms_broadcast(house, priorities=None):
    return house.app.with_policy(
        AppPolicy(frozenset({Feature.CHATROOMS_BROADCAST}), priorities=priorities or Priorities())
    )


async def made(house, *ids):
    for room_id in ids:
        await house.store.rooms.add(Room(APP_UUID, room_id, room_id, house.clock.now_ms), ())


async def test_a_broadcast_to_rooms_is_off_until_it_is_switched_on(house):
    """The vendors' default."""  # A9 G2
    assert (await house.intake.accept(to_all_rooms(), house.app)).code is Code.FEATURE_OFF
    assert isinstance(await house.intake.accept(to_all_rooms(), with_rooms_broadcast(house)), Accepted)


async def test_it_takes_an_id_for_every_room_there_may_be(house):
    """The ids of its copies are nobody else's, whatever is accepted after it; one, where there is no room."""  # A8
    app = with_rooms_broadcast(house)
    none = await house.intake.accept(to_all_rooms(), app)
    assert none.dispatch.copies == 1
    await made(house, *(f"r{number}" for number in range(30)))
    accepted = await house.intake.accept(to_all_rooms(), app)
    after = await house.intake.accept(submission(), house.app)
    highest = await house.store.rooms.highest_number()
    assert accepted.dispatch.copies == highest + 1
    assert accepted.dispatch.id < nth(accepted.dispatch.id, highest) < after.dispatch.id


async def test_its_ids_are_the_same_after_a_restart(house, tmp_path):
    """It is kept with its block, and a new process goes on above that."""  # A8 G3
    await made(house, "r1", "r2", "r3")
    accepted = await house.intake.accept(to_all_rooms(), with_rooms_broadcast(house))
    async with opened(tmp_path, house.clock) as again:
        assert await again.store.waiting(10) == (accepted.dispatch,)
        after = await again.intake.accept(submission(), again.app)
        assert after.dispatch.id > nth(accepted.dispatch.id, accepted.dispatch.copies - 1)


async def test_ten_of_them_in_a_minute_and_a_hundred_in_a_day(house, tmp_path):
    """The span that is full is named; a restart forgets nothing of it."""  # A3 A8 G1
    app = with_rooms_broadcast(house)
    spans = []
    for _ in range(11):
        answers = [await house.intake.accept(to_all_rooms(), app) for _ in range(11)]
        spans.append([None if isinstance(answer, Accepted) else answer.span_seconds for answer in answers])
        house.clock.pass_ms(60_000)
    assert spans == [[None] * 10 + [60]] * 10 + [[86_400] * 11]
    async with opened(tmp_path, house.clock) as again:
        await again.tenants.change(ChangeApp(features={Feature.CHATROOMS_BROADCAST: True}), again.app)
        await again.intake.remember(again.tenants.apps)
        assert (await again.intake.accept(to_all_rooms(), again.app)).span_seconds == 86_400


async def test_the_apps_operator_raises_it_too(house):
    """By its kind or its sender, as any message to rooms; one to users has no level that counts."""  # E5
    app = with_rooms_broadcast(house, Priorities(frozenset({"txt"})))
    assert (await house.intake.accept(to_all_rooms(), app)).dispatch.level is Level.HIGH
    both = app.with_policy(replace(app.policy, features=frozenset(Feature)))
    assert (await house.intake.accept(submission(), both)).dispatch.level is Level.NORMAL


# --- who was there -------------------------------------------------------------------------------------------------


def arrive(house, *names):
    for name in names:
        house.attending.attendance.arrived(Arrival(Seat(APP_UUID, name, ""), house.clock.now_ms, 0))


def found(tmp_path):
    """Look into the file as it is now, through a connection of our own: (users with a stay, dispatches)."""
    reader = files.open_reader(tmp_path / "laba.db")
    try:
        people = reader.exec_driver_sql("SELECT user FROM attendance ORDER BY user").scalars().all()
        return people, reader.exec_driver_sql("SELECT count(*) FROM ledger").scalar()
    finally:
        files.close(reader)


async def test_no_broadcast_is_in_the_store_without_those_who_were_there_before_it(house, tmp_path):
    """A crash right after the answer must not forget whom the broadcast was for."""  # A2
    arrive(house, "ann", "bob")
    assert found(tmp_path) == ([], 0)
    await house.intake.accept(submission(), house.app)
    assert found(tmp_path) == (["ann", "bob"], 1)


async def test_nor_where_attendance_is_being_written_already(house, tmp_path):
    """Who came after that writing began is in the store with the broadcast."""  # A2
    arrive(house, "ann")
    writing = asyncio.create_task(house.attending.write())
    await asyncio.sleep(0)
    arrive(house, "bob")
    await house.intake.accept(submission(), house.app)
    assert found(tmp_path) == (["ann", "bob"], 1)
    await writing


async def test_a_broadcast_costs_no_row_for_its_recipients(house, tmp_path):
    """However many there are: ten more broadcasts are ten more rows of the ledger."""  # A2
    arrive(house, *(f"user{number}" for number in range(500)))
    for _ in range(11):
        await house.intake.accept(submission(), house.app)
    people, dispatches = found(tmp_path)
    assert (len(people), dispatches) == (500, 11)


async def test_a_refused_broadcast_writes_nothing(house, tmp_path):
    """Attendance has its own time."""  # A7
    arrive(house, "ann")
    await house.intake.accept(submission(), house.app.with_policy(AppPolicy()))
    assert found(tmp_path) == ([], 0)


async def test_where_the_quota_is_counted_first_an_app_without_the_feature_uses_it_up(house):
    """Then it is told of the quota; other faults still cost nothing."""  # R2
    off = house.app.with_policy(AppPolicy(frozenset(), {QuotaName.ONLINE_BROADCAST: Quota.parse("2/minute")}))
    how = {"feature": Feature.ONLINE_BROADCAST, "quota": QuotaName.ONLINE_BROADCAST, "counts_first": True}
    on = off.with_policy(AppPolicy(frozenset({Feature.ONLINE_BROADCAST}), off.policy.quotas))
    assert (await house.intake.accept(submission(size_bytes=5121, **how), on)).code is Code.MESSAGE_TOO_LARGE
    codes = [(await house.intake.accept(submission(**how), off)).code for _ in range(3)]
    assert codes == [Code.FEATURE_OFF, Code.FEATURE_OFF, Code.QUOTA_EXHAUSTED]
    assert await house.store.waiting(10) == ()


async def test_a_push_says_whether_its_sender_ever_obtained_a_token(house):
    """Nobody, somebody who is registered, and somebody who has one."""  # P9
    await house.registered("ann")
    await house.registered("bob")
    call = TokenRequest(Grant.DIRECT, username="bob")
    await house.access.issue(call, house.app)
    pushing = house.app.with_policy(AppPolicy(frozenset({Feature.PUSH}), {QuotaName.PUSH: UNLIMITED}))
    how = {"feature": Feature.PUSH, "quota": QuotaName.PUSH, "audience": Audience.ALL_USERS}
    answers = [
        await house.intake.accept(submission(sender=name, **how), pushing) for name in ("nobody", "ann", "bob")
    ]
    assert [answer.sender_has_token for answer in answers] == [False, False, True]
    silent = submission(sender="", **how | {"audience": Audience.DEVICES})
    assert (await house.intake.accept(silent, pushing)).sender_has_token


async def test_a_message_to_devices_goes_to_no_session(house):
    """Its work is done as far as sessions are concerned."""  # P11
    await house.intake.accept(submission(audience=Audience.DEVICES), house.app)
    await house.dispatcher.turn()
    assert await house.store.waiting(10) == ()
