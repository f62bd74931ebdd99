import pytest

from laba.core.backoff import wait_ms


def test_each_wait_is_twice_the_one_before():  # S6
    assert [wait_ms(attempts, 60_000) for attempts in range(1, 9)] == [
        1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ]  # fmt: skip


@pytest.mark.parametrize("attempts", [31, 1000, 10**9])
def test_however_often_it_failed_the_wait_has_its_bound(attempts):
    assert wait_ms(attempts, 60_000) == 60_000


def test_what_has_not_failed_waits_like_what_failed_once():
    assert wait_ms(0, 60_000) == 1000
