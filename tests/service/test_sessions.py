import asyncio
from dataclasses import replace

import pytest

from builders import OTHER_UUID, STREAM, app, counted
from houses import GRACE_MS, WINDOW_MS, Clients, opened, received
from laba.core.session import Session, State
from laba.core.tokens import Token
from laba.core.window import Bounds
from laba.model.attendance import Seat
from laba.model.closing import Closing
from laba.model.recordcalls import ListConversations
from laba.model.session import Denial, Denied, Login, Welcome
from laba.model.stream import Position
from laba.model.usercalls import DeleteUser, SetActivation, SetPassword, SetTags

pytestmark = pytest.mark.anyio


# --- letting in ----------------------------------------------------------------------------------------------------


async def test_a_user_s_token_lets_it_in(house, clients):
    """It is welcomed at the stream's position, and in the roster from then on."""  # S1
    await house.placed(1, 2)
    session, answer = await clients.login(house.user_token(await house.registered()))
    assert (answer.request_id, answer.ping_seconds, len(answer.session_id)) == (1, 25, 16)
    app_stream, inbox, events = answer.subscriptions
    assert (app_stream.channel, app_stream.position) == ("app", await house.store.streams.position(STREAM))
    assert (app_stream.recovering, app_stream.recovered) == (False, False)
    # One order for both channels.
    assert (inbox.channel, inbox.position) == ("user", app_stream.position)
    assert (events.channel, events.position) == ("events", None)
    assert clients.roster.of_user(house.app.uuid, "ann") == (session,)
    assert (session.state, counted(house.meter, "laba_logins_total")) == (State.CATCHING_UP, 1)


async def test_two_sessions_have_two_names(house, clients):
    """Nobody can guess another's."""
    token = house.user_token(await house.registered())
    assert len({(await clients.login(token))[1].session_id for _ in range(3)}) == 3


async def test_an_expired_token_can_be_renewed_by_the_client_alone(house, clients):
    """It is denied by the code on which an SDK asks its app for a new one, and may try again."""  # S1
    ann = await house.registered()
    session, answer = await clients.login(house.user_token(ann, expires_at_ms=house.clock.now_ms))
    assert answer == Denied(1, Denial.TOKEN_EXPIRED)
    assert session.state is State.LOGGING_IN
    assert len(clients.roster) == 0


async def test_any_other_fault_of_a_token_ends_the_connection(house, clients):
    """An app's token, another app's user, a forged one, one of nobody, one that was revoked."""  # A10 S1
    ann = await house.registered()
    other = app(OTHER_UUID, "org/other")
    await house.store.add_app(other)
    await house.tenants.load()
    tokens = (
        "",
        "nonsense",
        house.app_token(),
        house.foreign_token(),
        Token(OTHER_UUID, 0, "ann", ann.epoch).signed(other.keys.token_key),
        Token(house.app.uuid, 0, "ann", ann.epoch).signed(b"another key"),
        Token(house.app.uuid, 0, "eve", ann.epoch).signed(house.app.keys.token_key),
        Token(house.app.uuid, 0, "ann", ann.epoch + 1).signed(house.app.keys.token_key),
    )
    assert [(await clients.login(token))[1] for token in tokens] == [Closing.INVALID_TOKEN] * len(tokens)
    assert len(clients.roster) == 0


async def test_an_inactive_user_stays_outside(house, clients):
    """Its token is good, it is not; and it is told so."""  # S1 S2
    ann = await house.registered()
    sleeper = replace(ann, name="sleeper", activated=False)
    await house.store.add_users([sleeper])
    assert (await clients.login(house.user_token(sleeper)))[1] is Closing.USER_DEACTIVATED


async def test_the_back_end_s_token_registers_whom_it_names(house, clients):
    """The first time; the second time the user is there."""  # S1 S2
    token = house.foreign_token("ann")
    assert isinstance((await clients.login(token))[1], Welcome)
    ann = await house.users.find(house.app, "ann")
    assert isinstance((await clients.login(token))[1], Welcome)
    assert await house.users.find(house.app, "ann") == ann


