"""A connection over an HTTP response that does not end: what the client says comes by other requests, if at all."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from laba.adapters.gateway.connection import Connection, Host, Wire
from laba.model.closing import Closing
from laba.model.http import RequestHead
from laba.model.session import Denied, Event, Welcome

# Linux: linux/tcp.h. How long written data may go unacknowledged before the kernel ends the connection.
_TCP_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", 18)


@dataclass(frozen=True, slots=True)
class StreamWire(Wire):
    """One form of a client protocol over a response that does not end.

    `open` reads what the client says with its request. What it says later comes by POST to the emulation endpoint,
    and is read by `read`; where that is None it cannot say anything more. A client asks for a form by `?cf_protocol=`
    or the media type of its body; one that asks for neither gets the path's first.
    """

    form: str
    media_type: str
    content_type: str
    open: Callable[[RequestHead, bytes], list[Event]]
    read: Callable[[bytes], list[Event]] | None = None

    @property
    def head(self) -> bytes:
        """The head of the response; its end is the connection's (RFC 9112 section 6.3)."""
        return (
            f"HTTP/1.1 200 OK\r\ncontent-type: {self.content_type}\r\ncache-control: no-cache\r\n"
            "x-accel-buffering: no\r\naccess-control-allow-origin: *\r\nconnection: close\r\n\r\n"
        ).encode()


class StreamConnection(Connection):
    """A connection to which its client only listens. `handle` is what its further words name it by."""

    __slots__ = ("_discarded", "handle")

    wire: StreamWire

    def __init__(self, host: Host, wire: StreamWire, transport: asyncio.Transport) -> None:
        super().__init__(host, wire, transport)
        self._discarded = 0
        self.handle = ""
        if not wire.has_pongs:
            self._notice_silence(transport.get_extra_info("socket"), host.limits.pong_seconds)

    def _notice_silence(self, sock: socket.socket, seconds: int) -> None:
        # A Unix socket has no such option, and needs none.
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, seconds * 1000)

    def data_received(self, data: bytes) -> None:
        # RFC 9112 section 9.6: what follows a request whose answer ends the connection is no request.
        self._discarded += len(data)
        if self._discarded > self._host.limits.message_bytes:
            self.abort()

    def eof_received(self) -> None:
        if self.fd < 0:
            self._transport.close()
        else:
            super().eof_received()

    def greet(self, welcome: Welcome) -> None:
        if self.wire.read is not None:
            self.handle, node = self._host.register(self)
            welcome = replace(welcome, handle=self.handle, node=node)
        self.send(welcome)

    def turn_away(self, denied: Denied) -> None:
        if self.wire.read is not None:
            super().turn_away(denied)
        else:
            self.close(Closing.INVALID_TOKEN)

    def close(self, closing: Closing) -> None:
        if self.fd >= 0:
            super().close(closing)
            # Half-closed, so that the reason arrives whatever the client still sends.
            self._transport.write_eof()

    def pause(self) -> None:
        """Read on: nothing comes here that could wait, but the end must be noticed."""
