"""A member that reads nothing: what it costs, what it loses, how it is closed, and what it has when it comes back."""

import asyncio
import json
import socket
from pathlib import Path

import pytest

from gateway_rig import UPGRADE, Peer
from laba.protocols.websocket import CloseFrame
from process.test_members import make_room
from process_server import HOST, metric, serving

pytestmark = pytest.mark.anyio

OUTBOX_BYTES = 200_000
# What the kernel may hold unsent, and what is on its way to a small receive buffer (design.md 6.5).
KERNEL_BYTES = 32_768 + 65_536
LEVELS = ("low", "normal", "high")


@pytest.fixture
def server(tmp_path):
    """Start a server that holds little for each client."""
    with serving(tmp_path / "data", LABA_GATEWAY__OUTBOX_LIMIT_BYTES=str(OUTBOX_BYTES)) as server:
        yield server


async def connected(app, user, *, receive_bytes=None):
    sock = socket.socket()
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.connect((HOST, app.server.port))
    peer = Peer(sock)
    await peer.send(UPGRADE)
    assert (await peer.read_through(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    await peer.log_in(app.user_token(user))
    return peer


async def subscribed(peer, room, **position):
    await peer.say({"id": 2, "subscribe": {"channel": f"room:{room}", **position}})
    return (await peer.reply())["subscribe"]


async def heard(peer):
    """Give what comes until the end: the publications, and the frame that ends it."""
    publications = []
    while not isinstance(frame := await peer.next(), CloseFrame):
        # Commands of one frame are joined by newlines; a ping is an empty one.
        pushes = (json.loads(line).get("push", {}) for line in frame.text.split("\n"))
        publications += [push["pub"] for push in pushes if "pub" in push]
    return publications, frame


def unsent_bytes(port, peer):
    """Give what the kernel holds of what the server has written to one client, as /proc/net/tcp has it."""
    local = f":{port:04X}"
    remote = f":{peer.sock.getsockname()[1]:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    [queued] = [row[4] for row in rows if row[1].endswith(local) and row[2].endswith(remote)]
    return int(queued.partition(":")[0], 16)


async def test_a_member_that_reads_nothing_is_closed_as_slow_and_recovers_what_the_room_holds(server):
    """E4, design 6.5 and 7: it costs its bound, loses low first, and the others get everything in time."""
    app = server.new_app("acme/slow", enable=(), unlimited=True)
    room = await make_room(app)
    slow, quick = await connected(app, "slow", receive_bytes=4096), await connected(app, "quick")
    position = await subscribed(slow, room)
    await subscribed(quick, room)
    sent, first_lost, most = {}, {}, 0
    while not await metric(server, "laba_sessions_closed_total", reason="slow"):
        level = LEVELS[len(sent) % 3]
        body = {"to": [room], "type": "txt", "body": {"msg": "x" * 4000}, "chatroom_msg_level": level}
        answer = await app.call("POST", "/messages/chatrooms", body)
        sent[answer.json["data"][room]] = level
        assert json.loads((await quick.next()).text)["push"]["pub"]["data"]["id"] in sent
        most = max(most, unsent_bytes(server.port, slow))
        for level in LEVELS:
            if await metric(server, "laba_deliveries_lost_total", reason=level):
                first_lost.setdefault(level, len(sent))
        assert len(sent) < 1000
    assert first_lost["low"] < first_lost["normal"]
    assert "high" not in first_lost
    assert most <= KERNEL_BYTES
    publications, end = await heard(slow)
    assert end == CloseFrame(3008, "slow")
    offsets = [each["offset"] for each in publications]
    assert offsets == sorted(set(offsets))
    had = {each["data"]["id"] for each in publications}
    back = await connected(app, "slow")
    last = max(offsets, default=position["offset"])
    again = await subscribed(back, room, recover=True, epoch=position["epoch"], offset=last)
    missed = []
    async with asyncio.timeout(10):
        while not missed or missed[-1]["offset"] < len(sent):
            missed += [json.loads(line)["push"]["pub"] for line in (await back.next()).text.split("\n")]
    assert [each["offset"] for each in missed] == [*range(again["offset"] + 1, len(sent) + 1)]
    assert again["recovered"] is (again["offset"] == last)
    assert len(missed) > 10
    assert not had & {each["data"]["id"] for each in missed}
    for peer in (slow, quick, back):
        peer.sock.close()