async def test_registering_at_login_can_be_switched_off(house):
    """Then only who is registered comes in."""  # S1 S2
    clients = Clients(house, register=False)
    assert (await clients.login(house.foreign_token("eve")))[1] is Closing.INVALID_TOKEN
    assert await house.users.find(house.app, "eve") is None
    await house.registered("ann")
    assert isinstance((await clients.login(house.foreign_token("ann")))[1], Welcome)


# --- a removal while a login waits ---------------------------------------------------------------------------------


class Slow:
    """Streams that answer when they are let; they tell when they are asked."""

    def __init__(self, streams):
        self._streams = streams
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def position(self, stream):
        self.asked.set()
        await self.let.wait()
        return await self._streams.position(stream)

    async def read(self, stream, since_ms):
        return await self._streams.read(stream, since_ms)

    async def read_to_all(self, stream, since_ms, limit):
        return await self._streams.read_to_all(stream, since_ms, limit)


@pytest.fixture
async def waiting(house):
    """A login of ann's that waits for the store: (clients, what it waits for, its task)."""
    slow = Slow(house.store.streams)
    clients = Clients(house, streams=slow)
    login = asyncio.create_task(clients.login(house.user_token(await house.registered())))
    await slow.asked.wait()
    return clients, slow, login


async def test_who_is_removed_while_its_login_waits_does_not_come_in(house, waiting):
    """The eviction had nobody to evict yet; the login itself looks again."""  # S1
    clients, slow, login = waiting
    await house.users.remove(DeleteUser("ann"), house.app)
    slow.let.set()
    assert (await login)[1] is Closing.INVALID_TOKEN
    assert len(clients.roster) == 0


async def test_who_is_registered_again_while_the_old_login_waits_does_not_come_in_by_it(house, waiting):
    """The token is of the user who is gone."""  # S1
    clients, slow, login = waiting
    await house.users.remove(DeleteUser("ann"), house.app)
    await house.registered("ann")
    slow.let.set()
    assert (await login)[1] is Closing.INVALID_TOKEN
    assert len(clients.roster) == 0


@pytest.mark.parametrize(
    ("change", "closing"),
    [
        (SetActivation("ann", active=False), Closing.USER_DEACTIVATED),
        (SetPassword("ann", "new"), Closing.INVALID_TOKEN),
    ],
)
async def test_whose_tokens_are_revoked_while_its_login_waits_does_not_come_in(house, waiting, change, closing):
    """A deactivation and a new password are revocations as a removal is."""  # S1 S11
    clients, slow, login = waiting
    await house.desk.serve(change, house.app)
    slow.let.set()
    assert (await login)[1] is closing
    assert len(clients.roster) == 0


async def test_another_s_removal_only_delays_a_login(house, waiting):
    """It looks again, and finds itself."""  # S1
    clients, slow, login = waiting
    await house.registered("eve")
    await house.users.remove(DeleteUser("eve"), house.app)
    slow.let.set()
    assert isinstance((await login)[1], Welcome)
    assert len(clients.roster) == 1


async def test_who_hangs_up_while_its_login_waits_is_in_no_roster(house):
    """Nobody would ever take it out again."""
    slow = Slow(house.store.streams)
    clients = Clients(house, streams=slow)
    session = Session([], "json")
    login = asyncio.create_task(clients.sessions.login(session, Login(1, house.user_token(await house.registered()))))
    await slow.asked.wait()
    clients.sessions.leave(session)
    slow.let.set()
    assert await login is Closing.NORMAL
    assert (len(clients.roster), clients.attendance.present, clients.attendance.unwritten) == (0, 0, 0)


# --- what a returning client is owed -------------------------------------------------------------------------------


@pytest.fixture
async def ann(house, clients):
    """Ann's token; she was here for message 1, and left in the millisecond in which 2 and 3 were accepted."""
    token = house.user_token(await house.registered())
    session = await clients.entered(token)
    await clients.deliver(await house.placed(1))
    assert received(session) == [1]
    clients.sessions.leave(session)
    await clients.deliver(await house.placed(2, 3))
    return token


async def at(house, offset):
    return Position((await house.store.streams.position(STREAM)).epoch, offset)


