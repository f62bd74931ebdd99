"""What services answer on a connection, in every form, and what is none (S8)."""

import asyncio
import gc
import socket

import pytest
from h2 import events
from h2.errors import ErrorCodes
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    SettingsFrame,
)

from laba.adapters.push.connection import BODY_LIMIT_BYTES
from laba.model.http import HttpReply
from push_ends import OK, called, connecting, ended, joined, reached
from scripted_peer import SECONDS, peering

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet_loop")]


async def answered(*frames_of):
    """Make one call, and answer it by the frames that are written for its stream; give how it ended."""
    async with joined() as (connection, wire), called(connection) as calling:
        request = await wire.request()
        for frame_of in frames_of:
            wire.raw(frame_of(wire, request.stream))
        return await ended(calling)


def head(*headers, flags=("END_HEADERS",), **rest):
    return lambda wire, stream: HeadersFrame(stream, wire.block(*headers), flags=flags, **rest)


def data(content, *flags, **rest):
    return lambda wire, stream: DataFrame(stream, content, flags=flags, **rest)


async def test_an_answers_headers_may_go_on_in_other_frames():
    def split(wire, stream):
        block = wire.block(OK, ("a", "b" * 100))
        yield HeadersFrame(stream, block[:1], flags=["END_STREAM"]).serialize()
        yield ContinuationFrame(stream, block[1:9]).serialize()
        yield ContinuationFrame(stream, b"").serialize()
        yield ContinuationFrame(stream, block[9:], flags=["END_HEADERS"]).serialize()

    reply = await answered(lambda wire, stream: b"".join(split(wire, stream)))
    assert reply == HttpReply(200, b"", {"a": "b" * 100})


async def test_an_answer_may_be_padded_and_have_a_priority():
    padded = head(OK, flags=["END_HEADERS", "PADDED", "PRIORITY"], pad_length=200, depends_on=0, stream_weight=5)
    reply = await answered(padded, data(b"ab", "PADDED", pad_length=255), data(b"c", "END_STREAM", "PADDED"))
    assert reply == HttpReply(200, b"abc")


async def test_what_is_said_before_an_answer_is_none():
    reply = await answered(
        head((":status", "103"), ("link", "x")), head((":status", "100")), head(OK), data(b"a", "END_STREAM")
    )
    assert reply == HttpReply(200, b"a")


async def test_what_follows_an_answers_body_is_not_read():
    trailers = head(("grpc-status", "0"), flags=["END_HEADERS", "END_STREAM"])
    assert await answered(head(OK, ("a", "b")), data(b"x"), trailers) == HttpReply(200, b"x", {"a": "b"})


async def test_a_header_that_is_no_text_is_read_byte_by_byte():
    reply = await answered(head(OK, (b"a", b"\xff\xe9"), flags=["END_HEADERS", "END_STREAM"]))
    assert reply == HttpReply(200, b"", {"a": "ÿé"})


@pytest.mark.parametrize("status", ["", "abc", "-200", "2 0", "²00", "9" * 5000, "103"])
async def test_an_answer_without_a_status_is_none(status):
    told = await answered(head((":status", status.encode("latin-1")), flags=["END_HEADERS", "END_STREAM"]))
    assert str(told) == "no answer: it ended without a status"


async def test_a_body_without_headers_is_no_answer():
    assert str(await answered(data(b"a", "END_STREAM"))) == "no answer: it ended without a status"


