import gc
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import Protocol, Side

from laba.model.closing import Closing
from laba.protocols.websocket import (
    Binary,
    CloseFrame,
    FrameReader,
    PingFrame,
    PongFrame,
    ServerFrames,
    Text,
    Violation,
    binary_frame,
    client_close_frame,
    client_pong_frame,
    client_text_frame,
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
)

MASK = b"\x37\xfa\x21\x3d"
LIMIT = 100_000


def frame(opcode, payload=b"", *, fin=True, rsv=0, mask=MASK):
    """Build a client's frame of any kind, right or wrong, by another way than the code under test."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([fin << 7 | rsv << 4 | opcode]) + length + mask + masked


def read(*pieces, limit=LIMIT):
    reader = FrameReader(limit)
    return [event for piece in pieces for event in reader.feed(piece)]


def closing(*pieces, limit=LIMIT):
    """Give how the one violation that these bytes hold ends the connection."""
    *_, last = read(*pieces, limit=limit)
    assert isinstance(last, Violation)
    return last.closing


# --- what is right --------------------------------------------------------------------------------------------------


def test_the_rfcs_masked_hello_is_read():
    """RFC 6455 section 5.7 gives the bytes."""
    # S4
    assert read(bytes.fromhex("818537fa213d7f9f4d5158")) == [Text("Hello")]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 125, 126, 127, 128, 65535, 65536])
@pytest.mark.parametrize(("opcode", "kind"), [(1, Text), (2, Binary)])
def test_a_message_of_any_size_is_read(opcode, kind, size):
    """All three forms of a length work, at their edges (RFC 6455 section 5.2)."""
    # S4
    payload = (b"loudhailer" * (size // 10 + 1))[:size]
    expected = [kind(payload.decode() if kind is Text else payload)]
    assert read(frame(opcode, payload)) == expected
    assert read(*(bytes([byte]) for byte in frame(opcode, payload))) == expected


def test_a_fragmented_message_is_one_message():
    """Fragments join, whatever their sizes, even none (RFC 6455 section 5.4)."""
    # S4
    pieces = frame(1, b"Hel", fin=False), frame(0, b"", fin=False), frame(0, b"lo")
    assert read(*pieces) == read(b"".join(pieces)) == [Text("Hello")]
    assert read(frame(2, b"\xff", fin=False), frame(0, b"\xfe")) == [Binary(b"\xff\xfe")]


def test_a_character_may_be_split_between_fragments():
    """UTF-8 is judged over the message, not the fragment (RFC 6455 section 5.6)."""
    # S4
    first, second = "喇".encode()[:2], "喇".encode()[2:]
    assert read(frame(1, first, fin=False), frame(0, second)) == [Text("喇")]


def test_control_frames_may_stand_between_fragments():
    """They are given at once, before the message around them (RFC 6455 section 5.4)."""
    # S4
    stream = frame(1, b"a", fin=False), frame(9, b"now"), frame(0, b"b", fin=False), frame(10), frame(0, b"c")
    assert read(*stream) == [PingFrame(b"now"), PongFrame(b""), Text("abc")]


def test_a_close_is_given_and_ends_everything():
    """What follows a close frame is not read (RFC 6455 section 5.5.1)."""
    # S4
    reader = FrameReader(LIMIT)
    assert reader.feed(frame(8, b"\x03\xe8bye") + frame(1, b"late")) == [CloseFrame(1000, "bye")]
    assert reader.feed(frame(1, b"later")) == []


def test_a_close_may_be_empty():
    """Then it has no code (RFC 6455 section 7.1.5)."""
    # S4
    assert read(frame(8)) == [CloseFrame(None, "")]


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999])
def test_these_close_codes_are_valid(code):
    """RFC 6455 section 7.4 and the registry."""
    # S4
    assert read(frame(8, code.to_bytes(2, "big"))) == [CloseFrame(code, "")]


# --- what is wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_these_close_codes_are_not_valid(code):
    """They never travel (RFC 6455 section 7.4)."""
    # S4
    assert closing(frame(8, code.to_bytes(2, "big"))) is Closing.PROTOCOL_ERROR


def test_half_a_close_code_is_refused():
    """A body has two bytes at least, or none (RFC 6455 section 5.5.1)."""
    # S4
    assert closing(frame(8, b"\x03")) is Closing.PROTOCOL_ERROR


def test_a_close_reason_is_utf8():
    """RFC 6455 section 5.5.1."""
    # S4
    assert closing(frame(8, b"\x03\xe8\xff")) is Closing.INVALID_TEXT


@pytest.mark.parametrize("rsv", [1, 2, 4, 7])
@pytest.mark.parametrize("opcode", [1, 9])
def test_reserved_bits_are_refused(opcode, rsv):
    """No extension was negotiated (RFC 6455 section 5.2)."""
    # S4
    assert closing(frame(opcode, rsv=rsv)) is Closing.PROTOCOL_ERROR


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_reserved_opcodes_are_refused(opcode):
    """RFC 6455 section 5.2."""
    # S4
    assert closing(frame(opcode)) is Closing.PROTOCOL_ERROR


def test_each_side_masks_as_it_must():
    """Clients always, servers never (RFC 6455 section 5.1)."""
    # S4
    assert closing(text_frame(b"bare")) is Closing.PROTOCOL_ERROR
    assert closing(text_frame(b"x" * 200)) is Closing.PROTOCOL_ERROR
    (violation,) = ServerFrames(LIMIT).feed(client_text_frame(b"masked", MASK))
    assert violation.closing is Closing.PROTOCOL_ERROR


@pytest.mark.parametrize("opcode", [8, 9, 10])
def test_control_frames_are_whole_and_small(opcode):
    """At most 125 bytes, never fragmented (RFC 6455 section 5.5)."""
    # S4
    assert closing(frame(opcode, fin=False)) is Closing.PROTOCOL_ERROR
    assert closing(frame(opcode, b"x" * 126)) is Closing.PROTOCOL_ERROR
    assert not isinstance(read(frame(opcode, b"\x03\xe8" + b"x" * 123))[0], Violation)


def test_fragments_follow_a_beginning_and_nothing_else():
    """RFC 6455 section 5.4."""
    # S4
    assert closing(frame(0, b"lost")) is Closing.PROTOCOL_ERROR
    assert closing(frame(1, b"a", fin=False), frame(1, b"b")) is Closing.PROTOCOL_ERROR
    assert closing(frame(1, b"a", fin=False), frame(2, b"b")) is Closing.PROTOCOL_ERROR
    assert closing(frame(1, b"a"), frame(0, b"b")) is Closing.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "length",
    [
        b"\xfe\x00\x7d",
        b"\xff" + (65535).to_bytes(8, "big"),
        b"\xff" + (127).to_bytes(8, "big"),
        b"\xff" + (1 << 63).to_bytes(8, "big"),
    ],
)
def test_a_length_has_its_shortest_form(length):
    """The fewest bytes, and the highest of 64 bits zero (RFC 6455 section 5.2)."""
    # S4
    assert closing(b"\x81" + length + MASK + b"x" * 125, limit=1 << 63) is Closing.PROTOCOL_ERROR


def test_a_small_frame_in_a_long_form_is_refused_even_when_whole():
    """The short way through the code knows no exception."""
    # S4
    assert closing(b"\x81\xfe\x00\x02" + MASK + frame(1, b"ab")[6:]) is Closing.PROTOCOL_ERROR


@pytest.mark.parametrize("bad", [b"\xff", b"a\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe5\x96"])
def test_text_is_utf8(bad):
    """RFC 6455 section 8.1; a character cut off at the end counts too."""
    # S4
    assert closing(frame(1, bad)) is Closing.INVALID_TEXT
    assert closing(frame(1, b"a", fin=False), frame(0, bad)) is Closing.INVALID_TEXT


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0", b"\xed\xa0\x80", b"\xf4\x90"])
def test_text_fails_as_soon_as_it_is_lost(bad):
    """Neither the last fragment nor the frame's end is waited for (Autobahn 6.4)."""
    # S4
    text = "κόσμε".encode() + bad
    assert closing(frame(1, text, fin=False)) is Closing.INVALID_TEXT
    assert closing(frame(1, text + b"edited")[: 6 + len(text)]) is Closing.INVALID_TEXT


