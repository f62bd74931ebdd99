import pytest
from centrifuge.codecs import _varint_decode, _varint_encode
from hypothesis import given
from hypothesis import strategies as st

from laba.protocols.centrifuge.wire import (
    Allowance,
    BrokenError,
    Fields,
    block,
    number,
    prefixed,
    split,
    text,
    varint,
)


def fields(data):
    return Fields(data, Allowance(100))


# --- in -------------------------------------------------------------------------------------------------------------


def test_fields_are_found_by_number_in_any_order():
    """What the encoding's own page gives as its examples."""
    # S4
    assert fields(b"\x08\x96\x01").number(1, "a", 2**64) == 150
    assert fields(b"\x12\x07testing").text(2, "b") == "testing"
    assert fields(b"\x12\x07testing\x08\x96\x01").number(1, "a", 2**64) == 150


def test_what_is_absent_is_zero():
    """Neither a scalar nor a list says that it was not there; a message does."""
    # S4
    nothing = fields(b"")
    assert (nothing.number(1, "a", 9), nothing.flag(1, "a"), nothing.text(1, "a")) == (0, False, "")
    assert nothing.message(1, "a") is None
    assert nothing.messages(1, "a") == []


def test_the_last_of_a_repeated_scalar_counts():
    """As protobuf.dev says under `Last One Wins`."""
    # S4
    twice = fields(number(1, 5) + text(2, "a") + number(3, 1) + number(1, 7) + text(2, "b") + b"\x18\x00")
    assert (twice.number(1, "a", 9), twice.text(2, "b"), twice.flag(3, "c")) == (7, "b", False)


def test_a_message_in_parts_is_their_join():
    """A message that may come once is merged; those of a list stay apart."""
    # S4
    parts = fields(block(1, number(1, 5) + number(2, 6)) + block(1, number(1, 7)))
    joined = parts.message(1, "a")
    assert (joined.number(1, "a", 9), joined.number(2, "b", 9)) == (7, 6)
    assert [part.number(2, "b", 9) for part in parts.messages(1, "a")] == [6, 0]


def test_what_nobody_asks_for_is_skipped():
    """A newer client may say more, in any wire type; a varint of 64 bits is the longest."""
    # S4
    unknown = b"\x98\x06" + b"\xff" * 9 + b"\x01", b"\x99\x06" + b"x" * 8, b"\x9a\x06\x02xy", b"\x9d\x06" + b"x" * 4
    assert fields(b"".join(unknown) + number(1, 3)).number(1, "a", 9) == 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x08", "command: a varint is cut off or exceeds 64 bits"),
        (b"\x08" + b"\xff" * 9 + b"\x02", "command: a varint is cut off or exceeds 64 bits"),
        (b"\x08" + b"\x80" * 10 + b"\x00", "command: a varint is cut off or exceeds 64 bits"),
        (b"\x0a\x02x", "command: a field is cut off"),
        (b"\x09" + b"x" * 7, "command: a field is cut off"),
        (b"\x0d" + b"x" * 3, "command: a field is cut off"),
        (b"\x00\x01", "command: a field has the number 0"),
        (varint(2**29 << 3) + b"\x01", "command: a field has the number 536870912"),
        (b"\x0b\x0c", "command: a field has the wire type 3"),
        (b"\x0e", "command: a field has the wire type 6"),
    ],
)
def test_what_is_no_message_is_broken(data, reason):
    """One sentence says what is wrong with it."""
    # S4
    with pytest.raises(BrokenError, match=f"^{reason}$"):
        fields(data)


def test_a_field_of_the_wrong_kind_is_broken_where_it_is_asked_for():
    """The path of the field comes first."""
    # S4
    wrong = fields(block(1, number(1, 1) + block(2, b"\xff") + b"\x1d" + b"x" * 4 + number(4, 7))).message(1, "outer")
    for ask, reason in (
        (lambda: wrong.text(1, "a"), "outer.a: expected a block"),
        (lambda: wrong.number(2, "b", 9), "outer.b: expected a varint"),
        (lambda: wrong.text(2, "b"), "outer.b: expected UTF-8"),
        (lambda: wrong.flag(3, "c"), "outer.c: expected a varint"),
        (lambda: wrong.number(4, "d", 6), "outer.d: expected int <= 6"),
    ):
        with pytest.raises(BrokenError, match=f"^{reason}$"):
            ask()
    assert wrong.number(4, "d", 7) == 7
    with pytest.raises(BrokenError, match=r"^a: expected a varint$"):
        fields(number(1, 1) + block(1, b"")).number(1, "a", 9)


def test_a_fault_inside_a_message_names_the_message():
    """Also where it is one of many."""
    # S4
    with pytest.raises(BrokenError, match=r"^outer: a field is cut off$"):
        fields(block(1, b"\x0a\x01")).message(1, "outer")
    with pytest.raises(BrokenError, match=r"^outer\[\.\.\.\]: a field is cut off$"):
        fields(block(1, b"\x0a\x01")).messages(1, "outer")


def test_the_fields_of_a_frame_are_bounded():
    """Those inside count as well: the bound is for all that is read under one allowance."""
    # S4
    data = block(1, number(1, 1) * 3)
    assert Fields(data, Allowance(4)).message(1, "a").number(1, "b", 1) == 1
    with pytest.raises(BrokenError, match=r"^a: too many fields in one frame$"):
        Fields(data, Allowance(3)).message(1, "a")


def test_messages_are_cut_at_their_lengths():
    """What is left is what exceeds the limit, or is not whole."""
    # S4
    assert split(b"\x01a\x00\x02bc", 3) == ([b"a", b"", b"bc"], b"")
    assert split(b"\x01a\x00\x02bc", 2) == ([b"a", b""], b"\x02bc")
    assert split(b"\x01a\x02b", 3) == ([b"a"], b"\x02b")
    assert split(b"\x01a\x80", 3) == ([b"a"], b"\x80")


# --- out ------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**64 - 1))
def test_numbers_come_back(value):
    """Ours reads what it writes, and writes what the Python SDK does."""
    # S4
    assert varint(value) == _varint_encode(value)
    assert _varint_decode(varint(value), 0) == (value, len(varint(value)))
    assert fields(number(3, value)).number(3, "a", 2**64 - 1) == value


def test_zero_and_empty_text_are_not_written():
    """Absence means them already; an empty message is written, because it is there."""
    # S4
    assert (number(1, 0), text(1, ""), block(1, b"")) == (b"", b"", b"\x0a\x00")


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_prefixed_messages_come_back(messages):
    """Each behind its length, however long."""
    # S4
    assert split(b"".join(map(prefixed, messages)), 5) == (messages, b"")
