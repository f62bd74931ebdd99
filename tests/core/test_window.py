import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.window import Bounds, Kept, Reach, Window
from laba.model.stream import Position

ROOMY = Bounds(window_ms=600_000, limit_bytes=10_000, limit_messages=1_000)


def kept(offset, accepted_at_ms=0, size=10):
    return Kept(offset, 1000 + offset, accepted_at_ms, size, {"json": b"x" * size})


def window(*messages, bounds=ROOMY, start=0):
    log = Window(Position("e", start), bounds)
    for message in messages:
        log.add(message)
    return log


def offsets(log, after=0):
    return [message.offset for message in log.after(after)]


def test_what_follows_an_offset_comes_in_order():
    """Gaps in the numbers do not matter; the offset itself is not repeated."""
    log = window(kept(1), kept(4), kept(9))
    assert offsets(log) == [1, 4, 9]
    assert offsets(log, after=1) == offsets(log, after=3) == [4, 9]
    assert offsets(log, after=9) == offsets(log, after=100) == []


def test_offsets_ascend_or_it_is_a_bug():
    """The same message twice would reach every returning client twice."""
    log = window(kept(5))
    with pytest.raises(ValueError, match="ascend"):
        log.add(kept(5))


def test_the_position_is_the_last_offset_ever_added():
    """It stays when the message goes."""
    log = window(kept(3), kept(7))
    log.trim(now_ms=10_000_000)
    assert (log.position, len(log)) == (Position("e", 7), 0)


def test_a_position_is_covered_if_everything_after_it_is_here():
    """From the place where the log began up to its end, and in no other epoch."""
    log = window(kept(11), kept(12), start=10)
    assert [offset for offset in range(15) if log.covers(Position("e", offset))] == [10, 11, 12]
    assert not log.covers(Position("other", 11))


def test_an_empty_log_covers_exactly_its_position():
    """A client at the stream's end has missed nothing; one further back may have."""
    log = window(start=10)
    assert [offset for offset in range(20) if log.covers(Position("e", offset))] == [10]


def test_a_dropped_message_uncovers_all_before_it():
    """Who had the dropped one has missed nothing; who had not, has."""
    log = window(*map(kept, range(1, 5)), bounds=Bounds(600_000, 10_000, limit_messages=2))
    assert offsets(log) == [3, 4]
    assert [offset for offset in range(6) if log.covers(Position("e", offset))] == [2, 3, 4]


def test_more_messages_than_the_bound_push_the_oldest_out():
    """The bound is exact, and what it cost is counted."""
    log = window(*map(kept, range(1, 101)), bounds=Bounds(600_000, 10_000, limit_messages=7))
    assert (len(log), offsets(log), log.lost) == (7, [*range(94, 101)], 93)


def test_more_bytes_than_the_bound_push_the_oldest_out():
    """One large message may cost several small ones; at the bound itself nothing is lost."""
    bounds = Bounds(600_000, limit_bytes=100, limit_messages=1_000)
    log = window(kept(1, size=40), kept(2, size=40), kept(3, size=20), bounds=bounds)
    assert (offsets(log), log.lost) == ([1, 2, 3], 0)
    log.add(kept(4, size=60))
    assert (offsets(log), log.lost) == ([3, 4], 2)


def test_a_message_counts_by_its_own_length():
    """Whatever codecs are asked for later: the log must not lose more because somebody speaks another one."""
    log = window(bounds=Bounds(600_000, limit_bytes=20, limit_messages=1_000))
    for offset in (1, 2, 3):
        log.add(Kept(offset, offset, 0, 10, {"json": b"x" * 15, "protobuf": b"y" * 15}))
    assert offsets(log) == [2, 3]


def test_a_message_larger_than_the_log_is_not_kept():
    """The bound holds for it, too; nobody is told that it is covered, and the log goes on."""
    log = window(kept(1), kept(2, size=101), bounds=Bounds(600_000, limit_bytes=100, limit_messages=1_000))
    assert (offsets(log), log.position.offset, log.lost) == ([], 2, 2)
    assert not log.covers(Position("e", 1))
    log.add(kept(3, size=100))
    assert offsets(log) == [3]


