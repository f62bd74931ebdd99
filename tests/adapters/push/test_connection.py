"""One HTTP/2 connection, against a service that does what a test says and that h2 judges it for (S8)."""

import pytest
from h2 import events
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import (
    DataFrame,
    HeadersFrame,
    RstStreamFrame,
    WindowUpdateFrame,
)

from laba.adapters.push.connection import BODY_LIMIT_BYTES, Address, NoHttp2Error, NotTakenError
from laba.model.http import HttpCall, HttpReply
from laba.ports.letters import CourierError
from push_ends import ADDRESS, CALL, OK, called, connected, connecting, ended, joined
from scripted_peer import peering

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quiet_loop")]

# --- a call and its answer -----------------------------------------------------------------------------------------


async def test_a_call_arrives_as_it_was_written():
    async with joined() as (connection, wire):
        call = HttpCall("", "你好".encode(), {"Authorization": "bearer x", "apns-topic": "a.b", "X-Name": "né"})
        async with called(connection, call) as calling:
            request = await wire.request()
            assert request.body == "你好".encode()
            assert request.headers == {
                ":method": "POST",
                ":scheme": "https",
                ":path": "/3/device/0a?x=y",
                ":authority": "push.example:8443",
                "user-agent": "laba",
                "content-length": "6",
                "authorization": "bearer x",
                "apns-topic": "a.b",
                "x-name": "né",
            }
            wire.answer(request.stream, 429, b'{"reason":"x"}', retry_after="7")
            assert await ended(calling) == HttpReply(429, b'{"reason":"x"}', {"retry-after": "7"})


async def test_a_call_without_a_body_ends_with_its_headers():
    async with joined() as (connection, wire), called(connection, HttpCall("", b"")) as calling:
        request = await wire.request()
        assert (request.body, request.headers["content-length"]) == (b"", "0")
        wire.answer(request.stream, 204)
        assert await ended(calling) == HttpReply(204)


async def test_calls_that_differ_in_one_header_differ_on_the_wire_however_many_there_are():
    """What was written once is kept, of the newest few hundred."""
    async with joined() as (connection, wire):
        for number in [*range(300), 0]:
            async with called(connection, HttpCall("", b"", {"apns-id": str(number)})) as calling:
                request = await wire.request()
                assert request.headers["apns-id"] == str(number)
                wire.answer(request.stream)
                assert await ended(calling) == HttpReply(200)


async def test_answers_come_in_any_order_each_to_its_call():
    async with (
        joined() as (connection, wire),
        called(connection) as first,
        called(connection) as second,
        called(connection) as third,
    ):
        streams = [(await wire.request()).stream for _ in range(3)]
        assert (streams, connection.busy) == ([1, 3, 5], 3)
        for stream in (3, 5, 1):
            wire.answer(stream, 200, b"%d" % stream)
        assert [(await ended(one)).body for one in (first, second, third)] == [b"1", b"3", b"5"]
        assert connection.busy == 0


async def test_headers_longer_than_a_frame_go_on_in_others():
    async with joined() as (connection, wire):
        long = {"a": "x" * 20_000, "b": "y" * 20_000}
        async with called(connection, HttpCall("", b"{}", long)) as calling:
            request = await wire.request()
            assert (request.headers["a"], request.headers["b"]) == ("x" * 20_000, "y" * 20_000)
            wire.answer(request.stream)
            assert await ended(calling) == HttpReply(200)


async def test_a_call_that_cannot_be_written_is_no_call_and_takes_no_room():
    async with joined() as (connection, wire):
        await wire.quiet()
        room = connection.room
        for address, headers in [(Address("h", "/\ud800"), {}), (ADDRESS, {"a": "\ud800"})]:
            with pytest.raises(ValueError, match="surrogates"):
                await connection.call(address, HttpCall("", b"{}", headers))
        assert (connection.room, connection.busy) == (room, 0)
        async with called(connection) as calling:
            wire.answer((await wire.request()).stream)
            assert await ended(calling) == HttpReply(200)


# --- windows -------------------------------------------------------------------------------------------------------


