import math
from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.lanes import FIRST_TO_LAST, Budget, Lane, LaneBounds, Reason

HIGH, NORMAL, LOW = FIRST_TO_LAST
SPAN_MS = 200
CALM, PRESSED = 0.0, 1.0
LETTERS = {"h": HIGH, "n": NORMAL, "l": LOW}


def lane(bounds=None, **budget):
    return Lane(Budget(**budget), bounds or LaneBounds())


def put(lane, names, now_ms=0.0, size=1):
    """Put one message for each name; its first letter tells its level. Gives the names of what was shed."""
    return [shed.item for name in names for shed in lane.put(name, LETTERS[name[0]], size, now_ms)]


def many(level, count, start=0):
    return [f"{level}{number}" for number in range(start, start + count)]


def taken(lane, now_ms=0.0, pressure=PRESSED, *, cap=False):
    """Take, and tell how many of each level went out, and how many of each were shed."""
    out = lane.take(now_ms, pressure, cap)
    shed = Counter(each.level for each in out.shed)
    return (len(out.high), len(out.normal), len(out.low)), tuple(shed[level] for level in FIRST_TO_LAST)


def sent(*counts):
    return counts, (0, 0, 0)


# --- without pressure -----------------------------------------------------------------------------------------------


def test_what_is_queued_goes_out_high_first_and_in_the_order_it_came():  # E4 G3
    """Within a level the order of acceptance is the order of delivery."""
    queue = lane()
    put(queue, ["n1", "l1", "h1", "n2", "h2", "l2"])
    out = queue.take(0, CALM, cap=False)
    assert [*out.levels] == [(HIGH, ["h1", "h2"]), (NORMAL, ["n1", "n2"]), (LOW, ["l1", "l2"])]
    assert (len(out), len(queue), queue.queued_bytes) == (6, 0, 0)


def test_a_level_of_which_nothing_goes_out_is_not_named():
    """A batch has a frame for each level that is in it, no empty ones."""
    queue = lane()
    put(queue, ["l1"])
    assert [*queue.take(0, CALM, cap=False).levels] == [(LOW, ["l1"])]
    assert [*queue.take(0, CALM, cap=False).levels] == []


def test_budgets_do_not_bind_without_pressure():  # E4
    """Ten times the budget of low alone goes out, and nothing is shed however old it is."""
    queue = lane()
    put(queue, many("l", 400))
    assert taken(queue, now_ms=10_000, pressure=0.99) == sent(0, 0, 400)


# --- under pressure -------------------------------------------------------------------------------------------------


def test_under_pressure_a_span_s_budget_goes_out_high_first():  # E4
    """Twice the budget at once: all of high, then normal as far as the common part goes."""
    queue = lane()
    put(queue, many("l", 40) + many("n", 30) + many("h", 20))
    assert taken(queue) == sent(20, 20, 0)


def test_the_reserve_is_not_for_the_others():  # E4
    """What nobody high has claimed yet stays there for who comes in a moment."""
    queue = lane()
    put(queue, many("n", 80))
    assert taken(queue) == sent(0, 20, 0)
    put(queue, many("h", 20))
    assert taken(queue, 1) == sent(20, 0, 0)


def test_an_unused_reserve_is_lent_to_normal_then_low():
    """Over a span in which nothing high came, the others get all forty; low what normal leaves."""
    queue = lane()
    put(queue, many("n", 20))
    assert taken(queue) == sent(0, 20, 0)
    put(queue, many("n", 5) + many("l", 30), 100)
    assert taken(queue, 100) == sent(0, 5, 15)
    assert taken(queue, SPAN_MS) == sent(0, 0, 15)


def test_what_high_uses_of_its_reserve_is_not_lent():
    """Twenty high in a span leave the others their twenty."""
    queue = lane()
    put(queue, many("h", 20) + many("n", 20))
    assert taken(queue) == sent(20, 20, 0)
    put(queue, many("n", 40), 100)
    assert taken(queue, 100) == sent(0, 10, 0)
    assert taken(queue, SPAN_MS) == sent(0, 10, 0)


def test_high_may_use_the_common_part():  # E4
    """Nobody else goes while something high waits."""
    queue = lane()
    put(queue, many("n", 30) + many("h", 60))
    assert taken(queue) == sent(40, 0, 0)
    assert taken(queue, SPAN_MS) == sent(20, 20, 0)


