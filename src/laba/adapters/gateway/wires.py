"""The Centrifuge client protocol on every transport: how each is written and read, framing included."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from laba.adapters.gateway.streaming import StreamWire
from laba.adapters.gateway.websocket import WebSocketWire, close_frame
from laba.model.closing import Closing
from laba.model.http import RequestHead
from laba.model.session import Command, Denied, Event, Unsupported
from laba.model.stream import Position
from laba.protocols import centrifuge, cursor, sse
from laba.protocols.centrifuge import json, protobuf, unidirectional
from laba.protocols.websocket import binary_frame, text_frame
from laba.service.press import Encoder

_EVENT_STREAM = "text/event-stream"
# A browser whose token is no good would else come back every few seconds, for ever.
_NEVER_SECONDS = 86400

# --- what is published, by codec -----------------------------------------------------------------------------------


def _json(channel: str, position: Position, data: bytes) -> bytes:
    return text_frame(json.push(channel, position.offset, data))


def _protobuf(channel: str, position: Position, data: bytes) -> bytes:
    return binary_frame(protobuf.push(channel, position.offset, data))


def _json_stream(channel: str, position: Position, data: bytes) -> bytes:
    return _line(json.push(channel, position.offset, data))


def _protobuf_stream(channel: str, position: Position, data: bytes) -> bytes:
    return protobuf.push(channel, position.offset, data)


def _sse(channel: str, position: Position, data: bytes) -> bytes:
    return sse.event(json.push(channel, position.offset, data))


def _uni_sse(channel: str, position: Position, data: bytes) -> bytes:
    event_id = cursor.write(position) if channel in unidirectional.PLACED_CHANNELS else ""
    return sse.event(unidirectional.push(channel, position.offset, data), event_id)


def _item(channel: str, position: Position, data: bytes) -> bytes:  # noqa: ARG001 - an Encoder
    """Write a message as one item of a JSON array."""
    return data + b","


ENCODERS: Mapping[str, Encoder] = MappingProxyType(
    {
        "json": _json,
        "protobuf": _protobuf,
        "json_stream": _json_stream,
        "protobuf_stream": _protobuf_stream,
        "sse": _sse,
        "uni_sse": _uni_sse,
        "envelope": _item,
    }
)

# --- what is said to one client ------------------------------------------------------------------------------------


def _denied(event: Unsupported) -> Denied:
    return Denied(event.request_id, centrifuge.denial(event), centrifuge.reason(event))


def _line(data: bytes) -> bytes:
    return data + b"\n"


def _told_uni_sse(command: Command) -> bytes:
    position = unidirectional.position(command)
    return sse.event(unidirectional.write(command), "" if position is None else cursor.write(position))


def _farewell_uni_sse(closing: Closing) -> bytes:
    patience = b"" if closing.may_reconnect else sse.patience(_NEVER_SECONDS)
    return patience + sse.event(unidirectional.farewell(closing))


# --- what one client says ------------------------------------------------------------------------------------------


def _json_body(head: RequestHead, body: bytes) -> list[Event]:  # noqa: ARG001 - a StreamWire's `open`
    return json.read_bytes(body)


def _protobuf_body(head: RequestHead, body: bytes) -> list[Event]:  # noqa: ARG001 - a StreamWire's `open`
    return protobuf.read(body)


def _address_or_body(head: RequestHead, body: bytes) -> list[Event]:
    said = head.query.get("cf_connect")
    return json.read_bytes(body) if said is None else json.read(said)


# --- the wires -----------------------------------------------------------------------------------------------------

_WEBSOCKET = (
    WebSocketWire(
        codec="json",
        frame=lambda command: text_frame(json.write(command)),
        farewell=close_frame,
        deny=_denied,
        has_pongs=True,
        form="json",
        subprotocol="centrifuge-json",
        read_text=json.read,
    ),
    WebSocketWire(
        codec="protobuf",
        frame=lambda command: binary_frame(protobuf.write(command)),
        farewell=close_frame,
        deny=_denied,
        has_pongs=True,
        form="protobuf",
        subprotocol="centrifuge-protobuf",
        read_binary=protobuf.read,
    ),
)

_HTTP_STREAM = (
    StreamWire(
        codec="json_stream",
        frame=lambda command: _line(json.write(command)),
        farewell=lambda closing: _line(json.farewell(closing)),
        deny=_denied,
        has_pongs=True,
        form="json",
        media_type="application/json",
        content_type="application/json; charset=utf-8",
        open=_json_body,
        read=json.read_bytes,
    ),
    StreamWire(
        codec="protobuf_stream",
        frame=protobuf.write,
        farewell=protobuf.farewell,
        deny=_denied,
        has_pongs=True,
        form="protobuf",
        media_type="application/octet-stream",
        content_type="application/octet-stream",
        open=_protobuf_body,
        read=protobuf.read,
    ),
)

_SSE = StreamWire(
    codec="sse",
    frame=lambda command: sse.event(json.write(command)),
    farewell=lambda closing: sse.event(json.farewell(closing)),
    deny=_denied,
    has_pongs=True,
    form="json",
    media_type="application/json",
    content_type=_EVENT_STREAM,
    open=_address_or_body,
    read=json.read_bytes,
)

_UNI_SSE = StreamWire(
    codec="uni_sse",
    frame=_told_uni_sse,
    farewell=_farewell_uni_sse,
    deny=_denied,
    has_pongs=False,
    form="json",
    media_type="application/json",
    content_type=_EVENT_STREAM,
    open=unidirectional.read,
)

WEBSOCKET_PATH = "/connection/websocket"
HTTP_STREAM_PATH = "/connection/http_stream"
SSE_PATH = "/connection/sse"
UNI_SSE_PATH = "/connection/uni_sse"

WEBSOCKETS: Mapping[str, tuple[WebSocketWire, ...]] = MappingProxyType({WEBSOCKET_PATH: _WEBSOCKET})
STREAMS: Mapping[str, Mapping[str, tuple[StreamWire, ...]]] = MappingProxyType(
    {
        HTTP_STREAM_PATH: {"POST": _HTTP_STREAM},
        SSE_PATH: {"GET": (_SSE,), "POST": (_SSE,)},
        UNI_SSE_PATH: {"GET": (_UNI_SSE,), "POST": (_UNI_SSE,)},
    }
)
# How what a session is told is written, by its codec; a pull is told nothing.
FORMS: Mapping[str, Callable[[Command], bytes]] = MappingProxyType(
    {wire.codec: wire.frame for wire in (*_WEBSOCKET, *_HTTP_STREAM, _SSE, _UNI_SSE)}
)
