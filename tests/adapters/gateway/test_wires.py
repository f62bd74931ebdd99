"""The protocol on every transport: S4, design.md 6.1."""

import json

import pytest

from laba.adapters.gateway.wires import ENCODERS, FORMS, STREAMS, WEBSOCKETS
from laba.model.closing import Closing
from laba.model.http import RequestHead
from laba.model.session import Denial, Denied, Ending, Login, Malformed, Ping, Pong, PutOut, Subscription, Welcome
from laba.model.stream import Position
from laba.protocols.centrifuge import protobuf
from laba.protocols.websocket import binary_frame, close_frame, text_frame

AT = Position("e1", 8)
PUSH = b'{"push":{"channel":"app","pub":{"data":{"id":"1"},"offset":8}}}'
WIRES = {wire.codec: wire for wires in WEBSOCKETS.values() for wire in wires} | {
    wire.codec: wire for methods in STREAMS.values() for wires in methods.values() for wire in wires
}


def test_every_wire_has_an_encoder():
    """And pull has one that no wire has."""
    assert set(ENCODERS) == {*WIRES, "envelope"}


def test_what_is_told_unasked_is_written_as_every_wire_writes():
    """Only who pulls cannot be told anything."""
    told = PutOut("room:7", Ending.REMOVED)
    assert {codec: form(told) for codec, form in FORMS.items()} == {
        codec: wire.frame(told) for codec, wire in WIRES.items()
    }


@pytest.mark.parametrize(
    ("codec", "frame"),
    {
        "json": text_frame(PUSH),
        "protobuf": binary_frame(protobuf.push("app", 8, b'{"id":"1"}')),
        "json_stream": PUSH + b"\n",
        "protobuf_stream": protobuf.push("app", 8, b'{"id":"1"}'),
        "sse": b"data: " + PUSH + b"\n\n",
        "uni_sse": b'id: e1.8\ndata: {"channel":"app","pub":{"data":{"id":"1"},"offset":8}}\n\n',
        "envelope": b'{"id":"1"},',
    }.items(),
)
def test_a_message_stands_in_its_frame(codec, frame):
    """Complete, so that frames join to frames."""
    assert ENCODERS[codec]("app", AT, b'{"id":"1"}') == frame


def test_only_channels_of_one_order_move_a_listeners_position():
    """There is one id for all channels: a room's would lose the place; the user's own has its places in the app's."""
    assert b"id: e1.8\n" in ENCODERS["uni_sse"]("user", AT, b"1")  # P5
    assert b"id:" not in ENCODERS["uni_sse"]("room:7", AT, b"1")


WELCOME = Welcome(1, "s-1", (Subscription("app", AT),), 45)


@pytest.mark.parametrize(
    ("codec", "ping"),
    {
        "json": text_frame(b"{}"),
        "protobuf": binary_frame(b"\x00"),
        "json_stream": b"{}\n",
        "protobuf_stream": b"\x00",
        "sse": b"data: {}\n\n",
        "uni_sse": b"data: {}\n\n",
    }.items(),
)
def test_a_ping_is_empty_on_every_wire(codec, ping):
    """And only a welcome has an id."""
    wire = WIRES[codec]
    assert wire.frame(Ping()) == ping
    assert wire.frame(WELCOME).startswith(b"id: e1.8\n") is (codec == "uni_sse")
    assert wire.has_pongs is (codec != "uni_sse")


@pytest.mark.parametrize("closing", [Closing.SHUTDOWN, Closing.INVALID_TOKEN])
def test_an_end_is_told_as_the_transport_can(closing):
    """By a close code, or by a push."""
    told = {"code": closing.code, "reason": closing.reason}
    assert WIRES["json"].farewell(closing) == close_frame(closing.code, closing.reason)
    assert json.loads(WIRES["json_stream"].farewell(closing)) == {"push": {"disconnect": told}}
    assert json.loads(WIRES["sse"].farewell(closing).removeprefix(b"data: ")) == {"push": {"disconnect": told}}
    retry, _, event = WIRES["uni_sse"].farewell(closing).rpartition(b"data: ")
    assert json.loads(event) == {"disconnect": told}
    assert retry == (b"" if closing.may_reconnect else b"retry: 86400000\n\n")


def test_a_stream_reads_its_login_from_the_request_and_the_rest_from_bodies():
    """In the form that was asked for."""
    head, command = RequestHead("POST", "/"), b'{"id":1,"connect":{"token":"t"}}'
    for codec in ("json_stream", "sse"):
        assert WIRES[codec].open(head, command) == [Login(1, "t")]
        assert WIRES[codec].read(b"{}\n{}") == [Pong(), Pong()]
    said = RequestHead("GET", "/", {"cf_connect": command.decode()})
    assert WIRES["sse"].open(said, b"ignored") == [Login(1, "t")]
    assert isinstance(WIRES["sse"].open(RequestHead("GET", "/", {"cf_connect": ""}), command)[0], Malformed)
    assert WIRES["protobuf_stream"].open(head, b"\x00") == WIRES["protobuf_stream"].read(b"\x00") == [Pong()]
    assert WIRES["uni_sse"].open(RequestHead("GET", "/", {"token": "t"}), b"") == [Login(0, "t")]
    assert WIRES["uni_sse"].read is None


def test_what_is_not_served_is_denied_under_its_id():
    """Whatever the wire."""
    for wire in WIRES.values():
        (event,) = WIRES["json_stream"].read(b'{"id":7,"presence":{"channel":"app"}}')
        assert wire.deny(event) == Denied(7, Denial.NOT_AVAILABLE)


def test_what_is_not_a_room_cannot_be_replied_to():
    """Whatever the wire, and in words."""  # P8, R4
    for wire in WIRES.values():
        (event,) = WIRES["json_stream"].read(b'{"id":7,"publish":{"channel":"user"}}')
        denied = wire.deny(event)
        assert (denied.request_id, denied.denial) == (7, Denial.PERMISSION_DENIED)
        assert "cannot be replied to" in denied.message