async def back(clients, token, position=None, device="phone"):
    """Return, and give what `recovered` was said and what was received."""
    session, answer = await clients.login(token, position, device)
    clients.catch_up(session)
    return answer.subscriptions[0].recovered, received(session)


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
async def test_a_drop_within_the_grace_is_repaired(house, clients, ann, offset):
    """From whatever position: what follows it, in order, and no more."""  # A1
    house.clock.pass_ms(GRACE_MS)
    assert await back(clients, ann, await at(house, offset)) == (True, [1, 2, 3][offset:])


async def test_who_was_away_longer_missed_what_was_sent_meanwhile(house, clients, ann):
    """One millisecond past the grace; what was accepted until the moment it left is still its own."""  # A1
    house.clock.pass_ms(GRACE_MS + 1)
    await clients.deliver(await house.placed(4))
    assert await back(clients, ann, await at(house, 0)) == (True, [1, 2, 3])


async def test_a_message_of_after_the_departure_is_not_for_who_was_offline(house, clients, ann):
    """Nor for another device of the user that nobody knows."""  # A1
    house.clock.pass_ms(1)
    await clients.deliver(await house.placed(4))
    house.clock.pass_ms(GRACE_MS + 1)
    assert await back(clients, ann, await at(house, 3)) == (True, [])
    house.clock.pass_ms(GRACE_MS + 1)
    assert await back(clients, ann, await at(house, 0), device="new") == (True, [])


async def test_a_client_without_a_position_gets_what_its_device_has_not_had(house, clients, ann):
    """The unconfirmed tail included: message 1 may have been lost on the way."""  # A1
    session, answer = await clients.login(ann)
    clients.catch_up(session)
    await clients.deliver(await house.placed(4))
    assert (answer.subscriptions[0].recovering, received(session)) == (False, [1, 2, 3, 4])


async def test_what_a_device_has_confirmed_it_does_not_get_again(house, clients):
    """By the pong of a ping that followed it, or by taking leave in order."""  # A1 G3
    token = house.user_token(await house.registered())
    for confirming in ("pong", "leave"):
        session = await clients.entered(token, device=confirming)
        await clients.deliver(await house.placed(len(confirming)))
        if confirming == "pong":
            session.pinged = session.written
            clients.sessions.confirm(session)
        clients.sessions.leave(session, orderly=confirming == "leave")
    for device in ("pong", "leave"):
        assert await back(clients, token, device=device) == (False, [2] if device == "pong" else [])


async def test_another_device_of_the_user_has_not_had_what_this_one_confirmed(house, clients):
    """Each has its own stays."""  # A1
    token = house.user_token(await house.registered())
    phone, tablet = await clients.entered(token), await clients.entered(token, device="tablet")
    await clients.deliver(await house.placed(1))
    clients.sessions.leave(phone, orderly=True)
    clients.sessions.leave(tablet)
    assert await back(clients, token) == (False, [])
    assert await back(clients, token, device="tablet") == (False, [1])


async def test_a_new_device_begins_with_what_comes(house, clients, ann):
    """Nobody knows that it was there."""  # A1
    house.clock.pass_ms(GRACE_MS + 1)
    session, answer = await clients.login(ann, device="new")
    clients.catch_up(session)
    await clients.deliver(await house.placed(4))
    assert (answer.subscriptions[0].position.offset, received(session)) == (3, [4])


async def test_a_second_tab_without_a_position_begins_with_what_comes(house, clients):
    """The first one has the rest."""  # A1
    token = house.user_token(await house.registered())
    await clients.entered(token)
    await clients.deliver(await house.placed(1))
    second = await clients.entered(token)
    await clients.deliver(await house.placed(2))
    assert received(second) == [2]


async def test_a_client_is_told_the_position_from_which_it_reads(house, clients, ann):
    """Who drops before it has read on comes back with it; who is owed nothing is at the end."""  # A1
    _, owed = await clients.login(ann)
    _, owed_nothing = await clients.login(ann, device="tablet")
    assert [answer.subscriptions[0].position.offset for answer in (owed, owed_nothing)] == [0, 3]


async def test_a_drop_in_the_middle_of_catching_up_loses_nothing(house, clients, ann):
    """What was not read is owed again, behind the position that was reached; also after the grace."""  # A1
    session, _ = await clients.login(ann, await at(house, 0))
    clients.fanout.missed(session, budget_bytes=1)
    clients.sessions.leave(session)
    house.clock.pass_ms(GRACE_MS + 1)
    await clients.deliver(await house.placed(4))
    house.clock.pass_ms(1)
    assert await back(clients, ann, await at(house, 1)) == (True, [2, 3])


