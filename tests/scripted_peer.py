"""A service over HTTP/2 that does what a test says, step by step; h2 judges all that it hears."""

import asyncio
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from hyperframe.frame import GoAwayFrame

from fake_tls import serving_tls

SECONDS = 10


@dataclass
class Request:
    """A call, whole. Header names are as they came, those with a colon too."""

    stream: int
    headers: dict
    body: bytes


class Wire(asyncio.Protocol):
    """One connection to the service. `faults` are what h2 found wrong with what came."""

    def __init__(self, peer):
        self._peer = peer
        self._news = asyncio.Event()
        self._end = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._heard = []
        self.judge = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))

    def connection_made(self, transport):
        self.transport = transport
        self.judge.initiate_connection()
        # What h2 begins with is not said; `change` says what the test begins with.
        self.judge.clear_outbound_data_buffer()
        if self._peer.settings is not None:
            self.change(self._peer.settings)
        self._peer.come(self)

    def data_received(self, data):
        try:
            self._heard += self.judge.receive_data(data)
        except ProtocolError as fault:
            self._peer.faults.append(fault)
        self._flush()
        self._news.set()

    def connection_lost(self, exc):
        self._end.set()
        self._room.set()

    def pause_writing(self):
        self._room.clear()

    def resume_writing(self):
        self._room.set()

    async def written(self):
        """Wait until there is room for more, or nobody to write to."""
        await self._room.wait()
        await asyncio.sleep(0)

    def _flush(self):
        self.transport.write(self.judge.data_to_send())

    async def hear(self, kind, stream=None):
        """Wait for one more event of a kind, of a stream or of any, and take it."""
        async with asyncio.timeout(SECONDS):
            while True:
                for event in self._heard:
                    if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                        self._heard.remove(event)
                        return event
                self._news.clear()
                await self._news.wait()

    async def request(self):
        """Wait for the next call to be whole."""
        head = await self.hear(events.RequestReceived)
        await self.hear(events.StreamEnded, head.stream_id)
        parts = [one for one in self._heard if isinstance(one, events.DataReceived)]
        mine = [one for one in parts if one.stream_id == head.stream_id]
        self._heard = [one for one in self._heard if one not in mine]
        body = b"".join(one.data for one in mine)
        return Request(head.stream_id, dict(head.headers), body)

    async def requests(self, count):
        return [await self.request() for _ in range(count)]

    def heard(self, kind):
        """Give the events of a kind that came and were not taken."""
        return [event for event in self._heard if isinstance(event, kind)]

    async def ended(self):
        """Wait until the connection is closed."""
        async with asyncio.timeout(SECONDS):
            await self._end.wait()

    async def quiet(self):
        """Wait until all that the client has written until now is heard: it answers a PING after it."""
        self.judge.ping(b"up to he")
        self._flush()
        await self.hear(events.PingAckReceived)

    def change(self, settings):
        self.judge.update_settings(settings)
        self._flush()

    def answer(self, stream, status=200, body=b"", **headers):
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.judge.send_headers(stream, [(":status", str(status)), *named], end_stream=not body)
        if body:
            self.judge.send_data(stream, body, end_stream=True)
        self._flush()

    def widen(self, size, stream=None):
        self.judge.increment_flow_control_window(size, stream)
        self._flush()

    def reset(self, stream, code):
        self.judge.reset_stream(stream, code)
        self._flush()

    def go_away(self, last, code=0):
        """Say it behind h2's back, which would say no more after it."""
        self.raw(GoAwayFrame(0, last_stream_id=last, error_code=code))

    def raw(self, *frames):
        """Write frames, or bytes, as they are."""
        self.transport.write(b"".join(one if isinstance(one, bytes) else one.serialize() for one in frames))

    def block(self, *headers):
        return self.judge.encoder.encode(headers)

    def close(self):
        self.transport.close()


@dataclass
class Peer:
    """A running service. `wires` are all connections that were made to it."""

    settings: dict | None
    port: int = 0
    ca_file: str = ""
    wires: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    _met: int = 0
    _coming: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"https://{self.host}/push?a=b"

    def come(self, wire):
        self.wires.append(wire)
        self._coming.set()

    async def wire(self):
        """Wait for the next connection."""
        async with asyncio.timeout(SECONDS):
            while len(self.wires) == self._met:
                self._coming.clear()
                await self._coming.wait()
        self._met += 1
        return self.wires[self._met - 1]


@asynccontextmanager
async def peering(settings=(), *, protocols=("h2",), faults=(), **certificate):
    """Serve over TLS on 127.0.0.1, with these settings; None says none at all. Of faults there are only these."""
    peer = Peer(settings if settings is None else dict(settings))
    with tempfile.TemporaryDirectory() as folder:
        context, peer.ca_file = serving_tls(folder, list(protocols), **certificate)
        listening = await asyncio.get_running_loop().create_server(lambda: Wire(peer), "127.0.0.1", 0, ssl=context)
        peer.port = listening.sockets[0].getsockname()[1]
        try:
            yield peer
        finally:
            listening.close()
            for wire in peer.wires:
                wire.transport.abort()
            for wire in peer.wires:
                await wire.ended()
            await listening.wait_closed()
    assert [type(fault) for fault in peer.faults] == list(faults)