def test_the_window_s_last_millisecond_is_kept():
    """A message is old once it is older than the window; that is no loss."""
    log = window(kept(1, 999), kept(2, 1_000), kept(3, 1_001), bounds=Bounds(600, 10_000, 1_000))
    log.trim(now_ms=1_600)
    assert (offsets(log), log.lost) == ([2, 3], 0)
    assert (log.covers(Position("e", 0)), log.covers(Position("e", 1))) == (False, True)


def test_bytes_that_left_by_age_make_room():
    """Trimming gives back what the byte bound counted."""
    log = window(kept(1, 0, 60), kept(2, 700, 30), bounds=Bounds(600, limit_bytes=100, limit_messages=1_000))
    log.trim(now_ms=1_000)
    log.add(kept(3, 1_000, 70))
    assert (offsets(log), log.lost) == ([2, 3], 0)


def test_what_left_is_freed_at_once():
    """The bound on bytes is one on memory, although the list behind it is cut rarely."""

    class Frames(dict):
        __hash__ = object.__hash__

    frames = Frames(json=b"x" * 10)
    gone = weakref.ref(frames)
    log = window(Kept(1, 1, 0, 10, frames), *map(kept, range(2, 9)), bounds=Bounds(600_000, 10_000, limit_messages=8))
    del frames
    log.add(kept(9))
    gc.collect()
    assert (gone(), offsets(log)) == (None, [*range(2, 10)])


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 200)), max_size=60))
def test_the_log_is_the_longest_tail_that_its_bounds_allow(messages):
    """Whatever the sizes, and however often it was trimmed in between."""
    log = window(bounds=Bounds(window_ms=500, limit_bytes=100, limit_messages=6))
    expected, now_ms, floor = [], 0, 0
    for offset, (size, passed_ms) in enumerate(messages, start=1):
        now_ms += passed_ms
        log.add(kept(offset, now_ms, size))
        log.trim(now_ms)
        expected.append((offset, now_ms, size))
        while expected and (
            len(expected) > 6 or sum(each[2] for each in expected) > 100 or expected[0][1] < now_ms - 500
        ):
            floor = expected.pop(0)[0]
        assert offsets(log) == [each[0] for each in expected]
        assert [log.covers(Position("e", at)) for at in (floor - 1, floor, offset, offset + 1)] == [
            False,
            True,
            True,
            False,
        ]


def test_a_long_life_changes_nothing():
    """After thousands of drops the log still finds its place, and its list has not grown."""
    log = window(bounds=Bounds(600_000, 10_000, limit_messages=10))
    for offset in range(1, 5_001):
        log.add(kept(offset))
        assert offsets(log, after=offset - 1) == [offset]
    assert offsets(log, after=4_995) == [4_996, 4_997, 4_998, 4_999, 5_000]
    assert len(log._kept) <= 20


def recent(offset, accepted_at_ms=0):
    return Kept(offset, offset, accepted_at_ms, 10, {"json": b"x"}, reach=Reach.RECENT)


def test_what_is_for_whoever_comes_is_found_among_the_rest():
    """As long as it is in the log, and as far back as is asked."""  # R5
    log = window(kept(1), recent(2, 100), kept(3), recent(4, 200), bounds=Bounds(1_000, 10_000, 1_000))
    assert [one.offset for one in log.recent(100)] == [2, 4]
    assert [one.offset for one in log.recent(101)] == [4]
    log.trim(now_ms=1_150)
    assert [one.offset for one in log.recent(0)] == [4]


def test_a_log_that_passes_over_an_offset_is_past_it():
    """Nothing is there, and nothing is missing."""  # P5
    log = window(kept(1))
    log.pass_over(5)
    assert (log.position.offset, log.covers(Position("e", 3)), offsets(log)) == (5, True, [1])
    log.pass_over(4)
    log.add(kept(6))
    assert (log.position.offset, offsets(log)) == (6, [1, 6])


def test_what_is_withdrawn_leaves_its_place_and_none_of_its_bytes():  # X3
    log = window(recent(1), kept(2), bounds=Bounds(1_000, 30, 1_000))
    log.withdraw(1)
    log.withdraw(99)
    assert [(one.offset, one.withdrawn) for one in log.after(0)] == [(1, True), (2, False)]
    assert log.recent(0) == []
    log.add(Kept(3, 3, 0, 20, {}))
    assert (offsets(log), log.lost) == ([1, 2, 3], 0)
