"""Responses that do not end, on a real socket: S4, design.md 5 and 6.2."""

import asyncio
import json
import os
import socket
from urllib.parse import quote

import pytest

from gateway_rig import APP, EPOCH, GatewayRig, Recorder, drained, numbered, until
from laba.model.closing import Closing
from laba.model.refusal import Code, Refusal
from laba.model.session import Told
from laba.model.stream import Stream
from laba.protocols.centrifuge import protobuf, wire

pytestmark = pytest.mark.anyio

HTTP_STREAM, SSE, UNI_SSE = "/connection/http_stream", "/connection/sse", "/connection/uni_sse"


def post(path, body, *lines):
    head = "".join(f"{line}\r\n" for line in ("Host: x", f"Content-Length: {len(body)}", *lines))
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def get(path, *lines):
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: x", *lines, "", "")).encode()


def connect(user, **more):
    return json.dumps({"id": 1, "connect": {"token": user, **more}})


def asking(form, user, **more):
    """Give the request by which a user opens a stream of one form."""
    request = {"token": user, **more}
    return {
        "http_stream": lambda: post(HTTP_STREAM, connect(user, **more).encode()),
        "protobuf": lambda: post(HTTP_STREAM, protobuf_connect(user), "Content-Type: application/octet-stream"),
        "sse": lambda: get(f"{SSE}?cf_connect={quote(connect(user, **more))}"),
        "sse by POST": lambda: post(SSE, connect(user, **more).encode()),
        "uni_sse": lambda: get(f"{UNI_SSE}?cf_connect={quote(json.dumps(request))}"),
        "uni_sse by POST": lambda: post(UNI_SSE, json.dumps(request).encode()),
        "uni_sse by words": lambda: get(f"{UNI_SSE}?token={user}"),
    }[form]()


def protobuf_connect(user):
    return wire.prefixed(wire.number(1, 1) + wire.block(4, wire.text(1, user)))


TEXT_FORMS = ("http_stream", "sse", "sse by POST", "uni_sse", "uni_sse by POST", "uni_sse by words")
EMULATED = ("http_stream", "protobuf", "sse")


class Listening:
    """A client behind the head of its response."""

    def __init__(self, peer, form):
        self.peer = peer
        self.form = form
        self.last_id = None

    async def next(self):
        """Give the next thing that was said, without what the transport puts around it; None at the end."""
        try:
            if self.form == "http_stream":
                return json.loads(await self.peer.read_through(b"\n"))
            if self.form == "protobuf":
                size = (await self.peer.read_exactly(1))[0]
                if size > 0x7F:
                    size = size & 0x7F | (await self.peer.read_exactly(1))[0] << 7
                return await self.peer.read_exactly(size)
            event = (await self.peer.read_through(b"\n\n")).decode()
        except EOFError:
            return None
        fields = dict(line.split(": ", 1) for line in event.strip().split("\n"))
        self.last_id = fields.get("id", self.last_id)
        return json.loads(fields["data"]) if "data" in fields else fields


async def opened(rig, form, user, request=None, receive_bytes=None, **more):
    """Open a stream, read its head, and give the client."""
    peer = await rig.connect(receive_bytes)
    await peer.send(request or asking(form, user, **more))
    head = (await peer.read_through(b"\r\n\r\n")).decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n"), head
    return Listening(peer, form.partition(" ")[0])


async def entered(rig, form, user, **more):
    """Open a stream and read its welcome; gives the client and the welcome's members."""
    client = await opened(rig, form, user, **more)
    welcome = await client.next()
    return client, welcome if form == "protobuf" else welcome["connect"]


# --- opening -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", TEXT_FORMS)
async def test_a_stream_welcomes_its_client_and_carries_what_is_delivered(form):
    """As the bytes of its codec, one after the other."""
    async with GatewayRig().running() as rig:
        client, welcome = await entered(rig, form, "ann")
        assert set(welcome["subs"]) == {"app", "user", "events"}
        assert rig.of("ann").session.codec == {"http_stream": "json_stream"}.get(client.form, client.form)
        frame = b'{"n":1}\n' if form == "http_stream" else b'data: {"n":1}\n\n'
        assert rig.deliver(frame).handed_to == 1
        assert await client.next() == {"n": 1}


