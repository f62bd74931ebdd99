import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.fetching import etag, is_known, span
from laba.model.filecalls import Conditions, Span
from laba.model.refusal import Code, Refusal


# RFC 9110 section 14.1.2, with its examples for a representation of 10,000 bytes
@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("bytes=0-499", Span(0, 500)),
        ("bytes=500-999", Span(500, 500)),
        ("bytes=-500", Span(9500, 500)),
        ("bytes=9500-", Span(9500, 500)),
        ("Bytes=0-0", Span(0, 1)),
        ("bytes= 0-0 ", Span(0, 1)),
        ("bytes=-1", Span(9999, 1)),
        ("bytes=0-99999", Span(0, 10000)),
        ("bytes=-99999", Span(0, 10000)),
    ],
)
def test_one_range_is_given(wanted, given):
    assert span(Conditions(bytes_wanted=wanted), "n", 10_000) == given


@pytest.mark.parametrize("wanted", ["bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=99999999999-"])
def test_a_range_without_a_byte_of_the_file_is_refused(wanted):  # RFC 9110 section 15.5.17
    """With the size, so that the caller can ask better."""
    refusal = span(Conditions(bytes_wanted=wanted), "n", 10_000)
    assert (refusal.code, refusal.subject) == (Code.RANGE_UNSATISFIABLE, "10000")


@pytest.mark.parametrize(
    "wanted",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,5-6", "lines=0-1", "bytes=1 - 2"],
)
def test_what_is_no_single_range_of_bytes_is_ignored(wanted):  # RFC 9110 section 14.2
    assert span(Conditions(bytes_wanted=wanted), "n", 10_000) is None


def test_a_range_of_another_version_is_ignored():  # RFC 9110 section 13.1.5
    """A weak tag never fits; a date is none of ours."""
    for if_range, found in ((etag("n"), Span(0, 1)), (etag("m"), None), ('W/"n"', None), ("Tue, 15 Nov 1994", None)):
        assert span(Conditions(bytes_wanted="bytes=0-0", if_range=if_range), "n", 10) == found


@pytest.mark.parametrize(
    ("none_match", "known"),
    [
        (None, False),
        ("", False),
        ('"n"', True),
        ('W/"n"', True),
        ('"a", "n"', True),
        ("*", True),
        ('"a"', False),
        ("n", False),
    ],
)
def test_who_has_it_is_known_by_its_tag(none_match, known):  # RFC 9110 section 13.1.2
    assert is_known(Conditions(none_match=none_match), "n") is known


@given(st.text(alphabet="bytes=0123456789-, \t", max_size=30), st.integers(0, 10**12))
def test_a_span_lies_within_the_file(wanted, size):
    """Whatever is asked for."""
    found = span(Conditions(bytes_wanted=wanted), "n", size)
    assert found is None or isinstance(found, Refusal) or 0 <= found.first < found.first + found.length <= size
