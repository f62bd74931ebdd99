"""What is owed wherever a device was: what is for all users, and what is for whoever comes within the window."""

from laba.core.arrears import Arrears
from laba.core.window import Kept, Reach

ARREARS = Arrears(after=5, since_ms=100, recent_since_ms=500, upto=9)


def kept(offset, accepted_at_ms, reach):
    return Kept(offset, offset, accepted_at_ms, 10, {}, reach=reach)


def test_arrears_lie_behind_an_offset():
    """The offset itself is out."""  # V1
    assert [ARREARS.covers(kept(offset, 100, Reach.ALL)) for offset in (5, 6)] == [False, True]


def test_what_is_for_all_users_is_owed_since_the_user_s_registration():
    """The millisecond itself is in."""  # V1
    assert [ARREARS.covers(kept(6, at_ms, Reach.ALL)) for at_ms in (99, 100)] == [False, True]


def test_what_is_for_who_comes_in_time_is_owed_since_the_window_began():
    """The millisecond itself is in, whenever the user was registered."""  # R5
    assert [ARREARS.covers(kept(6, at_ms, Reach.RECENT)) for at_ms in (499, 500)] == [False, True]


def test_what_is_for_those_who_were_there_is_no_arrear():
    """Attendance decides about it."""  # A1
    assert not ARREARS.covers(kept(6, 1000, Reach.PRESENT))
