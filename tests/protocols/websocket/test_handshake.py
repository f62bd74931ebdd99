import pytest
from websockets.client import ClientProtocol
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from laba.protocols.websocket import Rejection, Upgrade, accept_key, accept_upgrade, upgrade_request

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def headers(**changes):
    """Give the headers of a right request; a change of None leaves one out."""
    fields = {
        "host": "example.com",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": KEY,
        "sec-websocket-version": "13",
    }
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    return [(name.encode(), value.encode()) for name, value in fields.items() if value is not None]


def test_the_rfcs_own_example_is_answered_as_the_rfc_says():
    """RFC 6455 section 1.3 gives the key and what answers it."""
    # S4
    assert accept_upgrade("GET", headers()) == Upgrade(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        None,
    )


def test_another_library_is_content_with_our_answer():
    """The client of `websockets` opens on it; its offer of compression is left unanswered."""
    # S4
    client = ClientProtocol(parse_uri("ws://example.com/connection/websocket"))
    request = client.connect()
    client.send_request(request)
    answer = accept_upgrade(
        "GET", [(name.lower().encode(), value.encode()) for name, value in request.headers.raw_items()]
    )
    client.receive_data(answer.response)
    assert client.handshake_exc is None
    assert client.state is State.OPEN


def test_another_library_accepts_our_request():
    """The server of `websockets` answers our request with the key we expect."""
    # S4
    server = ServerProtocol()
    server.receive_data(upgrade_request("example.com", "/connection/websocket", KEY))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    assert request.path == "/connection/websocket"
    response = server.accept(request)
    assert response.status_code == 101
    assert response.headers["Sec-WebSocket-Accept"] == accept_key(KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"connection": "keep-alive, Upgrade"},
        {"connection": "keep-alive,UPGRADE"},
        {"upgrade": "WebSocket"},
        {"upgrade": "h2c, websocket"},
        {"sec_websocket_key": f"  {KEY} "},
        {"sec_websocket_extensions": "permessage-deflate; client_max_window_bits"},
    ],
)
def test_what_browsers_write_differently_is_accepted(changes):
    """Case, lists, white space and offers of extensions do not matter."""
    # S4
    answer = accept_upgrade("GET", headers(**changes))
    assert isinstance(answer, Upgrade)
    assert b"Extensions" not in answer.response


def test_repeated_headers_are_one_list():
    """RFC 9110 section 5.2 lets a proxy split them."""
    # S4
    repeated = [(b"connection", b"keep-alive"), *headers(), (b"connection", b"close")]
    assert isinstance(accept_upgrade("GET", repeated), Upgrade)
    assert isinstance(accept_upgrade("GET", [*headers(), (b"sec-websocket-key", KEY.encode())]), Rejection)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, None),
        ("chat", None),
        ("chat, centrifuge-json", "centrifuge-json"),
        ("centrifuge-protobuf,centrifuge-json", "centrifuge-protobuf"),
        ("Centrifuge-JSON", None),
    ],
)
def test_the_clients_first_subprotocol_that_the_server_has_is_chosen(offered, chosen):
    """The client's order is its preference (RFC 6455 section 4.1); without a common one the header is absent."""
    # S4
    answer = accept_upgrade(
        "GET", headers(sec_websocket_protocol=offered), ("centrifuge-json", "centrifuge-protobuf")
    )
    assert answer.subprotocol == chosen
    line = f"Sec-WebSocket-Protocol: {chosen}\r\n".encode()
    assert (line in answer.response) == (chosen is not None)
    assert answer.response.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "changes", "status"),
    [
        ("POST", {}, 405),
        ("get", {}, 405),
        ("GET", {"upgrade": None}, 400),
        ("GET", {"upgrade": "h2c"}, 400),
        ("GET", {"connection": None}, 400),
        ("GET", {"connection": "keep-alive"}, 400),
        ("GET", {"sec_websocket_version": None}, 400),
        ("GET", {"sec_websocket_version": "8"}, 426),
        ("GET", {"sec_websocket_version": "13, 8"}, 426),
        ("GET", {"sec_websocket_key": None}, 400),
        ("GET", {"sec_websocket_key": "c2hvcnQ="}, 400),
        ("GET", {"sec_websocket_key": "not base64 at all!!!!!!!"}, 400),
        ("GET", {"sec_websocket_key": "ключ"}, 400),
    ],
)
def test_a_wrong_request_is_refused(method, changes, status):
    """Each condition of RFC 6455 section 4.2.1 has its refusal, with one sentence and an end."""
    # S4
    answer = accept_upgrade(method, headers(**changes))
    assert isinstance(answer, Rejection)
    assert answer.status == status
    head, _, body = answer.response.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close" in head
    assert b"\r\nContent-Type: text/plain" in head
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head
    assert body.decode() == answer.reason + "\n"


def test_a_refusal_says_what_would_have_been_right():
    """405 names the method (RFC 9110 section 15.5.6), 426 the version (RFC 6455 section 4.4)."""
    # S4
    assert b"\r\nAllow: GET\r\n" in accept_upgrade("PUT", headers()).response
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in accept_upgrade("GET", headers(sec_websocket_version="7")).response
