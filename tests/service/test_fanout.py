import asyncio

import pytest

from builders import APP_UUID, EPOCH, NOW_MS, OTHER_UUID, STREAM, batch, counted, joined, to_all_users, to_targets
from houses import GRACE_MS, WINDOW_MS, Clients, arriving, offsets, opened, received, waiting, write
from laba.core.session import State
from laba.core.window import Bounds
from laba.model.closing import Closing
from laba.model.dispatch import Conversation, ConversationType, Dispatch, Message
from laba.model.notice import Tagging
from laba.model.recordcalls import GetReport
from laba.model.report import Report, Stage
from laba.model.stream import Batch, Entry, Position, Revocation
from laba.model.targets import Targets
from laba.service.fanout import Eviction
from laba.service.outgoing import Outgoing
from laba.service.strain import Strain

pytestmark = pytest.mark.anyio


def live(clients, count, **rest):
    sessions = [joined(clients.roster, f"user-{number}", **rest) for number in range(count)]
    for session in sessions:
        session.state = State.LIVE
    return sessions


async def queued(clients, *notices):
    """Give what the fan-out made of some notices."""
    await clients.fanout.run(arriving(*notices))
    return await waiting(clients.fanout.outgoing)


# --- deliveries ----------------------------------------------------------------------------------------------------


async def test_a_message_is_encoded_once_per_codec(clients):
    """However many sessions there are, and again for nobody who catches up."""
    live(clients, 50, codec="json")
    live(clients, 50, codec="protobuf")
    await clients.deliver(batch(1, 2), batch(3))
    for encoder in clients.encoders.values():
        assert encoder.calls == [("app", 1), ("app", 2), ("app", 3)]


async def test_every_session_is_handed_the_same_bytes(clients):
    """One object per codec: the whole batch, joined."""
    sessions = live(clients, 20)
    await clients.deliver(batch(1, 2, 5))
    assert sessions[0].link == [b"json 1;json 2;json 5;"]
    assert all(session.link[0] is sessions[0].link[0] for session in sessions)


async def test_the_log_holds_the_very_bytes_that_went_out(clients):
    """A batch of one message costs no second copy."""
    (session,) = live(clients, 1)
    (delivery,) = await queued(clients, batch(1))
    write(delivery)
    assert session.link[0] is delivery.kept[0].frames["json"]


async def test_a_broadcast_reaches_every_session_of_its_app(clients):
    """And none of another."""  # A1
    ours, theirs = live(clients, 5), live(clients, 5, app_uuid=OTHER_UUID)
    await clients.deliver(batch(1))
    assert [received(session) for session in (*ours, *theirs)] == [[1]] * 5 + [[]] * 5


async def test_messages_come_in_the_order_of_their_places(clients):
    """Batch after batch."""  # G3
    sessions = live(clients, 3)
    await clients.deliver(batch(1, 2), batch(4), batch(7, 8, 9))
    assert [received(session) for session in sessions] == [[1, 2, 4, 7, 8, 9]] * 3


async def test_a_batch_the_bus_repeats_is_delivered_once(clients):
    """Of one that overlaps what was there, only the rest; nothing is encoded again."""
    (session,) = live(clients, 1)
    await clients.deliver(batch(1, 2), batch(1, 2), batch(2, 3), batch(1))
    assert received(session) == [1, 2, 3]
    assert len(clients.encoders["json"].calls) == 3


async def test_who_has_had_part_of_a_batch_gets_the_rest(clients):
    """As bytes of its own, while the others share theirs."""
    first, second = live(clients, 2)
    first.written = 2
    await clients.deliver(batch(1, 2, 3, 4))
    assert (received(first), received(second)) == ([3, 4], [1, 2, 3, 4])


def chosen(offset, **targets):
    """Give a batch of one message to chosen users."""
    sent = Dispatch.admitted(
        to_targets(targets=Targets(**targets)), dispatch_id=1000 + offset, app_uuid=APP_UUID, now_ms=NOW_MS
    )
    conversation = Conversation(ConversationType.SYSTEM, sent.sender)
    return Batch(STREAM, EPOCH, (Entry(offset, Message(sent.id, conversation, sent)),))


async def test_what_is_for_chosen_users_comes_on_a_channel_of_their_own(clients):
    """At its place in the app's stream, and in no log that everybody reads."""  # P5
    ann, bob = live(clients, 2)
    bob.tags = frozenset({"vip"})
    await clients.deliver(batch(1), chosen(2, any_tags=frozenset({"vip", "new"})), batch(3))
    assert (received(ann), received(bob)) == ([1, 3], [1, 2, 3])
    assert clients.encoders["json"].calls == [("app", 1), ("user", 2), ("app", 3)]
    assert [kept.message_id for kept in bob.inbox] == [1002]