async def test_a_body_larger_than_a_frame_and_than_the_window_arrives_whole():
    """RFC 9113 section 5.2; h2 refuses what is beyond its windows."""
    body = bytes(range(256)) * 800
    async with joined() as (connection, wire), called(connection, HttpCall("", body)) as calling:
        got = b""
        while len(got) < len(body):
            part = await wire.hear(events.DataReceived)
            got += part.data
            wire.widen(part.flow_controlled_length)
            wire.widen(part.flow_controlled_length, part.stream_id)
        await wire.hear(events.StreamEnded)
        assert got == body
        wire.answer(1)
        assert await ended(calling) == HttpReply(200)


async def test_a_stream_waits_for_its_own_window_and_others_do_not_wait_for_it():
    async with joined({SettingCodes.INITIAL_WINDOW_SIZE: 3}) as (connection, wire):
        await wire.quiet()
        async with called(connection, HttpCall("", b"abcdefgh")), called(connection, HttpCall("", b"ABC")):
            assert (await wire.hear(events.DataReceived, 1)).data == b"abc"
            assert (await wire.hear(events.DataReceived, 3)).data == b"ABC"
            await wire.hear(events.StreamEnded, 3)
            wire.widen(4, 1)
            assert (await wire.hear(events.DataReceived, 1)).data == b"defg"
            wire.widen(4, 1)
            assert (await wire.hear(events.DataReceived, 1)).data == b"h"
            await wire.hear(events.StreamEnded, 1)


async def test_streams_that_wait_for_the_connections_window_go_on_in_their_order():
    async with (
        joined() as (connection, wire),
        called(connection, HttpCall("", b"x" * 65_535)),
        called(connection, HttpCall("", b"second")),
        called(connection, HttpCall("", b"third")),
    ):
        assert len((await wire.request()).body) == 65_535
        await wire.quiet()
        assert wire.heard(events.DataReceived) == []
        wire.widen(4)
        assert (await wire.hear(events.DataReceived, 3)).data == b"seco"
        wire.widen(100)
        assert (await wire.request()).body == b"nd"
        assert (await wire.request()).body == b"third"


async def test_a_change_of_the_first_window_changes_those_of_streams_that_wait():
    """Down below nothing, too (RFC 9113 section 6.9.2)."""
    async with joined({SettingCodes.INITIAL_WINDOW_SIZE: 4}) as (connection, wire):
        await wire.quiet()
        async with called(connection, HttpCall("", b"abcdefghij")):
            assert (await wire.hear(events.DataReceived)).data == b"abcd"
            wire.change({SettingCodes.INITIAL_WINDOW_SIZE: 1})
            wire.widen(3, 1)
            await wire.quiet()
            assert wire.heard(events.DataReceived) == []
            wire.change({SettingCodes.INITIAL_WINDOW_SIZE: 3})
            assert (await wire.hear(events.DataReceived)).data == b"ef"
            wire.change({SettingCodes.INITIAL_WINDOW_SIZE: 100})
            assert (await wire.hear(events.DataReceived)).data == b"ghij"


async def test_frames_are_as_long_as_the_service_allows():
    async with joined({SettingCodes.MAX_FRAME_SIZE: 20_000}) as (connection, wire):
        await wire.quiet()
        async with called(connection, HttpCall("", b"x" * 30_000)):
            sizes = [len((await wire.hear(events.DataReceived)).data) for _ in range(2)]
            assert sizes == [20_000, 10_000]


async def test_the_service_gets_its_window_back():
    """Of all that it sent, padding and what nobody reads too: it may go on for ever."""
    async with joined() as (connection, wire):
        await wire.quiet()
        sent = 0
        window = wire.judge.outbound_flow_control_window
        assert window == 1 << 24
        await wire.hear(events.WindowUpdated)
        async with called(connection) as calling:
            stream = (await wire.request()).stream
            while sent < window // 2:
                wire.raw(DataFrame(stream + 2, b"x" * 16_128, pad_length=255, flags=["PADDED"]))
                sent += 16_384
            assert (await wire.hear(events.WindowUpdated)).delta >= window // 2
            wire.answer(stream)
            assert await ended(calling) == HttpReply(200)


