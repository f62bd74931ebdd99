"""The opening handshake (RFC 6455 section 4).

No extension is negotiated: an offer of permessage-deflate is ignored, which RFC 6455 section 9.1 allows.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

VERSION = b"13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REASON_PHRASES = {400: "Bad Request", 405: "Method Not Allowed", 426: "Upgrade Required"}
# RFC 9110 section 15.5.22: a 426 names the protocol that is required, and `Connection` names that header.
_EXTRA_HEADERS = {
    405: "Allow: GET\r\n",
    426: "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
}


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The handshake succeeds: `response` is the whole 101 head; frames follow it."""

    response: bytes
    subprotocol: str | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """The handshake fails: `response` is the whole HTTP response, after which the connection ends."""

    status: int
    reason: str
    response: bytes


def accept_key(key: str) -> str:
    """Give the `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (RFC 6455 section 4.2.2, step 5.4)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def accept_upgrade(
    method: str, headers: Sequence[tuple[bytes, bytes]], subprotocols: Sequence[str] = ()
) -> Upgrade | Rejection:
    """Judge an upgrade request (RFC 6455 section 4.2.1). Header names are lower case.

    The subprotocol is the first that the client names and the server has; None where they share none.
    """
    if method != "GET":
        return _rejection(405, "A WebSocket is opened with GET.")
    joined = _joined(headers)
    if b"websocket" not in _tokens(joined.get(b"upgrade", b"").lower()):
        return _rejection(400, "The Upgrade header does not name websocket.")
    if b"upgrade" not in _tokens(joined.get(b"connection", b"").lower()):
        return _rejection(400, "The Connection header does not name Upgrade.")
    version = joined.get(b"sec-websocket-version")
    if version is None:
        return _rejection(400, "The Sec-WebSocket-Version header is missing.")
    if version != VERSION:
        return _rejection(426, "Only version 13 of the WebSocket protocol is served.")
    key = joined.get(b"sec-websocket-key", b"")
    if not _is_nonce(key):
        return _rejection(400, "The Sec-WebSocket-Key header is not the base64 form of 16 bytes.")
    offered = _tokens(joined.get(b"sec-websocket-protocol", b""))
    shared = {name.encode(): name for name in subprotocols}
    return _upgrade(key.decode(), next((shared[name] for name in offered if name in shared), None))


def upgrade_request(host: str, path: str, key: str) -> bytes:
    """Build a client's request head; `key` is the base64 form of 16 random bytes (RFC 6455 section 4.1)."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def _joined(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    # RFC 9110 section 5.2: a repeated header is one list.
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        stripped = value.strip()
        joined[name] = joined[name] + b", " + stripped if name in joined else stripped
    return joined


def _tokens(value: bytes) -> list[bytes]:
    return [token.strip() for token in value.split(b",")]


def _is_nonce(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


def _upgrade(key: str, subprotocol: str | None) -> Upgrade:
    chosen = "" if subprotocol is None else f"Sec-WebSocket-Protocol: {subprotocol}\r\n"
    head = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n{chosen}\r\n"
    )
    return Upgrade(head.encode(), subprotocol)


def _rejection(status: int, reason: str) -> Rejection:
    head = (
        f"HTTP/1.1 {status} {_REASON_PHRASES[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(reason) + 1}\r\nConnection: close\r\n{_EXTRA_HEADERS.get(status, '')}\r\n"
    )
    return Rejection(status, reason, f"{head}{reason}\n".encode())
