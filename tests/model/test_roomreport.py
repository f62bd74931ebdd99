from laba.model.roomreport import Count, RoomMinute, summed, total, under_way, waiting

COUNTS = {
    "accepted.high": 10,
    "accepted.low": 30,
    "raised": 4,
    "to_nobody.low": 1,
    "placed.high": 10,
    "placed.low": 5,
    "shed.low.pressure": 20,
    "shed.low.queue_full": 2,
    "rejected.normal": 3,
    "offered.low": 100,
    "reached.low": 80,
    "lost.low.slow": 7,
}


def test_a_count_is_summed_over_its_levels_and_reasons():  # X2
    assert [total(COUNTS, each) for each in Count] == [40, 4, 0, 1, 15, 22, 3, 100, 80, 7]


def test_what_is_not_accounted_for_waits_or_is_under_way():  # X2
    assert (waiting(COUNTS), under_way(COUNTS)) == (2, 13)
    assert (waiting({}), under_way({})) == (0, 0)


def test_minutes_add_up():
    """Parts of one minute do, too."""
    minutes = [RoomMinute("a", "r", 1, {"raised": 1}), RoomMinute("a", "r", 1, {"raised": 2, "directed": 5})]
    assert dict(summed(minutes)) == {"raised": 3, "directed": 5}
    assert dict(summed([])) == {}
