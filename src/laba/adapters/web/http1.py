"""HTTP/1.1 on uvicorn's httptools protocol, with the bounds and the hand-over that laba needs (design.md 6.7).

tests/adapters/web/test_http1.py holds what is relied on of uvicorn, whose version is pinned.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from laba.core.wheel import Timed, TimerWheel

# transport, method, path, headers (names lower case), bytes that came behind the request
Upgrade = Callable[[asyncio.Transport, str, str, Sequence[tuple[bytes, bytes]], bytes], None]

# A body that was refused is read and thrown away up to here, so that the refusal arrives; then the line is cut.
_DISCARD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class HttpBounds:
    """`has_room` tells whether the process may take another connection."""

    head_seconds: int
    head_bytes: int
    body_seconds: int
    has_room: Callable[[], bool]


class HttpProtocol(HttpToolsProtocol):
    """One connection before, or instead of, its upgrade.

    A request head has `head_seconds` and `head_bytes`; one that takes longer is cut, a larger one is answered 431.
    """

    def __init__(
        self,
        bounds: HttpBounds,
        wheel: TimerWheel[Timed],
        upgrade: Upgrade,
        *uvicorn_arguments: Any,
        **uvicorn_keywords: Any,
    ) -> None:
        super().__init__(*uvicorn_arguments, **uvicorn_keywords)
        self.slot = -1
        self._bounds = bounds
        self._wheel = wheel
        self._upgrade = upgrade
        self._head_bytes = 0
        self._head_done = False
        self._discarded = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._bounds.has_room():
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
        if not self._head_done:
            self._head_bytes += len(data)
            if self.slot < 0:
                self._wheel.arm(self, self._bounds.head_seconds)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._hand_over(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._answer_and_close(*_TOO_LARGE if self._head_bytes > self._bounds.head_bytes else _BROKEN)
        else:
            if not self._head_done and self._head_bytes > self._bounds.head_bytes:
                self._answer_and_close(*_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_done = False
        self._discarded = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        # One read may bring more than the bound in a head that is complete.
        if sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > self._bounds.head_bytes:
            self._head_bytes = self._bounds.head_bytes + 1
            raise ValueError("request head over the bound")

    def on_headers_complete(self) -> None:
        self._head_done = True
        self._head_bytes = 0
        # The body's reader answers a slow body at its own deadline; this one only ends what outlives the answer.
        self._wheel.arm(self, self._bounds.body_seconds * 2)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.cycle is not None and self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > _DISCARD_BYTES:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._wheel.disarm(self)
        self._head_done = False
        super().on_message_complete()

    def _hand_over(self, rest: bytes) -> None:
        if not self._should_upgrade():
            self._answer_and_close(*_BROKEN)
            return
        self._wheel.disarm(self)
        self.connections.discard(self)
        path = httptools.parse_url(self.url).path.decode("ascii", "replace")
        self._upgrade(self.transport, self.scope["method"], path, self.headers, rest)

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def _answer_and_close(self, status: bytes, reason: bytes) -> None:
        self.transport.write(_RESPONSE % (status, len(reason), reason))
        self.transport.close()


_RESPONSE = (
    b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
)
_BROKEN = (b"400 Bad Request", b"This is not HTTP/1.1.")
_TOO_LARGE = (b"431 Request Header Fields Too Large", b"The request head is too large.")
