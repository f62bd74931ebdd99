"""Push services of browsers: VAPID (RFC 8292), and content that only the browser reads (RFC 8291) (P5-P9, S8)."""

import hmac
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from laba.model.http import HttpCall, HttpReply
from laba.model.provider import Account, Fate, Outcome, Proof, Provider
from laba.model.push import Push
from laba.providers.apns import by_hundreds, patience_ms, shortened, titled
from laba.providers.fcm import ttl_seconds
from laba.providers.signatures import base64url, es256, from_base64url, p256_from, pem_of, point_of, public_point

# RFC 8292 section 2: at most 24 hours ahead. Replaced an hour before it ends.
TOKEN_SECONDS: Final = 12 * 3600
PROOF_MS: Final = 11 * 3600 * 1000
# RFC 8291 section 4: one record, in the 4096 bytes that every service takes (RFC 8030 section 7.2). Of these the
# header is 86 bytes, the delimiter 1 and the tag 16.
RECORD_BYTES: Final = 4096
PLAIN_MAX_BYTES: Final = 3993
POINT_BYTES: Final = 65
SECRET_BYTES: Final = 16

_ENDPOINT: Final = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_DEFAULT_PORTS: Final = frozenset({("https", 443), ("http", 80)})
# RFC 8030 section 5.4.
_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_DEAD: Final = frozenset({404, 410})
# RFC 8292 section 4.2: so it is answered, too, where a subscription was made for another key.
_DOUBTED: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class _Keys:
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class _Subscription:
    """What a browser gives of its subscription (W3C Push API: PushSubscriptionJSON)."""

    endpoint: str
    keys: _Keys


