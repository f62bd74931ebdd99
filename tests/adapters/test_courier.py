"""HTTP out, against a receiver on a real socket."""

import asyncio
import gzip
from contextlib import asynccontextmanager, suppress

import pytest

from laba.adapters.courier import BODY_LIMIT_BYTES, HttpCourier
from laba.model.http import HttpCall, HttpReply
from laba.ports.letters import CourierError
from receiver import receiving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def courier():
    async with HttpCourier.open() as courier:
        yield courier


def call(receiver, body=b"{}", **headers):
    return HttpCall(receiver.url + "?a=b", body, headers)


async def test_a_call_arrives_as_it_was_written(courier):
    async with receiving() as receiver:
        body = "你好".encode()
        reply = await courier.send(call(receiver, body, **{"Content-Type": "text/plain", "AppKey": "k"}), 5000)
        assert (reply.status, reply.body) == (200, b"ok")
        (delivery,) = receiver.deliveries
        assert (delivery.target, delivery.body) == ("/told?a=b", body)
        assert (delivery.headers["content-type"], delivery.headers["appkey"]) == ("text/plain", "k")
        assert delivery.headers["user-agent"] == "laba"


@pytest.mark.parametrize("status", [204, 302, 400, 429, 500, 503])
async def test_whatever_status_is_an_answer_and_redirects_are_not_followed(courier, status):
    async with receiving(usual=status) as receiver:
        assert (await courier.send(call(receiver), 5000)).status == status
        assert len(receiver.deliveries) == 1


@pytest.mark.parametrize("mood", ["hang", "half", "close"])
async def test_without_a_whole_answer_in_time_there_is_none(courier, mood):
    async with receiving(usual=mood) as receiver:
        with pytest.raises(CourierError, match=r"^no answer"):
            await courier.send(call(receiver), 200)
        receiver.usual = 200
        assert (await courier.send(call(receiver), 5000)).status == 200


async def test_where_nobody_listens_that_is_said(courier):
    """And nothing of the URL, which may hold a secret."""
    async with receiving() as receiver:
        gone = HttpCall(receiver.url + "?secret=x", b"")
    with pytest.raises(CourierError, match="nobody listens there") as told:
        await courier.send(gone, 5000)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http://",
        "http://[",
        "nothing",
        "",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:-1/",
        "http://a\x00b/",
        "http://127.0.0.1/\ud800",
    ],
)
async def test_a_url_that_cannot_be_called_is_a_failure_like_others(courier, url):
    with pytest.raises(CourierError):
        await courier.send(HttpCall(url, b""), 1000)


async def test_a_header_that_cannot_be_written_is_a_failure_like_others(courier):
    """Nothing is called then."""
    async with receiving() as receiver:
        for value in ("喇叭", "\ud800"):
            with pytest.raises(CourierError):
                await courier.send(call(receiver, AppKey=value), 5000)
        assert receiver.deliveries == []


async def test_a_host_that_has_no_address_is_named_as_such(courier):
    with pytest.raises(CourierError, match="its host has no address"):
        await courier.send(HttpCall("http://nothing.invalid/", b""), 5000)


async def test_a_receiver_that_does_not_speak_tls_gets_nothing(courier):
    async with answering(b"HTTP/1.1 400 No\r\n\r\n", until=b"\x01") as url:
        with pytest.raises(CourierError, match="no secure connection came about"):
            await courier.send(HttpCall(url.replace("http:", "https:"), b""), 5000)


@asynccontextmanager
async def answering(answer, until=b"\r\n\r\n"):
    """Listen on a free port and answer whoever comes with these bytes; give the URL."""

    async def serve(reader, writer):
        await reader.readuntil(until)
        writer.write(answer)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()


def answered(body, *headers):
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def test_an_answer_of_as_many_bytes_as_are_read_is_one(courier):
    body = b"x" * BODY_LIMIT_BYTES
    async with answering(answered(body)) as url:
        assert await courier.send(HttpCall(url, b""), 5000) == HttpReply(200, body, {"content-length": "65536"})


async def test_an_answer_has_its_headers_by_lower_case_names(courier):
    async with answering(answered(b"", b"Retry-After: 7", b"X-Why: none")) as url:
        reply = await courier.send(HttpCall(url, b""), 5000)
    assert dict(reply.headers) == {"content-length": "0", "retry-after": "7", "x-why": "none"}


async def test_an_answer_that_is_longer_is_none(courier):
    async with answering(answered(b"x" * (BODY_LIMIT_BYTES + 1))) as url:
        with pytest.raises(CourierError, match="longer than 65536 bytes"):
            await courier.send(HttpCall(url, b""), 5000)


async def test_what_is_compressed_is_not_asked_for_and_not_unfolded(courier):
    """Ten megabytes of one byte are ten kilobytes on the wire."""
    small = gzip.compress(b"x" * 10_000_000)
    async with answering(answered(small, b"Content-Encoding: gzip")) as url:
        assert (await courier.send(HttpCall(url, b""), 5000)).body == small
    async with receiving() as receiver:
        await courier.send(call(receiver), 5000)
        assert receiver.deliveries[0].headers["accept-encoding"] == "identity"


async def test_many_calls_at_once_do_not_wait_for_a_slow_one(courier):
    async with receiving(usual="hang") as slow, receiving() as quick:
        waiting = asyncio.create_task(courier.send(call(slow), 10_000))
        replies = await asyncio.gather(*(courier.send(call(quick), 5000) for _ in range(50)))
        assert {reply.status for reply in replies} == {200}
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])