async def test_an_answer_before_the_call_is_whole_ends_it():
    """What was not sent is not sent any more, and the service is told so: the stream would stay open for it."""
    async with joined({SettingCodes.INITIAL_WINDOW_SIZE: 3}) as (connection, wire):
        await wire.quiet()
        async with called(connection, HttpCall("", b"abcdef")) as calling:
            await wire.hear(events.DataReceived)
            wire.answer(1, 413)
            assert (await ended(calling)).status == 413
            assert (await wire.hear(events.StreamReset)).stream_id == 1
            wire.change({SettingCodes.INITIAL_WINDOW_SIZE: 100})
            await wire.quiet()
            assert wire.heard(events.DataReceived) == []


# --- ends ----------------------------------------------------------------------------------------------------------


async def test_what_a_service_refuses_was_not_taken():
    async with joined() as (connection, wire), called(connection) as calling:
        wire.reset((await wire.request()).stream, ErrorCodes.REFUSED_STREAM)
        assert isinstance(await ended(calling), NotTakenError)
        assert connection.is_open


@pytest.mark.parametrize("code", [ErrorCodes.NO_ERROR, ErrorCodes.INTERNAL_ERROR, ErrorCodes.ENHANCE_YOUR_CALM])
async def test_what_a_service_breaks_off_has_no_answer(code):
    async with joined() as (connection, wire), called(connection) as calling, called(connection) as other:
        await wire.requests(2)
        wire.reset(1, code)
        assert str(await ended(calling)) == f"no answer: it broke the call off (HTTP/2 error {code.value})"
        wire.answer(3)
        assert await ended(other) == HttpReply(200)


async def test_a_service_that_goes_away_answers_what_it_took_and_the_rest_was_not_taken():
    async with (
        joined() as (connection, wire),
        called(connection) as first,
        called(connection) as second,
        called(connection) as third,
    ):
        await wire.requests(3)
        wire.go_away(3)
        assert isinstance(await ended(third), NotTakenError)
        assert (connection.is_open, connection.room, connection.busy) == (False, 0, 2)
        with pytest.raises(NotTakenError):
            await connection.call(ADDRESS, CALL)
        wire.answer(1)
        wire.go_away(1)
        assert await ended(first) == HttpReply(200)
        assert isinstance(await ended(second), NotTakenError)
        await wire.ended()


async def test_a_service_that_goes_away_gently_may_answer_everything_first():
    """It says the highest number there is, and the true one later (RFC 9113 section 6.8)."""
    async with joined() as (connection, wire), called(connection) as calling:
        await wire.request()
        wire.go_away(2**31 - 1)
        await wire.quiet()
        wire.go_away(1)
        wire.answer(1, 200, b"ok")
        assert await ended(calling) == HttpReply(200, b"ok")
        await wire.ended()


async def test_a_service_that_goes_away_unasked_is_left():
    async with joined() as (connection, wire):
        wire.go_away(0)
        await wire.ended()
        assert not connection.is_open


async def test_a_connection_that_is_cut_fails_its_calls():
    async with joined() as (connection, wire), called(connection) as calling:
        wire.raw(HeadersFrame((await wire.request()).stream, wire.block(OK), flags=["END_HEADERS"]))
        wire.transport.abort()
        assert str(await ended(calling)) == "no answer: the connection was closed half-way"
        assert (connection.is_open, connection.busy) == (False, 0)


async def test_a_call_that_is_given_up_is_cancelled_at_the_service_and_its_place_is_free():
    freed = []
    async with peering() as peer, connected(peer, lambda: freed.append(None)) as (connection, wire):
        await wire.quiet()
        room = connection.room
        async with called(connection, HttpCall("", b"{}")):
            await wire.request()
            assert connection.room == room - 1
            freed.clear()
        assert (connection.room, len(freed)) == (room, 1)
        reset = await wire.hear(events.StreamReset)
        assert (reset.stream_id, reset.error_code) == (1, ErrorCodes.CANCEL)
        wire.raw(HeadersFrame(1, wire.block(OK), flags=["END_HEADERS", "END_STREAM"]))
        async with called(connection) as calling:
            wire.answer((await wire.request()).stream)
            assert await ended(calling) == HttpReply(200)


