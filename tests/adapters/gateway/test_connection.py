"""One connection on a real socket: S4, design.md 6.2 and 6.5, RFC 6455."""

import asyncio
import os
import random
import socket

import pytest

from gateway_rig import MASK, UNSENT_BYTES, UPGRADE, GatewayRig, drained, numbered, until
from laba.core.session import State
from laba.model.closing import Closing
from laba.protocols.websocket import (
    CloseFrame,
    PongFrame,
    Text,
    client_close_frame,
    client_text_frame,
    close_frame,
    pong_frame,
    text_frame,
)

pytestmark = pytest.mark.anyio

CLIENT_PING = b"\x89\x80" + MASK
SLOW = close_frame(3008, "slow")


async def is_answered(peer):
    """Tell that everything sent so far has been dealt with, and that nothing else came back."""
    await peer.send(CLIENT_PING)
    return await peer.next() == PongFrame(b"")


# --- the number of a socket that has closed (design.md 6.2) --------------------------------------------------------


async def reborn(rig, old, end):
    """End `old` and give a new client, logged in, whose socket in the server has the old one's number."""
    number, waiting, fillers = old.fd, rig.socket(), []
    end()
    await until(lambda: old not in rig.gateway._connections)
    # connection_lost comes before the kernel gets the number back.
    await asyncio.sleep(0)
    # The kernel gives the lowest free number: make that the old one.
    while not fillers or fillers[-1] < number:
        fillers.append(os.dup(0))
    os.close(fillers.pop())
    try:
        await asyncio.get_running_loop().sock_connect(waiting, rig.address)
        peer = rig.peers[-1]
        await peer.send(UPGRADE)
        await peer.read_through(b"\r\n\r\n")
        await peer.log_in("new")
    finally:
        for filler in fillers:
            os.close(filler)
    assert rig.of("new").fd == number
    return peer


@pytest.mark.parametrize("io_uring", [False, True])
@pytest.mark.parametrize("end", ["abort", "close", "vanish", "leave"])
async def test_nothing_crosses_to_the_connection_that_got_an_old_number(end, io_uring):
    """A delivery that still lists the old session, and late answers to it, reach nobody."""
    async with GatewayRig(io_uring=io_uring).running() as rig:
        client = await rig.logged_in("old")
        old = rig.of("old")
        ends = {
            "abort": old.abort,
            "close": lambda: (old.close(Closing.USER_REMOVED), old._transport.close()),
            "vanish": client.vanish,
            "leave": lambda: client.sock.send(client_close_frame(1000, MASK)),
        }
        fresh = await reborn(rig, old, ends[end])
        # The guard of the number stands by itself, were the session's state ever behind.
        old.session.state = State.LIVE
        rig.deliver(text_frame(b"stray"), [old.session])
        old.write(text_frame(b"stray"))
        old.hold(text_frame(b"stray"), 0) if old.fd >= 0 else old.queue(text_frame(b"stray"))
        old.close(Closing.SHUTDOWN)
        assert await is_answered(fresh)
        old.session.state = State.CLOSED


async def test_the_number_is_forgotten_before_the_transport_closes():
    """From the very call on: the kernel may give it away at any later moment."""
    async with GatewayRig().running() as rig:
        for end in ("abort", "close"):
            await rig.logged_in(end)
            connection = rig.of(end)
            connection.abort() if end == "abort" else connection.close(Closing.SHUTDOWN)
            assert connection.fd == -1
        client = await rig.logged_in("eof")
        connection = rig.of("eof")
        client.sock.shutdown(socket.SHUT_WR)
        await until(lambda: connection.fd == -1)
        assert rig.counted("laba_sessions_closed_total", reason="normal") == 1


@pytest.mark.parametrize("act", ["close", "write", "violation", "deliver"])
async def test_a_client_that_was_reset_hurts_nobody(act):
    """The fault of the wire ends that connection and is raised nowhere."""
    async with GatewayRig().running() as rig:
        client, other = await rig.logged_in("gone"), await rig.logged_in("here")
        connection = rig.of("gone")
        session = connection.session
        client.vanish()
        match act:
            case "close":
                connection.close(Closing.SHUTDOWN)
            case "write":
                connection.write(b"\x81\x00")
                connection.write(b"\x81\x00")
            case "violation":
                connection.data_received(b"\xff\xff")
            case "deliver":
                rig.deliver(numbered(1, 500_000), [session])
        rig.deliver(text_frame(b"next"))
        assert await other.next() == Text("next")
        await until(lambda: connection not in rig.gateway._connections)
        assert session not in list(rig.roster)