async def test_a_stream_in_protobuf_is_asked_for_by_its_body_or_its_address():
    """What npm's client does, and what the protocol's documents say."""
    async with GatewayRig().running() as rig:
        for request in (
            asking("protobuf", "ann"),
            post(f"{HTTP_STREAM}?cf_protocol=protobuf", protobuf_connect("bob")),
            post(f"{HTTP_STREAM}?format=protobuf", protobuf_connect("carl")),
        ):
            client = await opened(rig, "protobuf", "", request)
            assert b"laba" in await client.next()
        assert {rig.of(user).session.codec for user in ("ann", "bob", "carl")} == {"protobuf_stream"}


async def test_the_head_keeps_what_is_between_from_holding_anything_back():
    """Neither cached nor buffered, readable from any origin, and its end is the connection's."""
    async with GatewayRig().running() as rig:
        for form, media_type in (
            ("http_stream", "application/json; charset=utf-8"),
            ("protobuf", "application/octet-stream"),
            ("sse", "text/event-stream"),
            ("uni_sse", "text/event-stream"),
        ):
            client = await rig.connect()
            _, headers, _ = await client.call(asking(form, "ann"))
            assert headers == {
                "content-type": media_type,
                "cache-control": "no-cache",
                "x-accel-buffering": "no",
                "access-control-allow-origin": "*",
                "connection": "close",
            }


async def test_only_who_may_say_more_is_told_how():
    """The handle is as long as a secret has to be, and each has its own."""
    async with GatewayRig().running() as rig:
        _, first = await entered(rig, "http_stream", "ann")
        _, second = await entered(rig, "sse", "ann")
        _, deaf = await entered(rig, "uni_sse", "ann")
        assert len(first["session"]) == len(second["session"]) == 32
        assert first["session"] != second["session"]
        assert first["session"] != first["client"]
        assert (first["node"], first["pong"]) == (second["node"], True)
        assert not {"session", "node", "pong"} & set(deaf)


async def test_a_wrong_method_is_told_the_right_ones():
    """And the connection counts as none."""
    async with GatewayRig().running() as rig:
        client = await rig.connect()
        status, headers, _ = await client.call(get(HTTP_STREAM))
        assert (status, headers["allow"], headers["access-control-allow-origin"]) == (405, "POST", "*")
        assert await client.read() == b""
        assert len(rig.gateway) == 0


async def test_a_full_gateway_asks_streams_to_come_back_like_everyone():
    """Streams and WebSockets count alike."""
    async with GatewayRig(capacity={"connections": 2}).running() as rig:
        await rig.logged_in("ann")
        await entered(rig, "sse", "bob")
        for form in ("http_stream", "uni_sse"):
            client = await rig.connect()
            status, headers, _ = await client.call(asking(form, "carl"))
            assert (status, headers["retry-after"]) == (503, "5")
            assert await client.read() == b""


async def test_streams_without_a_login_count_as_strangers():
    """Until they are logged in or gone."""
    async with GatewayRig(capacity={"handshakes": 1}).running() as rig:
        await entered(rig, "http_stream", "ann")
        rig.people.open.clear()
        stranger = await opened(rig, "http_stream", "bob")
        assert (await (await rig.connect()).call(asking("sse", "carl")))[0] == 503
        stranger.peer.vanish()
        await until(lambda: len(rig.gateway) == 1)
        rig.people.open.set()
        await entered(rig, "sse", "carl")


# --- what is no login ----------------------------------------------------------------------------------------------

