"""The ways in beside WebSocket, by raw HTTP as curl speaks it: S4, R5."""

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

import pytest

from process_clients import SDKS, python
from process_server import HOST, call, eventually, exchange, metric, serving

pytestmark = pytest.mark.anyio


class Stream:
    """One open response, behind its head."""

    def __init__(self, reader, writer, end):
        self._reader = reader
        self._end = end
        self.writer = writer
        self.last_id = None

    async def next(self):
        """Give the JSON that comes next; None at the end."""
        async with asyncio.timeout(10):
            try:
                said = (await self._reader.readuntil(self._end)).decode()
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return None
        if self._end == b"\n":
            return json.loads(said)
        fields = dict(line.split(": ", 1) for line in said.strip().split("\n"))
        self.last_id = fields.get("id", self.last_id)
        return json.loads(fields["data"]) if "data" in fields else await self.next()


@asynccontextmanager
async def streaming(port, request, end=b"\n\n"):
    """Open a stream with a request as it is."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        yield Stream(reader, writer, end)
    finally:
        writer.close()


def get(path, *lines):
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: h", *lines, "", "")).encode()


def post(path, body, *lines):
    return b"POST " + get(path, f"Content-Length: {len(body)}", *lines)[4:] + body


def login(token):
    return json.dumps({"id": 1, "connect": {"token": token}})


def uni_sse(token, *lines):
    return get(f"/connection/uni_sse?cf_connect={quote(json.dumps({'token': token}))}", *lines)


# --- uni_sse -------------------------------------------------------------------------------------------------------


async def test_curl_hears_broadcasts_and_goes_on_where_it_was(app):  # S4, A1
    """`Last-Event-ID`, as a browser sends it by itself: what came meanwhile follows once, in order."""
    token = app.user_token("ann")
    async with streaming(app.server.port, uni_sse(token)) as ann:
        assert (await ann.next())["connect"]["ping"] > 0
        sent = [await app.broadcast(), await app.broadcast()]
        heard = [await ann.next(), await ann.next()]
        assert [each["pub"]["data"]["id"] for each in heard] == sent
        assert {each["channel"] for each in heard} == {"app"}
    sent = [await app.broadcast(), await app.broadcast()]
    async with streaming(app.server.port, uni_sse(token, f"Last-Event-ID: {ann.last_id}")) as ann:
        assert (await ann.next())["connect"]["subs"]["app"]["recovered"] is True
        sent.append(await app.broadcast())
        assert [(await ann.next())["pub"]["data"]["id"] for _ in range(3)] == sent


async def test_a_browsers_other_origin_may_listen_and_ask(app):  # S4
    """Preflights included."""
    preflight = ("Origin: https://example.com", "Access-Control-Request-Method: POST")
    for path in ("/connection/http_stream", "/emulation"):
        request = b"OPTIONS " + get(path, *preflight, "Access-Control-Request-Headers: content-type")[4:]
        answer = await exchange(app.server.port, request)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    pull = await call(app.server.port, "GET", "/connection/pull", headers={"Origin": "https://example.com"})
    assert (pull.status, pull.headers["access-control-allow-origin"]) == (401, "*")


# --- emulation -----------------------------------------------------------------------------------------------------


async def test_nobody_speaks_for_another_session(app):  # S4
    """The id that others may know opens nothing; the handle opens its own session only, for as long as it lasts."""
    port = app.server.port

    async def say(welcome, session, command):
        body = {"session": session, "node": welcome["node"], "data": json.dumps(command)}
        return (await call(port, "POST", "/emulation", body)).status

    request = post("/connection/http_stream", login(app.user_token("ann")).encode())
    async with streaming(port, request, b"\n") as ann:
        welcome = (await ann.next())["connect"]
        question = {"id": 2, "rpc": {"method": "none"}}
        assert await say(welcome, welcome["client"], question) == 404
        assert await say(welcome, "0" * 32, question) == 404
        assert await say(welcome, welcome["session"], question) == 204
        assert (await ann.next())["id"] == 2

    async def gone():
        return await say(welcome, welcome["session"], question) == 404

    await eventually(gone)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post("/connection/http_stream", b"x" * 65_537), 413),
        (post("/connection/uni_sse", b"x" * 65_537), 413),
        (post("/connection/sse", b"x" * 65_537), 413),
        (post("/emulation", b"x" * 200_000), 413),
        (post("/emulation", b"rubbish"), 400),
        (post("/emulation", b"\xff\xff", "Content-Type: application/octet-stream"), 400),
        (get("/emulation"), 405),
        (get("/connection/http_stream"), 405),
        (post("/connection/http_stream", b"", "Transfer-Encoding: chunked"), 400),
        (get("/connection/pull"), 401),
        (get("/connection/pull", "Authorization: Bearer nonsense"), 401),
        (get("/connection/pull?wait=61", "Authorization: Bearer x"), 400),
        (get("/connection/pull?cursor=x", "Authorization: Bearer x"), 400),
    ],
)
async def test_what_is_no_request_of_theirs_is_refused(server, request_bytes, status):  # S4, R5, G4
    answer = await exchange(server.port, request_bytes)
    assert answer.status == status


async def test_streams_that_say_nonsense_are_told_and_others_do_not_notice(app):  # S4, G4
    """Broken, pipelined, half-closed, gone in the middle."""
    port, token = app.server.port, app.user_token("bob")
    async with python(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        for request in (
            post("/connection/http_stream", b"\x00\xff"),
            post("/connection/http_stream", b'{"id":1,"connect":' + b"[" * 30_000),
            post("/connection/http_stream", b"{}\n" * 1000),
        ):
            async with streaming(port, request, b"\n") as stream:
                assert (await stream.next())["push"]["disconnect"]["code"] == 3501
                assert await stream.next() is None
        pipelined = uni_sse(token) + uni_sse(token) + b"\x00\xff rubbish\r\n\r\n"
        async with streaming(port, pipelined) as stream:
            assert "connect" in await stream.next()
            sent = [await app.broadcast()]
            assert (await stream.next())["pub"]["data"]["id"] == sent[0]
        async with streaming(port, uni_sse(app.user_token("carl"))) as stream:
            assert "connect" in await stream.next()
            stream.writer.write_eof()
            assert await stream.next() is None
        _, writer = await asyncio.open_connection(HOST, port)
        writer.write(post("/connection/http_stream", b"x" * 100)[:-50])
        writer.transport.abort()
        sent.append(await app.broadcast())
        await ann.until_heard(sent[-1])
        assert ann.ids == sent

    async def alone():
        return not await metric(app.server, "laba_sessions")

    await eventually(alone, 30)


# --- pull ----------------------------------------------------------------------------------------------------------


async def pulled(app, token, **query):
    path = "/connection/pull?" + "&".join(f"{name}={value}" for name, value in query.items())
    answer = await call(app.server.port, "GET", path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200, answer
    return [message["id"] for message in answer.json["messages"]], answer.json["cursor"]


async def test_a_client_that_only_pulls_gets_each_message_once(app):  # R5, A1
    """What waits at once, and what comes while it waits as soon as it is there."""
    token = app.user_token("ann")
    found, cursor = await pulled(app, token)
    assert found == []
    sent = [await app.broadcast(), await app.broadcast()]
    found = []
    while len(found) < 2:
        more, cursor = await pulled(app, token, cursor=cursor, wait=30)
        found += more
    assert found == sent
    logins = await metric(app.server, "laba_logins_total")
    async with asyncio.timeout(10):
        waiting = asyncio.create_task(pulled(app, token, cursor=cursor, wait=60))

        async def is_there():
            return await metric(app.server, "laba_logins_total") >= logins + 1

        await eventually(is_there)
        sent = [await app.broadcast()]
        found, cursor = await waiting
    assert found == sent
    assert await pulled(app, token, cursor=cursor) == ([], cursor)


# --- every SDK -----------------------------------------------------------------------------------------------------


async def test_every_sdk_asks_by_rpc_and_may_come_back_as_if_new(app, sdk):  # S4, X10
    async with sdk(app.websocket, app.user_token("ann"), data={"device_id": "phone"}) as [ann]:
        await ann.until_login()
        await ann.command("rpc", method="none", data={"a": 1})
        await ann.until(lambda ann: ann.of("told"))
        assert ann.of("told")[0]["code"] == 104
        await ann.command("restart")
        await ann.until_login(2)
        assert ann.returns[1]["was_recovering"] is False
        await ann.until_heard(await app.broadcast())


async def test_a_caller_who_hangs_up_while_it_waits_is_gone(app):  # R5
    """At once, not when its time is over."""

    async def ended():
        return await metric(app.server, "laba_sessions_closed_total")

    async def logins():
        return await metric(app.server, "laba_logins_total")

    ended_before, logins_before = await ended(), await logins()
    _, writer = await asyncio.open_connection(HOST, app.server.port)
    writer.write(get("/connection/pull?wait=60", f"Authorization: Bearer {app.user_token('ann')}"))

    async def is_there():
        return await logins() > logins_before

    await eventually(is_there)
    assert await ended() == ended_before
    writer.close()

    async def is_gone():
        return await ended() > ended_before

    await eventually(is_gone)


async def test_every_sdk_answers_pings_and_so_confirms_what_it_has(tmp_path):  # S4, A1
    """On streams the pongs come by emulation: nobody is closed, and who comes back as if new gets nothing again."""
    with serving(tmp_path, LABA_GATEWAY__PING_SECONDS="1", LABA_GATEWAY__PONG_SECONDS="2") as server:
        app = server.new_app()
        async with AsyncExitStack() as stack:
            entered = [
                await stack.enter_async_context(sdk(app.websocket, app.user_token(name)))
                for name, sdk in SDKS.items()
            ]
            listeners = [listener for (listener,) in entered]
            for listener in listeners:
                await listener.until_login()
            one = await app.broadcast("one")
            for listener in listeners:
                await listener.until_heard(one)
            sent_at = time.monotonic()

            async def pinged_twice():
                return time.monotonic() - sent_at > 6

            await eventually(pinged_twice)
            assert [len(listener.of("connected")) for listener in listeners] == [1] * len(SDKS)
            for listener in listeners:
                await listener.command("restart")
                await listener.until_login(2)
            two = await app.broadcast("two")
            for listener in listeners:
                await listener.until_heard(two)
                assert listener.ids == [one, two]


# --- the end -------------------------------------------------------------------------------------------------------


async def test_a_server_that_stops_lets_every_kind_go(tmp_path):  # S4, R5
    """Streams are told why and end, a pull that waits is answered, and nothing holds the server back."""
    with serving(tmp_path) as server:
        app = server.new_app()
        port, token = server.port, app.user_token("ann")
        async with AsyncExitStack() as stack:
            requests = (
                (post("/connection/http_stream", login(token).encode()), b"\n"),
                (get(f"/connection/sse?cf_connect={quote(login(token))}"), b"\n\n"),
                (uni_sse(token), b"\n\n"),
            )
            streams = [await stack.enter_async_context(streaming(port, *request)) for request in requests]
            for stream in streams:
                assert "connect" in json.dumps(await stream.next())
            pull = asyncio.create_task(pulled(app, token, wait=60, device_id="other"))

            async def all_there():
                return await metric(server, "laba_logins_total") == 4

            await eventually(all_there)
            began = time.monotonic()
            stopping = asyncio.get_running_loop().run_in_executor(None, server.terminate)
            found, cursor = await pull
            assert (found, bool(cursor)) == ([], True)
            for stream in streams:
                told = await stream.next()
                assert told.get("push", told) == {"disconnect": {"code": 3001, "reason": "shutdown"}}
                assert await stream.next() is None
                stream.writer.close()
            assert await stopping == 0
            assert time.monotonic() - began < 4
