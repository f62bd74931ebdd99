"""A browser's push service with its browsers: it verifies the VAPID proof, and they decrypt what arrives."""

import base64
import json
import re
import secrets
import time
from dataclasses import dataclass, field

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fake_tls import pem_of
from push_ledger import Ledger, Push, RefusalError, insist

BODY_MAX, JWT_SECONDS = 4096, 24 * 3600
_PATH = re.compile(r"/push/([A-Za-z0-9_-]+)")
_VAPID = re.compile(r"vapid\s+(.*)", re.IGNORECASE)
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_DIGITS = re.compile(r"[0-9]{1,10}")
_URGENCIES = frozenset({"very-low", "low", "normal", "high"})
_CONTACT = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://[^\s/]+.*")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def point_of(key):
    """Give a key's public half as browsers write it: 65 bytes, uncompressed."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class Browser:
    """One subscription with the keys that only the browser has."""

    private: object
    secret: bytes

    def read(self, body):
        """Decrypt a push; refuse what no browser could read."""
        try:
            return http_ece.decrypt(body, private_key=self.private, auth_secret=self.secret, version="aes128gcm")
        except Exception as error:
            raise RefusalError(400, "110", f"the browser cannot decrypt it: {error!r}") from error


@dataclass(kw_only=True)
class FakeWebPush(Ledger):
    """Answers as Mozilla's does; a refusal's reason is its errno. A push's token is the id in the endpoint's path.

    `key` is the VAPID key that the app's owner would have generated: subscriptions accept pushes proven by it alone.
    `dead` are ids of subscriptions that are gone.
    """

    clock: object = time.time
    browsers: dict = field(default_factory=dict)
    key: str = ""
    public: str = ""
    _public_key: object = None
    _known: dict = field(default_factory=dict)

    def __post_init__(self):
        private = ec.generate_private_key(ec.SECP256R1())
        self._public_key = private.public_key()
        self.key, self.public = pem_of(private), base64url(point_of(private))

    def subscribe(self):
        """Make a browser; give its subscription as JSON, as PushSubscription.toJSON would."""
        name = secrets.token_urlsafe(24)
        browser = self.browsers[name] = Browser(ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16))
        keys = {"p256dh": base64url(point_of(browser.private)), "auth": base64url(browser.secret)}
        return json.dumps({"endpoint": f"{self.url}/push/{name}", "expirationTime": None, "keys": keys})

    def handle(self, method, path, headers, body):
        """Answer one request with a status, headers and a body."""
        name, payload = path.rpartition("/")[2], None
        try:
            browser = self._browser(method, path)
            self._check_proof(headers.get("authorization", ""))
            _check_headers(headers)
            insist(len(body) <= BODY_MAX, 413, "104", "Payload too large")
            payload = self._payload(browser, headers, body)
            insist(name not in self.dead, 410, "106", "Subscription has expired or was unsubscribed")
            self.obey_mood(name)
        except RefusalError as refusal:
            self.note(Push(name, headers, payload, refusal.status, refusal.reason))
            said = {"code": refusal.status, "errno": refusal.reason, "error": "refused", "message": refusal.text}
            return refusal.status, {"content-type": "application/json"} | refusal.headers, json.dumps(said).encode()
        self.note(Push(name, headers, payload, 201))
        return 201, {"location": f"{self.url}/m/{len(self.attempts)}", "ttl": headers["ttl"]}, b""

    def _browser(self, method, path):
        insist(method == "POST", 405, "405", "Method not allowed")
        found = _PATH.fullmatch(path)
        insist(found and found[1] in self.browsers, 404, "102", "Invalid endpoint")
        return self.browsers[found[1]]

    def _check_proof(self, authorization):
        """Refuse who does not prove to have the VAPID key (RFC 8292)."""
        found = _VAPID.fullmatch(authorization)
        insist(found, 401, "109", "Missing VAPID")
        pairs = [each.strip().partition("=") for each in found[1].split(",")]
        given = {name: value.strip('"') for name, _, value in pairs}
        insist(len(pairs) == 2 and given.keys() == {"t", "k"}, 401, "109", "Invalid VAPID parameters")
        insist(given["k"] == self.public, 403, "109", "VAPID public key mismatch")
        claims = self._known.get(given["t"])
        if claims is None:
            claims = self._known[given["t"]] = self._claims(given["t"])
        now = self.clock()
        insist(now < claims["exp"] <= now + JWT_SECONDS, 401, "109", "VAPID exp")

    def _claims(self, token):
        try:
            options = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
            claims = jwt.decode(token, self._public_key, algorithms=["ES256"], options=options)
        except jwt.InvalidTokenError as error:
            raise RefusalError(401, "109", f"VAPID: {error}") from error
        insist(claims.get("aud") == self.url, 401, "109", "VAPID aud")
        insist(type(claims.get("exp")) is int, 401, "109", "VAPID exp")
        insist(_CONTACT.fullmatch(str(claims.get("sub"))), 401, "109", "VAPID sub")
        insist(claims.keys() <= {"aud", "exp", "sub", "iat"}, 401, "109", "VAPID claims")
        return claims

    def _payload(self, browser, headers, body):
        """Give what the browser's page would get."""
        insist(body, 400, "110", "no payload")
        insist(headers.get("content-encoding") == "aes128gcm", 400, "110", "Invalid content encoding")
        try:
            return json.loads(browser.read(body).decode("utf-8"))
        except ValueError as error:
            raise RefusalError(400, "110", "the page cannot read it") from error


def _check_headers(headers):
    insist(_DIGITS.fullmatch(headers.get("ttl", "")), 400, "111", "Missing or invalid TTL")
    insist(_TOPIC.fullmatch(headers.get("topic", "-")), 400, "113", "Invalid topic")
    insist(headers.get("urgency", "normal") in _URGENCIES, 400, "114", "Invalid urgency")