GARBAGE = {
    "nothing": post(HTTP_STREAM, b""),
    "rubbish": post(HTTP_STREAM, b"\x00\xff rubbish"),
    "no login": post(HTTP_STREAM, b'{"id":1,"rpc":{"method":"m"}}'),
    "a pong": post(HTTP_STREAM, b"{}"),
    "65 commands": post(HTTP_STREAM, b"{}\n" * 65),
    "two logins": post(HTTP_STREAM, b"\n".join([connect("ann").encode()] * 2)),
    "sse without anything": get(SSE),
    "sse with rubbish": get(f"{SSE}?cf_connect=%00%FF"),
    "uni_sse with rubbish": get(f"{UNI_SSE}?cf_connect=rubbish"),
    "uni_sse with a command": get(f"{UNI_SSE}?cf_connect=7"),
    "uni_sse with a long device": get(f"{UNI_SSE}?token=ann&device_id={'x' * 65}"),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_what_is_no_login_is_told_so_and_ends(name):
    """By the protocol's own push, and the end of the response."""
    async with GatewayRig().running() as rig:
        other = await rig.logged_in("other")
        request = GARBAGE[name]
        form = "uni_sse" if "uni_sse" in name else "sse" if "sse" in name else "http_stream"
        client = await opened(rig, form, "", request)
        said = [await client.next()]
        while said[-1] is not None:
            said.append(await client.next())
        told = {**said[-2].get("push", said[-2])}
        assert told == {"disconnect": {"code": 3501, "reason": "bad request"}}
        await until(lambda: rig.counted("laba_sessions_closed_total", reason="bad_request") == 1)
        client.peer.sock.close()
        await until(lambda: len(rig.gateway) == 1)
        rig.deliver(b"\x81\x00")
        assert (await other.next()).text == ""


async def test_protobuf_that_is_none_is_told_so_in_protobuf():
    """In the form that was asked for."""
    async with GatewayRig().running() as rig:
        request = post(HTTP_STREAM, b"\xff\xff\xff", "Content-Type: application/octet-stream")
        client = await opened(rig, "protobuf", "", request)
        assert wire.prefixed(await client.next()) == protobuf.farewell(Closing.BAD_REQUEST)
        assert await client.next() is None


@pytest.mark.parametrize("form", ["http_stream", "sse", "uni_sse"])
async def test_a_token_that_is_no_good_ends_the_stream(form):
    """A browser that only listens is asked, too, not to try again at once."""
    async with GatewayRig().running() as rig:
        rig.people.answers["ann"] = Refusal(Code.TOKEN_UNKNOWN, "revoked")
        client = await opened(rig, form, "ann")
        told = await client.next()
        if form == "uni_sse":
            assert told == {"retry": "86400000"}
            told = await client.next()
        assert told.get("push", told) == {"disconnect": {"code": 3500, "reason": "invalid token"}}
        assert await client.next() is None


async def test_an_expired_token_is_told_as_it_is_over_websocket():
    """npm's client then gets a fresh one; who cannot say more can only come anew."""
    async with GatewayRig().running() as rig:
        rig.people.answers["ann"] = Refusal(Code.TOKEN_EXPIRED, "expired")
        client = await opened(rig, "http_stream", "ann")
        assert await client.next() == {"id": 1, "error": {"code": 109, "message": "token expired"}}
        deaf = await opened(rig, "uni_sse by words", "ann")
        assert await deaf.next() == {"retry": "86400000"}
        assert (await deaf.next())["disconnect"]["code"] == 3500


async def test_a_stream_that_does_not_log_in_is_closed():
    """With the same code as a WebSocket."""
    async with GatewayRig(limits={"login_seconds": 5}).running() as rig:
        rig.people.open.clear()
        client = await opened(rig, "sse", "ann")
        await rig.tick(7)
        assert (await client.next())["push"]["disconnect"]["code"] == 4001
        assert await client.next() is None


# --- emulation -----------------------------------------------------------------------------------------------------


def said(connection, *commands):
    """Let a stream hear commands as the emulation endpoint does."""
    connection.hear(connection.wire.read("\n".join(map(json.dumps, commands)).encode()))


async def test_what_is_said_elsewhere_is_heard_and_answered_on_the_stream():
    """One after the other, although nothing holds the requests back."""
    async with GatewayRig().running() as rig:
        client, _ = await entered(rig, "http_stream", "ann")
        rig.questions.answers["m"] = Told(0, b"1")
        rig.questions.open.clear()
        connection = rig.of("ann")
        said(connection, {"id": 2, "rpc": {"method": "m"}})
        said(connection, {"id": 3, "publish": {"channel": "app"}}, {"id": 4, "rpc": {"method": "m"}})
        assert connection.waiting_events == 2
        rig.questions.open.set()
        assert [(await client.next())["id"] for _ in range(3)] == [2, 3, 4]


async def test_a_handle_finds_its_stream_for_as_long_as_it_is_there():
    """And on its own node only; another's name, or none, finds nothing."""
    async with GatewayRig().running() as rig:
        client, welcome = await entered(rig, "sse", "ann")
        find = rig.gateway.with_handle
        assert find(welcome["node"], welcome["session"]) is rig.of("ann")
        assert find("elsewhere", welcome["session"]) is None
        assert find(welcome["node"], welcome["client"]) is None
        assert find(welcome["node"], "") is None
        client.peer.sock.close()
        await until(lambda: not len(rig.gateway))
        assert find(welcome["node"], welcome["session"]) is None


async def test_a_pong_comes_by_emulation():
    """And who sends none is closed, as over WebSocket."""
    async with GatewayRig(limits={"ping_seconds": 40, "pong_seconds": 60}).running() as rig:
        client, _ = await entered(rig, "sse", "ann")
        connection, now = rig.of("ann"), 0
        for _ in range(2):
            while not connection._unanswered:
                now += 1
                await rig.tick(now)
            assert await client.next() == {}
            said(connection, {})
        while len(rig.roster):
            now += 1
            await rig.tick(now)
        assert await client.next() == {}
        assert (await client.next())["push"]["disconnect"]["code"] == 3012


# --- listening only ------------------------------------------------------------------------------------------------


async def test_a_listener_is_pinged_and_need_not_answer():
    """So that whatever is in between sees life, and the kernel notices who is gone."""
    async with GatewayRig(limits={"ping_seconds": 40, "pong_seconds": 7}).running() as rig:
        client, _ = await entered(rig, "uni_sse", "ann")
        for second in range(300):
            await rig.tick(second)
        for _ in range(6):
            assert await client.next() == {}
        assert len(rig.roster) == 1
        sock = rig.of("ann")._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000


async def test_a_listener_that_names_its_last_event_goes_on_behind_it():
    """From the welcome's id, too, if it heard nothing more."""
    async with GatewayRig().running() as rig:
        window = await rig.fanout.open(Stream(APP.uuid, "app"))
        for number in range(3):
            window.add(rig.kept(b"id: %s.%d\ndata: %d\n\n" % (EPOCH.encode(), number + 1, number + 1)))
        request = get(f"{UNI_SSE}?token=ann", f"Last-Event-ID: {EPOCH}.1")
        client = await opened(rig, "uni_sse", "ann", request)
        welcome = await client.next()
        assert welcome["connect"]["subs"]["app"]["recovered"] is True
        assert client.last_id == f"{EPOCH}.1"
        assert [await client.next(), await client.next()] == [2, 3]
        assert client.last_id == f"{EPOCH}.3"


# --- the other side goes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["http_stream", "sse", "uni_sse"])
@pytest.mark.parametrize("how", ["close", "half", "vanish"])
async def test_a_client_that_goes_away_is_noticed(form, how):
    """Also while its login or its question is under way."""
    async with GatewayRig().running() as rig:
        client, _ = await entered(rig, form, "ann")
        rig.people.open.clear()
        stranger = await opened(rig, form, "bob")
        for peer in (client.peer, stranger.peer):
            match how:
                case "close":
                    peer.sock.close()
                case "half":
                    peer.sock.shutdown(socket.SHUT_WR)
                case "vanish":
                    peer.vanish()
        await until(lambda: not len(rig.gateway))
        assert not len(rig.roster)
        assert [departure[1:] for departure in rig.departures] == [(False, False)]


async def test_a_client_that_talks_on_its_own_stream_is_not_listened_to():
    """RFC 9112 section 9.6: what follows is no request; and who goes on for ever is cut."""
    async with GatewayRig(limits={"message_bytes": 10_000}).running() as rig:
        client, _ = await entered(rig, "sse", "ann")
        await client.peer.send(asking("sse", "bob") + b"\x00\xff" * 100)
        assert rig.deliver(b"data: 1\n\n").handed_to == 1
        assert await client.next() == 1
        assert len(rig.gateway) == 1
        await client.peer.send(b"x" * 10_000)
        await until(lambda: not len(rig.gateway))


# --- slow clients, ends --------------------------------------------------------------------------------------------


async def test_a_slow_stream_is_closed_within_its_bound():
    """What had begun is finished, then the reason follows, then the end."""
    async with GatewayRig(limits={"outbox_bytes": 65536}).running() as rig:
        client = await opened(rig, "http_stream", "slow", receive_bytes=4096)
        assert "connect" in await client.next()
        connection, count = rig.of("slow"), 0
        while connection.fd >= 0:
            rig.deliver(b'{"n":"%06d"}\n' % count * 500)
            count += 1
        found = (await drained(client.peer)).split(b"\n")
        assert json.loads(found[-2]) == {"push": {"disconnect": {"code": 3008, "reason": "slow"}}}
        assert len(found) - 2 == 500 * (len(found) // 500) > 0
        assert rig.counted("laba_sessions_closed_total", reason="slow") == 1


async def test_a_stream_that_is_not_read_to_its_end_is_cut():
    """What the transport holds has a bound in time, too."""
    async with GatewayRig(limits={"outbox_bytes": 20_000}).running() as rig:
        client = await opened(rig, "sse", "slow", receive_bytes=4096)
        await client.next()
        told = rig.deliver(numbered(1, 1_000_000))
        await rig.tick(10)
        await until(lambda: not len(rig.gateway))
        assert (told.handed_to, told.reasons) == (0, ["slow"])


@pytest.mark.parametrize("form", EMULATED)
async def test_a_stopping_server_says_so_and_ends_the_response(form):
    """The client need not do anything: it is gone when it has read the end."""
    async with GatewayRig().running() as rig:
        client, _ = await entered(rig, form, "ann")
        draining = asyncio.create_task(rig.gateway.drain(0))
        told = await client.next()
        if form == "protobuf":
            assert wire.prefixed(told) == protobuf.farewell(Closing.SHUTDOWN)
        else:
            assert told == {"push": {"disconnect": {"code": 3001, "reason": "shutdown"}}}
        assert await client.next() is None
        client.peer.sock.close()
        await draining
        assert rig.departures == [("ann", False, True)]


async def test_nothing_crosses_to_the_connection_that_got_a_streams_old_number():
    """design.md 6.2, as for WebSocket."""
    async with GatewayRig().running() as rig:
        client, _ = await entered(rig, "sse", "old")
        old = rig.of("old")
        session, number = old.session, old.fd
        client.peer.sock.close()
        await until(lambda: not len(rig.gateway))
        await asyncio.sleep(0)
        fillers = []
        while not fillers or fillers[-1] < number:
            fillers.append(os.dup(0))
        os.close(fillers.pop())
        try:
            fresh, _ = await entered(rig, "sse", "new")
        finally:
            for filler in fillers:
                os.close(filler)
        stray = Recorder()
        rig.deliver(b"data: 0\n\n", [session])
        old.write(b"data: 0\n\n", stray)
        old.close(Closing.SHUTDOWN)
        assert stray.reasons == ["closed"]
        rig.deliver(b"data: 1\n\n")
        assert await fresh.next() == 1