def test_low_waits_behind_normal():  # E4
    """Not one low goes out while a normal is left waiting."""
    queue = lane()
    put(queue, many("l", 5) + many("n", 21))
    assert taken(queue) == sent(0, 20, 0)
    assert taken(queue, 20) == sent(0, 1, 3)


def test_what_does_not_fit_waits_for_one_span_and_is_shed():  # E4
    """At the end of its wait it may still go; after it, it is shed, low before normal."""
    queue = lane()
    put(queue, many("n", 100) + many("l", 2))
    assert taken(queue) == sent(0, 20, 0)
    assert taken(queue, SPAN_MS) == sent(0, 20, 0)
    out = queue.take(SPAN_MS + 1, PRESSED, cap=False)
    assert [shed.item for shed in out.shed] == [*many("l", 2), *many("n", 60, start=40)]
    assert {shed.reason for shed in out.shed} == {Reason.PRESSURE}
    assert len(queue) == 0


def test_high_waits_longer_than_the_others():  # E4
    """What matters is worth being late; it has an end, too."""
    queue = lane(LaneBounds(wait_ms=200, high_wait_ms=1000))
    put(queue, many("h", 300))
    assert taken(queue) == sent(40, 0, 0)
    assert taken(queue, 1000) == sent(120, 0, 0)
    assert taken(queue, 1001) == ((0, 0, 0), (140, 0, 0))


def test_the_order_holds_through_waiting():  # G3
    """What waited goes before what came later."""
    queue = lane()
    put(queue, many("n", 25))
    first = queue.take(0, PRESSED, cap=False)
    put(queue, many("n", 5, start=25), 100)
    second = queue.take(100, PRESSED, cap=False)
    assert [*first.normal, *second.normal] == many("n", 30)


@pytest.mark.parametrize(
    ("pressure", "expected"),
    [
        (1.0, (5, 10, 10)),
        (1.99, (5, 10, 10)),
        (2.0, (5, 10, 0)),
        (3.0, (5, 10, 0)),
        (4.0, (5, 0, 0)),
        (9.0, (5, 0, 0)),
    ],
)
def test_budgets_shrink_from_below_as_pressure_grows(pressure, expected):  # E4
    """From 2 on low gets nothing, from 4 on normal nothing."""
    queue = lane()
    put(queue, many("h", 5) + many("n", 10) + many("l", 10))
    assert taken(queue, pressure=pressure) == sent(*expected)


def test_from_pressure_three_on_normal_has_half_its_share():
    """At once and over time."""
    queue = lane()
    put(queue, many("n", 80))
    assert taken(queue, pressure=3.0) == sent(0, 10, 0)
    assert taken(queue, SPAN_MS, pressure=3.0) == sent(0, 10, 0)


def test_whatever_the_pressure_high_has_its_budget():  # E4
    queue = lane()
    put(queue, many("h", 40))
    assert taken(queue, pressure=100.0) == sent(40, 0, 0)


def test_pressure_in_the_middle_of_a_span_counts_what_went_before():
    """A lane that has sent its budget in peace sends no second one, but what ran in since; the reserve is there."""
    queue = lane()
    put(queue, many("n", 500))
    assert taken(queue, pressure=CALM) == sent(0, 500, 0)
    put(queue, many("n", 30) + many("h", 20), 50)
    assert taken(queue, 50) == sent(20, 10, 0)


def test_a_hard_cap_binds_without_pressure():
    """The app's own bound."""
    queue = lane()
    put(queue, many("l", 30))
    assert taken(queue, pressure=CALM, cap=True) == sent(0, 0, 20)
    assert taken(queue, SPAN_MS * 5, pressure=CALM, cap=True) == sent(0, 0, 10)


def test_what_is_shed_by_the_cap_says_so():
    """It is not blamed on load."""
    queue = lane(LaneBounds(wait_ms=0), per_span=2, reserved=0)
    put(queue, many("n", 3))
    queue.take(0, CALM, cap=True)
    assert [(shed.item, shed.reason) for shed in queue.take(1, CALM, cap=True).shed] == [("n2", Reason.CAP)]


def test_a_budget_reserved_whole_is_lent_all_the_same():
    """Otherwise nobody but high could ever speak."""
    queue = lane(LaneBounds(wait_ms=1000), reserved=40)
    put(queue, many("n", 100))
    assert taken(queue) == sent(0, 20, 0)
    assert taken(queue, 100) == sent(0, 20, 0)


