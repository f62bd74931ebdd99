import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.wheel import TimerWheel


class Deadline:
    def __init__(self):
        self.slot = -1

    def due(self, now):
        raise NotImplementedError


def fired_after(wheel, item, start, phase, most):
    """Turn the wheel every second, `phase` behind the full one, and tell at what time the item came."""
    for tick in range(1, most):
        now = start + tick + phase
        if item in wheel.advance(now):
            return now
    raise AssertionError("never fired")


@given(
    seconds=st.floats(0, 30),
    phase=st.floats(0, 0.999),
    within=st.floats(0, 0.999),
    start=st.integers(0, 1_000_000),
)
def test_a_deadline_fires_never_early_and_at_most_two_ticks_late(seconds, phase, within, start):
    """Wherever in a second the wheel turns, and wherever between two turns the deadline is set."""
    wheel = TimerWheel(30, start + phase)
    item = Deadline()
    set_at = start + phase + within
    wheel.arm(item, seconds)
    fired = fired_after(wheel, item, start, phase, 40)
    assert -1e-6 <= fired - set_at - seconds <= 2 + 1e-6


def test_a_deadline_beyond_the_span_fires_at_its_end():
    """The wheel knows no later time."""
    wheel = TimerWheel(10, 0.0)
    item = Deadline()
    wheel.arm(item, 3_600)
    assert fired_after(wheel, item, 0, 0.0, 20) == 11


def test_a_deadline_that_has_passed_fires_at_the_next_turn():
    """A negative time is none."""
    wheel = TimerWheel(10, 0.0)
    item = Deadline()
    wheel.arm(item, -5)
    assert list(wheel.advance(1.0)) == [item]


def test_a_new_deadline_takes_the_place_of_the_old_one():
    """One deadline per item: it fires once, at the later time."""
    wheel = TimerWheel(10, 0.0)
    item = Deadline()
    wheel.arm(item, 1)
    wheel.arm(item, 5)
    assert fired_after(wheel, item, 0, 0.0, 10) == 6
    assert list(wheel.advance(100.0)) == []


@pytest.mark.parametrize("start", range(12))
def test_a_disarmed_item_does_not_fire(start):
    """Whatever slot it was in; disarming twice, or what was never armed, does nothing."""
    wheel = TimerWheel(10, start)
    item = Deadline()
    wheel.disarm(item)
    wheel.arm(item, 1)
    wheel.disarm(item)
    wheel.disarm(item)
    assert item.slot == -1
    assert list(wheel.advance(100.0)) == []


def test_what_is_given_is_disarmed():
    """Its slot says so, and it can be armed again at once."""
    wheel = TimerWheel(10, 0.0)
    item = Deadline()
    wheel.arm(item, 1)
    assert [given.slot for given in wheel.advance(2.0)] == [-1]
    wheel.arm(item, 1)
    assert fired_after(wheel, item, 2, 0.0, 10) == 4


def test_what_is_armed_anew_or_disarmed_before_its_turn_is_not_given():
    """The due are handled in slices, and a connection may end or be answered in between."""
    wheel = TimerWheel(10, 0.0)
    items = [Deadline() for _ in range(3)]
    for item in items:
        wheel.arm(item, 1)
    due = wheel.advance(2.0)
    first = next(due)
    ended, answered = (item for item in items if item is not first)
    wheel.disarm(ended)
    wheel.arm(answered, 5)
    assert list(due) == []
    assert fired_after(wheel, answered, 2, 0.0, 10) == 8


def test_what_re_arms_itself_for_the_longest_time_is_given_once_per_turn():
    """Even where one turn takes several seconds at once."""
    wheel = TimerWheel(3, 0.0)
    items = [Deadline() for _ in range(4)]
    for seconds, item in enumerate(items):
        wheel.arm(item, seconds)
    given = []
    for item in wheel.advance(100.0):
        given.append(item)
        wheel.arm(item, 3)
    assert sorted(map(id, given)) == sorted(map(id, items))


def test_what_was_not_taken_comes_with_the_next_turn():
    """A turn that was given up in the middle loses nobody."""
    wheel = TimerWheel(10, 0.0)
    items = [Deadline(), Deadline()]
    for item in items:
        wheel.arm(item, 1)
    first = next(wheel.advance(2.0))
    assert {first, *wheel.advance(2.5)} == set(items)


def test_a_clock_that_goes_back_fires_nothing_and_loses_nothing():
    """Time that was turned through is not turned through again."""
    wheel = TimerWheel(10, 100.0)
    item = Deadline()
    wheel.arm(item, 3)
    assert list(wheel.advance(50.0)) == []
    assert wheel.now == 100.0
    assert fired_after(wheel, item, 100, 0.0, 10) == 104


def test_a_clock_that_leaps_ahead_fires_everything_once():
    """However far: the wheel turns once round at most."""
    wheel = TimerWheel(10, 0.0)
    items = [Deadline() for _ in range(10)]
    for seconds, item in enumerate(items):
        wheel.arm(item, seconds)
    assert sorted(map(id, wheel.advance(1e9))) == sorted(map(id, items))
    assert list(wheel.advance(1e9 + 100)) == []


def test_nothing_is_due_before_a_second_has_passed():
    """Turning twice in one second does nothing the second time."""
    wheel = TimerWheel(10, 5.9)
    item = Deadline()
    wheel.arm(item, 0)
    assert list(wheel.advance(5.95)) == []
    assert list(wheel.advance(6.0)) == [item]
