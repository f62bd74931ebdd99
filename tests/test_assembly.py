"""The parts put together: in one process for the operator's commands, and as a server that starts and stops."""

import asyncio
import json
import socket
import time
from contextlib import suppress

import pytest

from gateway_rig import PATH, Peer
from laba.assembly import DataDirLockedError, office, serve
from laba.config import Server, Settings
from laba.model.http import RequestHead
from laba.protocols.websocket import CloseFrame, upgrade_request
from process_server import BROADCAST, HOST, metric, serving

pytestmark = pytest.mark.anyio


def settings(directory):
    return Settings(server=Server(data_dir=directory, port=0))


def head(method, path, *, operator=True, **headers):
    return RequestHead(method, path, headers={"content-type": "application/json", **headers}, operator=operator)


async def created(answer, name="chat"):
    body = json.dumps({"org_name": "acme", "app_name": name, "unlimited": True}).encode()
    response = await answer(head("POST", "/v1/apps"), body)
    assert response.status < 300, response
    return json.loads(response.body)


# --- office --------------------------------------------------------------------------------------------------------


async def test_an_office_answers_native_calls_and_keeps_what_it_did(tmp_path):
    """The next one finds it."""
    async with office(settings(tmp_path)) as answer:
        keys = await created(answer)
    async with office(settings(tmp_path)) as answer:
        response = await answer(head("GET", "/v1/apps/acme/chat"), b"")
        assert json.loads(response.body)["app_id"] == keys["app_id"]


async def test_an_office_speaks_every_dialect_and_knows_its_limits(tmp_path):
    """A path of nobody is 404; who is not the operator is refused."""
    async with office(settings(tmp_path)) as answer:
        keys = await created(answer)
        grant = {"grant_type": "client_credentials", "client_id": keys["client_id"]}
        body = json.dumps({**grant, "client_secret": keys["client_secret"]}).encode()
        response = await answer(head("POST", "/acme/chat/token", operator=False), body)
        assert json.loads(response.body)["access_token"]
        assert (await answer(head("GET", "/"), b"")).status == 404
        assert (await answer(head("GET", "/v1/apps", operator=False), b"")).status in (401, 403)


async def test_one_process_at_a_time_has_the_data(tmp_path):
    """The second office and the second server are told so, and change nothing."""
    async with office(settings(tmp_path)) as answer:
        with pytest.raises(DataDirLockedError):
            async with office(settings(tmp_path)):
                pass
        await created(answer)
    with serving(tmp_path):
        with pytest.raises(DataDirLockedError):
            async with office(settings(tmp_path)):
                pass
        with pytest.raises(DataDirLockedError):
            await serve(settings(tmp_path))


# --- serve ---------------------------------------------------------------------------------------------------------


async def connected(port):
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (HOST, port))
    return Peer(sock)


async def logged_in(app, user):
    peer = await connected(app.server.port)
    await peer.send(upgrade_request(HOST, PATH, "AAAAAAAAAAAAAAAAAAAAAA=="))
    await peer.read_through(b"\r\n\r\n")
    assert "connect" in await peer.log_in(app.user_token(user))
    return peer


# A1, G3, S4
async def test_a_server_on_any_port_carries_a_broadcast_and_stops_in_order(tmp_path):
    """SIGTERM with clients of every kind connected: each is let go, and the exit code is 0 within seconds."""
    with serving(tmp_path, LABA_GATEWAY__MAX_CONNECTIONS="100") as server:
        assert server.port > 0
        app = server.new_app()
        polite, deaf, silent = [await logged_in(app, user) for user in ("polite", "deaf", "silent")]
        stranger, idle = await connected(server.port), await connected(server.port)
        assert (await idle.call(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 200
        # The operator's word counts only on the operator's socket.
        assert (await idle.call(b"GET /v1/apps HTTP/1.1\r\nHost: x\r\n\r\n"))[0] in (401, 403)
        message_id = await app.broadcast()
        for peer in (polite, silent):
            assert (await peer.reply())["push"]["pub"]["data"]["id"] == message_id
        assert await metric(server, "laba_deliveries_total") == 3
        assert await metric(server, "laba_broadcasts_accepted_total") == 1
        body = b"x" * 200_000
        refused = await app.call("POST", BROADCAST, body)
        assert (refused.status, refused.json["error"]) == (413, "request_entity_too_large")

        began = time.monotonic()
        stopping = asyncio.get_running_loop().run_in_executor(None, server.terminate)
        assert await polite.next() == CloseFrame(3001, "shutdown")
        await polite.leave()
        assert await polite.next() is None
        assert await stopping == 0
        assert time.monotonic() - began < 8
        assert await silent.next() == CloseFrame(3001, "shutdown")
        assert await idle.read() == b""
        assert [event["event"] for event in server.log][-2:] == ["stopping", "stopped"]
        for peer in (polite, deaf, silent, stranger, idle):
            with suppress(OSError):
                peer.sock.close()
