"""One HTTP/2 connection to a service: calls go out as streams, many at once (RFC 9113)."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast

import hpack

from laba.adapters.push import frames
from laba.adapters.push.frames import BrokenError, Fault, Flag, Frame, Kind, Setting
from laba.model.http import HttpCall, HttpReply
from laba.ports.letters import CourierError

BODY_LIMIT_BYTES: Final = 64 * 1024
# What a service may have open whose SETTINGS do not say (RFC 9113 section 6.5.2 recommends at least 100).
STREAMS_UNSAID: Final = 100
# Beyond this a stream's body is longer than is read, and the stream is reset.
_STREAM_WINDOW: Final = 2 * BODY_LIMIT_BYTES
_CONNECTION_WINDOW: Final = 1 << 24
# How many sets of headers are kept as written.
_WRITTEN_MAX: Final = 256
# Stream numbers are used up (RFC 9113 section 5.1.1) long after this; a connection ends before.
_LAST_STREAM: Final = 1 << 30
_BLOCK_MAX_BYTES: Final = 64 * 1024
# More than a thousand calls of four kilobytes, and what goes with them, can be waiting to be written.
_UNSENT_MAX_BYTES: Final = 1 << 23
# A connection that the network forgot is given up when nothing was acknowledged for so long (RFC 5482).
_UNACKNOWLEDGED_SECONDS: Final = 30
_TCP_USER_TIMEOUT: Final[int] = getattr(socket, "TCP_USER_TIMEOUT", 18)


class NotTakenError(Exception):
    """The service said that it has not looked at a call: it may go out again (RFC 9113 section 8.7)."""


class NoHttp2Error(Exception):
    """The service speaks no HTTP/2."""


class Address(NamedTuple):
    """Where a call goes: the host with its port, as the URL has it, and the path with its query."""

    host: str
    target: str


@dataclass(slots=True)
class _Stream:
    answer: "asyncio.Future[HttpReply]"
    window: int
    rest: bytes = b""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class Connection(asyncio.Protocol):
    """Made with its transport. `freed` is told when a stream ends or the peer's limits change, and at the end.

    `greeted` is done when the peer's SETTINGS have come: APNs allows one stream until it knows its caller. It raises
    CourierError where they never come, and NoHttp2Error.
    """

    def __init__(self, freed: Callable[[], None]) -> None:
        self._freed = freed
        self._streams: dict[int, _Stream] = {}
        self._next = 1
        self._limit = 0
        self._going = False
        self._window = frames.WINDOW_BYTES
        self._stream_window = frames.WINDOW_BYTES
        self._frame_max = frames.FRAME_MAX_BYTES
        self._unread = 0
        self._reader = frames.Reader()
        self._decoder = hpack.Decoder()
        self._written: dict[tuple[object, ...], bytes] = {}
        self._block: tuple[int, int, bytes] | None = None
        self._takers: Mapping[int, Callable[[Frame], None]] = {
            Kind.DATA: self._data,
            Kind.HEADERS: self._begin_block,
            Kind.CONTINUATION: self._continued,
            Kind.RST_STREAM: self._reset,
            Kind.SETTINGS: self._settings,
            Kind.GOAWAY: self._go_away,
            Kind.PING: self._ping,
            Kind.WINDOW_UPDATE: self._widen,
            Kind.PUSH_PROMISE: self._promise,
        }
        self._out: list[bytes] = []
        # Streams that have bytes left for which there was no window.
        self._held: deque[int] = deque()
        self._transport: asyncio.Transport | None = None
        # How often anything came.
        self._heard = 0
        # The last call was given up, and nothing at all was heard since it was made.
        self.mute = False
        # Room that was promised to calls that are about to be made.
        self.promised = 0
        loop = asyncio.get_running_loop()
        self.used_at = loop.time()
        self.greeted: asyncio.Future[None] = loop.create_future()
        # Who made the connection may have given up before it ended; then nobody asks for the error.
        self.greeted.add_done_callback(lambda greeted: greeted.cancelled() or greeted.exception())

    # --- what the pool asks ----------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Tell whether new calls may go out, if there is room."""
        return self._transport is not None and not self._going

    @property
    def room(self) -> int:
        return self._limit - len(self._streams) - self.promised if self.is_open else 0

    @property
    def busy(self) -> int:
        return len(self._streams)

    async def call(self, address: Address, call: HttpCall) -> HttpReply:
        """Make one call. Raises CourierError, and NotTakenError where it is sure that nothing was done.

        Raises ValueError for what cannot be written; nothing of it is then.
        """
        if not self.is_open:
            raise NotTakenError
        # :method POST and :scheme https are in the static table (RFC 7541 appendix A).
        block = b"\x83\x87" + frames.literal(b":path", address.target.encode()) + self._fields(address.host, call)
        number, self._next = self._next, self._next + 2
        if number >= _LAST_STREAM:
            self._going = True
        stream, heard = _Stream(asyncio.get_running_loop().create_future(), self._stream_window), self._heard
        self._streams[number] = stream
        self._send_headers(number, block, 0 if call.body else Flag.END_STREAM)
        self._send_body(number, stream, call.body)
        try:
            return await stream.answer
        except asyncio.CancelledError:
            self.mute = self._heard == heard
            raise
        finally:
            if self._streams.pop(number, None) is not None:
                self._send(frames.reset(number, Fault.CANCEL))
                self._freed()
            self._end_if_unused()

    def leave(self) -> None:
        """Have no new calls; it ends when those that it has are over."""
        self._going = True
        self._end_if_unused()
        self._freed()

    def close(self) -> None:
        """End it now; calls that have no answer yet fail."""
        self._going = True
        if self._transport is not None:
            self._transport.abort()

    # --- out -------------------------------------------------------------------------------------------------------

    def _send_headers(self, number: int, block: bytes, flags: int) -> None:
        first, rest = block[: self._frame_max], block[self._frame_max :]
        self._send(frames.frame(Kind.HEADERS, flags | (0 if rest else Flag.END_HEADERS), number, first))
        while rest:
            first, rest = rest[: self._frame_max], rest[self._frame_max :]
            self._send(frames.frame(Kind.CONTINUATION, 0 if rest else Flag.END_HEADERS, number, first))

    def _fields(self, host: str, call: HttpCall) -> bytes:
        """Write what a call has beside its path; names are lower case (RFC 9113 section 8.2).

        Of thousands of calls most have the same: it is written once.
        """
        key = (host, len(call.body), *call.headers, *call.headers.values())
        known = self._written.get(key)
        if known is None:
            given = [(":authority", host), ("user-agent", "laba"), ("content-length", str(len(call.body)))]
            given += [(name.lower(), value) for name, value in call.headers.items()]
            known = b"".join([frames.literal(name.encode(), value.encode()) for name, value in given])
            if len(self._written) >= _WRITTEN_MAX:
                self._written.clear()
            self._written[key] = known
        return known

    def _send_body(self, number: int, stream: _Stream, body: bytes) -> None:
        """Send as much of a body as the windows allow; the rest waits for more (RFC 9113 section 5.2)."""
        while body:
            size = min(len(body), self._window, stream.window, self._frame_max)
            if size <= 0:
                stream.rest = body
                self._held.append(number)
                return
            self._window -= size
            stream.window -= size
            part, body = body[:size], body[size:]
            self._send(frames.frame(Kind.DATA, 0 if body else Flag.END_STREAM, number, part))

    def _send_held(self) -> None:
        for number in [self._held.popleft() for _ in range(len(self._held))]:
            stream = self._streams.get(number)
            if stream is not None:
                rest, stream.rest = stream.rest, b""
                self._send_body(number, stream, rest)

    def _send(self, data: bytes) -> None:
        """Queue bytes; what is queued in one turn of the loop is written at once."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._transport is not None and self._out:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    # --- in --------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no common class.
        transport = cast("asyncio.Transport", transport)
        spoken = transport.get_extra_info("ssl_object")
        if spoken is None or spoken.selected_alpn_protocol() != "h2":
            self.greeted.set_exception(NoHttp2Error())
            transport.abort()
            return
        self._transport = transport
        transport.set_write_buffer_limits(_UNSENT_MAX_BYTES)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, _UNACKNOWLEDGED_SECONDS * 1000)
        ours = [(Setting.ENABLE_PUSH, 0), (Setting.INITIAL_WINDOW_SIZE, _STREAM_WINDOW)]
        more = frames.window_update(0, _CONNECTION_WINDOW - frames.WINDOW_BYTES)
        transport.write(frames.PREFACE + frames.settings(ours) + more)

    def pause_writing(self) -> None:
        """End it: so much waits only for a service that asks on and on, and does not read."""
        self._fail("the service asks for more than it reads")

    def data_received(self, data: bytes) -> None:
        self.used_at = asyncio.get_running_loop().time()
        self._heard += 1
        self.mute = False
        try:
            for received in self._reader.frames(data):
                self._take(received)
        except BrokenError as error:
            self._fail(f"it does not keep to HTTP/2: {error}")
        except hpack.HPACKError:
            self._fail("it does not keep to HTTP/2: its headers are broken")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._fail("the connection was closed half-way")
        self._freed()

    def _take(self, received: Frame) -> None:
        if self._block is not None and received.kind != Kind.CONTINUATION:
            raise BrokenError("headers were not ended")
        take = self._takers.get(received.kind)
        if take is not None:
            take(received)

    def _begin_block(self, received: Frame) -> None:
        self._block = (received.stream, received.flags, frames.unpadded(received))
        self._headed(received.flags)

    def _ping(self, received: Frame) -> None:
        if not received.flags & Flag.ACK:
            self._send(frames.frame(Kind.PING, Flag.ACK, 0, received.content))

    def _promise(self, _received: Frame) -> None:
        raise BrokenError("it pushes what it was told not to")

    def _data(self, received: Frame) -> None:
        self._unread += len(received.content)
        if self._unread >= _CONNECTION_WINDOW // 2:
            self._send(frames.window_update(0, self._unread))
            self._unread = 0
        stream = self._streams.get(received.stream)
        if stream is None:
            return
        stream.body += frames.unpadded(received)
        if len(stream.body) > BODY_LIMIT_BYTES:
            self._send(frames.reset(received.stream, Fault.CANCEL))
            self._end(received.stream, CourierError(f"its answer is longer than {BODY_LIMIT_BYTES} bytes"))
        elif received.flags & Flag.END_STREAM:
            self._answer(received.stream, stream)

    def _continued(self, received: Frame) -> None:
        if self._block is None or self._block[0] != received.stream:
            raise BrokenError("headers go on that were not begun")
        number, flags, block = self._block
        self._block = (number, flags, block + received.content)
        if len(self._block[2]) > _BLOCK_MAX_BYTES:
            raise BrokenError("its headers are too long")
        self._headed(received.flags)

    def _headed(self, flags: int) -> None:
        """Take a block of headers that is whole: an answer's, or what follows its body, which nobody reads."""
        if self._block is None or not flags & Flag.END_HEADERS:
            return
        number, first_flags, block = self._block
        self._block = None
        status, headers = self._decoded(block)
        stream = self._streams.get(number)
        if stream is None:
            return
        if not stream.status and status >= 200:
            stream.status, stream.headers = status, headers
        if first_flags & Flag.END_STREAM:
            self._answer(number, stream)

    def _decoded(self, block: bytes) -> tuple[int, Mapping[str, str]]:
        headers = {
            bytes(name).decode("latin-1"): bytes(value).decode("latin-1")
            for name, value in self._decoder.decode(block, raw=True)
        }
        status = headers.pop(":status", "0")
        return int(status) if len(status) == 3 and status.isdecimal() else 0, headers

    def _answer(self, number: int, stream: _Stream) -> None:
        if stream.rest:
            # It would stay open for the service, which counts it (RFC 9113 section 8.1).
            self._send(frames.reset(number, Fault.CANCEL))
        if stream.status:
            del self._streams[number]
            if not stream.answer.done():
                stream.answer.set_result(HttpReply(stream.status, bytes(stream.body), stream.headers))
            self._freed()
        else:
            self._end(number, CourierError("no answer: it ended without a status"))

    def _reset(self, received: Frame) -> None:
        fault = frames.number_of(received.content)
        if fault == Fault.REFUSED_STREAM:
            self._end(received.stream, NotTakenError())
        else:
            self._end(received.stream, CourierError(f"no answer: it broke the call off (HTTP/2 error {fault})"))

    def _settings(self, received: Frame) -> None:
        if received.flags & Flag.ACK:
            return
        is_first = not self.greeted.done()
        if is_first:
            self._limit = STREAMS_UNSAID
        for name, value in frames.settings_of(received.content):
            if name == Setting.MAX_CONCURRENT_STREAMS:
                self._limit = value
            elif name == Setting.MAX_FRAME_SIZE:
                self._frame_max = value
            elif name == Setting.INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.window += value - self._stream_window
                self._stream_window = value
        if is_first:
            self.greeted.set_result(None)
        self._send(frames.frame(Kind.SETTINGS, Flag.ACK, 0))
        self._send_held()
        self._freed()

    def _widen(self, received: Frame) -> None:
        size = frames.number_of(received.content)
        if not received.stream:
            self._window += size
        elif received.stream in self._streams:
            self._streams[received.stream].window += size
        self._send_held()

    def _go_away(self, received: Frame) -> None:
        """Make no more calls here; those that it will not look at may go elsewhere (RFC 9113 section 6.8)."""
        last = frames.number_of(received.content)
        self._going = True
        for number in [number for number in self._streams if number > last]:
            self._end(number, NotTakenError())
        self._end_if_unused()
        self._freed()

    def _end(self, number: int, error: Exception) -> None:
        stream = self._streams.pop(number, None)
        if stream is not None and not stream.answer.done():
            stream.answer.set_exception(error)
        self._freed()

    def _fail(self, reason: str) -> None:
        self._going = True
        for number in list(self._streams):
            self._end(number, CourierError(f"no answer: {reason}"))
        if not self.greeted.done():
            self.greeted.set_exception(CourierError(f"no answer: {reason}"))
        self.close()

    def _end_if_unused(self) -> None:
        if self._going and not self._streams:
            self.close()
