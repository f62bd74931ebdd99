from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.quota import REMEMBERED, Full, Turnstile
from laba.model.app import QuotaName, Want
from laba.model.quota import UNLIMITED, Quota, Span

NAME = QuotaName.USERS_BROADCAST
BROADCAST = Quota.parse("1/minute,50/day")
MINUTE, DAY = 60_000, 86_400_000


@pytest.fixture
def turnstile():
    return Turnstile()


def take(turnstile, quota, now_ms, app="app", name=NAME):
    return turnstile.take(app, [Want(name, quota)], now_ms)


def passed(turnstile, quota, *times):
    return [take(turnstile, quota, now) is None for now in times]


def test_an_entry_blocks_until_exactly_one_length_later(turnstile):  # G1
    """An entry at t counts at t + length - 1 ms, and no more at t + length."""
    assert passed(turnstile, BROADCAST, 0, MINUTE - 1, MINUTE) == [True, False, True]


def test_the_second_call_within_a_minute_names_the_minute(turnstile):  # A3
    """Over the per-minute limit, the minute is the full span."""
    take(turnstile, BROADCAST, 1000)
    assert take(turnstile, BROADCAST, 1001) == Full(NAME, 60, 60)


def test_the_fifty_first_call_of_a_day_names_the_day(turnstile):  # A3
    """Over the daily limit with the minute free, the day is the full span, until its first call leaves."""
    assert all(passed(turnstile, BROADCAST, *range(0, 50 * MINUTE, MINUTE)))
    assert take(turnstile, BROADCAST, 50 * MINUTE) == Full(NAME, 86400, 86400 - 50 * 60)
    assert passed(turnstile, BROADCAST, DAY - 1, DAY) == [False, True]


def test_where_both_are_full_the_shortest_is_named_and_the_wait_is_for_all(turnstile):  # A3
    """The span is the shortest full one; the wait is until every span has room."""
    passed(turnstile, BROADCAST, *range(0, 50 * MINUTE, MINUTE))
    assert take(turnstile, BROADCAST, 49 * MINUTE + 1) == Full(NAME, 60, 86400 - 49 * 60)


def test_a_refused_call_takes_nothing_from_any_span(turnstile):  # G1
    """A thousand calls refused by the minute leave the day as it was."""
    assert passed(turnstile, BROADCAST, 0, *[1] * 1000).count(True) == 1
    assert all(passed(turnstile, BROADCAST, *range(MINUTE, 50 * MINUTE, MINUTE)))


def test_the_wait_is_whole_seconds_and_at_least_one(turnstile):
    """A wait of a millisecond is told as one second."""
    take(turnstile, BROADCAST, 0)
    assert take(turnstile, BROADCAST, MINUTE - 1) == Full(NAME, 60, 1)


def test_apps_and_quotas_do_not_share(turnstile):  # G1
    """One app's call, and one feature's, leaves the others' quotas alone."""
    take(turnstile, BROADCAST, 0)
    assert take(turnstile, BROADCAST, 0, app="other") is None
    assert take(turnstile, BROADCAST, 0, name=QuotaName.PUSH) is None


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
    turnstile.give_back("app", [Want(NAME, BROADCAST)], 5)
    assert passed(turnstile, quota, 8, 8) == [True, False]
    assert passed(turnstile, quota, 7 + MINUTE) == [True]


def test_giving_back_what_was_never_taken_changes_nothing(turnstile):
    """There is nothing to uncount."""
    turnstile.give_back("app", [Want(NAME, BROADCAST)], 5)
    assert passed(turnstile, BROADCAST, 5, 6) == [True, False]


def test_a_refill_counts_like_the_calls_it_stands_for(turnstile):  # G1
    """Calls from before a restart, even those that come late and out of order, fill the spans."""
    take(turnstile, BROADCAST, 49 * MINUTE)
    turnstile.refill([("app", NAME, at) for at in reversed(range(0, 49 * MINUTE, MINUTE))])
    assert take(turnstile, BROADCAST, 51 * MINUTE) == Full(NAME, 86400, 86400 - 51 * 60)
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
        full = take(turnstile, quota, now)
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
        if full := take(turnstile, quota, now):
            now += full.retry_after_seconds * 1000
            assert take(turnstile, quota, now) is None