@dataclass(frozen=True, slots=True)
class WebPushForm:
    """The form of browsers' services; see `ports.pushing.PushForm`.

    A token is a browser's subscription, in JSON. An account's key is the VAPID key, its id a contact: a mailto: or
    https: URL.
    """

    platform: ClassVar[str] = "web"
    one_by_one: ClassVar[bool] = False
    probe: ClassVar[str] = ""

    def prepared(self, push: Push, provider: Provider) -> bytes | None:  # noqa: ARG002
        """Write what a page's service worker is given: JSON of at most 3993 bytes, its text shortened to fit."""
        rest: dict[str, Any] = {"message": dict(push.message), "extras": dict(push.extras)}
        if options := {name: value for name, value in push.options.items() if name != "ttl_seconds"}:
            rest["options"] = options

        def written(alert: str) -> bytes:
            return msgspec.json.encode(({"silent": True} if push.silent else titled(push, alert)) | rest)

        alert = shortened(push.alert, lambda text: len(written(text)), PLAIN_MAX_BYTES)
        return None if alert is None else written(alert)

    def new_key(self, entropy: bytes) -> str | None:
        """Make a VAPID key (RFC 8292 section 3.1)."""
        return pem_of(p256_from(entropy))

    def public_key(self, account: Account) -> str | None:
        """Give what a page subscribes with, its applicationServerKey (RFC 8292 section 4.1)."""
        return base64url(public_point(account.key))

    def scope(self, token: str) -> str:
        """Name the service's origin, for which alone a proof is (RFC 8292 section 2). ValueError for no token."""
        subscription = _subscription(token)
        _receiver(subscription.keys)
        return _origin(subscription.endpoint)

    def prove(self, account: Account, scope: str, now_ms: int) -> Proof | HttpCall:
        """Sign for one service who is pushing, and how to reach them (RFC 8292 sections 2 and 3)."""
        claims = {"aud": scope, "exp": now_ms // 1000 + TOKEN_SECONDS, "sub": account.id}
        signed = es256(claims, account.key, {"typ": "JWT"})
        return Proof(f"vapid t={signed}, k={self.public_key(account)}", now_ms + PROOF_MS)

    def proven(self, reply: HttpReply, now_ms: int) -> Proof | Outcome:  # noqa: ARG002
        """Read an answer that never comes: nothing is asked for a proof."""
        return by_hundreds(reply, "")

    def build(
        self,
        push: Push,
        prepared: bytes,
        token: str,
        proof: str,
        provider: Provider,  # noqa: ARG002
        entropy: bytes,
    ) -> HttpCall:
        """Write the call for one browser (RFC 8030 section 5), encrypted to it. ValueError for no token."""
        subscription = _subscription(token)
        _origin(subscription.endpoint)
        headers = {
            "authorization": proof,
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(ttl_seconds(push)),
            "urgency": "low" if push.silent else "high",
        }
        if _TOPIC.fullmatch(push.collapse_id):
            headers["topic"] = push.collapse_id
        return HttpCall(subscription.endpoint, _encrypted(prepared, subscription.keys, entropy), headers)

    def read(self, reply: HttpReply) -> Outcome:
        """Read an answer by its status (RFC 8030 sections 5 and 7.3, RFC 8292 section 4.2)."""
        reason = str(reply.status)
        if reply.status in _DEAD:
            return Outcome(Fate.DEAD, reason)
        if reply.status in _DOUBTED:
            return Outcome(Fate.DOUBTED, reason)
        if reply.status == 429:
            return Outcome(Fate.LATER, reason, patience_ms(reply), busy=True)
        return by_hundreds(reply, reason)


def _subscription(token: str) -> _Subscription:
    try:
        return msgspec.json.decode(token, type=_Subscription)
    except (ValueError, RecursionError):
        raise ValueError("a token of webpush is a subscription in JSON: endpoint, keys.p256dh, keys.auth") from None


def _origin(endpoint: str) -> str:
    """Write an endpoint's origin (RFC 6454 section 6.2). ValueError where it is no URL of a push service."""
    if not _ENDPOINT.fullmatch(endpoint):
        raise ValueError("a subscription's endpoint is an http:// or https:// URL")
    parts = urlsplit(endpoint)
    if not parts.hostname or "@" in parts.netloc:
        raise ValueError("a subscription's endpoint has a host, and no name or password before it")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port is None or (parts.scheme, parts.port) in _DEFAULT_PORTS else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _receiver(keys: _Keys) -> tuple[ec.EllipticCurvePublicKey, bytes, bytes]:
    """Read a browser's keys: the public one, the same as 65 bytes, and the secret that it shares with its page."""
    point, secret = from_base64url(keys.p256dh), from_base64url(keys.auth)
    if len(point) != POINT_BYTES or len(secret) != SECRET_BYTES:
        raise ValueError(f"a subscription's keys are {POINT_BYTES} and {SECRET_BYTES} bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point), point, secret


def _encrypted(plain: bytes, keys: _Keys, entropy: bytes) -> bytes:
    """Encrypt for one browser (RFC 8291 section 3), as one record (RFC 8188 section 2).

    The first 32 bytes of entropy are the sender's key, which nothing else is encrypted with; the last 16 the salt.
    """
    browser, theirs, secret = _receiver(keys)
    private, salt = p256_from(entropy[:32]), entropy[-SECRET_BYTES:]
    ours = point_of(private.public_key())
    agreed = private.exchange(ec.ECDH(), browser)
    shared = _expanded(secret, agreed, b"WebPush: info\0" + theirs + ours)
    key = _expanded(salt, shared, b"Content-Encoding: aes128gcm\0")[:16]
    nonce = _expanded(salt, shared, b"Content-Encoding: nonce\0")[:12]
    head = salt + RECORD_BYTES.to_bytes(4) + len(ours).to_bytes(1) + ours
    # 2 says that no record follows (RFC 8188 section 2).
    return head + AESGCM(key).encrypt(nonce, plain + b"\2", None)


def _expanded(salt: bytes, secret: bytes, info: bytes) -> bytes:
    """Derive 32 bytes: HKDF over SHA-256, of which one block is enough (RFC 5869)."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\1", "sha256")
