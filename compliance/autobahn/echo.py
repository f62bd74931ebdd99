"""An echo on laba's own WebSocket code: what the Autobahn test suite talks to.

laba echoes nothing, and refuses binary messages; here both kinds are sent back. docs/compliance.md says what of this
is laba's. Prints its port, and serves until SIGTERM.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

import uvloop

from laba.adapters import process
from laba.adapters.gateway.connection import Connection, Limits
from laba.adapters.gateway.links import Link
from laba.adapters.gateway.websocket import WebSocketConnection, WebSocketWire, close_frame
from laba.adapters.web.http1 import HttpBounds, HttpProtocol, Takers
from laba.adapters.web.listening import WebServer, tcp_listener
from laba.core.wheel import Timed, TimerWheel
from laba.model.closing import Closing
from laba.model.session import Ask, Login
from laba.protocols.websocket import Binary, Incoming, Text, Upgrade, accept_upgrade, binary_frame, text_frame
from laba.service.ticking import tick

# The largest messages of the suite (9.1.6, 9.2.6), which come back whole; laba's own default is 64 KiB.
_MESSAGE_BYTES = 16 << 20
# Room for two answers of that size.
_LIMITS = Limits(
    login_seconds=30,
    ping_seconds=45,
    pong_seconds=60,
    message_bytes=_MESSAGE_BYTES,
    outbox_bytes=2 * _MESSAGE_BYTES + 4096,
)
_HTTP = HttpBounds(head_seconds=10, head_bytes=16384, body_seconds=30, has_room=lambda _: True)
_WHEEL_SECONDS = 60
_UNSENT_BYTES = 32768


def _unused(_: object) -> NoReturn:
    raise AssertionError("an echo speaks no client protocol")


def _unused_stream(*_: object) -> NoReturn:
    raise AssertionError("an echo has no streams")


_WIRE = WebSocketWire(
    codec="echo",
    frame=_unused,
    farewell=close_frame,
    deny=_unused,
    has_pongs=True,
    form="echo",
    subprotocol="",
)


class EchoConnection(WebSocketConnection):
    """laba's connection, but that a message goes back instead of to a session."""

    __slots__ = ()

    def _take(self, incoming: Incoming) -> None:
        match incoming:
            case Text(text):
                self.write(text_frame(text.encode()))
            case Binary(data):
                self.write(binary_frame(data))
            case _:
                super()._take(incoming)


class Echo:
    """What a connection needs of its gateway, without logins."""

    def __init__(self, wheel: TimerWheel[Timed]) -> None:
        self.limits = _LIMITS
        self._wheel = wheel

    def upgrade(
        self,
        transport: asyncio.Transport,
        method: str,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        rest: bytes,
    ) -> None:
        """Take over a connection as `Gateway.upgrade` does, at any path."""
        outcome = accept_upgrade(method, headers)
        if not isinstance(outcome, Upgrade):
            transport.write(outcome.response)
            transport.close()
            return
        connection = EchoConnection(self, _WIRE, transport)
        transport.set_protocol(connection)
        connection.write(outcome.response)
        if rest:
            connection.data_received(rest)

    def arm(self, connection: Connection, seconds: float) -> None:
        self._wheel.arm(connection, seconds)

    def lost(self, connection: Connection) -> None:
        self._wheel.disarm(connection)

    def log_in(self, connection: Connection, login: Login) -> None:
        """Never called: no message reaches a session."""

    def ask(self, connection: Connection, ask: Ask) -> None:
        """Never called, neither."""

    def confirm(self, connection: Connection) -> None:
        """Nobody is pinged here."""

    def register(self, connection: Connection) -> tuple[str, str]:
        """Nobody speaks over other connections here."""
        return "", ""

    def left(self, link: Link, closing: Closing, *, orderly: bool = False) -> None:
        """Nobody counts sessions here."""

    def caught_up(self, connection: Connection) -> None:
        """Nobody is owed anything here."""


async def _serve() -> None:
    wheel: TimerWheel[Timed] = TimerWheel(_WHEEL_SECONDS, asyncio.get_running_loop().time())
    takers = Takers(Echo(wheel).upgrade, _unused_stream, frozenset(), 0)
    server = WebServer(None, partial(HttpProtocol, _HTTP, wheel, takers), keep_alive_seconds=5)
    listener = tcp_listener("127.0.0.1", 0, 64, _UNSENT_BYTES)
    stop = process.stop_signal()
    ticking = asyncio.create_task(tick(wheel, ()))
    serving = asyncio.create_task(server.serve([listener]))
    print(listener.getsockname()[1], flush=True)
    await stop.wait()
    server.stop()
    await serving
    ticking.cancel()


if __name__ == "__main__":
    uvloop.run(_serve())
