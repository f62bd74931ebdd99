"""What every Gate keeps to. The arithmetic of spans is in tests/core/test_quota.py."""

import asyncio

import pytest

from laba.adapters.bus.local import LocalGate
from laba.model.app import QuotaName, Want
from laba.model.quota import UNLIMITED, Quota
from laba.ports.gate import Exhausted, Once, Repeated

pytestmark = pytest.mark.anyio

NAME = QuotaName.USERS_BROADCAST
BROADCAST = Quota.parse("1/minute,50/day")
MINUTE = 60_000


@pytest.fixture(params=[LocalGate])
def gate(request):
    return request.param()


async def taken(gate, quota, now_ms, app="app"):
    return await gate.take(app, [Want(NAME, quota)], now_ms)


async def test_over_the_minute_the_minute_is_named(gate):  # A3
    """The second call of a minute is refused for the minute, and told when it could pass."""
    assert await taken(gate, BROADCAST, 0) is None
    assert await taken(gate, BROADCAST, 20_500) == Exhausted(NAME, 60, 40)
    assert await taken(gate, BROADCAST, MINUTE) is None


async def test_over_the_day_the_day_is_named(gate):  # A3
    """The fifty-first call of a day is refused for the day."""
    for n in range(50):
        assert await taken(gate, BROADCAST, n * MINUTE) is None
    assert await taken(gate, BROADCAST, 50 * MINUTE) == Exhausted(NAME, 86400, 86400 - 3000)


async def test_a_refused_call_takes_nothing(gate):  # G1
    """All spans are taken together, or none is."""
    for n in range(100):
        await taken(gate, BROADCAST, n)
    for n in range(1, 50):
        assert await taken(gate, BROADCAST, n * MINUTE) is None


async def test_of_many_at_once_exactly_as_many_pass_as_fit(gate):  # G1
    """A hundred calls in one moment, a limit of seven."""
    quota = Quota.parse("7/second")
    outcomes = await asyncio.gather(*(taken(gate, quota, 5) for _ in range(100)))
    assert outcomes.count(None) == 7


async def test_a_call_given_back_is_not_counted(gate):
    """A call of which nothing came leaves its place to another."""
    await taken(gate, BROADCAST, 5)
    await gate.give_back("app", [Want(NAME, BROADCAST)], 5)
    assert await taken(gate, BROADCAST, 6) is None


async def test_what_was_taken_before_a_restart_counts(gate):  # G1
    """After a refill the day's fifty are spent."""
    await gate.refill([("app", NAME, n * MINUTE) for n in range(50)])
    assert await taken(gate, BROADCAST, 50 * MINUTE) == Exhausted(NAME, 86400, 86400 - 3000)
    assert await taken(gate, BROADCAST, 50 * MINUTE, app="other") is None


async def test_a_quota_may_change_at_run_time(gate):  # G1, S9
    """To unlimited and back, with what was taken meanwhile counted."""
    assert [await taken(gate, UNLIMITED, n) for n in range(5)] == [None] * 5
    assert await taken(gate, Quota.parse("5/minute"), 6) == Exhausted(NAME, 60, 60)


async def test_several_quotas_are_taken_together_or_not_at_all(gate):  # E3, G1
    """The first one that is full is named, and a call it refused takes nothing from the others."""
    calls = Want(QuotaName.ROOM_CALLS, Quota.parse("3/second"))
    messages = Want(QuotaName.ROOM_MESSAGES, Quota.parse("10/second"), 6)
    assert await gate.take("app", [calls, messages], 0) is None
    for _ in range(9):
        assert await gate.take("app", [calls, messages], 0) == Exhausted(QuotaName.ROOM_MESSAGES, 1, 1)
    assert await gate.take("app", [calls, messages._replace(amount=4)], 0) is None
    assert await gate.take("app", [calls], 0) is None
    assert await gate.take("app", [calls, messages], 0) == Exhausted(QuotaName.ROOM_CALLS, 1, 1)
    await gate.give_back("app", [calls, messages], 0)
    assert await gate.take("app", [calls, messages], 0) is None


async def test_more_than_ever_fits_is_refused_for_good(gate):  # G1
    """No wait is told where none would help."""
    wanted = Want(QuotaName.ROOM_MESSAGES, Quota.parse("5/second"), 6)
    assert await gate.take("app", [wanted], 0) == Exhausted(QuotaName.ROOM_MESSAGES, 1, None)


# --- repeats (N2) --------------------------------------------------------------------------------------------------

DROPPED, SENT_AGAIN = Once("m1", 600_000, drops=True), Once("m1", 600_000, drops=False)
UNLIMITED_CALL = [Want(NAME, UNLIMITED)]
ONE_A_MINUTE = [Want(NAME, Quota.parse("1/minute"))]


async def test_a_repeat_within_its_span_is_not_let_in(gate):
    """To the last millisecond; and it takes nothing from any quota."""
    assert await gate.take("app", UNLIMITED_CALL, 0, DROPPED) is None
    assert await gate.take("app", ONE_A_MINUTE, 599_999, DROPPED) is Repeated.REPEATED
    assert await gate.take("app", ONE_A_MINUTE, 599_999, Once("m2", 600_000, drops=True)) is None
    assert await gate.take("app", UNLIMITED_CALL, 600_000, DROPPED) is None


async def test_without_the_wish_to_drop_it_is_let_in_and_remembered(gate):
    assert [await gate.take("app", UNLIMITED_CALL, at_ms, SENT_AGAIN) for at_ms in (0, 1000)] == [None, None]
    assert await gate.take("app", UNLIMITED_CALL, 600_999, DROPPED) is Repeated.REPEATED
    assert await gate.take("other", UNLIMITED_CALL, 600_999, DROPPED) is None


async def test_a_call_that_a_quota_refuses_is_not_remembered(gate):
    """All of it is taken, or nothing is."""
    assert await gate.take("app", ONE_A_MINUTE, 0) is None
    assert isinstance(await gate.take("app", ONE_A_MINUTE, 1, DROPPED), Exhausted)
    assert await gate.take("app", UNLIMITED_CALL, 2, DROPPED) is None


async def test_a_call_of_which_nothing_came_is_not_remembered(gate):
    await gate.take("app", ONE_A_MINUTE, 0, DROPPED)
    await gate.give_back("app", ONE_A_MINUTE, 0, DROPPED)
    assert await gate.take("app", ONE_A_MINUTE, 1, DROPPED) is None


async def test_a_repeat_of_which_nothing_came_leaves_what_was_let_in_before(gate):
    await gate.take("app", UNLIMITED_CALL, 0, SENT_AGAIN)
    await gate.take("app", UNLIMITED_CALL, 1000, SENT_AGAIN)
    await gate.give_back("app", UNLIMITED_CALL, 1000, SENT_AGAIN)
    assert await gate.take("app", UNLIMITED_CALL, 599_999, DROPPED) is Repeated.REPEATED
    assert await gate.take("app", UNLIMITED_CALL, 600_000, DROPPED) is None


async def test_what_was_let_in_before_a_restart_is_remembered(gate):
    await gate.recall_ids("app", [("m1", 1000), ("m2", 2000)])
    answers = [await gate.take("app", UNLIMITED_CALL, at_ms, DROPPED) for at_ms in (600_999, 601_000)]
    assert answers == [Repeated.REPEATED, None]
