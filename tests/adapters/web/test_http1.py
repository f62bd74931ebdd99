"""HTTP/1.1 on a real socket: the bounds of a request, what comes around it, and what is relied on of uvicorn."""

import asyncio
import socket
from functools import partial

import pytest

from gateway_rig import UPGRADE, Rig, until
from laba.adapters.web.http1 import HttpProtocol, Takers
from laba.adapters.web.listening import WebServer

pytestmark = pytest.mark.anyio

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


def post(body, *lines):
    head = "".join(f"{line}\r\n" for line in ("Host: x", f"Content-Length: {len(body)}", *lines))
    return b"POST /b HTTP/1.1\r\n" + head.encode() + b"\r\n" + body


class Upgrades:
    """Takes every upgrade, and says on the new protocol what it was given."""

    def __init__(self):
        self.seen = []

    def __call__(self, transport, method, path, headers, rest):
        self.seen.append((method, path, rest))
        transport.set_protocol(asyncio.Protocol())
        transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")


class Streams:
    """Takes every stream, and says on the new protocol what it was given."""

    def __init__(self):
        self.seen = []

    def __call__(self, transport, method, path, headers, body):
        self.seen.append((method, path, dict(headers), body))
        transport.set_protocol(asyncio.Protocol())
        transport.write(b"HTTP/1.1 200 OK\r\n\r\n")


class App:
    """Answers with the request's line and the length of its body; it refuses bodies over 1000 bytes unread."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.gate.set()
        self.lost = self.read_bytes = 0
        self.more_bytes = 0  # that follow an answer, in pieces

    async def __call__(self, scope, receive, send):
        size = int(dict(scope["headers"]).get(b"content-length", 0))
        if size <= 1000:
            size = await self._size(receive)
        await self.gate.wait()
        if size is None:
            self.lost += 1
            return
        status = 413 if size > 1000 else 200
        body = f"{scope['method']} {scope['path']} {size}".encode()
        headers = [(b"content-length", b"%d" % (len(body) + self.more_bytes))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for _ in range(self.more_bytes // 10_000):
            await send({"type": "http.response.body", "body": bytes(10_000), "more_body": True})
        await send({"type": "http.response.body", "body": body})

    async def _size(self, receive):
        size = 0
        while size <= 1000:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            size += len(message["body"])
            self.read_bytes += len(message["body"])
            if not message["more_body"]:
                break
        return size


class HttpRig(Rig):
    def __init__(self, **bounds):
        super().__init__(**{"has_room": lambda _: True, **bounds})
        self.app, self.upgrades, self.streams = App(), Upgrades(), Streams()

    @property
    def takers(self):
        return Takers(self.upgrades, self.streams, frozenset({"/stream"}), 1000)

    def running(self):
        return self.serving(self.app, self.takers)


# --- the head ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    {
        "one header": b"GET / HTTP/1.1\r\nX: " + b"x" * 3000 + b"\r\n\r\n",
        "one header without an end": b"GET / HTTP/1.1\r\nX: " + b"x" * 3000,
        "many headers": b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 1000 + b"\r\n",
        "the line": b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\n\r\n",
        "far over": b"GET / HTTP/1.1\r\nX: " + b"x" * 700_000 + b"\r\n\r\n",
    }.items(),
    ids=lambda item: item[0],
)
@pytest.mark.parametrize("pieces", ["at once", "in pieces"])
async def test_a_head_over_the_bound_is_431(head, pieces):
    """In one packet and dribbled, and the answer can be read although the client has sent more than was read."""
    _, head = head
    async with HttpRig(head_bytes=2048).running() as rig:
        client = await rig.connect()
        if pieces == "at once":
            await client.send(head)
        else:
            for start in range(0, min(len(head), 4000), 400):
                await client.send(head[start : start + 400])
                await asyncio.sleep(0)
        status, headers, body = await client.response()
        assert (status, headers["connection"]) == (431, "close")
        assert b"too large" in body
        assert await client.read() == b""


async def test_a_head_just_within_the_bound_is_served():
    """As often as it likes on one connection, and with a body far larger."""
    async with HttpRig(head_bytes=2048).running() as rig:
        client = await rig.connect()
        for _ in range(3):
            assert (await client.call(GET.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 1900 + b"\r\n\r\n")))[0] == 200
        chunked = (
            b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 900 + b"0\r\n\r\n"
        )
        assert (await client.call(chunked))[2] == b"POST /b 900"


async def test_an_endless_trailer_is_431():
    """What follows a chunked body is bounded like a head."""
    async with HttpRig(head_bytes=2048).running() as rig:
        client = await rig.connect()
        await client.send(b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ")
        for _ in range(10):
            await client.send(b"x" * 500)
            await asyncio.sleep(0)
        assert (await client.response())[0] == 431
        await until(lambda: rig.app.lost == 1)


async def test_a_head_that_does_not_come_is_cut():
    """The first one, and every later one, counted from its first byte."""
    async with HttpRig(head_seconds=10).running() as rig:
        silent, slow = await rig.connect(), await rig.connect()
        await slow.call(GET)
        await slow.send(b"GET / HT")
        await until(lambda: len(list(rig.wheel._slots[11])) == 2)
        await rig.tick(10)
        assert len(rig.state.connections) == 2
        await rig.tick(12)
        assert await silent.read() == await slow.read() == b""


async def test_an_idle_connection_is_no_slow_head():
    """Between two calls only the keep-alive time counts."""
    async with HttpRig(head_seconds=10).running() as rig:
        client = await rig.connect()
        await client.call(GET)
        await rig.tick(200)
        assert (await client.call(GET))[0] == 200


async def test_where_there_is_no_room_a_connection_is_cut():
    """Before it has said anything."""
    async with HttpRig(has_room=lambda _: False).running() as rig:
        client = await rig.connect()
        assert await client.read() == b""


# --- the body ------------------------------------------------------------------------------------------------------


async def test_a_body_that_says_it_is_too_large_is_refused_at_once():
    """Ten gigabytes are announced, three bytes come: the answer does not wait for more."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        await client.send(b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\nabc")
        assert (await client.response())[0] == 413