async def test_one_batch_may_hold_messages_to_several_audiences(clients):
    """Each goes to its own, and all of them in order."""  # P4
    ann, bob = live(clients, 2)
    entries = (*batch(1).entries, *chosen(2, users=frozenset({bob.seat.user})).entries, *batch(3).entries)
    await clients.deliver(Batch(STREAM, EPOCH, entries))
    assert (received(ann), received(bob)) == ([1, 3], [1, 2, 3])


async def test_a_report_counts_nobody_whose_platform_was_passed_over(house, clients):
    """Neither in the audience, nor as confirmed, nor as lost."""  # P4, X2
    ann, bob = live(clients, 2)
    ann.platform, bob.platform = "ios", "android"
    for_ios = to_all_users(targets=Targets(platforms=frozenset({"ios"})))
    sent = Dispatch.admitted(for_ios, dispatch_id=7, app_uuid=APP_UUID, now_ms=NOW_MS)
    entry = Entry(1, Message(7, Conversation(ConversationType.APP, sent.sender), sent))
    await clients.deliver(Batch(STREAM, EPOCH, (entry,)), batch(2))
    for session in (ann, bob):
        clients.fanout.confirmed(session, session.seat, 0, 2)
    tally = house.reporting.live(7)
    assert (received(ann), received(bob)) == ([1, 2], [2])
    assert (tally.audience, tally.reached, tally.confirmed) == (1, 1, 1)


async def test_tags_are_those_that_the_bus_told_of_last(clients):  # S2
    ann, _ = live(clients, 2)
    await clients.deliver(Tagging(APP_UUID, frozenset({ann.seat.user, "nobody"}), frozenset({"vip"})))
    await clients.deliver(chosen(1, tags=frozenset({"vip"})))
    assert received(ann) == [1]


async def test_a_session_that_confirms_nothing_remembers_a_thousand_of_its_own_messages(house, clients):
    """The oldest are forgotten, and counted: they are delivered all the same, but not known to be."""
    (ann,) = live(clients, 1)
    for offset in range(1, 1003):
        await clients.deliver(chosen(offset))
    assert (len(ann.inbox), ann.inbox[0].offset) == (1000, 3)
    assert counted(house.meter, "laba_inbox_given_up_total") == 2


async def test_a_full_queue_makes_the_bus_wait_and_loses_nothing(clients):
    """So many writes wait at most; the rest stays on the bus until the writing loop comes along."""
    (session,) = live(clients, 1)
    clients.fanout.outgoing = Outgoing(64, Strain())
    await clients.fanout.open(STREAM)
    running = asyncio.create_task(clients.fanout.run(arriving(*(batch(number) for number in range(1, 101)))))
    for _ in range(300):
        await asyncio.sleep(0)
    assert len(clients.fanout.outgoing) == 64
    assert len(await clients.fanout.open(STREAM)) == 65  # one more is in the bus's hands
    while not running.done() or len(clients.fanout.outgoing):
        for delivery in await waiting(clients.fanout.outgoing):
            write(delivery)
        await asyncio.sleep(0)
    assert received(session) == [*range(1, 101)]


async def test_a_removed_user_s_sessions_are_evicted(clients):
    """All of them, and only its; behind what was sent before."""  # S1
    (other,) = live(clients, 1)
    ann = [joined(clients.roster, "ann", device) for device in ("phone", "tablet")]
    joined(clients.roster, "ann", app_uuid=OTHER_UUID)
    delivery, eviction = await queued(clients, batch(1), Revocation(APP_UUID, "ann", Closing.DISCONNECTED))
    assert eviction == Eviction(STREAM, tuple(ann), Closing.DISCONNECTED)
    assert other in delivery.sessions


async def test_nothing_is_encoded_for_a_codec_that_nobody_here_speaks(clients):
    """A crowd that speaks JSON costs no Protobuf."""
    live(clients, 5)
    await clients.deliver(batch(1))
    assert clients.encoders["protobuf"].calls == []


# --- the window log ------------------------------------------------------------------------------------------------


async def test_the_log_is_filled_from_the_ledger_once(house, clients):
    """Also where many ask for it at the same time; it stands at the stream's end, and nobody is encoded for yet."""
    await house.placed(1, 2, 3)
    logs = await asyncio.gather(*(clients.fanout.open_app(house.app) for _ in range(20)))
    assert len(set(map(id, logs))) == 1
    assert [kept.offset for kept in logs[0].after(0)] == [1, 2, 3]
    assert clients.encoders["json"].calls == []
    assert logs[0].position == await house.store.streams.position(STREAM)


