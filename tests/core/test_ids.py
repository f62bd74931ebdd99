from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOW_MS
from laba.core.ids import EPOCH_MS, MAX_NODE, IdSequence, nth

_TIMES = st.lists(st.integers(EPOCH_MS - 10_000, EPOCH_MS + 10_000), min_size=1, max_size=50)


@given(_TIMES, st.integers(0, MAX_NODE))
def test_ids_ascend_whatever_the_clock_does(times, node):
    """Neither a clock that stands still nor one that goes back makes an id fall or repeat."""
    sequence = IdSequence(node)
    ids = [sequence.next(now_ms) for now_ms in times]
    assert ids == sorted(set(ids))


@given(st.integers(0, MAX_NODE), st.integers(0, MAX_NODE), st.integers(-5, 5), st.integers(0, 5000))
def test_a_restart_goes_on_above_every_id_there_is(before, after, drift_ms, count):
    """The highest kept id may be another node's, and the clock may have gone back since."""
    earlier = IdSequence(before)
    last = max(earlier.next(NOW_MS) for _ in range(count + 1))
    assert IdSequence(after, last).next(NOW_MS + drift_ms) > last


def test_two_nodes_never_give_the_same_id():
    """4096 ids and more in one millisecond borrow from the next one, and stay apart by their node."""
    first, second = IdSequence(0), IdSequence(1)
    ids = {sequence.next(NOW_MS) for _ in range(10_000) for sequence in (first, second)}
    assert len(ids) == 20_000


def test_an_id_tells_its_time():
    """The upper 41 bits are milliseconds since 2020, so that ids of all nodes sort by time."""
    assert datetime.fromtimestamp(EPOCH_MS / 1000, UTC) == datetime(2020, 1, 1, tzinfo=UTC)
    sequence = IdSequence(MAX_NODE)
    assert sequence.next(NOW_MS) >> 22 == NOW_MS - EPOCH_MS
    assert IdSequence(0).next(NOW_MS + 1) > sequence.next(NOW_MS)


def test_an_id_fits_a_signed_64_bit_column_until_2089():
    """69 years of milliseconds fill 41 bits, and the sign stays free."""
    assert 0 < IdSequence(MAX_NODE).next(EPOCH_MS + 2**41 - 1) < 2**63


@pytest.mark.parametrize("node", [-1, MAX_NODE + 1])
def test_a_node_number_has_ten_bits(node):
    """A number outside them would give another node's ids."""
    with pytest.raises(ValueError, match="0 and 1023"):
        IdSequence(node)


# --- blocks: one id for each room that a broadcast may reach (A8) ---------------------------------------------------

_BLOCKS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(EPOCH_MS, EPOCH_MS + 20), st.integers(1, 9_000)), min_size=1, max_size=12
)


@given(_BLOCKS)
def test_the_ids_of_a_block_are_nobody_elses_and_in_order(asked):  # A8
    """However long the blocks are, on whichever of three nodes, and whatever the clocks do in between."""
    sequences = [IdSequence(node) for node in range(3)]
    given_out = [[] for _ in sequences]
    for node, now_ms, size in asked:
        first = sequences[node].block(now_ms, size)
        given_out[node] += [nth(first, number) for number in range(size)]
    assert all(ids == sorted(ids) for ids in given_out)
    together = [one for ids in given_out for one in ids]
    assert len(set(together)) == len(together)


@given(st.integers(0, MAX_NODE), st.integers(1, 20_000), st.integers(-5, 5))
def test_a_restart_goes_on_above_the_whole_of_a_block(node, size, drift_ms):  # A8
    """The last id of it may lie milliseconds after the first."""
    last = nth(IdSequence(node).block(NOW_MS, size), size - 1)
    assert IdSequence(node, last).next(NOW_MS + drift_ms) > last


def test_a_block_begins_with_its_own_first_id():  # A8
    """A dispatch with one conversation has one id for both; within a millisecond the others follow by one."""
    first = IdSequence(7).block(NOW_MS, 3)
    assert [nth(first, number) for number in range(3)] == [first, first + 1, first + 2]
