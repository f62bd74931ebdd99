import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.dialects.easemob.filenames import disposition
from laba.model.chatfile import plain_name


# RFC 6266 section 4, RFC 8187 section 3.2
@pytest.mark.parametrize(
    ("name", "inline", "header"),
    [
        (None, False, "attachment"),
        (None, True, "inline"),
        ("a.txt", False, "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
        ("a b.png", True, "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png"),
        ("喇叭.png", False, "attachment; filename=\"__.png\"; filename*=UTF-8''%E5%96%87%E5%8F%AD.png"),
        ('a"b\\c%d', False, "attachment; filename=\"a_b_c_d\"; filename*=UTF-8''a%22b%5Cc%25d"),
        ("a';x=y", False, "attachment; filename=\"a';x=y\"; filename*=UTF-8''a%27%3Bx%3Dy"),
    ],
)
def test_a_file_is_named_twice(name, inline, header):
    """For old clients in ASCII, for all others as it is."""
    assert disposition(name, inline=inline) == header


@given(st.text(max_size=100))
def test_no_name_gets_out_of_its_quotes(said):  # E12
    """Nor out of its line, whatever the caller calls its file."""
    header = disposition(plain_name(said), inline=False)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') in (0, 2)