# --- slow clients (design.md 6.5) ----------------------------------------------------------------------------------


async def test_a_client_that_reads_nothing_is_closed_as_slow_within_its_bound():
    """The kernel's buffers included; what had begun is finished, then the reason follows; others miss nothing."""
    outbox_bytes, size = 65536, 6000
    async with GatewayRig(limits={"outbox_bytes": outbox_bytes}).running() as rig:
        slow, fast = await rig.logged_in("slow", receive_bytes=4096), await rig.logged_in("fast")
        connection = rig.of("slow")
        frames = []
        while connection.fd >= 0:
            frames.append(numbered(len(frames), size))
            rig.deliver(frames[-1])
            assert await fast.read_exactly(len(frames[-1])) == frames[-1]
        accepted = sum(map(len, frames))
        receive_bytes = slow.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert outbox_bytes < accepted <= 2 * receive_bytes + UNSENT_BYTES + outbox_bytes + len(frames[-1])
        assert rig.counted("laba_sessions_closed_total", reason="slow") == 1
        # What did not begin is given up at once, not when the client has gone.
        assert connection.outbox.waiting_bytes == 0
        last = numbered(len(frames), size)
        rig.deliver(last)
        assert await fast.read_exactly(len(last)) == last
        # Now it reads.
        found = await slow.read_through(SLOW)
        begun = (len(found) - len(SLOW)) // len(last)
        assert found == b"".join(frames[:begun]) + SLOW
        assert 0 < begun < len(frames)
        await slow.leave()
        assert await slow.read() == b""
        assert rig.counted("laba_sessions_closed_total", reason="slow") == 1


async def test_one_frame_over_the_bound_is_finished_and_then_the_client_is_slow():
    """A frame that has begun is never torn, however large."""
    async with GatewayRig(limits={"outbox_bytes": 20_000}).running() as rig:
        client = await rig.logged_in("slow", receive_bytes=4096)
        frame = numbered(1, 1_000_000)
        rig.deliver(frame)
        assert not len(rig.roster)
        assert await client.read_exactly(len(frame)) == frame
        assert await client.next() == CloseFrame(3008, "slow")


async def test_a_slow_client_that_does_not_read_its_close_either_is_cut():
    """What the transport holds has a bound in time, too."""
    async with GatewayRig(limits={"outbox_bytes": 20_000}).running() as rig:
        client = await rig.logged_in("slow", receive_bytes=4096)
        rig.deliver(numbered(1, 1_000_000))
        await rig.tick(4)
        assert len(rig.gateway) == 1
        await rig.tick(10)
        await until(lambda: not len(rig.gateway))
        assert len(await drained(client)) < 1_000_000


async def test_a_flood_of_pings_whose_pongs_are_not_read_is_bounded():
    """A client without a login cannot make the server hold more than its bound."""
    async with GatewayRig(limits={"outbox_bytes": 20_000}).running() as rig:
        client = await rig.upgraded(receive_bytes=4096)
        (connection,) = rig.gateway._connections
        while connection.fd >= 0:
            if connection.outbox is not None:
                assert connection.outbox.size_bytes <= 20_000
            await client.send(CLIENT_PING * 500)
        found = await client.read_through(SLOW)
        pongs = (len(found) - len(SLOW)) // 2
        assert found == pong_frame(b"") * pongs + SLOW


# --- partial writes ------------------------------------------------------------------------------------------------


async def test_big_frames_arrive_whole_and_in_order():
    """Through partial writes, the transport and the outbox; and then writes are direct again."""
    async with GatewayRig(limits={"outbox_bytes": 1 << 23}).running() as rig:
        client = await rig.logged_in("ann", receive_bytes=16384)
        connection = rig.of("ann")
        frames = [numbered(number, 300_000) for number in range(5)]
        for frame in frames:
            rig.deliver(frame)
        assert connection.outbox is not None
        assert await client.read_exactly(sum(map(len, frames))) == b"".join(frames)
        await until(lambda: connection.outbox is None)
        assert rig.deliver(b"\x81\x02hi").handed_to == 1
        assert connection.outbox is None
        assert await client.read_exactly(4) == b"\x81\x02hi"