def test_a_quiet_lane_saves_up_no_more_than_a_span():
    """An hour of silence gives nobody the right to a flood, not even high."""
    queue = lane()
    queue.take(0, PRESSED, cap=False)
    put(queue, many("h", 500) + many("n", 500), 3_600_000)
    assert taken(queue, 3_600_000) == sent(40, 0, 0)


def test_time_that_runs_backwards_gives_nothing():
    queue = lane()
    put(queue, many("n", 60), 1000)
    assert taken(queue, 1000) == sent(0, 20, 0)
    assert taken(queue, 0) == sent(0, 0, 0)
    assert taken(queue, 1100)[0] == (0, 20, 0)


# --- a full queue ---------------------------------------------------------------------------------------------------


def test_a_full_queue_sheds_the_oldest_of_the_lowest_level():  # E4
    """Low, then normal, then high; within a level the oldest."""
    queue = lane(LaneBounds(messages=4))
    put(queue, ["h1", "n1", "l1", "l2"])
    assert put(queue, ["n2", "h2", "h3", "h4", "h5"]) == ["l1", "l2", "n1", "n2", "h1"]
    assert queue.take(0, CALM, cap=False).high == ["h2", "h3", "h4", "h5"]


def test_the_new_message_is_judged_like_the_rest():  # E4
    """Where everything queued stands above it, it goes itself."""
    queue = lane(LaneBounds(messages=2))
    put(queue, ["n1", "n2"])
    assert put(queue, ["l1"]) == ["l1"]
    assert put(queue, ["n3"]) == ["n1"]
    assert [shed.reason for shed in queue.put("h1", HIGH, 1, 0)] == [Reason.QUEUE_FULL]


def test_bytes_are_a_bound_too():  # E4
    """One large message may cost several small ones."""
    queue = lane(LaneBounds(bytes=100))
    put(queue, ["l1", "l2", "n1"], size=30)
    assert put(queue, ["n2"], size=60) == ["l1", "l2"]
    assert queue.queued_bytes == 90


def test_nothing_goes_for_a_message_that_would_not_fit_all_the_same():
    """Larger than the lane, or than what those above it leave: it alone is shed."""
    queue = lane(LaneBounds(bytes=100))
    put(queue, ["l1", "n1"], size=40)
    assert put(queue, ["h1"], size=101) == ["h1"]
    assert put(queue, ["l2"], size=61) == ["l2"]
    assert put(queue, ["l3"], size=60) == ["l1"]


# --- when it is due -------------------------------------------------------------------------------------------------


def test_an_empty_lane_is_never_due():
    assert lane().due_ms(cost_ms=5, busy=0) == math.inf


def test_a_lane_is_due_as_its_linger_says():
    """At once where it was quiet; then the linger counts from its last flush, and high shortens it."""
    queue = lane()
    put(queue, ["l1"], 1000)
    assert queue.due_ms(cost_ms=10, busy=1.0) == 1000
    queue.take(1000, CALM, cap=False)
    put(queue, ["n1"], 1001)
    assert queue.due_ms(cost_ms=10, busy=1.0) == 1100
    put(queue, ["h1"], 1002)
    assert queue.due_ms(cost_ms=10, busy=1.0) == 1030


def test_a_take_of_nothing_is_no_flush():
    queue = lane()
    queue.take(1000, CALM, cap=False)
    put(queue, ["n1"], 1001)
    assert queue.due_ms(cost_ms=10, busy=0) == 1001


def test_a_lane_that_waits_for_its_budget_is_not_asked_all_the_time():
    """A tenth of a span later there may be something new: a small room must not keep the process spinning."""
    queue = lane()
    put(queue, many("n", 30))
    queue.take(0, PRESSED, cap=False)
    assert queue.due_ms(cost_ms=0, busy=0) == 20
    assert taken(queue, 20) == sent(0, 4, 0)


# --- figures that cannot be -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"per_span": 0}, {"reserved": 41}, {"reserved": -1}, {"span_ms": 0}])
def test_a_budget_is_valid_at_birth(wrong):
    with pytest.raises(ValueError):
        Budget(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"messages": 0}, {"bytes": 0}, {"wait_ms": -1}, {"wait_ms": 20, "high_wait_ms": 10}]
)
def test_bounds_are_valid_at_birth(wrong):
    with pytest.raises(ValueError):
        LaneBounds(**wrong)


