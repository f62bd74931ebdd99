"""Frames as bytes and back, beside hyperframe, and header blocks, beside hpack."""

import itertools

import hpack
import pytest
from hyperframe.frame import (
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given
from hypothesis import strategies as st

from laba.adapters.push import frames
from laba.adapters.push.frames import BrokenError, Fault, Flag, Kind, Reader, Setting

FRAMES = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 2**31 - 1), st.binary(max_size=300)),
    max_size=8,
)


def parsed(data):
    """Read one frame as hyperframe does."""
    frame, length = Frame.parse_frame_header(memoryview(data[:9]))
    assert length == len(data) - 9
    frame.parse_body(memoryview(data[9:]))
    return frame


def written(kind, flags, stream, content):
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


@given(FRAMES, st.lists(st.integers(0, 2500), max_size=20))
def test_however_the_bytes_are_cut_the_frames_are_the_same(whole, cuts):
    data = b"".join(written(*one) for one in whole)
    reader, ends = Reader(), sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[begin:end] for begin, end in itertools.pairwise(ends)]
    assert [tuple(one) for piece in pieces for one in reader.frames(piece)] == whole


def test_a_frame_that_comes_byte_by_byte_is_given_with_its_last_byte():
    data = written(Kind.DATA, Flag.END_STREAM, 7, b"ab")
    reader = Reader()
    assert [list(reader.frames(data[at : at + 1])) for at in range(len(data))] == [
        *[[]] * (len(data) - 1),
        [(Kind.DATA, Flag.END_STREAM, 7, b"ab")],
    ]


def test_the_reserved_bit_before_a_streams_number_is_not_read():
    (one,) = Reader().frames(b"\0\0\0\0\0\xff\xff\xff\xff")
    assert one.stream == 2**31 - 1


def test_a_frame_may_be_as_long_as_was_allowed():
    (one,) = Reader().frames(written(Kind.DATA, 0, 1, b"x" * frames.FRAME_MAX_BYTES))
    assert len(one.content) == 16_384


def test_a_longer_frame_is_refused_by_its_head_and_those_before_it_are_given():
    taken = Reader().frames(written(Kind.PING, 0, 0, b"12345678") + b"\x00\x40\x01\0\0\0\0\0\x01")
    assert next(taken).kind == Kind.PING
    with pytest.raises(BrokenError, match="too long"):
        next(taken)


def test_a_reader_that_was_left_half_way_goes_on_behind_what_it_gave():
    reader = Reader()
    begun = reader.frames(written(0, 0, 1, b"a") + written(0, 0, 3, b"b"))
    assert next(begun).stream == 1
    begun.close()
    assert [one.stream for one in reader.frames(b"")] == [3]


def test_what_is_written_is_read_by_others():
    settings = parsed(frames.settings([(Setting.ENABLE_PUSH, 0), (Setting.INITIAL_WINDOW_SIZE, 131_072)]))
    assert isinstance(settings, SettingsFrame)
    assert (settings.stream_id, dict(settings.settings)) == (0, {2: 0, 4: 131_072})
    window = parsed(frames.window_update(5, 2**31 - 1))
    assert isinstance(window, WindowUpdateFrame)
    assert (window.stream_id, window.window_increment) == (5, 2**31 - 1)
    reset = parsed(frames.reset(7, Fault.CANCEL))
    assert isinstance(reset, RstStreamFrame)
    assert (reset.stream_id, reset.error_code) == (7, 8)
    ping = parsed(frames.frame(Kind.PING, Flag.ACK, 0, b"12345678"))
    assert isinstance(ping, PingFrame)
    assert (set(ping.flags), ping.opaque_data) == ({"ACK"}, b"12345678")
    data = parsed(frames.frame(Kind.DATA, Flag.END_STREAM, 2**31 - 1, b"x" * 16_384))
    assert isinstance(data, DataFrame)
    assert (data.stream_id, set(data.flags), data.data) == (2**31 - 1, {"END_STREAM"}, b"x" * 16_384)


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 6, 7, 2**16 - 1]), st.integers(0, 2**32 - 1)), max_size=5))
def test_settings_are_read_as_they_were_written_unknown_ones_too(values):
    content = b"".join(name.to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in values)
    assert frames.settings_of(content) == values


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [(Setting.INITIAL_WINDOW_SIZE, 0, 2**31 - 1), (Setting.MAX_FRAME_SIZE, 16_384, 2**24 - 1)],
)
def test_settings_that_have_bounds_are_kept_to_them(name, least, most):
    for value in (least, most):
        assert frames.settings_of(content_of([(name, value)])) == [(name, value)]
    for value in {max(least - 1, 0), most + 1} - {least}:
        with pytest.raises(BrokenError, match="none that may be"):
            frames.settings_of(content_of([(name, value)]))


