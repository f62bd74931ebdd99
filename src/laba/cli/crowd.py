"""A crowd of real clients: sockets that speak the client protocol, and note when each message reached them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from laba.protocols.websocket import CloseFrame, ServerFrames, Text, client_text_frame, upgrade_request

# Logins under way at once: enough to keep a server busy, few enough for any listen backlog.
_AT_ONCE = 200
_LOGIN_SECONDS = 30.0
_MESSAGE_BYTES = 1 << 20


@dataclass(slots=True)
class Arrivals:
    """When one message reached each client, in seconds of the event loop's clock."""

    times: list[float] = field(default_factory=list)

    def after(self, sent_at: float, share: float) -> float:
        """Give the milliseconds after which `share` of those it reached had it."""
        ordered = sorted(self.times)
        return (ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)] - sent_at) * 1000


class Client(asyncio.Protocol):
    """One client: upgrades, logs in, answers pings, and tells of every message."""

    def __init__(self, host: str, path: str, token: str, heard: Callable[[str], None]) -> None:
        self._first = upgrade_request(host, path, os.urandom(16).hex()[:22] + "==")
        self._login = json.dumps({"id": 1, "connect": {"token": token}}).encode()
        self._heard = heard
        self._head = b""
        self._frames: ServerFrames | None = None
        self._transport: asyncio.Transport | None = None
        self.logged_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._write(self._first)

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._fail(head.partition(b"\r\n")[0].decode("latin-1"))
                return
            self._frames = ServerFrames(_MESSAGE_BYTES)
            self._send(self._login)
        for frame in self._frames.feed(data):
            match frame:
                case Text(text):
                    for line in text.split("\n"):
                        self._read(line)
                case CloseFrame(code, reason):
                    self._fail(f"closed with {code} {reason}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection lost{f': {exc}' if exc else ''}")

    def leave(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _read(self, line: str) -> None:
        reply = json.loads(line)
        if not reply:
            self._send(b"{}")
        elif "push" in reply:
            self._heard(reply["push"]["pub"]["data"]["id"])
        elif "connect" in reply:
            self.logged_in.set_result(None)
        else:
            self._fail(line)

    def _send(self, text: bytes) -> None:
        self._write(client_text_frame(text, os.urandom(4)))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _fail(self, reason: str) -> None:
        if not self.logged_in.done():
            self.logged_in.set_exception(ConnectionError(f"a client could not log in: {reason}"))


class Crowd:
    """Clients that are logged in, and what reached them. Remembers the last `_REMEMBERED` messages."""

    _REMEMBERED = 64

    def __init__(self) -> None:
        self.arrivals: dict[str, Arrivals] = {}
        self.clients: list[Client] = []
        self._changed = asyncio.Event()

    def heard(self, message_id: str) -> None:
        if message_id not in self.arrivals:
            self.arrivals[message_id] = Arrivals()
            while len(self.arrivals) > self._REMEMBERED:
                del self.arrivals[next(iter(self.arrivals))]
        self.arrivals[message_id].times.append(asyncio.get_running_loop().time())
        self._changed.set()

    async def next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def settled(self, message_id: str, quiet_seconds: float) -> Arrivals:
        """Wait until a message has reached every client, or nobody else for a while, and give its arrivals."""
        try:
            while len(self.arrivals.get(message_id, Arrivals()).times) < len(self.clients):
                async with asyncio.timeout(quiet_seconds):
                    await self.next_change()
        except TimeoutError:
            pass
        return self.arrivals.get(message_id, Arrivals())


@asynccontextmanager
async def gathered(
    address: tuple[str, int], path: str, tokens: Sequence[str], progress: Callable[[], None]
) -> AsyncIterator[Crowd]:
    """Log in one client per token, and let them go at the end. ConnectionError says why one could not."""
    crowd = Crowd()
    turns = asyncio.Semaphore(_AT_ONCE)

    async def join(token: str) -> None:
        async with turns, asyncio.timeout(_LOGIN_SECONDS):
            _, client = await asyncio.get_running_loop().create_connection(
                lambda: Client(f"{address[0]}:{address[1]}", path, token, crowd.heard), *address
            )
            crowd.clients.append(client)
            await client.logged_in
        progress()

    try:
        async with asyncio.TaskGroup() as group:
            for token in tokens:
                group.create_task(join(token))
        yield crowd
    finally:
        for client in crowd.clients:
            client.leave()