def test_high_waits_for_a_span_at_least():
    """Or its reserve would come when it is gone."""
    with pytest.raises(ValueError, match="span"):
        Lane(Budget(span_ms=201), LaneBounds(wait_ms=100, high_wait_ms=200))


# --- whatever comes -------------------------------------------------------------------------------------------------

levels = st.sampled_from(FIRST_TO_LAST)
budgets = st.tuples(st.integers(1, 12), st.integers(0, 12), st.integers(1, 300)).map(
    lambda each: Budget(each[0], min(each[1], each[0]), each[2])
)
bounds = st.builds(LaneBounds, st.integers(1, 12), st.integers(1, 100), st.integers(0, 300), st.just(300))
puts = st.tuples(st.just("put"), levels, st.integers(0, 40))
takes = st.tuples(st.just("take"), st.sampled_from([0.0, 0.9, 1.0, 1.5, 2.0, 3.0, 4.0]), st.booleans())
steps = st.lists(st.tuples(st.integers(0, 150), st.one_of(puts, puts, puts, takes)), max_size=80)


@given(budgets, bounds, steps)
def test_every_message_is_taken_or_shed_or_queued_and_in_order(budget, limits, steps):  # E4 G3
    """Nothing is lost or doubled at any moment, levels keep their order, no low goes where a normal is shed, and the
    lane holds no more than its bounds."""
    queue, now, number = Lane(budget, limits), 0, 0
    waiting = {level: deque() for level in FIRST_TO_LAST}
    for passed_ms, step in steps:
        now += passed_ms
        if step[0] == "put":
            number += 1
            waiting[step[1]].append((number, step[2]))
            gone = queue.put((number, step[2]), step[1], step[2], now)
        else:
            out = queue.take(now, step[1], step[2])
            gone = out.shed
            assert not (out.low and any(shed.level is NORMAL for shed in gone))
            for level, items in out.levels:
                assert [waiting[level].popleft() for _ in items] == items
            if step[1] < 1 and not step[2]:
                assert not gone
                assert not len(queue)
        for shed in gone:
            # The oldest, or the new one that found no room.
            waiting[shed.level].remove(shed.item)
        assert len(queue) == sum(map(len, waiting.values())) <= limits.messages
        assert queue.queued_bytes == sum(size for level in waiting.values() for _, size in level) <= limits.bytes
    rest = queue.take(now, CALM, cap=False)
    assert (rest.high, rest.normal, rest.low) == tuple([*waiting[level]] or () for level in FIRST_TO_LAST)


@given(steps)
def test_without_pressure_nothing_is_shed_within_the_bounds(steps):  # E4
    queue, now = lane(LaneBounds(messages=200)), 0
    for passed_ms, step in steps:
        now += passed_ms
        gone = queue.put(0, step[1], 1, now) if step[0] == "put" else queue.take(now, 0.99, cap=False).shed
        assert not gone


moments = st.tuples(st.integers(0, 300) | st.integers(0, 5000), st.integers(0, 25), st.integers(0, 60), st.booleans())


@given(st.lists(moments, max_size=60), st.sampled_from([1.0, 2.0, 3.0, 4.0]))
def test_high_within_its_reserve_is_never_shed_and_goes_at_once(story, pressure):  # E4
    """Whenever the lane is asked, however seldom, and however much else there is."""
    queue, now, recent = lane(LaneBounds(messages=100_000)), 0, deque()
    for passed_ms, wanted, others, asked in story:
        now += passed_ms
        while recent and recent[0] <= now - SPAN_MS:
            recent.popleft()
        fitting = min(wanted, 20 - len(recent))
        recent.extend([now] * fitting)
        put(queue, many("l", others) + many("n", others) + many("h", fitting), now)
        if asked:
            out = queue.take(now, pressure, cap=False)
            assert HIGH not in {shed.level for shed in out.shed}
            assert queue._waiting(HIGH) == 0


@given(st.lists(st.tuples(st.integers(0, 150), st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_a_bound_lane_keeps_to_its_budget(story):
    """Over any stretch it sends what a full vessel holds and what runs in meanwhile, and not one more."""
    queue, now, sends = lane(), 0, []
    for passed_ms, normals, lows in story:
        now += passed_ms
        put(queue, many("n", normals) + many("l", lows), now)
        sends.append((now, len(queue.take(now, PRESSED, cap=False))))
    for start, (began, _) in enumerate(sends):
        total = 0
        for at, count in sends[start:]:
            total += count
            assert total <= 40 + 40 * (at - began) / SPAN_MS + 1e-3