# --- several quotas, and more than one of each ---------------------------------------------------------------------

CALLS, MESSAGES = QuotaName.ROOM_CALLS, QuotaName.ROOM_MESSAGES


def room_call(rooms, calls="20/second", messages="100/second"):
    return [Want(CALLS, Quota.parse(calls)), Want(MESSAGES, Quota.parse(messages), rooms)]


def test_ten_calls_to_ten_rooms_are_a_hundred_messages(turnstile):  # E3
    """The eleventh is over the messages, and one room more would be, too."""
    assert [turnstile.take("app", room_call(10), 0) for _ in range(10)] == [None] * 10
    assert turnstile.take("app", room_call(10), 0) == Full(MESSAGES, 1, 1)
    assert turnstile.take("app", room_call(1), 999) == Full(MESSAGES, 1, 1)
    assert turnstile.take("app", room_call(10), 1000) is None


def test_twenty_calls_to_one_room_are_all_calls_there_are(turnstile):  # E3
    """The twenty-first is over the calls, while the messages have room."""
    assert [turnstile.take("app", room_call(1), 0) for _ in range(20)] == [None] * 20
    assert turnstile.take("app", room_call(1), 0) == Full(CALLS, 1, 1)


def test_where_both_are_full_the_first_that_was_asked_for_is_named(turnstile):  # E3
    """Twenty calls of five rooms each fill both in the same moment; the wait is for both."""
    wanted = room_call(5, messages="100/minute")
    assert [turnstile.take("app", wanted, 0) for _ in range(20)] == [None] * 20
    assert turnstile.take("app", wanted, 0) == Full(CALLS, 1, 60)


def test_a_call_that_one_quota_refuses_takes_nothing_from_the_other(turnstile):  # G1
    """A hundred calls over the messages leave the calls as they were, as many as they were."""
    turnstile.take("app", room_call(96), 0)
    assert {turnstile.take("app", room_call(5), 0).name for _ in range(100)} == {MESSAGES}
    assert turnstile.take("app", room_call(4), 0) is None
    assert take(turnstile, Quota.parse("2/second"), 0, name=CALLS) == Full(CALLS, 1, 1)
    assert take(turnstile, Quota.parse("3/second"), 0, name=CALLS) is None


def test_what_a_span_never_has_room_for_is_refused_without_a_time(turnstile):  # G1
    """Waiting does not help who wants more at once than there may be."""
    assert turnstile.take("app", room_call(6, messages="5/second"), 0) == Full(MESSAGES, 1, None)
    assert turnstile.take("app", room_call(5, messages="5/second"), 0) is None


def test_a_call_given_back_leaves_all_of_its_room(turnstile):  # G1
    """In every quota, and as much as it took."""
    turnstile.take("app", room_call(90), 5)
    turnstile.take("app", room_call(10), 6)
    turnstile.give_back("app", room_call(90), 5)
    assert turnstile.take("app", room_call(91), 7) == Full(MESSAGES, 1, 1)
    assert turnstile.take("app", room_call(90), 7) is None


@given(
    limits=st.tuples(st.integers(1, 6), st.integers(1, 12)),
    steps=st.lists(st.tuples(st.integers(-500, 1500), st.integers(1, 5)), min_size=1, max_size=120),
)
def test_no_stretch_ever_holds_more_of_either(limits, steps):  # G1, E3
    """Calls and messages are counted together or not at all, whatever the clock does; none that fits is refused."""
    turnstile, now = Turnstile(), 0
    calls, messages = (Quota((Span(limit, 1),)) for limit in limits)
    taken = []
    for step, rooms in steps:
        now = max(now + step, 0)
        running = [amount for at, amount in taken if at > now - 1000]
        fits = len(running) < limits[0] and sum(running) + rooms <= limits[1]
        full = turnstile.take("app", [Want(CALLS, calls), Want(MESSAGES, messages, rooms)], now)
        assert (full is None) == fits
        if full is None:
            taken.append((max(now, *(at for at, _ in taken), 0), rooms))
        elif len(running) >= limits[0]:
            assert full.name is CALLS
    for start, _ in taken:
        within = [amount for at, amount in taken if start <= at < start + 1000]
        assert len(within) <= limits[0]
        assert sum(within) <= limits[1]