def seen(log):
    """Tell what a client can see of a log."""
    return [(kept.offset, kept.message_id, kept.accepted_at_ms, kept.frames["json"]) for kept in log.after(0)]


async def test_a_restored_log_is_the_one_that_was_lost(house, tmp_path):
    """Same epoch, same offsets, same bytes: a client cannot tell the restart."""
    before = Clients(house)
    await before.fanout.open_app(house.app)
    await before.deliver(await house.placed(1, 2), await house.placed(3))
    async with opened(tmp_path, house.clock) as again:
        after = Clients(again)
        old, new = await before.fanout.open_app(house.app), await after.fanout.open_app(again.app)
        assert new.position == old.position
        assert seen(new) == seen(old)


async def test_a_restored_log_holds_what_is_inside_its_window(house, clients):
    """What is older is not covered; the position counts all that ever was."""
    await house.placed(1)
    house.clock.pass_ms(WINDOW_MS)
    await house.placed(2)
    house.clock.pass_ms(1)
    log = await clients.fanout.open_app(house.app)
    epoch = log.position.epoch
    assert [kept.offset for kept in log.after(0)] == [2]
    assert [log.covers(Position(epoch, offset)) for offset in range(4)] == [False, True, True, False]


async def test_a_restored_log_of_long_ago_stands_at_its_end(house, clients):
    """Nothing is in it, and who had the last message has missed nothing."""
    await house.placed(1, 2)
    house.clock.pass_ms(WINDOW_MS + 1)
    log = await clients.fanout.open_app(house.app)
    assert (len(log), log.position.offset) == (0, 2)
    assert log.covers(log.position)


async def test_the_first_batch_opens_the_log(house, clients):
    """It is in the ledger by then, and is not taken for news: nobody of the app was here to get it."""
    notice = await house.placed(1)
    assert await queued(clients, notice) == []
    log = await clients.fanout.open_app(house.app)
    assert [kept.offset for kept in log.after(0)] == offsets(notice)


async def test_what_falls_out_of_the_log_by_its_size_is_counted(house):
    """The bound holds, and the metric shows that it did."""
    clients = Clients(house, bounds=Bounds(WINDOW_MS, 1_000_000, limit_messages=2))
    await clients.deliver(batch(1, 2, 3), batch(4))
    assert counted(house.meter, "laba_window_lost_total") == 2


async def test_trimming_forgets_what_is_older_than_the_window(house, clients):
    """For every stream."""
    await clients.deliver(batch(1))
    house.clock.pass_ms(WINDOW_MS + 1)
    clients.fanout.trim()
    assert len(await clients.fanout.open_app(house.app)) == 0


async def test_a_store_that_fails_does_not_end_the_fan_out(house, tmp_path):
    """Without a log nobody of the app is here; what was missed is in the ledger for who comes next."""
    notice = await house.placed(1)
    async with opened(tmp_path, house.clock) as again:
        clients = Clients(again, streams=Refusing(again.store.streams, times=1))
        live(clients, 1, app_uuid=OTHER_UUID)
        (eviction,) = await queued(clients, notice, Revocation(OTHER_UUID, "user-0", Closing.USER_REMOVED))
        assert isinstance(eviction, Eviction)
        assert counted(again.meter, "laba_store_failures_total") == 1
        log = await clients.fanout.open_app(again.app)
        assert [kept.offset for kept in log.after(0)] == [1]


class Refusing:
    """Streams on a medium that fails a few times."""

    def __init__(self, streams, times):
        self._streams = streams
        self._left = times

    async def position(self, stream):
        self._left -= 1
        if self._left >= 0:
            raise OSError("disk")
        return await self._streams.position(stream)

    async def read(self, stream, since_ms):
        return await self._streams.read(stream, since_ms)

    async def read_to_all(self, stream, since_ms, limit):
        return await self._streams.read_to_all(stream, since_ms, limit)


# --- catching up ---------------------------------------------------------------------------------------------------


async def returning(house, clients, position=None, **rest):
    """Log in again from offset 0, or another, within the grace."""
    token = house.user_token(await house.users.find(house.app, "ann") or await house.registered())
    epoch = (await clients.fanout.open_app(house.app)).position.epoch
    session, _ = await clients.login(token, Position(epoch, position or 0), **rest)
    return session


