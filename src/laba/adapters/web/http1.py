"""HTTP/1.1 on uvicorn's httptools protocol, with the bounds and the hand-over that laba needs (design.md 6.7).

tests/adapters/web/test_http1.py holds what is relied on of uvicorn, whose version is pinned.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_local_addr, get_remote_addr

from laba.core.wheel import Timed, TimerWheel

# transport, method, path?query, headers (names lower case), bytes that came behind the head
Taker = Callable[[asyncio.Transport, str, str, Sequence[tuple[bytes, bytes]], bytes], None]

# What was refused is read and thrown away up to here, so that the refusal arrives; then the line is cut.
_DISCARD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class HttpBounds:
    """`has_room` tells, given how many HTTP connections there are, whether the process may have them all."""

    head_seconds: int
    head_bytes: int
    body_seconds: int
    has_room: Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Takers:
    """Who takes over a connection: `upgrade` those that ask for WebSocket, with what came behind their request.

    `stream` gets those whose request is for one of `paths`, with its whole body of at most `body_bytes`; what comes
    behind it is no request any more. A preflight (OPTIONS) of such a path is HTTP's own.
    """

    upgrade: Taker
    stream: Taker
    paths: frozenset[str]
    body_bytes: int


class _Answering:
    """The transport as one request's cycle writes to it: a head waits for the body, so that both are one segment.

    uvicorn writes them one by one, and each write is a system call, and wakes up the caller.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None  # empty once it is written

    def write(self, data: bytes) -> None:
        if self._head is None and data != _CONTINUE:
            self._head = data
            return
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

    def close(self) -> None:
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class _Taken(Exception):  # noqa: N818 - nothing is wrong: it makes the parser stop where it is
    """The request is whole, and what follows it is not for HTTP."""