def test_a_message_too_big_is_refused_from_its_head():
    """Not one byte of its payload is taken; fragments count together."""
    # S4
    assert read(frame(1, b"12345678"), limit=8) == [Text("12345678")]
    assert closing(frame(1, b"123456789")[:6], limit=8) is Closing.MESSAGE_TOO_BIG
    assert closing(frame(2, b"x" * 70_000)[:14], limit=8) is Closing.MESSAGE_TOO_BIG
    assert closing(frame(1, b"12345", fin=False), frame(0, b"6789")[:6], limit=8) is Closing.MESSAGE_TOO_BIG
    assert read(frame(1, b"1234", fin=False), frame(9, b"x" * 100), frame(0, b"5678"), limit=8)[-1] == Text(
        "12345678"
    )


def test_nothing_is_read_after_a_violation():
    """The connection is lost (RFC 6455 section 7.1.7)."""
    # S4
    reader = FrameReader(LIMIT)
    assert len(reader.feed(frame(3) + frame(1, b"late"))) == 1
    assert reader.feed(frame(1, b"later")) == []


# --- any split, any bytes -------------------------------------------------------------------------------------------

controls = st.tuples(st.sampled_from(["ping", "pong"]), st.binary(max_size=125))
payloads = st.one_of(st.text(max_size=300), st.binary(max_size=300))
messages = st.lists(st.tuples(payloads, st.lists(st.integers(0, 300), max_size=3), controls), max_size=5)
cuts = st.lists(st.integers(0, 2000), max_size=12)