async def test_a_returning_client_gets_what_it_missed_and_then_what_is_live(house, clients):
    """In order, nothing twice, as the shared frames."""  # G3 A1
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(1, 2), await house.placed(3))
    session = await returning(house, clients, position=1)
    clients.catch_up(session)
    assert session.state is State.LIVE
    await clients.deliver(await house.placed(4))
    assert received(session) == [2, 3, 4]
    assert clients.encoders["json"].calls == [("app", 2), ("app", 3), ("app", 4)]


async def test_what_is_missed_comes_in_portions(house, clients):
    """Each about as large as the socket takes; what goes live meanwhile waits its turn in the log."""  # G3
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(*range(1, 8)))
    session = await returning(house, clients)
    portions = [clients.fanout.missed(session, budget_bytes=100).frames]
    await clients.deliver(await house.placed(8))
    assert session.link == []
    while session.state is State.CATCHING_UP:
        portions.append(clients.fanout.missed(session, budget_bytes=100).frames)
    assert portions == [b"json 1;json 2;json 3;", b"json 4;json 5;json 6;", b"json 7;json 8;"]
    await clients.deliver(await house.placed(9))
    assert received(session) == [9]


async def test_who_joins_while_a_delivery_is_queued_gets_nothing_twice(house, clients):
    """It finds the message in the log, and is no part of the delivery; nor is who was catching up all the while."""
    await clients.fanout.open_app(house.app)
    early = await returning(house, clients, device="tablet")
    (delivery,) = await queued(clients, await house.placed(1, 2))
    late = await returning(house, clients)
    for session in (early, late):
        clients.catch_up(session)
    write(delivery)
    assert (received(early), received(late)) == ([1, 2], [1, 2])


async def test_what_is_passed_over_costs_the_budget_too(house, clients):
    """A long past that is not for the client must not hold up the others either."""  # A1
    token = house.user_token(await house.registered())
    first = await clients.entered(token)
    await clients.deliver(await house.placed(1))
    clients.sessions.leave(first)
    house.clock.pass_ms(GRACE_MS + 1)
    await clients.deliver(await house.placed(*range(2, 22)))
    session = await returning(house, clients)
    turns = 0
    while session.state is State.CATCHING_UP:
        session.link.append(clients.fanout.missed(session, budget_bytes=160).frames)
        turns += 1
    assert (received(session), turns) == ([1], 5)


async def test_who_joins_without_a_position_while_a_delivery_is_queued_gets_none_of_it(house, clients):
    """Its stream begins behind it."""  # A1
    await clients.fanout.open_app(house.app)
    (delivery,) = await queued(clients, await house.placed(1))
    session = await clients.entered(house.user_token(await house.registered()))
    write(delivery)
    await clients.deliver(await house.placed(2))
    assert received(session) == [2]


async def test_a_live_or_closed_session_is_owed_nothing(house, clients):
    """Asking again gives nothing again."""
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(1))
    session = await returning(house, clients)
    clients.catch_up(session)
    assert clients.fanout.missed(session, 1000).frames == b""
    session = await returning(house, clients)
    clients.sessions.leave(session)
    assert clients.fanout.missed(session, 1000).frames == b""
    assert session.state is State.CLOSED


async def test_a_log_that_has_lost_what_is_owed_says_so(house, clients):
    """The session must come back to be told that it is not recovered; nothing is skipped in silence."""
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(1))
    session = await returning(house, clients)
    house.clock.pass_ms(WINDOW_MS + 1)
    clients.fanout.trim()
    assert clients.fanout.missed(session, 1000) is None
    assert (session.state, received(session)) == (State.CATCHING_UP, [])


async def test_catching_up_reads_over_what_the_client_is_not_entitled_to(house, clients):
    """It was offline then; what it had missed before it left, and what is new, it gets."""  # A1
    token = house.user_token(await house.registered())
    first = await clients.entered(token)
    (delivery,) = await queued(clients, await house.placed(1))
    clients.sessions.leave(first)
    assert received(first) == []
    house.clock.pass_ms(GRACE_MS + 1)
    await clients.deliver(await house.placed(2, 3))
    session = await returning(house, clients)
    clients.catch_up(session)
    write(delivery)
    await clients.deliver(await house.placed(4))
    assert (received(first), received(session)) == ([], [1, 4])


@pytest.mark.parametrize("codec", ["json", "protobuf"])
async def test_every_client_catches_up_in_its_own_codec(house, clients, codec):
    """The log holds each."""
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(1))
    session = await returning(house, clients, codec=codec)
    clients.catch_up(session)
    assert session.link == [f"{codec} 1;".encode()]


# --- what becomes of it --------------------------------------------------------------------------------------------


