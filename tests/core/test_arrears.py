"""What is owed of messages to all users, portion by portion (V1)."""

from laba.core.arrears import PASSED_OVER_BYTES, Arrears, portion
from laba.core.window import Bounds, Kept, Window
from laba.model.stream import Position

FRAME = b"0123456789"


def log(*offsets, accepted_at_ms=5):
    window = Window(Position("e", 0), Bounds(1000, 1000, 1000))
    for offset in offsets:
        window.add(Kept(offset, offset, accepted_at_ms, 10, {"json": FRAME}, to_all=True))
    return window


def offsets(given):
    return [kept.offset for kept in given.taken]


def test_arrears_lie_behind_an_offset_and_after_the_user_s_registration():
    """Both edges: the offset itself is out, the millisecond itself is in."""  # V1
    arrears = Arrears(after=5, since_ms=100, upto=9)
    assert [arrears.covers(offset, 100) for offset in (5, 6)] == [False, True]
    assert [arrears.covers(6, at_ms) for at_ms in (99, 100)] == [False, True]


def test_all_of_it_ends_where_the_window_s_part_begins():
    """What has a higher offset is read from the window, and what was written already is nobody's."""
    given = portion(Arrears(0, 0, upto=7), log(2, 4, 7, 8), 2, "json", 1000)
    assert (offsets(given), given.upto) == ([4, 7], 7)
    nothing = portion(Arrears(0, 0, upto=7), log(), 2, "json", 1000)
    assert (offsets(nothing), nothing.upto) == ([], 7)


def test_a_portion_is_about_as_large_as_the_budget_and_the_next_goes_on_behind_it():
    """At least one message, however small the budget; what is passed over costs, too."""
    arrears, kept = Arrears(0, 6, upto=9), log(2, 4, accepted_at_ms=5)
    first = portion(arrears, kept, 0, "json", 1)
    assert (offsets(first), first.upto, first.size_bytes) == ([], 2, PASSED_OVER_BYTES)
    second = portion(arrears._replace(since_ms=5), kept, first.upto, "json", 1)
    assert (offsets(second), second.upto, second.size_bytes) == ([4], 9, PASSED_OVER_BYTES + len(FRAME))