async def test_writes_and_reads_in_any_order_give_one_unbroken_stream():
    """Deliveries, answers and pongs, while the transport holds bytes and while it does not."""
    chance = random.Random(6455)
    async with GatewayRig(limits={"outbox_bytes": 1 << 24}).running() as rig:
        client = await rig.logged_in("ann", receive_bytes=16384)
        connection = rig.of("ann")
        sent, found, backed_up = b"", b"", 0
        for number in range(300):
            if chance.random() < 0.6:
                frame = numbered(number, chance.choice((8, 800, 8_000, 60_000)))
                rig.deliver(frame) if chance.random() < 0.5 else connection.write(frame)
                sent += frame
                backed_up += connection.outbox is not None
            elif chance.random() < 0.8 and len(found) < len(sent):
                found += await client.read(chance.choice((100, 10_000, 200_000)))
            else:
                found += await client.read_exactly(len(sent) - len(found))
                await until(lambda: connection.outbox is None)
        found += await client.read_exactly(len(sent) - len(found))
        assert found == sent
        assert 50 < backed_up < 150
        await until(lambda: connection.outbox is None)


async def test_a_socket_that_is_ready_again_leaves_no_backlog():
    """Between a write that was refused and the one after it the client may have read."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        connection = rig.of("ann")
        connection.hold(text_frame(b"one"), 0)
        assert connection.outbox is None
        assert rig.deliver(text_frame(b"two")).handed_to == 1
        assert [await client.next(), await client.next()] == [Text("one"), Text("two")]


async def test_many_small_frames_drain_together():
    """More of them than one writev takes."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann", receive_bytes=4096)
        big = numbered(1, 200_000)
        rig.deliver(big)
        await client.send(CLIENT_PING * 3000)
        await until(lambda: rig.of("ann").outbox.waiting_bytes >= 3000 * 2)
        expected = big + pong_frame(b"") * 3000
        assert await client.read_exactly(len(expected)) == expected
        assert await is_answered(client)


# --- garbage (RFC 6455) --------------------------------------------------------------------------------------------


def masked(first, payload):
    return bytes((first, 0x80 | len(payload))) + b"\0\0\0\0" + payload


