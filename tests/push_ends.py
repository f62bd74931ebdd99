"""Our ends of connections to services: one connection, and a sender with its few."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from laba.adapters.courier import HttpCourier
from laba.adapters.push.connection import Address, Connection, NotTakenError
from laba.adapters.push.sender import PushSender, trusting
from laba.model.http import HttpCall, HttpReply
from laba.ports.letters import CourierError
from scripted_peer import SECONDS, peering

LONG_MS = SECONDS * 1000
OK = (":status", "200")
ADDRESS = Address("push.example:8443", "/3/device/0a?x=y")
CALL = HttpCall("", b"{}")


async def connecting(peer, freed=lambda: None):
    """Connect to a peer, and give our end."""
    return (await reached(peer, freed))[1]


async def reached(peer, freed=lambda: None):
    """Connect to a peer, and give the transport and what is behind it."""
    tls = trusting(Path(peer.ca_file))
    tls.set_alpn_protocols(["h2", "http/1.1"])
    loop = asyncio.get_running_loop()
    return await loop.create_connection(lambda: Connection(freed), "127.0.0.1", peer.port, ssl=tls)


@asynccontextmanager
async def connected(peer, freed=lambda: None):
    """Be connected to a peer; give both ends."""
    connection = await connecting(peer, freed)
    try:
        yield connection, await peer.wire()
    finally:
        connection.close()


@asynccontextmanager
async def joined(settings=()):
    """Run a peer, and be connected to it; give both ends."""
    async with peering(settings) as peer, connected(peer) as both:
        yield both


@asynccontextmanager
async def called(connection, call=CALL):
    """Make a call; it is cancelled where it has no answer at the end."""
    calling = asyncio.create_task(connection.call(ADDRESS, call))
    try:
        yield calling
    finally:
        calling.cancel()
        await asyncio.wait([calling])


async def ended(calling):
    """Give a call's answer, or its error as one."""
    async with asyncio.timeout(SECONDS):
        try:
            return await calling
        except (CourierError, NotTakenError) as error:
            return error


@asynccontextmanager
async def sending(ca_file, other_file=None, **how):
    """Be ready to send, trusting what the files say."""
    old, new = (trusting(Path(ca_file) if ca_file else None) for _ in range(2))
    if other_file:
        new.load_verify_locations(other_file)
    async with HttpCourier.open(old) as fallback, PushSender.open(new, fallback, **how) as sender:
        yield sender


async def met(sender, peer):
    """Let the two be connected anew, and have made a call."""
    calling = asyncio.create_task(sender.send(HttpCall(peer.url, b""), LONG_MS))
    wire = await peer.wire()
    wire.answer((await wire.request()).stream)
    assert await calling == HttpReply(200)


@asynccontextmanager
async def callers(sender, peer, count=1, timeout_ms=LONG_MS):
    """Make calls, whose bodies are their numbers; those without an answer are cancelled at the end."""
    calls = [HttpCall(peer.url, b"%d" % number) for number in range(count)]
    calling = [asyncio.create_task(sender.send(call, timeout_ms)) for call in calls]
    try:
        yield calling
    finally:
        for one in calling:
            one.cancel()
        await asyncio.gather(*calling, return_exceptions=True)


async def outcome(calling):
    """Give a call's answer, or the sentence of its failure."""
    try:
        return await calling
    except CourierError as error:
        return str(error)
