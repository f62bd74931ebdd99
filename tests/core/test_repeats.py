from laba.core.repeats import Repeats

SPAN_MS = 600_000
ANN = ("app", "ann's message")


def test_a_client_id_is_known_for_its_span_to_the_millisecond():  # N2
    repeats = Repeats()
    assert not repeats.knows(ANN, SPAN_MS, 0)
    repeats.note(ANN, 1000)
    assert repeats.knows(ANN, SPAN_MS, 1000)
    assert repeats.knows(ANN, SPAN_MS, 1000 + SPAN_MS - 1)
    assert not repeats.knows(ANN, SPAN_MS, 1000 + SPAN_MS)


def test_it_counts_from_when_it_was_accepted_last():  # N2: without the flag it is delivered again
    repeats = Repeats()
    repeats.note(ANN, 0)
    repeats.note(ANN, 1000)
    assert repeats.knows(ANN, SPAN_MS, SPAN_MS + 999)
    assert len(repeats) == 1


def test_each_app_has_its_own():
    repeats = Repeats()
    repeats.note(ANN, 0)
    assert not repeats.knows(("other", ANN[1]), SPAN_MS, 0)


def test_what_came_to_nothing_was_never_accepted():
    repeats = Repeats()
    repeats.note(ANN, 0)
    repeats.forget(ANN, 0)
    repeats.forget(ANN, 0)
    assert not repeats.knows(ANN, SPAN_MS, 0)
    assert len(repeats) == 0


def test_what_came_to_nothing_leaves_the_time_before():
    repeats = Repeats()
    repeats.note(ANN, 0)
    repeats.note(ANN, 1000)
    repeats.forget(ANN, 1000)
    assert repeats.knows(ANN, SPAN_MS, SPAN_MS - 1)
    assert not repeats.knows(ANN, SPAN_MS, SPAN_MS)
    repeats.forget(ANN, 0)
    assert len(repeats) == 0


def test_what_came_to_nothing_takes_nothing_from_what_was_accepted_since():
    repeats = Repeats()
    repeats.note(ANN, 0)
    repeats.note(ANN, 1000)
    repeats.forget(ANN, 0)
    assert repeats.knows(ANN, SPAN_MS, SPAN_MS + 999)
    repeats.forget(ANN, 1000)
    assert not repeats.knows(ANN, SPAN_MS, 1000)


def test_at_the_bound_the_one_accepted_longest_ago_is_forgotten():
    repeats = Repeats(limit=3)
    for number in range(3):
        repeats.note(("app", str(number)), number)
    repeats.note(("app", "0"), 3)
    repeats.note(("app", "new"), 4)
    known = [repeats.knows(("app", name), SPAN_MS, 5) for name in ("0", "1", "2", "new")]
    assert known == [True, False, True, True]
    assert (len(repeats), repeats.forgotten) == (3, 1)


def test_at_the_bound_nothing_is_left_of_what_is_forgotten():
    """Neither when it was accepted last, nor the time before: what is undone late brings none of it back."""
    repeats = Repeats(limit=1)
    repeats.note(ANN, 0)
    repeats.note(ANN, 1000)
    repeats.note(("app", "new"), 2000)
    repeats.note(ANN, 3000)
    repeats.forget(ANN, 3000)
    assert not repeats.knows(ANN, SPAN_MS, 3000)
    assert (len(repeats), repeats.forgotten) == (0, 2)


def test_what_was_accepted_before_a_restart_is_known():
    repeats = Repeats()
    repeats.refill("app", [("a", 0), ("b", 1000), ("a", 2000)])
    assert [repeats.knows(("app", name), SPAN_MS, SPAN_MS + 1500) for name in ("a", "b")] == [True, False]
