"""An HTTP/2 server that is quick enough for a bench: its handler answers at once, and bodies are small.

It refuses what breaks RFC 9113 in framing, headers and the windows it gave; it does not check priorities.
"""

import asyncio
import tempfile
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from struct import Struct

from fake_tls import serving_tls
from fast_hpack import BlockError, Decoder, encode

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20
FRAME_MAX, BODY_MAX, WINDOW_MAX, STREAMS_MAX = 16_384, 65_535, 1 << 24, 1000
PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, COMPRESSION_ERROR, CALM = 1, 3, 6, 9, 11
_HEAD = Struct(">HBBBL")
_SETTING = Struct(">HL")
_CONNECTION_HEADERS = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})


class BrokenError(Exception):
    """What the client broke, by the number of HTTP/2's error."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def frame(kind, flags, stream, content=b""):
    size = len(content)
    return _HEAD.pack(size >> 8, size & 255, kind, flags, stream) + content


@dataclass
class Server:
    """A running server. `connections` were made to it so far."""

    handler: object
    port: int = 0
    ca_file: str = ""
    connections: int = 0
    open: set = field(default_factory=set)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server):
        self._server = server
        self._decoder = Decoder()
        self._rest = b""
        self._begun = False
        self._streams = {}  # number -> [headers, the body so far]
        self._last = 0
        self._block = None  # (stream, flags, the block so far) until its last CONTINUATION
        self._granted = WINDOW_MAX
        self._window = self._stream_window = 65_535
        self._waiting = deque()
        self._out = []

    def connection_made(self, transport):
        self._transport = transport
        if transport.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            transport.abort()
            return
        self._server.connections += 1
        self._server.open.add(transport)
        settings = _SETTING.pack(3, STREAMS_MAX)
        transport.write(
            frame(SETTINGS, 0, 0, settings) + frame(WINDOW, 0, 0, (WINDOW_MAX - 65_535).to_bytes(4, "big"))
        )

    def connection_lost(self, exc):
        self._server.open.discard(self._transport)

    def data_received(self, data):
        data = self._rest + data
        try:
            self._rest = data[self._frames(data) :]
        except BrokenError as broken:
            content = self._last.to_bytes(4, "big") + broken.code.to_bytes(4, "big") + str(broken).encode()
            self._out.append(frame(GOAWAY, 0, 0, content))
            self._flush()
            self._transport.close()
        else:
            self._flush()

    def _flush(self):
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def _frames(self, data):
        """Take all whole frames; tell where the rest begins."""
        at, end = 0, len(data)
        if not self._begun:
            if end < len(PREFACE):
                return 0
            if not data.startswith(PREFACE):
                raise BrokenError(PROTOCOL_ERROR, "no preface")
            self._begun, at = True, len(PREFACE)
        while end - at >= 9:
            high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
            size = high << 8 | low
            if size > FRAME_MAX:
                raise BrokenError(FRAME_SIZE_ERROR, "a frame larger than allowed")
            if end - at - 9 < size:
                break
            at += 9 + size
            if self._block is not None and kind != CONTINUATION:
                raise BrokenError(PROTOCOL_ERROR, "a block of headers is interrupted")
            if kind <= CONTINUATION:
                _TAKERS[kind](self, flags, stream & 0x7FFF_FFFF, data[at - size : at])
        return at

    def _headers(self, flags, stream, content):
        content = _unpadded(flags, content)
        if flags & PRIORITIZED:
            content = content[5:]
        if stream not in self._streams and (not stream & 1 or stream <= self._last):
            raise BrokenError(PROTOCOL_ERROR, "a stream's number is not the next")
        self._block = (stream, flags, content)
        if flags & END_HEADERS:
            self._headed()

    def _continuation(self, flags, stream, content):
        if self._block is None or self._block[0] != stream or len(self._block[2]) > BODY_MAX:
            raise BrokenError(PROTOCOL_ERROR, "a continuation of nothing")
        self._block = (stream, self._block[1], self._block[2] + content)
        if flags & END_HEADERS:
            self._headed()

    def _headed(self):
        """Begin a stream when its headers are whole, or end it when its trailers are."""
        stream, flags, block = self._block
        self._block = None
        try:
            headers = self._decoder.decode(block)
        except BlockError as error:
            raise BrokenError(COMPRESSION_ERROR, str(error)) from error
        if stream not in self._streams:
            if len(self._streams) >= STREAMS_MAX:
                raise BrokenError(PROTOCOL_ERROR, "more streams than allowed")
            self._last = stream
            self._streams[stream] = [headers, b""]
        elif not flags & END_STREAM:
            raise BrokenError(PROTOCOL_ERROR, "trailers that do not end a stream")
        if flags & END_STREAM:
            self._answer(stream)

    def _data(self, flags, stream, content):
        self._granted -= len(content)
        if self._granted < 0:
            raise BrokenError(FLOW_CONTROL_ERROR, "more than the connection's window")
        if self._granted < WINDOW_MAX // 2:
            self._out.append(frame(WINDOW, 0, 0, (WINDOW_MAX - self._granted).to_bytes(4, "big")))
            self._granted = WINDOW_MAX
        request = self._streams.get(stream)
        if request is None:
            if not stream & 1 or stream > self._last:
                raise BrokenError(PROTOCOL_ERROR, "data of no stream")
            return
        body = _unpadded(flags, content)
        request[1] = request[1] + body if request[1] else body
        if len(request[1]) > BODY_MAX:
            raise BrokenError(FLOW_CONTROL_ERROR, "more than the stream's window")
        if flags & END_STREAM:
            self._answer(stream)

    def _answer(self, stream):
        headers, body = self._streams.pop(stream)
        asked = [headers.pop(name, "") for name in (":method", ":path", ":scheme", ":authority")]
        if not _right(asked, headers, body):
            self._out.append(frame(RST, 0, stream, PROTOCOL_ERROR.to_bytes(4, "big")))
            return
        status, fields, said = self._server.handler(asked[0], asked[1], headers, body)
        block = encode(status, fields)
        self._out.append(frame(HEADERS, END_HEADERS | (0 if said else END_STREAM), stream, block))
        if said:
            self._waiting.append((stream, said))
            self._send_waiting()

    def _send_waiting(self):
        """Send bodies as far as the client's windows let them; each is smaller than any stream's window."""
        while self._waiting and len(self._waiting[0][1]) <= self._window:
            stream, said = self._waiting.popleft()
            if len(said) > min(self._stream_window, FRAME_MAX):
                raise BrokenError(FLOW_CONTROL_ERROR, "this server answers into wider windows only")
            self._window -= len(said)
            self._out.append(frame(DATA, END_STREAM, stream, said))

    def _reset(self, flags, stream, content):
        self._streams.pop(stream, None)

    def _settings(self, flags, stream, content):
        if flags & ACK:
            return
        if stream or len(content) % 6:
            raise BrokenError(FRAME_SIZE_ERROR, "settings")
        for name, value in _SETTING.iter_unpack(content):
            if name == 4:
                self._stream_window = value
        self._out.append(frame(SETTINGS, ACK, 0))

    def _ping(self, flags, stream, content):
        if len(content) != 8:
            raise BrokenError(FRAME_SIZE_ERROR, "ping")
        if not flags & ACK:
            self._out.append(frame(PING, ACK, 0, content))

    def _window_update(self, flags, stream, content):
        if not stream:
            self._window += int.from_bytes(content, "big")
            self._send_waiting()

    def _ignored(self, flags, stream, content):
        """Leave priorities and a GOAWAY unanswered."""

    def _forbidden(self, flags, stream, content):
        raise BrokenError(PROTOCOL_ERROR, "clients push nothing")


_TAKERS = (
    Connection._data,
    Connection._headers,
    Connection._ignored,
    Connection._reset,
    Connection._settings,
    Connection._forbidden,
    Connection._ping,
    Connection._ignored,
    Connection._window_update,
    Connection._continuation,
)


def _unpadded(flags, content):
    if not flags & PADDED:
        return content
    if not content or content[0] >= len(content):
        raise BrokenError(PROTOCOL_ERROR, "more padding than frame")
    return content[1 : len(content) - content[0]]


def _right(asked, headers, body):
    """Tell whether a request is well-formed (RFC 9113 8.2 and 8.3)."""
    method, path, scheme, authority = asked
    if not method or not path.startswith("/") or scheme != "https" or not authority:
        return False
    if _CONNECTION_HEADERS & headers.keys() or headers.get("content-length", str(len(body))) != str(len(body)):
        return False
    return all(name == name.lower() and name[:1] != ":" for name in headers)


@asynccontextmanager
async def fast_http2_serving(handler, port=0, folder=None):
    """Serve over TLS on 127.0.0.1; `handler` takes method, path, headers and body, and gives the answer.

    The authority's certificate lies in the folder, or in one that is gone afterwards.
    """
    with tempfile.TemporaryDirectory() as passing:
        server = Server(handler)
        context, server.ca_file = serving_tls(folder or passing, ["h2"])
        listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(server), "127.0.0.1", port, ssl=context
        )
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            listening.close()
            for transport in list(server.open):
                transport.abort()
            await listening.wait_closed()
