import pytest

from laba.model.filecalls import Box, GetFile


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (2001, 1), (1, 2001), (-1, 1)])
def test_a_box_has_sides(width, height):
    """Of 1 to 2000 pixels."""
    with pytest.raises(ValueError, match="pixels"):
        Box(width, height)


def test_a_thumbnail_has_170_pixels_where_nothing_is_said():  # vendor-apis.md 3.1
    assert (Box().width, Box().height) == (170, 170)


def test_a_secret_is_not_shown():
    assert "hidden" not in repr(GetFile("uuid", secret="hidden"))
