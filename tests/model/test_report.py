import pytest

from laba.model.report import Report


@pytest.mark.parametrize(
    ("report", "pending"),
    [(Report(1), 0), (Report(1, 9), 9), (Report(1, 9, 5, 5, {"slow": 1, "closed": 2}), 1), (Report(1, 9, 9), 0)],
)
def test_who_was_neither_reached_nor_lost_is_pending(report, pending):
    """Whether reached ones have confirmed makes no difference."""  # X2
    assert report.pending == pending
