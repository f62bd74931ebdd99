"""Clients that speak nonsense: each is closed with a code that says why, and the others do not notice (G4)."""

import asyncio
import json
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from process_clients import python
from process_server import HOST, call, exchange

pytestmark = pytest.mark.anyio

BAD_REQUEST = 3501
INVALID_TOKEN = 3500


def login(token):
    return json.dumps({"id": 1, "connect": {"token": token}})


# What is said first, and the code of the close that answers it.
FIRST_WORDS = {
    "rubbish": ("rubbish", BAD_REQUEST),
    "nothing": ("", BAD_REQUEST),
    "newlines": ("\n\n\n", BAD_REQUEST),
    "pong": ("{}", BAD_REQUEST),
    "NUL": ("\x00", BAD_REQUEST),
    "NaN": ('{"id":NaN,"connect":{}}', BAD_REQUEST),
    "1e400": ('{"id":1e400,"connect":{}}', BAD_REQUEST),
    "id too large": ('{"id":99999999999999999999,"connect":{}}', BAD_REQUEST),
    "no id": ('{"connect":{"token":"a"}}', BAD_REQUEST),
    "token a number": ('{"id":1,"connect":{"token":1}}', BAD_REQUEST),
    "nested 30k deep": ('{"id":1,"connect":' + "[" * 30_000 + "]" * 30_000 + "}", BAD_REQUEST),
    "an array": ("[]", BAD_REQUEST),
    "publish before login": ('{"id":1,"publish":{"channel":"app","data":{}}}', BAD_REQUEST),
    "1000 commands": ("\n".join(["{}"] * 1000), BAD_REQUEST),
    "lone surrogate": (b'{"id":1,"connect":{"token":"\\ud800"}}'.decode(), BAD_REQUEST),
    "offset too large": (
        '{"id":1,"connect":{"subs":{"app":{"recover":true,"offset":9007199254740992}}}}',
        BAD_REQUEST,
    ),
    "eleven tags": (
        '{"id":1,"connect":{"data":{"tags":["a","a","a","a","a","a","a","a","a","a","a"]}}}',
        BAD_REQUEST,
    ),
    "no token": ('{"id":1,"connect":{}}', INVALID_TOKEN),
    "token of 60k": (login("a" * 60_000), INVALID_TOKEN),
    "token with NUL": (login("\x00"), INVALID_TOKEN),
    "token beyond ASCII": (login("喇叭"), INVALID_TOKEN),
    "token 007": (login("007eJx"), INVALID_TOKEN),
    "binary": (b"\x00\x01", 1003),
    "more than 64 KiB": ("a" * 65_537, 1009),
}


async def close_code(socket):
    """Read until the server ends it."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    return socket.close_code


@pytest.mark.parametrize(("words", "code"), FIRST_WORDS.values(), ids=FIRST_WORDS)
async def test_first_words_that_are_no_login_are_answered_by_a_close_with_its_code(app, words, code):  # S4
    async with connect(app.websocket, proxy=None) as socket:
        await socket.send(words)
        assert await close_code(socket) == code


# What is said after a login, and the code of the error that answers it; the session goes on.
REQUESTS = {
    "subscribe": ('{"id":2,"subscribe":{"channel":"room:1"}}', 102),
    "subscribe to what the server subscribed": ('{"id":2,"subscribe":{"channel":"app"}}', 102),
    "publish": ('{"id":2,"publish":{"channel":"app","data":{"text":"hello"}}}', 103),
    "history": ('{"id":2,"history":{"channel":"app","limit":1000000}}', 108),
    "presence": ('{"id":2,"presence":{"channel":"app"}}', 108),
    "rpc": ('{"id":2,"rpc":{"method":"\\u0000","data":null}}', 104),
}


@pytest.mark.parametrize(("words", "code"), REQUESTS.values(), ids=REQUESTS)
async def test_a_command_that_is_not_served_is_answered_and_the_session_goes_on(app, words, code):  # S4
    async with connect(app.websocket, proxy=None) as socket:
        await socket.send(login(app.user_token("ann")))
        assert "connect" in json.loads(await socket.recv())
        await socket.send(words)
        assert json.loads(await socket.recv())["error"]["code"] == code
        message_id = await app.broadcast()
        assert json.loads(await socket.recv())["push"]["pub"]["data"]["id"] == message_id


async def test_a_second_login_on_one_connection_ends_it(app):  # S4
    async with connect(app.websocket, proxy=None) as socket:
        await socket.send("\n".join([login(app.user_token("ann"))] * 2))
        assert await close_code(socket) == BAD_REQUEST


UPGRADE = "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{more}\r\n"


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/connection/websocket", "Sec-WebSocket-Version: 13\r\n", 400),
        ("/connection/websocket", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400),
        ("/connection/websocket", "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 426),
        ("/nowhere", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 404),
    ],
)
async def test_an_upgrade_that_cannot_be_is_refused(server, path, more, status):  # S4
    answer = await exchange(server.port, UPGRADE.format(path=path, more=more).encode())
    assert answer.status == status


async def test_nonsense_of_some_is_not_noticed_by_others(app):  # G4
    async with python(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        for words, _ in FIRST_WORDS.values():
            async with connect(app.websocket, proxy=None) as socket:
                await socket.send(words)
                # Gone in the middle of it, without waiting for an answer.
                socket.transport.abort()
        sent = [await app.broadcast() for _ in range(3)]
        await ann.until_heard(sent[-1])
        assert ann.ids == sent
        assert (await call(app.server.port, "GET", "/health")).status == 200


async def test_frames_that_break_the_rules_end_the_connection_alone(app):  # S4
    """Reserved bits, an unmasked frame, an unknown opcode, a ping that is too long, a length of 2^63."""
    frames = (b"\xf1\x80mask", b"\x81\x02{}", b"\x83\x80mask", b"\x89\xfe\x00\x7emask", b"\x81\xff" + b"\xff" * 12)
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    request = UPGRADE.format(path="/connection/websocket", more=key).encode()
    for frame in frames:
        reader, writer = await asyncio.open_connection(HOST, app.server.port)
        writer.write(request + frame)
        async with asyncio.timeout(10):
            head, _, close = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert close[:1] == b"\x88"
        assert int.from_bytes(close[2:4], "big") in (1002, 1009)