async def test_a_position_of_another_epoch_counts_as_none(house, clients, ann):
    """Its offsets mean nothing here: the client is told, and gets what its device has not had."""
    assert await back(clients, ann, Position("other", 1)) == (False, [1, 2, 3])


async def test_a_position_beyond_the_end_is_not_recovered(house, clients, ann):
    """The client has seen what was lost with a disk; it gets what comes."""
    session, answer = await clients.login(ann, await at(house, 99))
    clients.catch_up(session)
    await clients.deliver(await house.placed(4))
    assert (answer.subscriptions[0].recovered, received(session)) == (False, [4])


async def test_a_position_older_than_the_window_is_not_recovered(house, clients, ann):
    """What the window still holds of her time comes all the same."""
    house.clock.pass_ms(WINDOW_MS)
    await clients.entered(ann)
    await clients.deliver(await house.placed(4))
    house.clock.pass_ms(1)
    clients.fanout.trim()
    assert await back(clients, ann, await at(house, 1)) == (False, [4])


async def test_what_the_bounds_of_the_log_cost_is_said(house):
    """`recovered` is false where a message was pushed out, true where none is missing."""
    clients = Clients(house, bounds=Bounds(WINDOW_MS, 1_000_000, limit_messages=2))
    token = house.user_token(await house.registered())
    await clients.entered(token)
    await clients.deliver(await house.placed(1, 2, 3))
    assert await back(clients, token, await at(house, 0)) == (False, [2, 3])
    assert await back(clients, token, await at(house, 1)) == (True, [2, 3])


async def test_a_second_connection_of_a_present_device_was_never_away(house, clients):
    """Two tabs share a seat: the new one may resume from any position, however long the first is there."""  # A1
    token = house.user_token(await house.registered())
    await clients.entered(token)
    house.clock.pass_ms(GRACE_MS + 1)
    await clients.deliver(await house.placed(1))
    house.clock.pass_ms(GRACE_MS + 1)
    assert await back(clients, token, await at(house, 0)) == (True, [1])


async def test_a_seat_is_left_with_its_last_connection(house, clients):
    """While one tab stays, the device is online."""  # A1
    token = house.user_token(await house.registered())
    first, second = await clients.entered(token), await clients.entered(token)
    clients.sessions.leave(first)
    assert (clients.attendance.present, clients.attendance.known(first.seat).ended_at_ms) == (1, None)
    clients.sessions.leave(second)
    assert (clients.attendance.present, clients.attendance.known(first.seat).ended_at_ms) == (0, house.clock.now_ms)
    house.clock.pass_ms(1)
    clients.sessions.leave(second)
    assert clients.attendance.known(first.seat).ended_at_ms == house.clock.now_ms - 1
    assert second.state is State.CLOSED


async def test_who_never_logged_in_leaves_no_trace(clients):
    """Its connection ends, and that is all."""
    session = Session([], "json")
    clients.sessions.leave(session)
    assert (session.state, clients.attendance.unwritten) == (State.CLOSED, 0)


@pytest.mark.parametrize(("away_ms", "got"), [(GRACE_MS, [2, 3]), (GRACE_MS + 1, [])])
async def test_after_a_restart_the_grace_counts_from_readiness(house, clients, ann, tmp_path, away_ms, got):
    """Who is back in time resumes at its position, in the same epoch, as if nothing had been."""  # A1
    async with opened(tmp_path, house.clock) as again:
        restarted = Clients(again)
        again.clock.pass_ms(away_ms)
        assert await back(restarted, ann, await at(again, 1)) == (True, got)


async def test_nothing_comes_twice_over_a_drop_and_a_restart(house, clients, tmp_path):
    """Whatever the client had, it goes on behind it."""  # G3 A1
    token = house.user_token(await house.registered())
    had = []
    session = await clients.entered(token)
    await clients.deliver(await house.placed(1, 2))
    had += received(session)
    clients.sessions.leave(session)
    await clients.deliver(await house.placed(3))
    session, _ = await clients.login(token, await at(house, had[-1]))
    clients.catch_up(session)
    had += received(session)
    async with opened(tmp_path, house.clock) as again:
        restarted = Clients(again)
        session, _ = await restarted.login(token, await at(again, had[-1]))
        restarted.catch_up(session)
        await restarted.deliver(await again.placed(4))
        had += received(session)
    assert had == [1, 2, 3, 4]


