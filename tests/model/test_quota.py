import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.model.quota import UNLIMITED, Quota, Span


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("1/minute,50/day", (Span(1, 60), Span(50, 86_400))),
        ("100/second", (Span(100, 1),)),
        ("40/2seconds", (Span(40, 2),)),
        (" 1/hour , 3/days ", (Span(1, 3_600), Span(3, 86_400))),
        ("9999999/99999days", (Span(9_999_999, 99_999 * 86_400),)),
        ("unlimited", ()),
    ],
)
def test_a_quota_is_a_list_of_spans(text, spans):
    """A span is COUNT/UNIT, with a number before the unit where it is several; a day is 24 hours."""  # G1
    assert Quota.parse(text) == Quota(spans)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "1",
        "1/",
        "/minute",
        "0/minute",
        "-1/day",
        "1/0seconds",
        "1/week",
        "1 /day",
        "1/minute,",
        "1/minute 2/day",
        "1.5/day",
        "1/Minute",
        "unlimited,1/day",
        "10000000/day",
        "1/100000days",
        "١/day",
    ],
)
def test_what_is_no_quota_says_what_is(text):
    """The sentence shows the form."""  # G1
    with pytest.raises(ValueError, match="COUNT/UNIT"):
        Quota.parse(text)


@given(st.lists(st.builds(Span, st.integers(1, 9_999_999), st.integers(1, 99_999)), min_size=1))
def test_a_quota_reads_back_as_it_is_written(spans):
    """What an operator is shown can be given again."""  # G1
    quota = Quota(tuple(spans))
    assert Quota.parse(str(quota)) == quota


@pytest.mark.parametrize("text", ["1/minute,50/day", "40/2seconds", "1/7days", "5/90seconds", "unlimited"])
def test_a_quota_is_written_in_the_largest_unit_that_fits(text):
    """Seven days stay days."""
    assert str(Quota.parse(text)) == text


def test_unlimited_is_the_quota_without_spans():
    """No number stands for it."""  # G1
    assert Quota() == UNLIMITED
    assert str(UNLIMITED) == "unlimited"


@pytest.mark.parametrize(("limit", "seconds"), [(0, 60), (-1, 60), (1, 0)])
def test_a_span_allows_something_for_some_time(limit, seconds):
    """A quota of nothing is a feature switched off."""
    with pytest.raises(ValueError, match="at least 1"):
        Span(limit, seconds)
