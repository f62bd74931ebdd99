from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.tally import SHARES, Tally

ACCEPTED_MS = 1_000


def tally(audience):
    return Tally(ACCEPTED_MS, audience)


def test_a_tally_begins_with_everybody_under_way():
    """Nobody reached, nobody lost."""  # X2
    fresh = tally(5)
    assert (fresh.pending, fresh.reached, fresh.confirmed, fresh.lost) == (5, 0, 0, Counter())
    assert fresh.reached_after_ms == {}


def test_the_time_of_a_share_is_when_it_was_reached():
    """Of a thousand: at the 500th, the 990th and the last; what comes later does not move it."""  # X2
    counted = tally(1_000)
    for sessions, after_ms in ((499, 1), (1, 2), (489, 3), (1, 4), (9, 5), (1, 6)):
        counted.hand(sessions, ACCEPTED_MS + after_ms)
    assert counted.reached_after_ms == {500: 2, 990: 4, 1000: 6}
    assert counted.pending == 0


@pytest.mark.parametrize(
    ("audience", "reached"), [(1, (1, 1, 1)), (2, (1, 2, 2)), (3, (2, 3, 3)), (101, (51, 100, 101))]
)
def test_a_share_of_a_small_audience_is_rounded_up(audience, reached):
    """Half of three is reached with the second."""  # X2
    counted = tally(audience)
    for number in range(1, audience + 1):
        counted.hand(1, ACCEPTED_MS + number)
    assert tuple(counted.reached_after_ms[share] for share in SHARES) == reached


def test_a_share_is_not_reached_by_those_who_were_lost():
    """Who lost it has no time."""  # X2
    counted = tally(4)
    counted.hand(2, ACCEPTED_MS + 1)
    counted.lose(1, "slow")
    counted.lose(1, "closed")
    assert counted.reached_after_ms == {500: 1}
    assert (counted.pending, counted.lost) == (0, Counter(slow=1, closed=1))


def test_the_same_reason_adds_up():
    """One count for each."""  # X2
    counted = tally(9)
    counted.lose(2, "slow")
    counted.lose(3, "slow")
    assert counted.lost == Counter(slow=5)


def test_a_clock_that_was_set_back_gives_no_negative_time():
    """It was reached at once, as far as anybody can tell."""  # X2
    counted = tally(1)
    counted.hand(1, ACCEPTED_MS - 5)
    assert counted.reached_after_ms == {500: 0, 990: 0, 1000: 0}


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=20))
def test_everybody_is_reached_lost_or_under_way(steps):
    """In whatever order and portions; times ascend with the shares."""  # X2
    counted = tally(sum(sessions for _, sessions in steps) + 1)
    for now_ms, (reached, sessions) in enumerate(steps, start=ACCEPTED_MS):
        if reached:
            counted.hand(sessions, now_ms)
        else:
            counted.lose(sessions, "closed")
    assert counted.reached + counted.lost.total() + 1 == counted.audience
    assert counted.pending == 1
    assert 1000 not in counted.reached_after_ms
    times = [counted.reached_after_ms[share] for share in SHARES if share in counted.reached_after_ms]
    assert times == sorted(times)
