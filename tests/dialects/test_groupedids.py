import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.dialects.groupedids import read, written


# R7
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0000-0000-0000-0000"),
        (35, "0000-0000-0000-000Z"),
        (36, "0000-0000-0000-0010"),
        (1173998498812376874, "0000-8X3N-QGUP-WOX6"),
        (2**63 - 1, "0001-Y2P0-IJ32-E8E7"),
    ],
)
def test_an_id_is_written_in_four_groups(number, text):
    """To the base 36, with zeros in front."""
    assert int(text.replace("-", ""), 36) == number
    assert written(number) == text


# R7
@given(st.integers(0, 2**63 - 1))
def test_what_was_written_is_read(number):
    """And has the form of the vendor's page."""
    assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", written(number))
    assert read(written(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000000000000000",
        "0000-0000-0000-000",
        "0000-0000-0000-00000",
        "0000-0000-0000-000z",
        "0000-0000-0000-000Z\n",
        " 000-0000-0000-0000",
        "0000-0000-0000-000٣",
        "0001-Y2P0-IJ32-E8E8",
        "ZZZZ-ZZZZ-ZZZZ-ZZZZ",
        "XXXX-JJJJ-KKK-LLLL",
    ],
)
def test_nothing_else_is_an_id(text):
    """Least of all what no ledger could hold; the vendor's own sample is malformed."""
    assert read(text) is None
