"""A connection over WebSocket: frames in, and the closing handshake (RFC 6455)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from laba.adapters.gateway.connection import Connection, Host, Wire
from laba.model.closing import Closing
from laba.model.session import Event
from laba.protocols import websocket
from laba.protocols.websocket import Binary, CloseFrame, FrameReader, Incoming, PingFrame, PongFrame, Text, Violation


@dataclass(frozen=True, slots=True)
class WebSocketWire(Wire):
    """One form of a client protocol over WebSocket.

    A client asks for it by `subprotocol`, or by `?format=`; one that asks for neither gets the path's first. Exactly
    one of the two readers is there: the other kind of frame is none of this form's.
    """

    form: str
    subprotocol: str
    read_text: Callable[[str], list[Event]] | None = None
    read_binary: Callable[[bytes], list[Event]] | None = None


def close_frame(closing: Closing) -> bytes:
    """Say why a WebSocket ends, in its last frame."""
    return websocket.close_frame(closing.code, closing.reason)


class WebSocketConnection(Connection):
    """A connection, and the reader of its frames."""

    __slots__ = ("_reader",)

    wire: WebSocketWire

    def __init__(self, host: Host, wire: WebSocketWire, transport: asyncio.Transport) -> None:
        super().__init__(host, wire, transport)
        self._reader = FrameReader(host.limits.message_bytes)

    def data_received(self, data: bytes) -> None:
        for incoming in self._reader.feed(data):
            self._take(incoming)

    def _take(self, incoming: Incoming) -> None:
        if self.fd < 0:
            if isinstance(incoming, CloseFrame):
                self._transport.close()
            return
        match incoming:
            case Text(text) if self.wire.read_text is not None:
                self.hear(self.wire.read_text(text))
            case Binary(data) if self.wire.read_binary is not None:
                self.hear(self.wire.read_binary(data))
            case Text() | Binary():
                self.close(Closing.UNSUPPORTED_DATA)
            case PingFrame(payload):
                self.write(websocket.pong_frame(payload))
            case CloseFrame():
                # What was written before has come to a client that takes its leave, unless we still hold some of it.
                self._leave(Closing.NORMAL, orderly=self.outbox is None)
                # RFC 6455 section 5.5.1: answer a close with a close; the server ends the TCP connection first.
                self.close(Closing.NORMAL)
                self._transport.close()
            case Violation(closing):
                # Half-closed, so that the reason arrives although the client may still be sending.
                self.close(closing)
                self._transport.write_eof()
            case PongFrame():
                # A sign of life; which of our pings it follows nobody can tell.
                self._unanswered = False