async def test_a_chunked_body_that_grows_too_large_is_refused():
    """As soon as it is over."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        await client.send(b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.send(b"3e9\r\n" + b"x" * 1001 + b"\r\n")
        assert (await client.response())[0] == 413


async def test_a_refusal_can_be_read_by_who_is_still_sending():
    """What comes is thrown away, and the connection is good for the next call."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        await client.send(post(b"x" * 500_000) + GET)
        assert (await client.response())[0] == 413
        assert (await client.response())[2] == b"GET /a 0"


async def test_after_a_refused_body_the_keep_alive_time_counts():
    """A connection whose refused body has come in full does not stay for ever."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        await client.send(post(b"x" * 2000)[:-1])
        assert (await client.response())[0] == 413
        (protocol,) = rig.state.connections
        await client.send(b"x")
        await until(lambda: not protocol._in_body)
        assert protocol.timeout_keep_alive_task is not None or protocol.slot >= 0


async def test_who_never_stops_sending_is_cut():
    """After the discard bound, refused body or refused head."""
    async with HttpRig(head_bytes=2048).running() as rig:
        for start in (b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n", b"\0"):
            client = await rig.connect()
            await client.send(start)
            assert (await client.response())[0] in (413, 400)
            with pytest.raises(OSError):
                await client.send(b"x" * 30_000_000)


async def test_a_body_that_does_not_end_is_cut():
    """Whatever the application makes of it, twice the body's time is the end."""
    async with HttpRig(body_seconds=30).running() as rig:
        client = await rig.connect()
        await client.send(b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        await until(lambda: any(protocol._in_body for protocol in rig.state.connections))
        await rig.tick(60)
        assert len(rig.state.connections) == 1
        await rig.tick(62)
        assert await client.read() == b""
        await until(lambda: rig.app.lost == 1)


async def test_a_body_of_which_something_comes_is_not_cut():  # E12
    """However long it takes in all."""
    async with HttpRig(body_seconds=30).running() as rig:
        client = await rig.connect()
        await client.send(b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        await until(lambda: any(protocol._in_body for protocol in rig.state.connections))
        for count in range(1, 5):
            await client.send(b"x")
            await until(lambda count=count: rig.app.read_bytes == count)
            await rig.tick(count * 50)
        assert (await client.call(b"x"))[0] == 200


async def test_who_does_not_read_its_answer_is_cut():  # E12
    """Whoever reads, if slowly, is not."""
    async with HttpRig(body_seconds=30).running() as rig:
        rig.app.more_bytes = 10_000_000
        reader, sleeper = await rig.connect(4096), await rig.connect(4096)
        for client in (reader, sleeper):
            await client.send(GET)
        await until(lambda: len([one for one in rig.state.connections if one.flow.write_paused]) == 2)
        for second in range(20, 200, 20):
            await reader.read_exactly(700_000)
            await until(lambda: any(one.flow.write_paused for one in rig.state.connections))
            await rig.tick(second)
        assert len(rig.state.connections) == 1
        with pytest.raises(EOFError):
            await sleeper.read_exactly(10_000_000)


async def test_expect_100_continue():
    """The go-ahead comes where the body is wanted; where it is refused, the refusal comes instead."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        head, body = post(b"x" * 10, "Expect: 100-continue").split(b"\r\n\r\n")
        await client.send(head + b"\r\n\r\n")
        assert await client.read_through(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.call(body))[2] == b"POST /b 10"
        assert (await client.call(post(b"", "Expect: 100-continue").replace(b": 0\r\n", b": 9999\r\n")))[0] == 413


# --- one after another ---------------------------------------------------------------------------------------------


class Hesitant:
    """Answers with a head and, once it may, with what belongs behind it, or not at all."""

    def __init__(self):
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.fails = False

    async def __call__(self, scope, receive, send):
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        self.begun.set()
        await self.gate.wait()
        if self.fails:
            raise RuntimeError("a bug")
        await send({"type": "http.response.body", "body": b"he", "more_body": True})
        await send({"type": "http.response.body", "body": b"llo"})


async def test_a_head_comes_with_the_body_behind_it():
    """In one segment; and where none comes, or the answer breaks off, the head comes all the same."""
    rig, app = HttpRig(), Hesitant()
    rig.app = app
    async with rig.running():
        client = await rig.connect()
        await client.send(GET)
        await app.begun.wait()
        with pytest.raises(BlockingIOError):
            client.sock.recv(1)
        app.gate.set()
        assert (await client.response())[::2] == (200, b"hello")
        await client.send(GET.replace(b"GET", b"HEAD"))
        assert b"200 OK" in await client.read_through(b"\r\n\r\n")
        app.fails = True
        await client.send(GET)
        assert b"200 OK" in await client.read_through(b"\r\n\r\n")
        assert await client.read_all() == b""


async def test_keep_alive_and_pipelining():
    """Each call gets its answer, in order, on one connection."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        for _ in range(3):
            assert (await client.call(GET))[2] == b"GET /a 0"
        await client.send(GET + post(b"12345") + GET + b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        bodies = [(await client.response())[2] for _ in range(4)]
        assert bodies == [b"GET /a 0", b"POST /b 5", b"GET /a 0", b"GET /last 0"]
        assert await client.read() == b""


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"\0" * 300_000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_not_http_is_400(garbage):
    """TLS on the plain port, a wrong protocol, an ambiguous length, a broken body: answered, then closed."""
    async with HttpRig().running() as rig:
        client, other = await rig.connect(), await rig.connect()
        await client.send(garbage)
        assert (await client.response())[0] == 400
        assert await client.read() == b""
        assert (await other.call(GET))[0] == 200


async def test_garbage_behind_a_call_does_not_take_its_answer():
    """The call is answered, then the connection ends: a 400 in its place would be taken for its answer."""
    async with HttpRig().running() as rig:
        rig.app.gate.clear()
        client = await rig.connect()
        await client.send(GET + b"\0\0\0\0")
        await until(lambda: any(protocol._ended for protocol in rig.state.connections))
        await client.send(b"\0\0\0\0")
        rig.app.gate.set()
        assert (await client.response())[2] == b"GET /a 0"
        assert await client.read() == b""


async def test_a_refused_body_that_breaks_gets_no_second_answer():
    """One request, one answer."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        await client.send(b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.send(b"3e9\r\n" + b"x" * 1001 + b"\r\n")
        assert (await client.response())[0] == 413
        await client.send(b"zz\r\n")
        assert await client.read() == b""


# --- upgrades ------------------------------------------------------------------------------------------------------


async def test_an_upgrade_is_handed_over_with_what_came_behind_it():
    """uvicorn would drop those bytes; the query says in which form the client speaks."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        await client.send(UPGRADE.replace(b" HTTP", b"?format=json HTTP") + b"\x81\x80behind")
        await client.read_through(b"\r\n\r\n")
        assert rig.upgrades.seen == [("GET", "/connection/websocket?format=json", b"\x81\x80behind")]
        # From now on neither uvicorn nor a deadline of HTTP knows the connection.
        assert not rig.state.connections
        assert list(rig.wheel.advance(250)) == []


@pytest.mark.parametrize("request_bytes", [GET, post(b"12345"), post(b"")])
async def test_an_offer_of_another_protocol_is_ignored(request_bytes):
    """Java's HttpClient offers h2c with every first call, body included."""
    offer = (
        b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n\r\n"
    )
    async with HttpRig().running() as rig:
        plain, client = await rig.connect(), await rig.connect()
        expected = (await plain.call(request_bytes))[2]
        offering = offer.join(request_bytes.split(b"\r\n\r\n"))
        await client.send(offering + offering + GET)
        assert [(await client.response())[2] for _ in range(3)] == [expected, expected, b"GET /a 0"]
        for byte in offering:
            await client.send(bytes((byte,)))
        assert (await client.response())[2] == expected


async def test_an_upgrade_behind_an_unanswered_call_is_not_taken():
    """Its 101 would overtake the answer, and the answer would land among the frames."""
    async with HttpRig().running() as rig:
        rig.app.gate.clear()
        client = await rig.connect()
        await client.send(GET + UPGRADE)
        await until(lambda: any(protocol._ended for protocol in rig.state.connections))
        rig.app.gate.set()
        assert (await client.response())[2] == b"GET /a 0"
        assert await client.read() == b""
        assert rig.upgrades.seen == []


# --- what is relied on of uvicorn, whose version is pinned ---------------------------------------------------------


# --- streams -------------------------------------------------------------------------------------------------------


def stream(body, *lines, method="POST", path="/stream"):
    return post(body, *lines).replace(b"POST /b", f"{method} {path}".encode())


async def test_a_stream_is_handed_over_with_its_whole_body():
    """In one packet, in pieces, in chunks, or without any; also as a second call on its connection."""
    async with HttpRig().running() as rig:
        at_once, pieces, chunks, bare = [await rig.connect() for _ in range(4)]
        assert (await at_once.call(GET))[0] == 200
        assert (await at_once.call(stream(b"x" * 1000)))[0] == 200
        for piece in (b"POST /stream HTTP/1.1\r\nHost: x\r\nContent-Le", b"ngth: 5\r\n\r\n12", b"345"):
            await pieces.send(piece)
            await asyncio.sleep(0)
        assert (await pieces.response())[0] == 200
        await chunks.send(
            b"POST /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
        )
        assert (await chunks.response())[0] == 200
        assert (await bare.call(b"GET /stream?a=1 HTTP/1.1\r\nHost: x\r\nX-Y: z\r\n\r\n"))[0] == 200
        assert [(method, path, body) for method, path, _, body in rig.streams.seen] == [
            ("POST", "/stream?", b"x" * 1000),
            ("POST", "/stream?", b"12345"),
            ("POST", "/stream?", b"abc"),
            ("GET", "/stream?a=1", b""),
        ]
        assert rig.streams.seen[-1][2] == {b"host": b"x", b"x-y": b"z"}
        # Nothing of HTTP may end them any more.
        assert not rig.state.connections
        assert list(rig.wheel.advance(250)) == []


async def test_what_is_behind_a_stream_is_no_request():
    """RFC 9112 section 9.6: neither sound nor broken."""
    for behind in (GET, b"\x00\xff rubbish\r\n\r\n", stream(b"again")):
        async with HttpRig().running() as rig:
            client = await rig.connect()
            assert (await client.call(stream(b"one") + behind))[0] == 200
            assert [body for *_, body in rig.streams.seen] == [b"one"]


async def test_a_stream_behind_an_unanswered_call_is_not_taken():
    """RFC 9112 section 9.3.2: the call is answered, and nothing follows."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        rig.app.gate.clear()
        await client.send(GET + stream(b""))
        await until(lambda: rig.state.tasks)
        rig.app.gate.set()
        assert (await client.response())[2] == b"GET /a 0"
        assert await client.read() == b""
        assert rig.streams.seen == []


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_stream_with_too_large_a_body_is_413(chunked):
    """And the answer can be read although the client has sent more than was read."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        if chunked:
            head = b"POST /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            await client.send(head + b"3e9\r\n" + b"x" * 1001)
        else:
            await client.send(stream(b"x" * 500_000))
        status, headers, _ = await client.response()
        assert (status, headers["connection"]) == (413, "close")
        assert await client.read() == b""
        assert rig.streams.seen == []


async def test_a_stream_whose_body_does_not_come_is_cut():
    """However little is missing."""
    async with HttpRig(body_seconds=30).running() as rig:
        client = await rig.connect()
        await client.send(stream(b"12345")[:-1])
        await until(lambda: any(rig.wheel._slots[31:33]))
        await rig.tick(29)
        assert rig.state.connections
        await rig.tick(33)
        assert await client.read() == b""
        assert rig.streams.seen == []


async def test_a_client_that_waits_for_leave_to_send_a_streams_body_gets_it():
    """RFC 9110 section 10.1.1: Expect: 100-continue."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        await client.send(stream(b"12345", "Expect: 100-continue")[:-5])
        assert await client.read_through(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.call(b"12345"))[0] == 200
        assert rig.streams.seen[0][3] == b"12345"


async def test_a_client_that_did_not_wait_for_leave_is_answered_at_once():
    """No 100 comes behind the answer."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        assert (await client.call(stream(b"12345", "Expect: 100-continue")))[0] == 200
        await client.send(b"more")
        client.sock.shutdown(socket.SHUT_WR)
        assert await client.read() == b""


async def test_a_preflight_of_a_stream_is_https_own():
    """The application answers it, as for every other path."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        assert (await client.call(stream(b"", method="OPTIONS")))[2] == b"OPTIONS /stream 0"
        assert rig.streams.seen == []


# --- uvicorn -------------------------------------------------------------------------------------------------------


async def test_uvicorns_server_runs_our_protocol_and_closes_what_is_idle():
    """The constructor's signature, the set of connections, and a shutdown that lets a call finish."""
    rig = HttpRig()
    server = WebServer(rig.app, partial(HttpProtocol, rig.bounds, rig.wheel, rig.takers), 75)
    listener = socket.create_server(("127.0.0.1", 0))
    rig.address = listener.getsockname()
    serving = asyncio.create_task(server.serve([listener]))
    async with asyncio.timeout(10):
        idle, busy, upgraded = await rig.connect(), await rig.connect(), await rig.connect()
        await idle.call(GET)
        await upgraded.send(UPGRADE)
        await upgraded.read_through(b"\r\n\r\n")
        rig.app.gate.clear()
        await busy.send(GET)
        await until(lambda: server.server_state.tasks)
        assert len(server.server_state.connections) == 2
        server.stop()
        assert await idle.read() == b""
        rig.app.gate.set()
        assert (await busy.response())[2] == b"GET /a 0"
        assert await busy.read() == b""
        # The upgraded connection is not uvicorn's to wait for.
        upgraded.sock.close()
        await serving
    for peer in rig.peers:
        peer.sock.close()


async def test_a_server_may_be_stopped_before_it_has_started():
    """A signal can come that early."""
    rig = HttpRig()
    server = WebServer(rig.app, partial(HttpProtocol, rig.bounds, rig.wheel, rig.takers), 75)
    server.stop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await asyncio.wait_for(server.serve([listener]), 5)


async def test_a_client_that_vanishes_in_the_middle_is_forgotten():
    """The application learns it, and no deadline remains."""
    async with HttpRig().running() as rig:
        client = await rig.connect()
        await client.send(post(b"12345")[:-2])
        await until(lambda: rig.state.tasks)
        client.vanish()
        await until(lambda: rig.app.lost == 1)
        await until(lambda: not rig.state.connections)
        assert list(rig.wheel.advance(250)) == []
