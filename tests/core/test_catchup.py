"""What a returning session is written, portion by portion: from a log and from its inbox, in one order."""

from builders import logged_in
from laba.core.arrears import Arrears
from laba.core.attendance import Due
from laba.core.catchup import PASSED_OVER_BYTES, portion
from laba.core.window import Bounds, Kept, Reach, Window
from laba.model.stream import Position
from laba.model.targets import Targets

FRAME = b"0123456789"


def kept(offset, accepted_at_ms=5, reach=Reach.ALL, **rest):
    return Kept(offset, offset, accepted_at_ms, 10, {"json": FRAME}, reach=reach, **rest)


def log(*messages):
    window = Window(Position("e", 0), Bounds(1000, 1000, 1000))
    for message in messages:
        window.add(message)
    return window


def session(written=0, since_ms=0, joined_at=20, inbox=None, platform=None, owed=()):
    one = logged_in()
    one.written, one.joined_at, one.inbox, one.platform, one.owed = written, joined_at, inbox, platform, owed
    one.arrears = Arrears(0, since_ms, since_ms, upto=9)
    return one


def given(one, window, upto=9, budget=1000):
    some = portion(one, window.after(one.written), upto, budget)
    return [message.offset for message in some.taken], some.upto


def test_all_of_it_ends_where_it_is_told_to():
    """What has a higher offset is another log's, and what was written already is nobody's."""
    assert given(session(written=2), log(*map(kept, (2, 4, 7, 8))), upto=7) == ([4, 7], 7)
    assert given(session(written=2), log(), upto=7) == ([], 7)


def test_a_portion_is_about_as_large_as_the_budget_and_the_next_goes_on_behind_it():
    """At least one message, however small the budget; what is passed over costs, too."""
    one, window = session(since_ms=6), log(kept(2), kept(4))
    first = portion(one, window.after(0), 9, 1)
    assert (first.taken, first.upto, first.size_bytes) == ([], 2, PASSED_OVER_BYTES)
    one.written, one.arrears = first.upto, Arrears(0, 5, 5, 9)
    second = portion(one, window.after(2), 9, 1)
    assert ([message.offset for message in second.taken], second.upto) == ([4], 9)
    assert second.size_bytes == PASSED_OVER_BYTES + len(FRAME)


def test_the_inbox_goes_in_between_in_the_order_of_offsets():
    """One order for everything: what was written last then tells what the session has."""  # P5
    inbox = [kept(offset, reach=Reach.CHOSEN) for offset in (1, 3, 6)]
    assert given(session(written=1, inbox=inbox), log(*map(kept, (2, 4, 7)))) == ([2, 3, 4, 6, 7], 9)


def test_what_is_for_another_platform_is_passed_over():
    """Also in the past: a phone gets no more of it by coming later."""  # P4
    window = log(kept(2, targets=Targets(platforms=frozenset({"ios"}))), kept(3))
    assert given(session(platform="android"), window) == ([3], 9)
    assert given(session(platform="iOS"), window) == ([2, 3], 9)


def test_what_was_withdrawn_is_for_nobody():
    """Its place stays."""  # X3
    window = log(kept(2), kept(3))
    window.withdraw(2)
    assert given(session(), window) == ([3], 9)


def test_what_one_was_present_for_goes_along():
    """Attendance and arrears together, each message once."""
    window = log(kept(2, reach=Reach.PRESENT), kept(3), kept(4, accepted_at_ms=50, reach=Reach.PRESENT))
    assert given(session(owed=(Due(0, 10),)), window) == ([2, 3], 9)