def speak(side, sent):
    """Let `websockets` send the messages, cut into fragments with a control frame before the last; then close."""
    peer = Protocol(side, max_size=None)
    expected = []
    for payload, at, (control, body) in sent:
        data = payload.encode() if isinstance(payload, str) else payload
        edges = sorted({min(cut, len(data)) for cut in at})
        parts = [data[start:end] for start, end in zip([0, *edges], [*edges, len(data)], strict=True)]
        begin = peer.send_text if isinstance(payload, str) else peer.send_binary
        begin(parts[0], fin=len(parts) == 1)
        for number, part in enumerate(parts[1:], 2):
            if number == len(parts):
                getattr(peer, f"send_{control}")(body)
                expected.append(PingFrame(body) if control == "ping" else PongFrame(body))
            peer.send_continuation(part, fin=number == len(parts))
        expected.append(Text(payload) if isinstance(payload, str) else Binary(payload))
    peer.send_close(1001, "再见")
    expected.append(CloseFrame(1001, "再见"))
    return b"".join(peer.data_to_send()), expected


def split(stream, at):
    edges = sorted({min(cut, len(stream)) for cut in at})
    return [stream[start:end] for start, end in zip([0, *edges], [*edges, len(stream)], strict=True)]


@pytest.mark.parametrize(("reader", "side"), [(FrameReader, Side.CLIENT), (ServerFrames, Side.SERVER)])
@given(sent=messages, at=cuts)
def test_what_another_library_sends_is_read_however_it_is_split(reader, side, sent, at):
    """`websockets` and we agree, and no boundary of a read matters."""
    # S4
    stream, expected = speak(side, sent)
    whole, piecewise = reader(LIMIT), reader(LIMIT)
    assert whole.feed(stream) == expected
    assert [event for piece in split(stream, at) for event in piecewise.feed(piece)] == expected