async def tallies(clients, house):
    """Give what is counted of each message in the log, by its offset."""
    return {kept.offset: kept.tally for kept in (await clients.fanout.open_app(house.app)).after(0)}


async def test_the_audience_are_the_sessions_that_are_here_when_it_goes_out(house, clients):
    """Who comes later is none of it, although it may read the message from the log."""  # X2
    live(clients, 3)
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(1))
    clients.catch_up(await returning(house, clients))
    counts = (await tallies(clients, house))[1]
    assert (counts.audience, counts.reached, counts.pending) == (3, 3, 0)


async def test_a_message_of_an_earlier_process_is_not_counted_again(house, clients):
    """Its report is that process's."""  # X2
    await house.placed(1)
    clients.catch_up(await returning(house, clients))
    assert (await tallies(clients, house)) == {1: None}


async def test_who_was_catching_up_when_it_went_out_is_reached_when_it_has_caught_up(house, clients):
    """It is in the audience, and the delivery itself passes it by."""  # X2
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(1))
    session = await returning(house, clients)
    await clients.deliver(await house.placed(2))
    counts = await tallies(clients, house)
    assert [(counts[offset].audience, counts[offset].reached) for offset in (1, 2)] == [(0, 0), (1, 0)]
    clients.catch_up(session)
    assert [(counts[offset].audience, counts[offset].reached) for offset in (1, 2)] == [(0, 0), (1, 1)]


async def test_who_leaves_while_catching_up_has_lost_what_counted_it(house, clients):
    """Once, for each message behind its joining that was not read; nothing for those before it."""  # X2
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(1))
    session = await returning(house, clients)
    await clients.deliver(await house.placed(2, 3))
    for _ in range(2):
        clients.sessions.leave(session)
    counts = await tallies(clients, house)
    assert [(dict(counts[offset].lost), counts[offset].pending) for offset in (1, 2, 3)] == [
        ({}, 0),
        ({"closed": 1}, 0),
        ({"closed": 1}, 0),
    ]


async def test_a_live_session_that_leaves_has_lost_nothing_here(house, clients):
    """What waits in its outbox is told by whoever holds the outbox."""  # X2
    session = await clients.entered(house.user_token(await house.registered()))
    await clients.deliver(await house.placed(1))
    clients.sessions.leave(session)
    counts = (await tallies(clients, house))[1]
    assert (counts.reached, dict(counts.lost)) == (1, {})


async def test_what_is_confirmed_counts_from_behind_one_offset_up_to_another(house, clients):
    """Each message once."""  # X2
    session = await clients.entered(house.user_token(await house.registered()))
    await clients.deliver(await house.placed(1, 2, 3, 4))
    clients.fanout.confirmed(session, session.seat, 1, 3)
    counts = await tallies(clients, house)
    assert [counts[offset].confirmed for offset in (1, 2, 3, 4)] == [0, 1, 1, 0]


async def test_the_newest_of_some_messages_is_found_among_those_written_and_not_confirmed(house, clients):
    """What the client cannot have, what it had long ago, and what is no message counts for nothing."""  # X2
    session = await clients.entered(house.user_token(await house.registered()))
    await clients.deliver(await house.placed(11, 12, 13))
    session.confirmed, session.written = 1, 2
    newest = [clients.fanout.newest_of(session, frozenset(ids)) for ids in ({11}, {12, 11}, {13}, {12, 13}, {99}, ())]
    assert newest == [0, 2, 0, 2, 0, 0]


async def test_every_message_that_goes_out_is_watched(house, clients):
    """Its report is live from then on."""  # X2
    live(clients, 2)
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(7))
    kept = (await house.reporting.show(GetReport(7), house.app)).kept
    assert (kept.report.audience, kept.report.reached) == (2, 2)


async def test_a_broadcast_of_which_nobody_was_here_has_a_report_all_the_same(house, clients):
    """The first one to an app whose clients never came: an audience of 0 is known, not unknown."""  # X2
    await clients.deliver(await house.placed(7))
    kept = (await house.reporting.show(GetReport(7), house.app)).kept
    assert (kept.stage, kept.report) == (Stage.SENT, Report(7))


async def test_a_batch_the_bus_repeats_keeps_its_report(house, clients):
    """Although the second one finds nobody to deliver to."""  # X2
    await clients.entered(house.user_token(await house.registered()))
    notice = await house.placed(7)
    await clients.deliver(notice, notice)
    report = (await house.reporting.show(GetReport(7), house.app)).kept.report
    assert (report.audience, report.reached) == (1, 1)
