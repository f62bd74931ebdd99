import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.linger import FULL_BYTES, due_ms

NEVER = -math.inf
IDLE = 0.0


def due(first=1000.0, high=None, last=1000.0, size=100, cost=5.0, busy=IDLE):
    return due_ms(first, high, last, size, cost, busy)


def test_a_lane_that_was_quiet_is_due_at_once():
    """The first message after a while waits for nobody, however large the room and however busy the process."""
    assert due(first=1000, last=NEVER, cost=60, busy=1.0) == 1000
    assert due(first=1000, last=899, cost=60, busy=1.0) == 1000


def test_a_flush_waits_four_times_what_a_batch_costs():
    """So that about a quarter of the time goes into this lane."""
    assert due(first=1001, last=1000, cost=5) == 1020
    assert due(first=1001, last=1000, cost=12) == 1048


def test_nobody_waits_longer_than_a_tenth_of_a_second():
    """Half of that where something high is queued."""
    assert due(first=1001, last=1000, cost=60) == 1100
    assert due(first=1001, high=1001, last=1000, cost=60) == 1050


def test_a_small_room_waits_for_nothing_while_the_process_is_idle():
    """A hundred members cost less than a millisecond."""
    assert due(first=1000.1, last=1000, cost=0.2) == 1000.1


@pytest.mark.parametrize(("busy", "linger_ms"), [(0.6, 20), (0.8, 60), (1.0, 100), (3.0, 100)])
def test_a_busy_process_lets_every_lane_wait_longer(busy, linger_ms):
    """From three fifths of its time on, up to the longest wait when it writes all the time."""
    assert due(first=1001, last=1000, cost=5, busy=busy) == pytest.approx(1000 + linger_ms)


def test_a_small_room_merges_too_when_the_process_is_busy():
    assert due(first=1001, last=1000, cost=0.1, busy=1.0) == pytest.approx(1100)


def test_something_high_hurries_the_lane_on():
    """A hurried flush comes after three times the cost, at least 20 and at most 50 ms behind the last one."""
    busy = {"first": 1001, "high": 1002, "last": 1000, "busy": 1.0}
    assert due(**busy, cost=1) == pytest.approx(1020)
    assert due(**busy, cost=10) == pytest.approx(1030)
    assert due(**busy, cost=40) == pytest.approx(1050)


def test_a_hurry_never_makes_a_lane_later():
    """A lane whose own linger is shorter than 20 ms keeps it."""
    assert due(first=1001, high=1001, last=1000, cost=2) == 1008


def test_something_high_that_came_late_goes_at_once():
    assert due(first=1001, high=1045, last=1000, cost=10, busy=1.0) == 1045


def test_a_full_write_waits_only_for_the_one_before_it():
    """Merging more gains nothing; but before the last batch is written, nothing is gained by the next either."""
    assert due(first=1001, last=1000, cost=30, size=FULL_BYTES - 1) == 1100
    assert due(first=1001, last=1000, cost=30, size=FULL_BYTES) == 1030


facts = {
    "first": st.floats(0, 10_000),
    "last": st.one_of(st.just(NEVER), st.floats(0, 10_000)),
    "size": st.integers(0, 1 << 20),
    "cost": st.floats(0, 200),
    "busy": st.floats(0, 1),
}


@given(**facts)
def test_a_lane_is_due_soon_after_its_first_and_never_before_it(first, last, size, cost, busy):
    """At most 100 ms after a flush, 50 with something high; a high one never makes it later."""
    plain = due(first, None, last, size, cost, busy)
    high = due(first, first, last, size, cost, busy)
    assert first <= high <= plain <= max(first, last + 100)
    assert high <= max(first, last + 50)


@given(**facts, more=st.floats(0, 50))
def test_more_cost_or_more_work_never_shortens_the_wait(first, last, size, cost, busy, more):
    now = due(first, first, last, size, cost, busy)
    assert due(first, first, last, size, cost + more, busy) >= now
    assert due(first, first, last, size, cost, min(1, busy + more / 50)) >= now - 1e-9