@pytest.mark.parametrize("reader", [FrameReader, ServerFrames])
@given(sent=messages, wrong=st.binary(max_size=40), where=st.integers(0, 400), at=cuts)
def test_garbage_never_raises_and_reads_the_same_however_it_is_split(reader, sent, wrong, where, at):
    """Bytes from anywhere give events, at worst one violation at the end."""
    # S4
    stream, _ = speak(Side.CLIENT if reader is FrameReader else Side.SERVER, sent)
    stream = stream[:where] + wrong + stream[where + len(wrong) :]
    whole, piecewise = reader(1000), reader(1000)
    events = whole.feed(stream)
    assert [event for piece in split(stream, at) for event in piecewise.feed(piece)] == events
    assert not any(isinstance(event, Violation) for event in events[:-1])


# --- frames out -----------------------------------------------------------------------------------------------------


def heard(stream):
    """Give what `websockets` reads of a server's frames."""
    client = Protocol(Side.CLIENT, max_size=None)
    client.receive_data(stream)
    assert client.parser_exc is None
    return client.events_received()


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_another_library_reads_our_messages(size):
    """All three forms of a length are written right."""
    # S4
    payload = b"x" * size
    assert heard(text_frame(payload) + binary_frame(payload)) == [
        Frame(Opcode.TEXT, payload),
        Frame(Opcode.BINARY, payload),
    ]


def test_another_library_reads_our_control_frames():
    """Ping, pong and close arrive as they were meant."""
    # S4
    assert heard(ping_frame() + pong_frame(b"echo") + close_frame(3008, "slow")) == [
        Frame(Opcode.PING, b""),
        Frame(Opcode.PONG, b"echo"),
        Frame(Opcode.CLOSE, Close(3008, "slow").serialize()),
    ]
    assert heard(close_frame(None)) == [Frame(Opcode.CLOSE, b"")]


def test_a_control_frame_cannot_be_made_too_long():
    """A ping or pong that broke the rule would be our bug; a reason is cut at a character's edge."""
    # S4
    for build in (ping_frame, pong_frame, lambda payload: client_pong_frame(payload, MASK)):
        with pytest.raises(ValueError, match="at most 125 bytes"):
            build(b"x" * 126)
    (event,) = ServerFrames(LIMIT).feed(close_frame(1011, "喇" * 60))
    assert event == CloseFrame(1011, "喇" * 41)


@pytest.mark.parametrize("payload", [b"", b"{}", b"x" * 126, b"x" * 70_000])
def test_another_library_reads_what_our_client_sends(payload):
    """The demo's and the bench's client speaks as a client must."""
    # S4
    server = Protocol(Side.SERVER, max_size=None)
    server.receive_data(
        client_text_frame(payload, MASK) + client_pong_frame(b"p", MASK) + client_close_frame(1000, MASK)
    )
    assert server.parser_exc is None
    assert server.events_received() == [
        Frame(Opcode.TEXT, payload),
        Frame(Opcode.PONG, b"p"),
        Frame(Opcode.CLOSE, b"\x03\xe8"),
    ]


# --- what it costs --------------------------------------------------------------------------------------------------


def test_an_idle_reader_holds_nothing():
    """After any message it is as small as it was born: a session may idle for days (design.md section 6.6)."""
    reader = FrameReader(LIMIT)
    idle = [held for held in gc.get_referents(reader) if held is not FrameReader]
    reader.feed(frame(1, b"x" * 70_000, fin=False))
    reader.feed(frame(9, b"ping")[:3])
    reader.feed(frame(9, b"ping")[3:] + frame(0, b"x"))
    assert [held for held in gc.get_referents(reader) if held is not FrameReader] == idle
    assert sys.getsizeof(reader) + sum(map(sys.getsizeof, idle)) < 300
