"""A back end that is told things, over a real socket; it can be down, hang, fail, or close half-way."""

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Delivery:
    """One POST as it arrived. `answered` says whether it was taken."""

    target: str
    headers: dict
    body: bytes
    answered: bool


@dataclass
class Receiver:
    """Answers 200, unless told otherwise for the next ones: a status, "hang", "half" or "close"."""

    deliveries: list = field(default_factory=list)
    moods: deque = field(default_factory=deque)
    usual: object = 200
    port: int = 0
    _server: asyncio.Server | None = None
    _open: dict = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/told"

    @property
    def taken(self):
        """Give the deliveries that were answered with success."""
        return [delivery for delivery in self.deliveries if delivery.answered]

    def __post_init__(self):
        self.moods = deque(self.moods)

    async def up(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self):
        """Listen no more, and close what is open."""
        self._server.close()
        for writer in self._open.values():
            writer.transport.abort()
        if self._open:
            await asyncio.wait(list(self._open))
        await self._server.wait_closed()
        await asyncio.sleep(0)  # until the last transport knows that it is closed

    async def told(self, count):
        """Wait until so many deliveries were taken, each counted by its body once."""
        async with asyncio.timeout(60):
            while len({delivery.body for delivery in self.taken}) < count:
                self._news.clear()
                await self._news.wait()

    async def _serve(self, reader, writer):
        self._open[asyncio.current_task()] = writer
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._take(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            del self._open[asyncio.current_task()]

    async def _take(self, head, reader, writer):
        request, *lines = head.decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        mood = self.moods.popleft() if self.moods else self.usual
        taken = isinstance(mood, int) and 200 <= mood < 300
        self.deliveries.append(Delivery(request.split(" ")[1], headers, body, taken))
        self._news.set()
        if mood == "hang":
            await reader.read()
            raise ConnectionError
        if mood == "close":
            raise ConnectionError
        if mood == "half":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            await writer.drain()
            raise ConnectionError
        writer.write(b"HTTP/1.1 %d Said\r\nContent-Length: 2\r\n\r\nok" % mood)
        await writer.drain()


@asynccontextmanager
async def receiving(**how):
    receiver = Receiver(**how)
    await receiver.up()
    try:
        yield receiver
    finally:
        await receiver.down()
