"""Walks through the registered users: page by page, resumed where they were, taking turns."""

import asyncio

import pytest

from builders import LeapingLoop, counted, ground, to_targets
from houses import opened
from laba.core.targeting import NONE
from laba.model.campaign import Campaign, Recruit
from laba.model.targets import Targets
from laba.model.user import User
from laba.ports import StoreBusyError
from laba.service import recruiting
from laba.service.recruiting import Recruiting

pytestmark = pytest.mark.anyio

USERS = 4100  # three pages, the last of which is not full


@pytest.fixture
async def crowd(house):
    """So many users, of whom every fifth is vip."""
    users = [
        User(
            house.app.uuid,
            name,
            name,
            house.clock.now_ms,
            house.clock.now_ms,
            1,
            tags=("vip",) if at % 5 == 0 else (),
        )
        for at, name in enumerate(names())
    ]
    await house.store.add_users(users)
    return house


def names():
    return [f"user{at:05}" for at in range(USERS)]


async def push(house, **targets):
    accepted = await house.intake.accept(to_targets(targets=Targets(**targets)), house.app)
    await house.dispatcher.turn()
    return accepted.dispatch.id


async def test_a_walk_finds_everybody_who_is_meant_and_nobody_else(crowd):  # P4, P7
    sent = await push(crowd, tags=frozenset({"vip"}))
    turns = 0
    while await crowd.recruiting.turn():
        turns += 1
    muster = await crowd.store.campaigns.muster(sent)
    assert (muster.targeted, muster.walking) == (USERS // 5, False)
    assert turns == -(-USERS // recruiting.PAGE)
    assert counted(crowd.meter, "laba_recruits_judged_total") == USERS
    assert counted(crowd.meter, "laba_recruits_enrolled_total") == USERS // 5


async def test_a_walk_goes_on_where_the_last_process_left_it(crowd, tmp_path):
    """After one page; nobody is judged twice, and nobody left out."""  # P5
    sent = await push(crowd, tags=frozenset({"vip"}))
    await crowd.recruiting.turn()
    [walk] = await crowd.store.campaigns.walking()
    assert walk.cursor == names()[recruiting.PAGE - 1]
    async with opened(tmp_path, crowd.clock) as again:
        while await again.recruiting.turn():
            pass
        assert (await again.store.campaigns.muster(sent)).targeted == USERS // 5
        assert counted(again.meter, "laba_recruits_judged_total") == USERS - recruiting.PAGE


async def test_walks_take_turns(crowd):
    """A page each: a long one does not keep a short one waiting."""
    sent = [await push(crowd, any_tags=frozenset({tag})) for tag in ("vip", "nobody")]
    await crowd.recruiting.turn()
    cursors = {walk.dispatch_id: walk.cursor for walk in await crowd.store.campaigns.walking()}
    assert cursors == dict.fromkeys(sent, names()[recruiting.PAGE - 1])


async def test_a_walk_begins_as_soon_as_it_is_told_of(crowd):
    """And when that is done waits for the next."""
    running = asyncio.create_task(crowd.recruiting.run())
    for _ in range(2):
        sent = await push(crowd, tags=frozenset({"vip"}))
        while (muster := await crowd.store.campaigns.muster(sent)).walking:
            pass
        assert muster.targeted == USERS // 5
    running.cancel()


class TestFailingStore:
    """On a loop whose time leaps, for what happens a second later."""

    @pytest.fixture
    def anyio_backend(self):
        return "asyncio", {"loop_factory": LeapingLoop}

    @pytest.mark.parametrize("fault", [OSError("disk"), StoreBusyError()])
    async def test_is_asked_again_a_second_later(self, fault):
        """Where the page failed: the walk has not moved."""
        enrolled = asyncio.get_running_loop().create_future()
        failures = 3

        class Ailing:
            walks = (Campaign(1, "app", 1, 100, Targets()),)

            async def walking(self):
                return self.walks

            async def recruits(self, campaign, limit):
                return (Recruit("ann", NONE, NONE, 100), Recruit("late", NONE, NONE, 101))

            async def enrol(self, campaign, users, cursor):
                nonlocal failures
                failures -= 1
                if failures >= 0:
                    raise fault
                self.walks = ()
                enrolled.set_result((users, cursor))

        base = ground()
        running = asyncio.create_task(Recruiting(Ailing(), base).run())
        assert await enrolled == (["ann"], None)
        assert counted(base.meter, "laba_store_failures_total") == 3
        assert asyncio.get_running_loop().time() == pytest.approx(3)
        running.cancel()
