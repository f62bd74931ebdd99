"""What a client says by other requests: client.proto, EmulationRequest."""

import json

import pytest
from centrifuge.protocol import client_pb2
from hypothesis import given
from hypothesis import strategies as st

from laba.protocols.centrifuge.emulation import Emulated, read_json, read_protobuf


def test_commands_are_found_in_either_form():
    """As npm's client writes them: text within JSON, bytes within Protobuf."""
    # S4
    commands = '{"id":2,"rpc":{"method":"喇叭"}}\n{}'
    body = json.dumps({"session": "s", "node": "n", "data": commands}).encode()
    assert read_json(body) == Emulated("n", "s", commands.encode())
    request = client_pb2.EmulationRequest(node="n", session="s", data=b"\x00\xff")
    assert read_protobuf(request.SerializeToString()) == Emulated("n", "s", b"\x00\xff")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not valid JSON"),
        (b"\xff", "the body is not valid JSON"),
        (b'{"session":"\xff"}', "the body is not valid JSON"),
        (b"[]", "command: expected object, got array"),
        (b"{}", "command: object missing required field session"),
        (b'{"session":7}', "session: expected str, got int"),
        (b'{"session":"s","data":{}}', "data: expected str, got object"),
        (b'{"session":"s","x":' + b"[" * 5000, "the body is nested too deeply"),
    ],
)
def test_a_body_that_is_none_is_told_why(body, reason):
    """One sentence."""
    # S4
    assert read_json(body) == reason


def test_a_broken_protobuf_body_is_told_why():
    """Where and what."""
    # S4
    assert read_protobuf(b"\x0b") == "command: a field has the wire type 3"
    assert read_protobuf(b"\x12\x01\xff") == "session: expected UTF-8"


@given(st.binary())
def test_no_body_ever_raises(body):
    """Whatever comes, it is a request or a sentence."""
    # S4
    assert isinstance(read_json(body), Emulated | str)
    assert isinstance(read_protobuf(body), Emulated | str)


def test_a_handle_is_not_shown():
    """It would be in a log otherwise."""
    assert "secret" not in repr(Emulated("n", "secret", b""))
