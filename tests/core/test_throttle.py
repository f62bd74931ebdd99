from itertools import pairwise

import pytest

from laba.core.throttle import Throttle

SECOND, MINUTE = 1000, 60_000


def places(throttle, count, now_ms=0):
    """Give when so many are let through that all ask now."""
    return [now_ms + throttle.take(now_ms) for _ in range(count)]


def test_who_has_no_rate_is_never_kept_waiting():
    throttle = Throttle(0, MINUTE)
    assert places(throttle, 1000) == [0] * 1000


def test_places_are_evenly_spaced():
    """Not all at the beginning of a second: a service counts by shorter times, too."""  # S8
    assert places(Throttle(4, 0), 6) == [0, 250, 500, 750, 1000, 1250]


def test_no_second_holds_more_than_the_rate():  # S8
    throttle = Throttle(50, 0)
    taken = sorted(place for now_ms in range(0, 3000, 7) for place in places(throttle, 1, now_ms))
    assert all(later - earlier >= 1000 for earlier, later in zip(taken, taken[50:], strict=False))


def test_who_comes_late_has_its_place_at_once_and_nothing_is_saved_up():
    throttle = Throttle(10, 0)
    assert places(throttle, 2) == [0, 100]
    assert places(throttle, 3, 5000) == [5000, 5100, 5200]


def test_it_begins_with_a_tenth_of_the_rate_and_comes_to_all_of_it():
    """FCM asks for that of whoever was idle."""  # S8
    throttle = Throttle(10, MINUTE)
    first, second, third = places(throttle, 3)
    assert (first, second, third) == (0, 1000, 2000)
    taken = places(throttle, 1000)
    spaces = [later - earlier for earlier, later in pairwise(taken)]
    assert spaces == pytest.approx(sorted(spaces, reverse=True))
    assert [round(space) for place, space in zip(taken, spaces, strict=False) if place >= MINUTE][:3] == [100] * 3
    half = next(space for place, space in zip(taken, spaces, strict=False) if place >= MINUTE / 2)
    assert half == pytest.approx(200, rel=0.01)


@pytest.mark.parametrize(("idle_ms", "space_ms"), [(MINUTE - SECOND, 100), (MINUTE + SECOND, 1000)])
def test_only_who_was_idle_for_so_long_begins_gently_again(idle_ms, space_ms):
    throttle = Throttle(10, MINUTE)
    busy_until_ms = round(places(throttle, 700)[-1])
    first, second = places(throttle, 2, busy_until_ms + idle_ms)
    assert round(second - first) == space_ms
