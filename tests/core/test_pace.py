from laba.core.pace import Pace


def test_so_many_may_happen_in_any_second():
    """The second slides: no stretch of that length ever holds more."""
    # G1
    pace = Pace(2)
    allowed = [now_ms for now_ms in (0, 900, 999, 1000, 1899, 1900, 2000, 5000) if pace.allows(now_ms)]
    assert allowed == [0, 900, 1000, 1900, 2000, 5000]


def test_what_was_refused_is_not_counted():
    """Else who never stops asking would never be let through."""
    pace = Pace(1)
    assert [now_ms for now_ms in range(0, 3000, 100) if pace.allows(now_ms)] == [0, 1000, 2000]
