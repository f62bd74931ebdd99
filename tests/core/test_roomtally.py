import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.roomtally import RoomTallies
from laba.model.dispatch import Level
from laba.model.room import room_stream
from laba.model.roomreport import MINUTE_MS, RoomMinute, summed, under_way, waiting

ROOM = room_stream("app-1", "r1")
MINUTES = range(1_000)


@pytest.fixture
def tallies():
    return RoomTallies()


def counts(tallies, stream=ROOM):
    return dict(summed(tallies.of_room(stream, MINUTES)))


def test_each_count_has_its_name(tallies):  # E4 E5 X2
    """Levels and reasons stand behind it; what did not happen is not there."""
    tally = tallies.tally(ROOM, 0)
    tally.accepted(Level.HIGH, raised=True)
    tally.accepted(Level.LOW, directed=True)
    tally.accepted(Level.NORMAL)
    tally.to_nobody(Level.NORMAL)
    tally.placed(Level.HIGH, 1)
    tally.shed(Level.LOW, "queue_full")
    tally.offered(Level.HIGH, 2000)
    tally.reached(Level.HIGH, 1998)
    tally.lost(Level.HIGH, "slow", 2)
    tally.lost(Level.HIGH, "closed", 0)
    assert counts(tallies) == {
        "accepted.high": 1,
        "accepted.normal": 1,
        "accepted.low": 1,
        "raised": 1,
        "directed": 1,
        "to_nobody.normal": 1,
        "placed.high": 1,
        "shed.low.queue_full": 1,
        "offered.high": 2000,
        "reached.high": 1998,
        "lost.high.slow": 2,
    }


def test_a_minute_is_a_minute(tallies):
    """What comes in the next one is counted there."""
    for at_ms in (0, MINUTE_MS - 1, MINUTE_MS):
        tallies.tally(ROOM, at_ms).accepted(Level.LOW)
    assert tallies.take(10) == [
        RoomMinute("app-1", "r1", 0, {"accepted.low": 2}),
        RoomMinute("app-1", "r1", 1, {"accepted.low": 1}),
    ]


def test_rooms_and_apps_do_not_share(tallies):
    for stream in (ROOM, room_stream("app-1", "r2"), room_stream("app-2", "r1")):
        tallies.tally(stream, 0).accepted(Level.LOW)
    assert [counts(tallies, stream) for stream in (ROOM, room_stream("app-1", "r3"))] == [{"accepted.low": 1}, {}]
    assert len(tallies) == 3


def test_what_was_taken_is_not_given_again(tallies):
    """The same tally goes on, from nothing."""
    tally = tallies.tally(ROOM, 0)
    tally.placed(Level.LOW, 3)
    assert [each.counts for each in tallies.take(10)] == [{"placed.low": 3}]
    assert (tallies.take(10), len(tallies)) == ([], 0)
    tally.placed(Level.LOW, 2)
    assert [each.counts for each in tallies.take(10)] == [{"placed.low": 2}]


def test_a_tally_of_a_minute_long_over_still_counts(tallies):
    """A slow session's delivery may end minutes after it went out."""
    tally = tallies.tally(ROOM, 0)
    tallies.forget(5 * MINUTE_MS)
    tally.lost(Level.LOW, "slow", 1)
    assert tallies.take(10) == [RoomMinute("app-1", "r1", 0, {"lost.low.slow": 1})]


def test_tallies_of_minutes_that_are_over_are_forgotten(tallies):
    """A room in which nobody speaks costs nothing."""
    for minute in range(3):
        tallies.tally(ROOM, minute * MINUTE_MS)
    tallies.forget(2 * MINUTE_MS)
    assert [minute for _, minute in tallies._tallies] == [2]


def test_what_could_not_be_written_is_written_the_next_time(tallies):
    tally = tallies.tally(ROOM, 0)
    tally.placed(Level.LOW, 3)
    taken = tallies.take(10)
    tally.placed(Level.LOW, 1)
    tallies.put_back(taken)
    assert [each.counts for each in tallies.take(10)] == [{"placed.low": 4}]


def test_no_more_is_taken_than_was_asked_for(tallies):
    for minute in range(5):
        tallies.tally(ROOM, minute * MINUTE_MS).accepted(Level.LOW)
    assert [[each.minute for each in tallies.take(2)] for _ in range(4)] == [[0, 1], [2, 3], [4], []]


def test_at_the_bound_the_counts_that_wait_longest_are_given_up():
    """A store that fails for hours must not cost all memory; how many minutes it cost is counted."""
    tallies = RoomTallies(limit=3)
    for minute in range(5):
        tallies.tally(ROOM, minute * MINUTE_MS).accepted(Level.LOW)
    assert (len(tallies), tallies.given_up) == (3, 2)
    assert [each.minute for each in tallies.take(10)] == [2, 3, 4]


messages = st.lists(
    st.tuples(
        st.sampled_from(Level),
        st.sampled_from(["placed", "shed", "nobody", "waiting"]),
        st.integers(0, 5),
        st.integers(0, 200),
        st.integers(0, 200),
    ),
    max_size=60,
)


@given(messages)
def test_the_figures_add_up_to_what_was_sent(story):  # X2
    """Whatever becomes of the messages, whenever it is written: what is not accounted for waits or is under way."""
    tallies, waits, travels, written = RoomTallies(), 0, 0, []
    for level, fate, minute, offered, reached in story:
        tally = tallies.tally(ROOM, minute * MINUTE_MS)
        tally.accepted(level)
        match fate:
            case "placed":
                tally.placed(level, 1)
                tally.offered(level, offered + reached)
                tally.reached(level, reached)
                tally.lost(level, "slow", offered // 2)
                travels += offered - offered // 2
            case "shed":
                tally.shed(level, "pressure")
            case "nobody":
                tally.to_nobody(level)
            case _:
                waits += 1
        written += tallies.take(minute % 3)
    totals = summed([*written, *tallies.take(1_000)])
    assert sum(totals[f"accepted.{level}"] for level in Level) == len(story)
    assert (waiting(totals), under_way(totals)) == (waits, travels)
