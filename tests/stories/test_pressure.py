"""A room at twice its budget for ten seconds, told with a clock that is an argument: nothing here waits.

Each story is a mix of levels, an order in which it comes, and a size of room; flushes come as the lane's linger says.
"""

from collections import Counter

import pytest

from laba.core.lanes import FIRST_TO_LAST, LAST_TO_FIRST, Budget, Lane, LaneBounds
from laba.core.pressure import Load, LoadBounds, pressure
from laba.model.dispatch import Level

HIGH, NORMAL, LOW = FIRST_TO_LAST
BUDGET = Budget(per_span=40, reserved=20, span_ms=200)
SPANS = 50
STORY_MS = SPANS * BUDGET.span_ms

IDLE = Load(lag_ms=1, backlog_ms=20, flush_ms=15)
PRESSED = Load(lag_ms=30, backlog_ms=750, flush_ms=100)

# How many high, normal and low come in a span: twice the budget, at most a quarter of it high.
MIXES = {
    "a quarter high, normal fits": (20, 20, 40),
    "hardly any high": (2, 30, 48),
    "normal alone is too much": (10, 50, 20),
    "nobody asks for low": (20, 60, 0),
    "nobody asks for normal": (20, 0, 60),
    "nobody asks for high": (0, 40, 40),
}


def _levels(mix):
    return zip(FIRST_TO_LAST, mix, strict=True)


def _arrivals(mix, every_ms, at_ms):
    """Let `mix` come again and again; `at_ms` tells when, from the place a message has among its level's."""
    return sorted(
        (
            (begin_ms + at_ms(level, place / count), level)
            for begin_ms in range(0, STORY_MS, every_ms)
            for level, count in _levels(mix)
            for place in range(count)
        ),
        key=lambda arrival: (arrival[0], LAST_TO_FIRST.index(arrival[1])),
    )


def evenly(mix):
    """Each level spread over its span."""
    return _arrivals(mix, 200, lambda _, place: 200 * place)


def together(mix):
    """All of a span in its first millisecond, low first."""
    return _arrivals(mix, 200, lambda _, place: 0)


def low_takes_the_place(mix):
    """Low at the beginning of each span, normal when it is half over, high in its last millisecond."""
    return _arrivals(mix, 200, lambda level, _: {LOW: 0, NORMAL: 100, HIGH: 199}[level])


def in_waves(mix):
    """What a second brings comes at once, low first."""
    return _arrivals([count * 5 for count in mix], 1000, lambda _, place: 0)


ORDERS = [evenly, together, low_takes_the_place, in_waves]
mixes = pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
orders = pytest.mark.parametrize("order", ORDERS)
# What writing one batch to all members takes: a room of thirty, of two thousand, of ten thousand.
rooms = pytest.mark.parametrize("cost_ms", [0.2, 13, 66])


class Story:
    """What came to a room, what it delivered, and what it shed; checked against each other at every flush."""

    def __init__(self, arrivals, load, cost_ms):
        self.came, self.delivered, self.shed = Counter(), Counter(), Counter()
        self.order = {level: [] for level in FIRST_TO_LAST}
        self._lane = Lane(BUDGET, LaneBounds())
        self._pressure = pressure(load, LoadBounds())
        arrivals = iter(arrivals)
        coming = next(arrivals, None)
        for now_ms in range(STORY_MS + 2000):
            while coming is not None and coming[0] <= now_ms:
                self._put(coming[1], now_ms)
                coming = next(arrivals, None)
            if self._lane.due_ms(cost_ms, busy=0.5) <= now_ms:
                self._flush(now_ms)
        assert not self._lane

    def _put(self, level, now_ms):
        self.came[level] += 1
        self._count(self._lane.put(self.came[level], level, 200, now_ms))

    def _flush(self, now_ms):
        taken = self._lane.take(now_ms, self._pressure, cap=False)
        for level, items in taken.levels:
            self.delivered[level] += len(items)
            self.order[level] += items
        self._count(taken.shed)
        assert not (taken.low and any(shed.level is NORMAL for shed in taken.shed))
        assert self.came.total() == self.delivered.total() + self.shed.total() + len(self._lane)

    def _count(self, shed):
        self.shed.update(each.level for each in shed)


@mixes
@orders
@rooms
def test_under_pressure_all_of_high_is_delivered_and_low_is_dropped_before_normal(mix, order, cost_ms):  # E4 G3
    """At twice the budget: every high arrives, the others in order of their level, and the figures add up."""
    story = Story(order(mix), PRESSED, cost_ms)
    assert story.came == Counter({level: count * SPANS for level, count in _levels(mix) if count})
    assert story.delivered[HIGH] == story.came[HIGH]
    assert _share(story, NORMAL) >= _share(story, LOW)
    assert all(story.came[level] == story.delivered[level] + story.shed[level] for level in Level)
    assert all(items == sorted(items) for items in story.order.values())


@mixes
@orders
@rooms
def test_under_pressure_the_budget_is_kept_and_used(mix, order, cost_ms):  # E4
    """What goes out in ten seconds is the budget of ten seconds, and what the lane could hold at the beginning.

    Nine tenths of it are used; where all comes in waves, those who come late in one are gone before their turn.
    """
    story = Story(order(mix), PRESSED, cost_ms)
    whole = BUDGET.per_span * SPANS
    assert story.delivered.total() <= whole + 2 * BUDGET.per_span
    assert story.delivered.total() >= whole * (0.3 if order is in_waves else 0.9)


@pytest.mark.parametrize("order", [evenly, together, low_takes_the_place])
@rooms
def test_where_high_and_normal_fit_only_low_is_dropped(order, cost_ms):  # E4
    """Whoever came first in the span."""
    story = Story(order(MIXES["a quarter high, normal fits"]), PRESSED, cost_ms)
    assert (story.shed[HIGH], story.shed[NORMAL]) == (0, 0)
    assert story.shed[LOW] >= 0.9 * story.came[LOW]


@mixes
@orders
@rooms
def test_without_pressure_nothing_is_dropped(mix, order, cost_ms):  # E4 G3
    """The same ten seconds on an idle node: everything goes out, each level in its order."""
    story = Story(order(mix), IDLE, cost_ms)
    assert story.delivered == story.came
    assert all(items == sorted(items) for items in story.order.values())


def _share(story, level):
    """Tell which share of a level arrived; where none came, what proves nothing."""
    if not story.came[level]:
        return 1.0 if level is NORMAL else 0.0
    return story.delivered[level] / story.came[level]
