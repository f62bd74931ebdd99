import pytest

from laba.model.stream import Position
from laba.protocols.cursor import read, write


def test_a_cursor_is_read_as_it_was_written():
    # S4, R5
    for position in (Position("cafe0001", 0), Position("x_Y-9", 2**53 - 1)):
        assert read(write(position)) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "cafe",
        "cafe.",
        ".7",
        "cafe.-1",
        "cafe.9007199254740992",
        "ca fe.1",
        "cafe.1\n",
        "cafe.1.2",
        "é.1",
        "c.²",
    ],
)
def test_what_is_no_cursor_is_none(text):
    # S4, R5
    assert read(text) is None