GARBAGE = {
    "not masked": (b"\x81\x02hi", 1002),
    "reserved bit": (masked(0xC1, b"hi"), 1002),
    "reserved opcode": (masked(0x83, b"hi"), 1002),
    "no frame": (b"GET / HTTP/1.1\r\n\r\n", 1002),
    "close code that never travels": (masked(0x88, b"\x03\xed"), 1002),
    "binary": (masked(0x82, b"hi"), 1003),
    "invalid UTF-8": (masked(0x81, b"\xff\xfe"), 1007),
    "too big": (b"\x81\xff\0\0\0\0\0\1\0\1" + MASK, 1009),
    "no command": (client_text_frame(b"hello", MASK), 3501),
    "pong before the login": (client_text_frame(b"{}", MASK), 3501),
    "empty": (client_text_frame(b"", MASK), 3501),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_closed_with_its_code_and_hurts_nobody(name):
    """The close frame arrives although the client never stops sending; others notice nothing."""
    garbage, code = GARBAGE[name]
    async with GatewayRig().running() as rig:
        other, client = await rig.logged_in("other"), await rig.upgraded()
        await client.send(garbage)
        await client.send(client_text_frame(b"x" * 60000, MASK) * 5)
        closed = await client.next()
        assert (type(closed), closed.code) == (CloseFrame, code)
        await client.send(client_text_frame(b"x" * 60000, MASK) * 5)
        rig.deliver(text_frame(b"still here"))
        assert await other.next() == Text("still here")
        assert await is_answered(other)
        # Whoever goes on for ever is cut in the end.
        await rig.tick(10)
        await until(lambda: len(rig.gateway) == 1)
        assert rig.counted("laba_sessions_closed_total", reason=Closing((code, closed.reason)).name.lower()) == 1


async def test_a_violation_half_closes_behind_the_close_frame():
    """The client sees the end at once, without waiting for the server's patience."""
    async with GatewayRig().running() as rig:
        client = await rig.upgraded()
        await client.send(b"\x81\x02hi")
        assert await client.next() == CloseFrame(1002, Closing.PROTOCOL_ERROR.reason)
        assert await client.next() is None
        client.sock.close()
        await until(lambda: not len(rig.gateway))


# RFC 6455 sections 5.5.1 and 7.1.1
async def test_a_close_is_answered_and_the_server_ends_first():
    """What came in the same packet before it is still answered, what comes behind it is not."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        await client.send(masked(0x89, b"a") + client_close_frame(1000, MASK) + masked(0x89, b"b"))
        assert await client.next() == PongFrame(b"a")
        assert (await client.next()).code == 1000
        assert await client.next() is None
        await until(lambda: not len(rig.gateway))
        assert rig.counted("laba_sessions_closed_total", reason="normal") == 1


async def test_our_close_waits_for_the_clients_answer():
    """And ends the connection as soon as it is there."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        rig.of("ann").close(Closing.USER_REMOVED)
        assert await client.next() == CloseFrame(4501, "user removed")
        await client.leave()
        assert await client.next() is None
        assert rig.counted("laba_sessions_closed_total", reason="user_removed") == 1


# --- time ----------------------------------------------------------------------------------------------------------


async def test_a_client_that_does_not_log_in_is_closed():
    """Not before its time, and with the code that lets its SDK come back."""
    async with GatewayRig(limits={"login_seconds": 30}).running() as rig:
        client = await rig.upgraded()
        await rig.tick(30)
        assert await is_answered(client)
        await rig.tick(32)
        assert await client.next() == CloseFrame(4001, "no login in time")
        assert rig.counted("laba_sessions_closed_total", reason="login_timeout") == 1


async def test_first_pings_are_spread_over_the_second_half_of_the_interval():
    """Forty clients that logged in together are not pinged together."""
    async with GatewayRig(limits={"ping_seconds": 40}).running() as rig:
        for number in range(40):
            await rig.logged_in(f"user{number}")
        due = [len(list(rig.wheel.advance(now))) for now in range(45)]
        assert sum(due) == 40
        assert sum(due[:20]) == 0
        assert max(due) <= 4


async def pinged(rig, client, now):
    """Turn the wheel until a ping comes; tell when."""
    connection = rig.of("ann")
    while not connection._unanswered:
        now += 1
        await rig.tick(now)
    assert await client.next() == Text("{}")
    return now


async def test_who_answers_pings_stays_and_who_does_not_is_closed():
    """A pong in time resets the clock; the pings come at their interval."""
    async with GatewayRig(limits={"ping_seconds": 40, "pong_seconds": 60}).running() as rig:
        client = await rig.logged_in("ann")
        now = await pinged(rig, client, 0)
        for _ in range(3):
            await client.send(client_text_frame(b"{}", MASK))
            assert await is_answered(client)
            before, now = now, await pinged(rig, client, now)
            assert 40 <= now - before <= 43
        for second in range(now, now + 60):
            await rig.tick(second)
        assert await is_answered(client)
        for second in range(now + 60, now + 64):
            await rig.tick(second)
        assert await client.next() == CloseFrame(3012, "no pong")
        assert rig.counted("laba_sessions_closed_total", reason="no_pong") == 1


async def test_a_short_patience_for_pongs_makes_no_more_pings():
    """The interval between pings is the one that the client was told."""
    async with GatewayRig(limits={"ping_seconds": 40, "pong_seconds": 5}).running() as rig:
        client = await rig.logged_in("ann")
        now = await pinged(rig, client, 0)
        await client.send(client_text_frame(b"{}", MASK))
        assert await is_answered(client)
        before, now = now, await pinged(rig, client, now)
        assert 40 <= now - before <= 43
        for second in range(now, now + 8):
            await rig.tick(second)
        assert await client.next() == CloseFrame(3012, "no pong")


async def test_a_websocket_pong_is_a_sign_of_life_too():
    """Whatever of the two the client's library answers with."""
    async with GatewayRig().running() as rig:
        client = await rig.logged_in("ann")
        now = await pinged(rig, client, 0)
        await client.send(masked(0x8A, b""))
        assert await is_answered(client)
        assert await pinged(rig, client, now) - now >= 40