async def test_an_answer_of_as_many_bytes_as_are_read_is_one():
    pieces = [data(b"x" * 16_384) for _ in range(BODY_LIMIT_BYTES // 16_384)]
    assert await answered(head(OK), *pieces, data(b"", "END_STREAM")) == HttpReply(200, b"x" * BODY_LIMIT_BYTES)


async def test_a_longer_answer_is_none_and_is_broken_off_while_the_connection_stays():
    async with joined() as (connection, wire):
        async with called(connection) as calling:
            stream = (await wire.request()).stream
            wire.raw(HeadersFrame(stream, wire.block(OK), flags=["END_HEADERS"]))
            wire.raw(*(DataFrame(stream, b"x" * 16_384) for _ in range(4)), DataFrame(stream, b"x"))
            assert str(await ended(calling)) == "its answer is longer than 65536 bytes"
        assert (await wire.hear(events.StreamReset)).error_code == ErrorCodes.CANCEL
        wire.raw(DataFrame(stream, b"more that was under way"))
        async with called(connection) as calling:
            wire.answer((await wire.request()).stream)
            assert await ended(calling) == HttpReply(200)


# --- peers that are broken -----------------------------------------------------------------------------------------

BROKEN = {
    "a frame that is too long": (lambda wire: b"\x00\x40\x01\0\0\0\0\0\x01", "it sent a frame that is too long"),
    "headers that cannot be read": (
        lambda wire: HeadersFrame(1, b"\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS"]),
        "its headers are broken",
    ),
    "headers of an index that is none": (
        lambda wire: HeadersFrame(1, b"\xfe", flags=["END_HEADERS"]),
        "its headers are broken",
    ),
    "headers that unfold to too much": (
        lambda wire: HeadersFrame(1, b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000 + b"\xbe" * 60, flags=["END_HEADERS"]),
        "its headers are broken",
    ),
    "headers that are not ended": (
        lambda wire: HeadersFrame(1, wire.block(OK)).serialize() + DataFrame(1, b"x").serialize(),
        "headers were not ended",
    ),
    "headers that go on at another stream": (
        lambda wire: HeadersFrame(1, b"").serialize() + ContinuationFrame(3, b"").serialize(),
        "headers go on that were not begun",
    ),
    "headers that go on without a beginning": (
        lambda wire: ContinuationFrame(1, b"", flags=["END_HEADERS"]),
        "headers go on that were not begun",
    ),
    "headers without an end": (
        lambda wire: (
            HeadersFrame(1, b"\0" * 16_000).serialize() + ContinuationFrame(1, b"\0" * 16_000).serialize() * 4
        ),
        "its headers are too long",
    ),
    "a push": (
        lambda wire: PushPromiseFrame(1, 2, wire.block((":path", "/")), flags=["END_HEADERS"]),
        "it pushes what it was told not to",
    ),
    "padding longer than the frame": (lambda wire: b"\0\0\x01\0\x08\0\0\0\x01\x05", "a frame's padding is longer"),
    "settings broken off": (lambda wire: b"\0\0\x05\x04\0\0\0\0\0abcde", "its settings are broken off"),
    "a reset broken off": (lambda wire: b"\0\0\x02\x03\0\0\0\0\x01ab", "a frame is broken off"),
    "frames of no size": (lambda wire: SettingsFrame(0, {5: 0}), "its settings are none that may be"),
    "frames too large": (lambda wire: SettingsFrame(0, {5: 1 << 24}), "its settings are none that may be"),
    "a first window too large": (lambda wire: SettingsFrame(0, {4: 1 << 31}), "its settings are none that may be"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_service_that_does_not_keep_to_the_protocol_is_left(what):
    broken, reason = BROKEN[what]
    async with joined() as (connection, wire), called(connection) as calling:
        await wire.request()
        wire.raw(broken(wire))
        assert str(await ended(calling)).startswith(f"no answer: it does not keep to HTTP/2: {reason}")
        await wire.ended()
        assert not connection.is_open


# --- what would cost us without an end -----------------------------------------------------------------------------


async def test_a_service_that_asks_on_and_on_and_does_not_read_is_left():
    """Each PING wants its answer; unread they would wait here."""
    async with joined() as (connection, wire), called(connection) as calling:
        await wire.request()
        wire.transport.pause_reading()
        pings = PingFrame(0, b"are you?").serialize() * 10_000
        while not calling.done():
            wire.raw(pings)
            await wire.written()
        assert str(await ended(calling)) == "no answer: the service asks for more than it reads"
        assert not connection.is_open


async def test_a_connection_that_ends_when_nobody_waits_for_it_any_more_is_no_fault():
    """Who made it has given up; of an error that nobody took, the loop would be told."""
    async with peering(None) as peer:
        connection = await connecting(peer)
        connection.close()
        await asyncio.wait([connection.greeted], timeout=SECONDS)
        del connection
        gc.collect()


async def test_a_connection_that_the_network_forgot_is_given_up_in_half_a_minute():
    """By the kernel, which alone knows what was acknowledged (RFC 5482)."""
    async with peering() as peer:
        transport, connection = await reached(peer)
        patience_ms = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        connection.close()
        assert patience_ms == 30_000
