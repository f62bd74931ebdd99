from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.quota import REMEMBERED, Full, Turnstile
from laba.model.app import QuotaName
from laba.model.quota import UNLIMITED, Quota, Span

NAME = QuotaName.USERS_BROADCAST
BROADCAST = Quota.parse("1/minute,50/day")
MINUTE, DAY = 60_000, 86_400_000


@pytest.fixture
def turnstile():
    return Turnstile()


def passed(turnstile, quota, *times):
    return [turnstile.take("app", NAME, quota, now) is None for now in times]


def test_an_entry_blocks_until_exactly_one_length_later(turnstile):  # G1
    """An entry at t counts at t + length - 1 ms, and no more at t + length."""
    assert passed(turnstile, BROADCAST, 0, MINUTE - 1, MINUTE) == [True, False, True]


def test_the_second_call_within_a_minute_names_the_minute(turnstile):  # A3
    """Over the per-minute limit, the minute is the full span."""
    turnstile.take("app", NAME, BROADCAST, 1000)
    assert turnstile.take("app", NAME, BROADCAST, 1001) == Full(60, 60)


def test_the_fifty_first_call_of_a_day_names_the_day(turnstile):  # A3
    """Over the daily limit with the minute free, the day is the full span, until its first call leaves."""
    assert all(passed(turnstile, BROADCAST, *range(0, 50 * MINUTE, MINUTE)))
    assert turnstile.take("app", NAME, BROADCAST, 50 * MINUTE) == Full(86400, 86400 - 50 * 60)
    assert passed(turnstile, BROADCAST, DAY - 1, DAY) == [False, True]


def test_where_both_are_full_the_shortest_is_named_and_the_wait_is_for_all(turnstile):  # A3
    """The span is the shortest full one; the wait is until every span has room."""
    passed(turnstile, BROADCAST, *range(0, 50 * MINUTE, MINUTE))
    assert turnstile.take("app", NAME, BROADCAST, 49 * MINUTE + 1) == Full(60, 86400 - 49 * 60)


def test_a_refused_call_takes_nothing_from_any_span(turnstile):  # G1
    """A thousand calls refused by the minute leave the day as it was."""
    assert passed(turnstile, BROADCAST, 0, *[1] * 1000).count(True) == 1
    assert all(passed(turnstile, BROADCAST, *range(MINUTE, 50 * MINUTE, MINUTE)))


def test_the_wait_is_whole_seconds_and_at_least_one(turnstile):
    """A wait of a millisecond is told as one second."""
    turnstile.take("app", NAME, BROADCAST, 0)
    assert turnstile.take("app", NAME, BROADCAST, MINUTE - 1) == Full(60, 1)


def test_apps_and_quotas_do_not_share(turnstile):  # G1
    """One app's call, and one feature's, leaves the others' quotas alone."""
    turnstile.take("app", NAME, BROADCAST, 0)
    assert turnstile.take("other", NAME, BROADCAST, 0) is None
    assert turnstile.take("app", QuotaName.PUSH, BROADCAST, 0) is None


def test_a_changed_quota_counts_what_the_old_one_let_pass(turnstile):  # S9
    """Tightened, loosened or bounded for the first time, a quota knows the calls before the change."""
    assert all(passed(turnstile, UNLIMITED, *[0] * 30))
    assert passed(turnstile, Quota.parse("30/minute"), 1) == [False]
    assert passed(turnstile, Quota.parse("32/hour"), 1, 2, 3) == [True, True, False]
    assert passed(turnstile, UNLIMITED, 4) == [True]


def test_time_that_runs_backwards_opens_nothing(turnstile):  # G1
    """After the clock was set back, calls count at the latest moment seen, and the span holds no more than before."""
    quota = Quota.parse("2/minute")
    assert passed(turnstile, quota, 10 * MINUTE, 0, 1, 10 * MINUTE + 1) == [True, True, False, False]
    assert passed(turnstile, quota, 11 * MINUTE) == [True]


def test_a_call_given_back_leaves_room(turnstile):
    """One take is undone, and only one."""
    quota = Quota.parse("2/minute")
    passed(turnstile, quota, 5, 7)
    turnstile.give_back("app", NAME, 5)
    assert passed(turnstile, quota, 8, 8) == [True, False]
    assert passed(turnstile, quota, 7 + MINUTE) == [True]


def test_giving_back_what_was_never_taken_changes_nothing(turnstile):
    """There is nothing to uncount."""
    turnstile.give_back("app", NAME, 5)
    assert passed(turnstile, BROADCAST, 5, 6) == [True, False]


def test_a_refill_counts_like_the_calls_it_stands_for(turnstile):  # G1
    """Calls from before a restart, even those that come late and out of order, fill the spans."""
    turnstile.take("app", NAME, BROADCAST, 49 * MINUTE)
    turnstile.refill([("app", NAME, at) for at in reversed(range(0, 49 * MINUTE, MINUTE))])
    assert turnstile.take("app", NAME, BROADCAST, 51 * MINUTE) == Full(86400, 86400 - 51 * 60)
    assert passed(turnstile, BROADCAST, DAY) == [True]


@pytest.mark.parametrize("limit", [10, 2 * REMEMBERED])
def test_what_is_remembered_is_bounded_and_enough(turnstile, limit):
    """At most twice the larger of REMEMBERED and the limit is kept, and the limit holds however much has passed."""
    quota = Quota((Span(limit, 60),))
    turnstile.refill([("app", NAME, 0)] * 5 * REMEMBERED)
    assert all(passed(turnstile, quota, *[MINUTE] * limit))
    assert passed(turnstile, quota, MINUTE) == [False]
    assert len(turnstile._entries["app", NAME]) <= 2 * max(limit, REMEMBERED)


@given(
    spans=st.lists(st.builds(Span, st.integers(1, 6), st.integers(1, 20)), min_size=1, max_size=3),
    steps=st.lists(st.integers(-3000, 9000), min_size=1, max_size=120),
)
def test_no_stretch_ever_holds_more(spans, steps):  # G1
    """Whatever the spans and the clock do, no stretch of a span's length holds more than its limit, and no call that
    would have fitted is refused."""
    turnstile, quota, taken, now = Turnstile(), Quota(tuple(spans)), [], 0
    for step in steps:
        now = max(now + step, 0)
        at = max(now, *taken[-1:], 0)
        fits = all(len(taken) - bisect_left(taken, now - span.seconds * 1000 + 1) < span.limit for span in spans)
        full = turnstile.take("app", NAME, quota, now)
        assert (full is None) == fits
        taken += [] if full else [at]
    for span in spans:
        for start in taken:
            assert sum(start <= at < start + span.seconds * 1000 for at in taken) <= span.limit


@given(
    spans=st.lists(st.builds(Span, st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=3),
    steps=st.lists(st.integers(0, 3000), min_size=1, max_size=40),
)
def test_the_wait_told_is_enough(spans, steps):
    """A call refused at t passes after the wait it was told."""
    turnstile, quota, now = Turnstile(), Quota(tuple(spans)), 0
    for step in steps:
        now += step
        if full := turnstile.take("app", NAME, quota, now):
            now += full.retry_after_seconds * 1000
            assert turnstile.take("app", NAME, quota, now) is None
