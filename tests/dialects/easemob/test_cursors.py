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
