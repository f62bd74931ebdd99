"""Which wire a client gets: S4, design.md 5."""

import pytest

from laba.adapters.gateway.entrances import agreed, asked_for, head_of, refusal
from laba.adapters.gateway.wires import STREAMS, WEBSOCKETS

SOCKETS = WEBSOCKETS["/connection/websocket"]
POSTS = STREAMS["/connection/http_stream"]["POST"]


@pytest.mark.parametrize(
    ("subprotocol", "query", "form"),
    [
        (None, "", "json"),
        (None, "format=protobuf", "protobuf"),
        (None, "cf_protocol=protobuf", "protobuf"),
        (None, "format=xml", "json"),
        ("centrifuge-protobuf", "", "protobuf"),
        ("centrifuge-json", "format=protobuf", "json"),
    ],
)
def test_a_websocket_has_the_form_of_its_handshake_or_its_address(subprotocol, query, form):
    assert agreed(SOCKETS, subprotocol, head_of("GET", f"/?{query}", ())).form == form


@pytest.mark.parametrize(
    ("media_type", "query", "form"),
    [
        (b"", "", "json"),
        (b"application/json", "", "json"),
        (b"application/octet-stream", "", "protobuf"),
        (b"Application/Octet-Stream; x=y", "", "protobuf"),
        (b"application/x-www-form-urlencoded", "cf_protocol=protobuf", "protobuf"),
        (b"application/octet-stream", "cf_protocol=json", "json"),
    ],
)
def test_a_stream_has_the_form_of_its_address_or_its_body(media_type, query, form):
    head = head_of("POST", f"/?{query}", [(b"content-type", media_type)])
    assert asked_for(POSTS, head).form == form


def test_a_head_is_read_with_everything_decoded():
    head = head_of("GET", "/a?b=%E5%96%87&c&b=2", [(b"x-y", b"z")])
    assert (head.method, head.path, head.query, head.headers) == ("GET", "/a", {"b": "2", "c": ""}, {"x-y": "z"})


def test_a_refusal_is_a_whole_response():
    """From any origin, so that a browser's script can read it."""
    head, _, body = refusal(405, "not like this", ("GET", "POST")).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 405 Method Not Allowed\r\n")
    assert {"allow: GET, POST", "access-control-allow-origin: *", "content-length: 13"} < set(head.split("\r\n"))
    assert body == "not like this"
    assert b"retry-after: 5\r\n" in refusal(503, "full")
