"""A small HTTP/1.1 server with kept connections, with TLS or without."""

import asyncio
import inspect
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fake_tls import serving_tls


@dataclass
class Http1Server:
    """A running server. `connections` were made to it so far."""

    handler: object
    tls: bool
    port: int = 0
    ca_file: str = ""
    connections: int = 0
    _open: dict = field(default_factory=dict)

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    async def serve(self, reader, writer):
        """Answer one connection's requests in turn."""
        self.connections += 1
        self._open[asyncio.current_task()] = writer
        try:
            while await self._answered(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            del self._open[asyncio.current_task()]

    async def _answered(self, reader, writer):
        """Answer one request; tell whether another may follow."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head[:-4].split("\r\n")
        method, path, version = request.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = headers.get("content-length", "" if method == "POST" else "0")
        if version != "HTTP/1.1" or "host" not in headers or not length.isdecimal():
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        answer = self.handler(method, path, headers, await reader.readexactly(int(length)))
        status, fields, body = await answer if inspect.isawaitable(answer) else answer
        said = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n{said}\r\n".encode("latin-1") + body)
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    async def abort(self):
        """Close what is open."""
        for writer in self._open.values():
            writer.transport.abort()
        if self._open:
            await asyncio.wait(list(self._open))


@asynccontextmanager
async def http1_serving(handler, port=0, *, tls=True):
    """Serve on 127.0.0.1; `handler` takes method, path, headers and body, and gives status, headers and body."""
    with tempfile.TemporaryDirectory() as folder:
        server = Http1Server(handler, tls)
        context = None
        if tls:
            context, server.ca_file = serving_tls(folder, ["http/1.1"])
        listening = await asyncio.start_server(server.serve, "127.0.0.1", port, ssl=context)
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            listening.close()
            await server.abort()
            await listening.wait_closed()
            await asyncio.sleep(0)  # until the last transport knows that it is closed
