"""The lasting logs: what is kept for those who were offline, as clients see it (V1)."""

import pytest

from builders import STREAM, counted, to_all_users
from houses import GRACE_MS, OFFLINE_MS, WINDOW_MS, Clients, opened, received
from laba.core.session import State
from laba.core.window import Bounds
from laba.model.stream import Position

pytestmark = pytest.mark.anyio


@pytest.fixture
def clients(house):
    return Clients(house)


async def sent(house, clients, count=1):
    """Broadcast to all users, and give the notices of it."""
    notices = house.bus.subscribe()
    for _ in range(count):
        await house.intake.accept(to_all_users(), house.app)
    await house.dispatcher.turn()
    notice = await anext(notices)
    await clients.deliver(notice)
    return notice


def offsets(log):
    return [kept.offset for kept in log.after(0)]


def lasting(clients):
    return clients.fanout._lasting.of(STREAM)


async def test_the_log_holds_the_very_objects_that_went_out(house, clients):
    """And only what is for all; a restart fills it again, beside the window."""  # V1
    await clients.fanout.open_app(house.app)
    await clients.deliver(await house.placed(1))
    await sent(house, clients)
    window = await clients.fanout.open_app(house.app)
    assert (offsets(window), offsets(lasting(clients))) == ([1, 2], [2])
    again = Clients(house)
    window = await again.fanout.open_app(house.app)
    assert next(iter(lasting(again).after(0))) is next(iter(window.after(1)))


async def test_a_batch_the_bus_repeats_is_kept_once(house, clients):
    """Also one that was in the ledger already when the log was filled."""  # V1
    await house.registered()
    notice = await sent(house, clients)
    await clients.deliver(notice, notice)
    assert offsets(lasting(clients)) == [1]


async def test_it_is_kept_for_the_days_that_are_configured_and_no_longer(house, clients, tmp_path):
    """To the last millisecond, over restarts, too."""  # V1
    await sent(house, clients)
    house.clock.pass_ms(OFFLINE_MS)
    clients.fanout.trim()
    assert offsets(lasting(clients)) == [1]
    async with opened(tmp_path, house.clock) as again:
        for past_ms, kept in ((0, [1]), (1, [])):
            again.clock.pass_ms(past_ms)
            others = Clients(again)
            await others.fanout.open_app(again.app)
            assert offsets(lasting(others)) == kept
    clients.fanout.trim()
    assert offsets(lasting(clients)) == []


@pytest.mark.parametrize("bounds", [Bounds(OFFLINE_MS, 1_000_000, 2), Bounds(OFFLINE_MS, 800, 1000)])
async def test_at_its_bounds_the_oldest_is_given_up_and_counted(house, bounds):
    """By count, and by bytes: who comes now gets the rest."""  # V1
    clients = Clients(house, lasting=bounds)
    token = house.user_token(await house.registered())
    await clients.fanout.open_app(house.app)
    await sent(house, clients, count=3)
    assert counted(house.meter, "laba_lasting_lost_total") == 1
    house.clock.pass_ms(WINDOW_MS + 1)
    clients.fanout.trim()
    assert received(await clients.entered(token)) == [2, 3]


async def test_what_comes_before_the_window_comes_in_portions_and_then_what_is_in_it(house, clients):
    """Nothing twice and all in order, while more is sent; and what is delivered so is counted."""  # V1 G3
    token = house.user_token(await house.registered())
    await sent(house, clients, count=3)
    house.clock.pass_ms(WINDOW_MS + 1)
    clients.fanout.trim()
    session, welcome = await clients.login(token)
    assert welcome.subscriptions[0].position.offset == 0
    for expected in (1, 2):
        session.link.append(clients.fanout.missed(session, 1).frames)
        assert (session.written, session.state) == (expected, State.CATCHING_UP)
    await sent(house, clients)
    clients.catch_up(session)
    await sent(house, clients)
    assert received(session) == [1, 2, 3, 4, 5]
    assert counted(house.meter, "laba_delivered_later_total") == 3


async def test_a_window_that_loses_what_follows_meanwhile_says_so_after_the_rest(house, clients):
    """What the lasting log had is written; then the session must come back, to be told that it is not recovered."""
    token = house.user_token(await house.registered())  # V1
    await sent(house, clients)
    house.clock.pass_ms(GRACE_MS + 1)
    session, _ = await clients.login(token, Position((await clients.fanout.open_app(house.app)).position.epoch, 0))
    await clients.deliver(await house.placed(7))
    house.clock.pass_ms(WINDOW_MS + 1)
    clients.fanout.trim()
    assert clients.fanout.missed(session, 1000).frames == b"json 1;"
    assert clients.fanout.missed(session, 1000) is None


async def test_what_is_older_than_the_window_can_be_acknowledged(house, clients):
    """The window has forgotten it; the device has it for sure all the same."""  # V1
    token = house.user_token(await house.registered())
    notice = await sent(house, clients)
    house.clock.pass_ms(WINDOW_MS + 1)
    clients.fanout.trim()
    session = await clients.entered(token)
    clients.sessions.acknowledge(session, frozenset({notice.entries[0].message.id}))
    clients.sessions.leave(session)
    assert received(await clients.entered(token)) == []
