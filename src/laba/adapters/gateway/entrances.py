"""Where clients come in: which path and method lead to which wire, and what who cannot come in is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from laba.adapters.gateway.streaming import StreamWire
from laba.adapters.gateway.websocket import WebSocketWire
from laba.model.http import RequestHead


@dataclass(frozen=True, slots=True)
class Entrances:
    """What clients find at which path, streams by method too. The first of several wires is for who asks for none."""

    websockets: Mapping[str, Sequence[WebSocketWire]]
    streams: Mapping[str, Mapping[str, Sequence[StreamWire]]]


def agreed(wires: Sequence[WebSocketWire], subprotocol: str | None, head: RequestHead) -> WebSocketWire:
    """Choose the form that was agreed in the handshake, or that the address asks for, or else the first."""
    chosen = (wire for wire in wires if wire.subprotocol == subprotocol)
    named = (wire for wire in wires if wire.form in _named(head))
    return next(chosen, None) or next(named, wires[0])


def asked_for(wires: Sequence[StreamWire], head: RequestHead) -> StreamWire:
    """Choose the form that the address asks for, or that the body has, or else the first."""
    named = (wire for wire in wires if wire.form in _named(head))
    alike = (wire for wire in wires if wire.media_type == head.media_type)
    return next(named, None) or next(alike, wires[0])


def _named(head: RequestHead) -> tuple[str | None, str | None]:
    # Both are in use by the protocol's SDKs.
    return head.query.get("cf_protocol"), head.query.get("format")


def head_of(method: str, target: str, headers: Sequence[tuple[bytes, bytes]]) -> RequestHead:
    """Give a request's head; of what is named twice the last counts."""
    path, _, query = target.partition("?")
    named = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    return RequestHead(method, path, dict(parse_qsl(query, keep_blank_values=True)), named)


def refusal(status: int, reason: str, allowed: Sequence[str] = ()) -> bytes:
    """Write a whole response, after which the connection ends."""
    phrase = {404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}[status]
    more = {405: f"allow: {', '.join(allowed)}\r\n", 503: "retry-after: 5\r\n"}.get(status, "")
    return (
        f"HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain\r\n{more}access-control-allow-origin: *\r\n"
        f"content-length: {len(reason)}\r\nconnection: close\r\n\r\n{reason}"
    ).encode()
