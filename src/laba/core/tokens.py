"""The tokens that laba issues: signed and self-contained, so that checking one needs no look-up.

A token names its app, its user (none for an app token), when it ends and the user's revocation epoch. It is
`base64url(body || HMAC-SHA256(app's token key, body)[:20])`, at most 256 characters for every legal user name.
"""

import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from uuid import UUID

from laba.model.app import Apps
from laba.model.identity import Identity
from laba.model.refusal import Code, Refusal
from laba.model.user import USERNAME_MAX_BYTES

VERSION = 1
NEVER = 0

_BODY = struct.Struct(">B16sQQ")
_SIGNATURE_BYTES = 20
_MAX_CHARS = 256


@dataclass(frozen=True, slots=True)
class Token:
    """What one of laba's tokens says. `expires_at_ms` NEVER means that it does not end."""

    app_uuid: str
    expires_at_ms: int
    user: str | None = None
    epoch: int = 0

    def __post_init__(self) -> None:
        if self.user == "":
            raise ValueError("a token without a user's name would be the app's")

    def signed(self, token_key: bytes) -> str:
        """Give the text a client presents."""
        user = b"" if self.user is None else self.user.encode()
        body = _BODY.pack(VERSION, UUID(self.app_uuid).bytes, self.expires_at_ms, self.epoch) + user
        return _text(body + _signature(token_key, body))


class TokenReader:
    """Recognises the tokens that laba issued."""

    def recognise(self, token: str, apps: Apps, now_ms: int) -> Identity | Refusal | None:
        """Give who the token names; a Refusal where it is ours in form but not genuine or over; None else."""
        raw = _decoded(token)
        if raw is None:
            return None
        body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        _, app_uuid, expires_at_ms, epoch = _BODY.unpack_from(body)
        app = apps.with_uuid(str(UUID(bytes=app_uuid)))
        if app is None or not hmac.compare_digest(signature, _signature(app.keys.token_key, body)):
            return Refusal(Code.TOKEN_UNKNOWN, "the token was not issued by this system")
        if expires_at_ms != NEVER and now_ms >= expires_at_ms:
            return Refusal(Code.TOKEN_EXPIRED, "the token has expired; fetch a new one")
        user = body[_BODY.size :].decode() or None
        return Identity(app.uuid, user, epoch if user else None, expires_at_ms=expires_at_ms)


def _decoded(token: str) -> bytes | None:
    """Give the bytes of what has the form of our tokens, None for anything else."""
    if len(token) > _MAX_CHARS or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Base64Error, ValueError):
        return None
    user_bytes = len(raw) - _BODY.size - _SIGNATURE_BYTES
    # One text per token: the decoder skips strange characters and the last one's idle bits.
    if not 0 <= user_bytes <= USERNAME_MAX_BYTES or raw[0] != VERSION or _text(raw) != token:
        return None
    return raw


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _signature(token_key: bytes, body: bytes) -> bytes:
    return hmac.digest(token_key, body, hashlib.sha256)[:_SIGNATURE_BYTES]
