import pytest

from laba.core.breaker import Breaker

SECOND = 1000


def rests_ms(breaker, now_ms):
    return breaker.closes_at_ms(now_ms) - now_ms


def failing(breaker, times, now_ms=0):
    """Fail so often, each time as soon as it may be asked; gives for how long it then rested."""
    rests = []
    for _ in range(times):
        breaker.failed("down", now_ms)
        rests.append(rests_ms(breaker, now_ms))
        now_ms = breaker.closes_at_ms(now_ms)
    return rests


def test_a_service_is_left_alone_after_so_many_failures_in_a_row():  # S8
    breaker = Breaker(3, 60 * SECOND)
    assert [breaker.failed("down", 0) for _ in range(3)] == [False, False, True]
    assert (rests_ms(breaker, 0), rests_ms(breaker, 400), rests_ms(breaker, SECOND)) == (1000, 600, 0)


def test_each_rest_is_twice_the_one_before_up_to_the_longest():
    assert failing(Breaker(2, 10 * SECOND), 8) == [0, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]


def test_a_success_in_between_begins_the_count_anew():
    breaker = Breaker(2, 60 * SECOND)
    assert failing(breaker, 4) == [0, 1000, 2000, 4000]
    breaker.succeeded(8 * SECOND)
    assert breaker.fault == ""
    assert failing(breaker, 2, 9 * SECOND) == [0, 1000]


def test_what_was_asked_before_it_opened_changes_nothing():
    """Hundreds are under way when a service goes down; their failures are one, and a late success is none."""
    breaker = Breaker(2, 60 * SECOND)
    assert [breaker.failed("down", 0) for _ in range(100)] == [False] + [True] * 99
    breaker.succeeded(500)
    assert (breaker.fault, rests_ms(breaker, 500)) == ("down", 500)


def test_the_fault_is_the_last_failures_from_the_first_on():
    breaker = Breaker(5, 60 * SECOND)
    assert breaker.fault == ""
    breaker.failed("no address", 0)
    breaker.failed("nobody listens", 0)
    assert (breaker.fault, rests_ms(breaker, 0)) == ("nobody listens", 0)


def test_a_service_that_asks_for_patience_gets_it_at_once():  # S8
    breaker = Breaker(5, 60 * SECOND)
    breaker.open("patience", 0, 7 * SECOND)
    assert (breaker.fault, rests_ms(breaker, 0)) == ("patience", 7000)


def test_a_service_that_asks_for_patience_again_and_again_gets_ever_more():
    """Even where it asks for a second each time."""  # S8
    breaker, now_ms, rests = Breaker(5, 10 * SECOND), 0, []
    for _ in range(6):
        breaker.open("patience", now_ms, SECOND)
        rests.append(rests_ms(breaker, now_ms))
        now_ms = breaker.closes_at_ms(now_ms)
    assert rests == [1000, 2000, 4000, 8000, 10_000, 10_000]
    breaker.succeeded(now_ms)
    breaker.open("patience", now_ms, SECOND)
    assert rests_ms(breaker, now_ms) == 1000


@pytest.mark.parametrize(("said_ms", "rest_ms"), [(2000, 7000), (9000, 9000)])
def test_a_longer_time_that_was_said_before_stands(said_ms, rest_ms):
    """And of many answers to what was asked before, the longest."""
    breaker = Breaker(5, 60 * SECOND)
    breaker.open("patience", 0, 7000)
    breaker.open("patience", 0, said_ms)
    assert rests_ms(breaker, 0) == rest_ms


def test_its_longest_rest_does_not_shorten_what_a_service_asked_for():
    breaker = Breaker(1, 10 * SECOND)
    breaker.open("patience", 0, 3600 * SECOND)
    assert rests_ms(breaker, 0) == 3600 * SECOND
