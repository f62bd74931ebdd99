"""Agora's self-contained token, AccessToken2: read, judged and built (vendor-apis.md 1.2)."""

import base64
import hashlib
import hmac
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from laba.dialects.easemob.fields import username_fault
from laba.model.app import App, Apps
from laba.model.identity import Identity
from laba.model.refusal import Code, Refusal

VERSION = "007"
TEXT_MAX = 4096
CONTENT_MAX_BYTES = 4096
AHEAD_MAX_SECONDS = 86400

CHAT = 5
USER = 1
APP = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """For which app a token is, and how long: `expire_seconds` counts from `issued_at`, in seconds since 1970."""

    app_id: str
    issued_at: int
    expire_seconds: int
    salt: int


@dataclass(frozen=True, slots=True)
class AccessToken2:
    """A token's content, not yet believed. `privileges` are the chat service's, in seconds since `issued_at`."""

    terms: Terms
    signature: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    privileges: Mapping[int, int] = field(default_factory=dict)
    user_id: str = ""

    def genuine(self, certificate: str) -> bool:
        """Tell whether the holder of this certificate signed it, in a time that does not depend on the answer."""
        return hmac.compare_digest(self.signature, _signature(self.terms, self.signed, certificate))

    def expires_at(self, privilege: int) -> int:
        """Give the first second, since 1970, at which the privilege no longer holds.

        Both lives bind. A life of 0 is over at once: no source says that it means for ever, and the safe reading
        costs only a token that nobody can build with the vendor's own builders.
        """
        return self.terms.issued_at + min(self.terms.expire_seconds, self.privileges[privilege])


def parse(text: str) -> AccessToken2 | None:
    """Read a token; None where the text is none. Costs no more than TEXT_MAX and CONTENT_MAX_BYTES, whatever comes.

    Services come in ascending order of type and have payloads of their own, so reading stops behind the chat
    service, or at the first that is another; the signature covers all of them.
    """
    if not text.startswith(VERSION) or len(text) > TEXT_MAX:
        return None
    try:
        reader = _Reader(_inflated(base64.b64decode(text[len(VERSION) :], validate=True)))
        signature = reader.string()
        signed = reader.rest()
        terms = Terms(reader.string().decode("ascii"), *reader.numbers("<III"))
        (services,) = reader.numbers("<H")
        if not services or reader.numbers("<H") != (CHAT,):
            return AccessToken2(terms, signature, signed)
        return AccessToken2(terms, signature, signed, reader.lifetimes(), reader.string().decode())
    except (ValueError, struct.error, zlib.error):
        return None


def build_app_token(terms: Terms, certificate: str) -> str:
    """Sign a token that may do what the app may."""
    return _build(terms, certificate, APP, "")


def build_user_token(terms: Terms, certificate: str, user_id: str) -> str:
    """Sign a token with which one user logs in."""
    return _build(terms, certificate, USER, user_id)


class AccessToken2Reader:
    """Implements `ports.TokenReader` for texts that begin with 007."""

    def recognise(self, token: str, apps: Apps, now_ms: int) -> Identity | Refusal | None:
        """Give who the token names.

        TOKEN_CORRUPT where it cannot be read or names an impossible user, TOKEN_UNKNOWN where no app of ours signed
        it or it is issued more than a day ahead of our clock, TOKEN_EXPIRED past its life, TOKEN_MISMATCH where it
        is genuine but not for chat.
        """
        if not token.startswith(VERSION):
            return None
        parsed = parse(token)
        if parsed is None:
            return Refusal(Code.TOKEN_CORRUPT, "the token cannot be read")
        app = apps.with_app_id(parsed.terms.app_id)
        if app is None or not parsed.genuine(app.keys.app_certificate):
            return Refusal(Code.TOKEN_UNKNOWN, "the token was not signed by an app of this server")
        return _identity(app, parsed, now_ms)


def _identity(app: App, token: AccessToken2, now_ms: int) -> Identity | Refusal:
    privilege = next((held for held in (APP, USER) if held in token.privileges), None)
    if privilege is None:
        return Refusal(Code.TOKEN_MISMATCH, "the token gives no right to chat")
    expires_at_ms = token.expires_at(privilege) * 1000
    if now_ms >= expires_at_ms:
        return Refusal(Code.TOKEN_EXPIRED, "the token has expired")
    # A clock may be wrong by hours, where zones were mixed up; what is further ahead was not issued now.
    if token.terms.issued_at * 1000 > now_ms + AHEAD_MAX_SECONDS * 1000:
        return Refusal(Code.TOKEN_UNKNOWN, "the token is issued in the future")
    if privilege == APP:
        return Identity(app.uuid, expires_at_ms=expires_at_ms)
    if username_fault(token.user_id) is not None:
        return Refusal(Code.TOKEN_CORRUPT, "the token names no possible user")
    return Identity(app.uuid, user=token.user_id.lower(), registers=True, expires_at_ms=expires_at_ms)


def _build(terms: Terms, certificate: str, privilege: int, user_id: str) -> str:
    signed = b"".join(
        (
            _packed(terms.app_id),
            struct.pack("<III", terms.issued_at, terms.expire_seconds, terms.salt),
            struct.pack("<HHHHI", 1, CHAT, 1, privilege, terms.expire_seconds),
            _packed(user_id),
        )
    )
    signature = _signature(terms, signed, certificate)
    content = struct.pack("<H", len(signature)) + signature + signed
    return VERSION + base64.b64encode(zlib.compress(content)).decode()


def _signature(terms: Terms, signed: bytes, certificate: str) -> bytes:
    issuing = _hmac(struct.pack("<I", terms.issued_at), certificate.encode())
    return _hmac(_hmac(struct.pack("<I", terms.salt), issuing), signed)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _packed(text: str) -> bytes:
    return struct.pack("<H", len(text.encode())) + text.encode()


def _inflated(packed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    content = inflater.decompress(packed, CONTENT_MAX_BYTES)
    if not inflater.eof or inflater.unused_data:
        raise ValueError("not one whole zlib stream within the bound")
    return content


class _Reader:
    """Takes little-endian numbers and counted strings off the front; ValueError or struct.error past the end."""

    __slots__ = ("_at", "_content")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def numbers(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self._content, self._at)
        self._at += struct.calcsize(layout)
        return values

    def lifetimes(self) -> dict[int, int]:
        (count,) = self.numbers("<H")
        lifetimes = {}
        for _ in range(count):
            privilege, seconds = self.numbers("<HI")
            lifetimes[privilege] = seconds
        return lifetimes

    def string(self) -> bytes:
        (length,) = self.numbers("<H")
        text = self._content[self._at : self._at + length]
        if len(text) < length:
            raise ValueError("the string is cut short")
        self._at += length
        return text

    def rest(self) -> bytes:
        """Give what is left, without taking it."""
        return self._content[self._at :]
