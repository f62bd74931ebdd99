from hypothesis import given
from hypothesis import strategies as st

from laba.dialects.easemob import cursors


@given(st.text(min_size=1))
def test_what_is_written_is_read(name):
    """Whatever a user is called."""  # S11
    assert cursors.read(cursors.written(name)) == name


@given(st.text())
def test_nothing_else_is_a_cursor(text):
    """Each name has one cursor, and no other text leads to it."""  # S11
    name = cursors.read(text)
    assert name is None or cursors.written(name) == text


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_a_number_is_read_as_it_was_written(number):
    """It is no name, nor is a name a number."""  # S11
    assert cursors.read_number(cursors.written_number(number)) == number
    assert cursors.read(cursors.written_number(number)) is None
    assert cursors.read_number(cursors.written(str(number))) is None


@given(st.text())
def test_nothing_else_is_a_number(text):
    """Whatever stands behind the letter."""  # S11
    for written in (text, cursors.written(text or "x", b"r")):
        number = cursors.read_number(written)
        assert number is None or cursors.written_number(number) == written