async def test_the_inbox_is_resumed_like_the_app_s_stream(house, clients):
    """A position behind the end, or of another epoch, is none that the client was ever told."""
    token = house.user_token(await house.registered())
    epoch = (await at(house, 0)).epoch
    answers = [
        await clients.sessions.login(Session([], "json"), Login(1, token, positions={"user": asked}))
        for asked in (Position(epoch, 0), Position(epoch, 1), Position("other", 0))
    ]
    inboxes = [answer.subscriptions[1] for answer in answers]
    assert [(inbox.recovering, inbox.recovered) for inbox in inboxes] == [(True, True), (True, False), (True, False)]


async def test_a_login_knows_the_tags_that_were_set_while_it_waited(house, clients):
    """Whether the bus told of them before it was in the roster, or not."""  # S2
    ann = await house.registered()
    attending, asked = house.attending, house.attending.earlier

    async def tagged_meanwhile(seat, position):
        if not house.users.changes:
            await house.users.set_tags(SetTags(("ann",), ("vip",)), house.app)
        return await asked(seat, position)

    attending.earlier = tagged_meanwhile
    session, _ = await clients.login(house.user_token(ann))
    assert session.tags == {"vip"}


async def test_of_two_positions_the_later_one_counts(house, clients):
    """What comes to everybody and what comes to one user have their places in one stream, and came over one wire."""
    token = house.user_token(await house.registered())
    first, _ = await clients.login(token)
    clients.catch_up(first)
    await clients.deliver(await house.placed(1, 2, 3))
    positions = {"app": await at(house, 1), "user": await at(house, 2)}
    second = Session([], "json")
    await clients.sessions.login(second, Login(1, token, "phone", positions=positions))
    clients.catch_up(second)
    assert received(second) == [3]


async def test_trimming_forgets_departures_and_shows_who_is_here(house, clients, ann):
    """Departures for as long as the window, sessions as a gauge."""
    seat = Seat(house.app.uuid, "ann", "phone")
    await clients.entered(ann, device="tablet")
    house.clock.pass_ms(WINDOW_MS)
    clients.sessions.trim()
    assert clients.attendance.known(seat) is not None
    assert counted(house.meter, "laba_sessions") == 1
    house.clock.pass_ms(1)
    clients.sessions.trim()
    assert clients.attendance.known(seat) is None


# --- confirming ----------------------------------------------------------------------------------------------------


async def confirmed(clients, house):
    """Tell how many sessions have confirmed each message in the log."""
    log = await clients.fanout.open_app(house.app)
    return [kept.tally.confirmed for kept in log.after(0)]


async def test_a_pong_confirms_what_was_written_before_its_ping(house, clients):
    """Not what went out in between; twice says nothing more."""  # X2
    session = await clients.entered(house.user_token(await house.registered()))
    await clients.deliver(await house.placed(1, 2))
    session.pinged = session.written
    await clients.deliver(await house.placed(3))
    for _ in range(2):
        clients.sessions.confirm(session)
    assert await confirmed(clients, house) == [1, 1, 0]
    assert session.confirmed == 2


async def test_an_acknowledgement_confirms_what_was_written_up_to_the_message(house, clients):
    """Bytes come in order; a message that it cannot have confirms nothing."""  # X2
    session = await clients.entered(house.user_token(await house.registered()))
    await clients.deliver(await house.placed(1, 2, 3))
    clients.sessions.acknowledge(session, frozenset({99}))
    assert await confirmed(clients, house) == [0, 0, 0]
    clients.sessions.acknowledge(session, frozenset({2}))
    clients.sessions.acknowledge(session, frozenset({1}))
    assert await confirmed(clients, house) == [1, 1, 0]


async def test_an_orderly_leave_confirms_all_that_was_written(house, clients):
    """A cut connection confirms nothing."""  # X2
    token = house.user_token(await house.registered())
    first, second = await clients.entered(token), await clients.entered(token)
    await clients.deliver(await house.placed(1))
    clients.sessions.leave(first)
    assert await confirmed(clients, house) == [0]
    clients.sessions.leave(second, orderly=True)
    assert await confirmed(clients, house) == [1]