def content_of(values):
    return frames.settings(values)[9:]


@pytest.mark.parametrize("size", [1, 5, 7, 11])
def test_settings_that_are_broken_off_are_refused(size):
    with pytest.raises(BrokenError, match="settings are broken off"):
        frames.settings_of(b"\0" * size)


def test_a_number_has_31_bits_and_is_whole_or_refused():
    assert frames.number_of(b"\x80\0\0\x07") == 7
    assert frames.number_of(b"\0\0\0\x01\0\0\0\x02") == 1
    for content in (b"", b"\0\0\0"):
        with pytest.raises(BrokenError, match="broken off"):
            frames.number_of(content)


@given(st.binary(max_size=200), st.integers(0, 255))
def test_padding_is_taken_off(content, padding):
    data = DataFrame(1, content, pad_length=padding, flags=["PADDED"])
    head = HeadersFrame(1, content, pad_length=padding, flags=["PADDED", "PRIORITY"], depends_on=3, stream_weight=9)
    for one in (data, head):
        (received,) = Reader().frames(one.serialize())
        assert frames.unpadded(received) == content


def test_without_a_flag_the_content_is_as_it_came():
    assert frames.unpadded(frames.Frame(Kind.DATA, Flag.END_STREAM, 1, b"\x05abc")) == b"\x05abc"
    assert frames.unpadded(frames.Frame(Kind.DATA, Flag.PRIORITY, 1, b"\x05abc")) == b"\x05abc"


@pytest.mark.parametrize(
    ("kind", "flags", "content"),
    [
        (Kind.DATA, Flag.PADDED, b""),
        (Kind.DATA, Flag.PADDED, b"\x01"),
        (Kind.DATA, Flag.PADDED, b"\x04abc"),
        (Kind.HEADERS, Flag.PRIORITY, b"1234"),
        (Kind.HEADERS, Flag.PADDED | Flag.PRIORITY, b"\x0112345"),
    ],
)
def test_padding_that_is_longer_than_its_frame_is_refused(kind, flags, content):
    with pytest.raises(BrokenError, match="padding"):
        frames.unpadded(frames.Frame(kind, flags, 1, content))


@given(st.binary(min_size=1, max_size=300), st.binary(max_size=300))
def test_a_header_is_read_by_others_as_it_was_written(name, value):
    assert hpack.Decoder().decode(frames.literal(name, value), raw=True) == [(name, value)]


@pytest.mark.parametrize("size", [0, 126, 127, 128, 254, 255, 16_510, 16_511, 60_000])
def test_a_headers_length_may_be_any(size):
    assert hpack.Decoder().decode(frames.literal(b"a", b"x" * size), raw=True) == [(b"a", b"x" * size)]


def test_headers_are_not_remembered_so_that_each_is_written_the_same_again():
    decoder = hpack.Decoder()
    decoder.decode(frames.literal(b"a", b"b"))
    assert decoder.header_table.dynamic_entries == type(decoder.header_table.dynamic_entries)()
