"""What a client says to a session whose own connection goes one way (client.proto: EmulationRequest)."""

from dataclasses import dataclass, field

import msgspec

from laba.protocols.centrifuge import requests, wire


@dataclass(frozen=True, slots=True)
class Emulated:
    """Commands for the session with this handle on this node, in the form that the session speaks."""

    node: str
    session: str = field(repr=False)
    data: bytes = b""


class _Request(msgspec.Struct):
    session: str
    node: str = ""
    data: str = ""


_REQUEST = msgspec.json.Decoder(_Request)


def read_json(body: bytes) -> Emulated | str:
    """Read `{"session":...,"node":...,"data":"commands"}`, or say what is wrong."""
    try:
        request = _REQUEST.decode(body)
    except msgspec.ValidationError as error:
        return requests.fault(error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "the body is not valid JSON"
    except RecursionError:
        return "the body is nested too deeply"
    return Emulated(request.node, request.session, request.data.encode())


def read_protobuf(body: bytes) -> Emulated | str:
    """Read an EmulationRequest, or say what is wrong."""
    try:
        fields = wire.Fields(body, wire.Allowance(16))
        return Emulated(fields.text(1, "node"), fields.text(2, "session"), fields.data(3, "data"))
    except wire.BrokenError as error:
        return str(error)