class HttpProtocol(HttpToolsProtocol):
    """One connection before, or instead of, its upgrade.

    A request head has `head_seconds` and `head_bytes`; one that takes longer is cut, a larger one is answered 431.
    """

    def __init__(
        self,
        bounds: HttpBounds,
        wheel: TimerWheel[Timed],
        takers: Takers,
        *uvicorn_arguments: Any,
        **uvicorn_keywords: Any,
    ) -> None:
        super().__init__(*uvicorn_arguments, **uvicorn_keywords)
        self.slot = -1
        self._bounds = bounds
        self._wheel = wheel
        self._takers = takers
        self._stream_body: bytearray | None = None  # of a request that is not answered here
        self._head_bytes = 0  # of the request line and the headers that are complete
        self._loose_bytes = 0  # that came since anything was complete: an unfinished line of a head or a trailer
        self._in_body = False
        self._names_websocket = False
        self._discarded = 0
        self._ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # As uvicorn does, but for the addresses: most connections are clients', and have none to be asked for.
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.scheme = "http"
        if self._bounds.has_room(len(self.connections)):
            self._wheel.arm(self, self._bounds.head_seconds)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wheel.disarm(self)
        super().connection_lost(exc)

    def due(self, now: float) -> None:  # noqa: ARG002 - the wheel's signature
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._ended:
            self._discard(len(data))
            return
        if not self._in_body and self.slot < 0:
            self._wheel.arm(self, self._bounds.head_seconds)
        self._loose_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _Taken):
                self._hand_over_stream()
            else:
                self._refuse(*self._fault())
        else:
            if self._loose_bytes > self._bounds.head_bytes:
                self._refuse(*_TOO_LARGE)
            elif self._stream_body is not None and self.expect_100_continue:
                # RFC 9110 section 10.1.1; not where the body is here already, and the answer at once behind it.
                self.expect_100_continue = False
                self.transport.write(_CONTINUE)

    def _fault(self) -> tuple[bytes, bytes]:
        if self._head_bytes > self._bounds.head_bytes:
            return _TOO_LARGE
        return _BODY_TOO_LARGE if self._is_over_body_bound() else _BROKEN

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                if self._should_upgrade():
                    self._hand_over(data)
                    return
                data = self._head_without_upgrade() + data
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        """Give the head again, for an upgrade that is ignored (RFC 9110 section 7.8).

        Java's HttpClient offers h2c with its first request, and the parser would take that request's body for h2c.
        """
        kept = [(name, value) for name, value in self.headers if name != b"upgrade"]
        if len(kept) == len(self.headers):
            raise httptools.HttpParserError("CONNECT is for proxies")
        lines = b"".join(b"%b: %b\r\n" % line for line in kept)
        version = self.parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, lines)

    def _is_ignored(self) -> bool:
        return self.parser.should_upgrade() and not self._should_upgrade()

    # --- what the parser found -------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._names_websocket = False
        self._discarded = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if name.lower() == b"upgrade" and b"websocket" in value.lower():
            self._names_websocket = True
        self._grow(len(name) + len(value) + len(": \r\n"))

    def _grow(self, size: int) -> None:
        # One read may bring more than the bound in a head that is complete.
        self._head_bytes += size
        if self._head_bytes > self._bounds.head_bytes:
            raise ValueError("request head over the bound")

    def on_headers_complete(self) -> None:
        if self._is_ignored():
            return
        self._loose_bytes = 0
        if self.parser.should_upgrade():
            super().on_headers_complete()
        elif self._is_for_stream():
            self._begin_stream()
        else:
            self._begin_call()
        self._in_body = True

    def _begin_call(self) -> None:
        self.scope["server"] = get_local_addr(self.transport)
        self.scope["client"] = get_remote_addr(self.transport)
        self._await_body()
        super().on_headers_complete()
        if self.scope["method"] != "HEAD":  # where no body follows
            self.cycle.transport = _Answering(self.transport)  # type: ignore[assignment]

    def _is_for_stream(self) -> bool:
        return (
            self.parser.get_method() != b"OPTIONS"
            and (httptools.parse_url(self.url).path or b"").decode("ascii", "replace") in self._takers.paths
        )

    def _begin_stream(self) -> None:
        if self._is_answering() or self.transport.get_write_buffer_size():
            # RFC 9112 section 9.3.2: answers go in the order of requests, and behind this one none can follow.
            raise ValueError("a stream behind a request that is not answered yet")
        self._wheel.arm(self, self._bounds.body_seconds)
        self._stream_body = bytearray()

    def _is_over_body_bound(self) -> bool:
        return self._stream_body is not None and len(self._stream_body) > self._takers.body_bytes

    def on_body(self, body: bytes) -> None:
        self._loose_bytes = 0
        if self._stream_body is not None:
            self._stream_body += body
            if self._is_over_body_bound():
                raise ValueError("a body over the bound")
            return
        if self.cycle is not None and self.cycle.response_complete:
            self._discard(len(body))
        else:
            self._await_body()
        super().on_body(body)

    def _await_body(self) -> None:
        # The body's reader answers a slow body at its own deadline; this one only ends what outlives the answer. A
        # file may take as long as it likes, as long as something comes of it (E12).
        self._wheel.arm(self, self._bounds.body_seconds * 2)

    def on_message_complete(self) -> None:
        if self._is_ignored():
            return
        if self._stream_body is not None:
            raise _Taken
        self._wheel.disarm(self)
        self._in_body = False
        self._loose_bytes = 0
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            # Answered before its end had come: uvicorn's own timer was unset by the bytes in between.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # --- the end of HTTP here --------------------------------------------------------------------------------------

    def _should_upgrade(self) -> bool:
        # Whether it is a sound handshake is for the gateway to judge; the parser has seen `Connection: Upgrade`.
        return self._names_websocket

    def _hand_over(self, rest: bytes) -> None:
        if self._is_answering() or self.transport.get_write_buffer_size():
            # RFC 9112 section 9.3.2: answers go in the order of requests, and after a 101 none can follow.
            self._refuse(*_BROKEN)
            return
        self._let_go(self._takers.upgrade, rest)

    def _hand_over_stream(self) -> None:
        if self.transport.get_write_buffer_size():
            # Who does not read the 25 bytes of a 100 reads no stream either, and nothing may overtake them.
            self.transport.abort()
            return
        self._let_go(self._takers.stream, bytes(self._stream_body or b""))

    def _let_go(self, taker: Taker, rest: bytes) -> None:
        parsed = httptools.parse_url(self.url)
        target = ((parsed.path or b"/") + b"?" + (parsed.query or b"")).decode("ascii", "replace")
        method = self.parser.get_method().decode("ascii")
        self._wheel.disarm(self)
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        # It refers back to us: without it nothing of the request outlives this call.
        self.parser = None  # type: ignore[assignment]
        taker(self.transport, method, target, self.headers, rest)

    def pause_writing(self) -> None:
        """Cut a caller that does not read what it asked for: nothing taken for `body_seconds` is the end."""
        super().pause_writing()
        self._wheel.arm(self, self._bounds.body_seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.transport.is_closing():
            self._wheel.arm(self, self._bounds.head_seconds)
        elif self._in_body:
            self._await_body()
        else:
            self._wheel.disarm(self)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; where its last answer was not read, cut it a little later."""
        super().timeout_keep_alive_handler()
        self._wheel.arm(self, self._bounds.head_seconds)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: bytes, reason: bytes) -> None:
        """Answer what is no request, and end; what came before it is answered first, and then nothing more."""
        self._ended = True
        if self._is_answering():
            broken_body = self._in_body and not self.pipeline and not self.cycle.response_started
            if not broken_body:
                self.cycle.keep_alive = False
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif self._in_body and self._stream_body is None:
            self.transport.close()
            return
        self.transport.write(_RESPONSE % (status, len(reason), reason))
        # Half-closed and read on: closing with bytes unread would make the kernel reset what the client has not read.
        self.transport.write_eof()
        self._wheel.arm(self, self._bounds.head_seconds)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _DISCARD_BYTES:
            self.transport.close()


_RESPONSE = (
    b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BODY_TOO_LARGE = (b"413 Content Too Large", b"The body is too large.")
_BROKEN = (b"400 Bad Request", b"This is not HTTP/1.1.")
_TOO_LARGE = (b"431 Request Header Fields Too Large", b"The request head is too large.")