async def test_a_call_that_has_its_answer_already_is_not_cancelled_at_the_service():
    async with joined() as (connection, wire):
        async with called(connection) as calling:
            stream = (await wire.request()).stream
            wire.answer(stream)
            assert await ended(calling) == HttpReply(200)
        await wire.quiet()
        assert wire.heard(events.StreamReset) == []


async def test_a_connection_whose_streams_are_used_up_ends_with_its_last_call():  # RFC 9113 section 5.1.1
    async with joined() as (connection, wire):
        await connection.greeted
        connection._next = (1 << 30) + 1
        async with called(connection) as calling:
            request = await wire.request()
            assert not connection.is_open
            wire.answer(request.stream)
            assert (await ended(calling)).status == 200
        await wire.ended()


async def test_a_connection_that_is_closed_takes_no_more_calls_at_once():
    async with joined() as (connection, wire), called(connection) as calling:
        await wire.request()
        connection.close()
        assert (connection.is_open, connection.room) == (False, 0)
        with pytest.raises(NotTakenError):
            await connection.call(ADDRESS, CALL)
        assert str(await ended(calling)) == "no answer: the connection was closed half-way"
        connection.close()
        await wire.ended()


# --- the service speaks --------------------------------------------------------------------------------------------


async def test_a_ping_is_answered_and_so_are_settings():
    async with joined() as (_connection, wire):
        await wire.quiet()
        acknowledged = await wire.hear(events.SettingsAcknowledged)
        wire.change({SettingCodes.MAX_CONCURRENT_STREAMS: 7})
        acknowledged = await wire.hear(events.SettingsAcknowledged)
        assert [change.new_value for change in acknowledged.changed_settings.values()] == [7]


async def test_the_service_is_told_not_to_push_and_what_fits():
    async with joined() as (_connection, wire):
        await wire.quiet()
        said = (await wire.hear(events.RemoteSettingsChanged)).changed_settings
        assert {name: change.new_value for name, change in said.items()} == {
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: 2 * BODY_LIMIT_BYTES,
        }


async def test_the_room_is_what_the_service_says_it_is_now():
    async with joined({SettingCodes.MAX_CONCURRENT_STREAMS: 2}) as (connection, wire):
        await wire.quiet()
        assert connection.room == 2
        async with called(connection):
            await wire.request()
            connection.promised += 1
            assert (connection.room, connection.busy) == (0, 1)
            wire.change({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
            await wire.quiet()
            assert connection.room == -1
            wire.change({SettingCodes.MAX_CONCURRENT_STREAMS: 9})
            await wire.quiet()
            assert connection.room == 7


async def test_there_is_no_room_until_the_service_has_said_how_much():
    """APNs allows one stream until it knows its caller; who says nothing of it allows a hundred."""
    async with joined(None) as (connection, wire):
        wire.judge.ping(b"too soon")
        wire.raw(wire.judge.data_to_send())
        await wire.hear(events.PingAckReceived)
        assert (connection.room, connection.greeted.done()) == (0, False)
        wire.change({})
        await connection.greeted
        assert connection.room == 100


async def test_a_service_that_ends_before_it_has_said_anything_gives_no_connection():
    async with joined(None) as (connection, wire):
        wire.transport.abort()
        with pytest.raises(CourierError, match="the connection was closed half-way"):
            await connection.greeted


async def test_a_service_that_speaks_no_http_2_gives_no_connection():
    async with peering(protocols=["http/1.1"]) as peer:
        connection = await connecting(peer)
        with pytest.raises(NoHttp2Error):
            await connection.greeted
        assert (connection.is_open, connection.room) == (False, 0)


async def test_frames_of_unknown_kinds_and_of_streams_that_are_none_are_passed_over():
    async with joined() as (connection, wire), called(connection) as calling:
        stream = (await wire.request()).stream
        wire.raw(
            b"\0\0\x03\x77\xff\0\0\0\x01abc",
            DataFrame(99, b"abc", flags=["END_STREAM"]),
            HeadersFrame(99, wire.block(OK, ("remembered", "yes")), flags=["END_HEADERS", "END_STREAM"]),
            RstStreamFrame(99, 2),
            WindowUpdateFrame(99, 5),
        )
        wire.answer(stream, 200, remembered="yes")
        assert await ended(calling) == HttpReply(200, b"", {"remembered": "yes"})