async def test_who_was_catching_up_confirms_nothing_by_leaving(house, clients, ann):
    """However politely: it was not written all of it yet."""  # X2
    session, _ = await clients.login(ann, await at(house, 0))
    await clients.deliver(await house.placed(4))
    clients.sessions.leave(session, orderly=True)
    assert (await confirmed(clients, house))[3] == 0


async def test_what_a_client_caught_up_with_is_confirmed_for_nobody(house, clients, ann):
    """It was not in the audience of what went out before it joined: the report's counts must add up."""  # X2
    await clients.entered(ann, device="tablet")
    await clients.deliver(await house.placed(4))
    session = await clients.entered(ann, await at(house, 1))
    await clients.deliver(await house.placed(5))
    session.pinged = session.written
    clients.sessions.confirm(session)
    assert received(session) == [2, 3, 4, 5]
    assert await confirmed(clients, house) == [1, 0, 0, 0, 1]


async def test_a_position_confirms_what_the_client_was_written_before(house, clients, ann):
    """It could not know it otherwise; message 2 went out while nobody was there, and counts for nobody."""  # X2
    assert await confirmed(clients, house) == [0, 0, 0]
    await clients.login(ann, await at(house, 1))
    assert await confirmed(clients, house) == [1, 0, 0]
    await clients.login(ann, await at(house, 1))
    assert await confirmed(clients, house) == [1, 0, 0]


# --- restarts ------------------------------------------------------------------------------------------------------


async def restarted(tmp_path, house, token, *, away_ms=0, position=None, ready_after_ms=0):
    """Start again on the same files, and give what the client gets when it is back."""
    house.clock.pass_ms(ready_after_ms)
    async with opened(tmp_path, house.clock) as again:
        clients = Clients(again)
        again.clock.pass_ms(away_ms)
        return await back(clients, token, position)


@pytest.mark.parametrize(("away_ms", "got"), [(GRACE_MS, [2]), (GRACE_MS + 1, [])])
async def test_who_was_connected_when_the_server_stopped_has_its_grace_from_the_next_readiness(
    house, clients, tmp_path, away_ms, got
):
    """Without a position, too, and however long the server was down."""  # A1
    token = house.user_token(await house.registered())
    session = await clients.entered(token)
    await clients.deliver(await house.placed(1))
    session.pinged = session.written
    clients.sessions.confirm(session)
    clients.sessions.leave(session, restarting=True)
    await house.attending.write()
    house.clock.pass_ms(10 * GRACE_MS)
    async with opened(tmp_path, house.clock) as again:
        returning = Clients(again)
        again.clock.pass_ms(1)
        await returning.fanout.open_app(again.app)
        await returning.deliver(await again.placed(2))
        again.clock.pass_ms(away_ms - 1)
        assert await back(returning, token) == (False, got)


async def test_a_crash_leaves_what_was_not_confirmed_owed(house, clients, tmp_path):
    """The stay was written when it began; nobody said what its client had."""  # A1
    token = house.user_token(await house.registered())
    await clients.entered(token)
    await house.attending.write()
    await clients.deliver(await house.placed(1, 2))
    assert await restarted(tmp_path, house, token, away_ms=GRACE_MS + 1) == (False, [1, 2])


async def test_a_user_that_is_registered_again_gets_nothing_of_the_earlier_one(house, clients):
    """Although the earlier one's session ended only after it came, and was written behind its removal."""  # S1 A1
    first = await clients.entered(house.user_token(await house.registered()))
    await clients.deliver(await house.placed(1))
    house.clock.pass_ms(1)
    await house.users.remove(DeleteUser("ann"), house.app)
    token = house.user_token(await house.registered())
    await house.attending.write()
    house.clock.pass_ms(1)
    assert await back(clients, token, await at(house, 0)) == (True, [])
    clients.sessions.leave(first)
    await house.attending.write()
    assert await back(clients, token, await at(house, 0)) == (True, [])
    call = ListConversations("ann", 20)
    assert (await house.reader.list(call, house.app)).conversations == ()
