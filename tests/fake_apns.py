"""An APNs that verifies every byte of a push, for tests inside the process and for the bench."""

import json
import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from fake_tls import pem_of
from push_ledger import Ledger, Push, RefusalError, insist

PAYLOAD_MAX = 4096
JWT_SECONDS, UPDATE_SECONDS = 3600, 20 * 60
_PATH = re.compile(r"/3/device/([^/?#]*)")
_TOKEN = re.compile(r"(?:[0-9a-fA-F]{2}){32,100}")
_DIGITS = re.compile(r"[0-9]{1,12}")
_PRIORITIES = frozenset({"1", "5", "10"})
_SHOWN = frozenset({"alert", "badge", "sound"})


@dataclass
class ProviderTokens:
    """Knows the team's public key; reads the signature of each JWT once, and its age each time."""

    team_id: str
    key_id: str
    public_key: object
    updates_allowed: int
    known: dict = field(default_factory=dict)
    updates: int = 0
    last_update: float = float("-inf")

    def check(self, authorization, now):
        """Refuse what does not prove that the team asks."""
        insist(authorization, 403, "MissingProviderToken")
        scheme, _, token = authorization.partition(" ")
        insist(scheme.lower() == "bearer", 403, "MissingProviderToken")
        issued = self.known.get(token)
        if issued is None:
            issued = self._issued(token)
        insist(issued <= now, 403, "InvalidProviderToken", "issued in the future")
        insist(now - issued <= JWT_SECONDS, 403, "ExpiredProviderToken")
        if token not in self.known:
            self._welcome(token, issued, now)

    def _issued(self, token):
        """Verify a JWT that was not seen before; give when it was issued."""
        try:
            whole = jwt.decode_complete(
                token, self.public_key, algorithms=["ES256"], options={"verify_iat": False, "verify_exp": False}
            )
        except jwt.InvalidTokenError as error:
            raise RefusalError(403, "InvalidProviderToken", str(error)) from error
        head, claims = whole["header"], whole["payload"]
        insist(head.get("kid") == self.key_id, 403, "InvalidProviderToken", "kid")
        insist(head.keys() <= {"alg", "kid", "typ"}, 403, "InvalidProviderToken", "header")
        insist(head.get("typ", "JWT") == "JWT", 403, "InvalidProviderToken", "typ")
        insist(claims.keys() == {"iss", "iat"}, 403, "InvalidProviderToken", "claims")
        insist(claims["iss"] == self.team_id, 403, "InvalidProviderToken", "iss")
        insist(type(claims["iat"]) is int, 403, "InvalidProviderToken", "iat")
        return claims["iat"]

    def _welcome(self, token, issued, now):
        """Count a new JWT as an update if it follows the one before it too soon."""
        self.updates = self.updates + 1 if now - self.last_update < UPDATE_SECONDS else 0
        insist(self.updates <= self.updates_allowed, 429, "TooManyProviderTokenUpdates")
        self.last_update = now
        self.known[token] = issued


@dataclass(kw_only=True)
class FakeApns(Ledger):
    """Answers as Apple's does. `key` is the .p8 that the team's owner would have downloaded.

    A new JWT may follow another within 20 minutes `updates_allowed` times. `clock` gives the seconds since 1970.
    """

    team_id: str = "TEAM123456"
    key_id: str = "KEY1234567"
    topics: tuple = ("com.example.app",)
    updates_allowed: int = 1
    clock: object = time.time
    died_ms: int = 0
    key: str = ""
    tokens: ProviderTokens | None = None

    def __post_init__(self):
        private = ec.generate_private_key(ec.SECP256R1())
        self.key = pem_of(private)
        self.died_ms = self.died_ms or int(self.clock() * 1000)
        self.tokens = ProviderTokens(self.team_id, self.key_id, private.public_key(), self.updates_allowed)

    @property
    def topic(self):
        return self.topics[0]

    def handle(self, method, path, headers, body):
        """Answer one request with a status, headers and a body."""
        token, payload = path.rpartition("/")[2], None
        answer = {"apns-id": headers.get("apns-id") or str(uuid.uuid4()).upper()}
        try:
            token = self._token(method, path)
            self.tokens.check(headers.get("authorization", ""), self.clock())
            payload = _payload(body)
            self._check_headers(headers, payload["aps"])
            self.decide(token)
        except RefusalError as refusal:
            self.note(Push(token, headers, payload, refusal.status, refusal.reason))
            said = {"reason": refusal.reason}
            if refusal.status == 410:
                said["timestamp"] = self.died_ms
            return refusal.status, answer | refusal.headers, json.dumps(said).encode()
        self.note(Push(token, headers, payload))
        return 200, answer, b""

    def decide(self, token):
        """Refuse a right push to a dead token, or to one that is to be refused."""
        insist(token not in self.dead, 410, "Unregistered")
        self.obey_mood(token)

    def _token(self, method, path):
        insist(method == "POST", 405, "MethodNotAllowed")
        found = _PATH.fullmatch(path)
        insist(found, 404, "BadPath")
        insist(found[1], 400, "MissingDeviceToken")
        insist(_TOKEN.fullmatch(found[1]), 400, "BadDeviceToken")
        return found[1]

    def _check_headers(self, headers, aps):
        topic = headers.get("apns-topic")
        insist(topic, 400, "MissingTopic")
        insist(topic in self.topics, 400, "TopicDisallowed")
        priority = headers.get("apns-priority", "10")
        insist(priority in _PRIORITIES, 400, "BadPriority")
        kind = headers.get("apns-push-type")
        if kind == "alert":
            insist(_SHOWN & aps.keys(), 400, "InvalidPushType")
        else:
            insist(kind == "background", 400, "InvalidPushType")
            insist(aps.get("content-available") == 1 and not _SHOWN & aps.keys(), 400, "InvalidPushType")
            insist(priority != "10", 400, "BadPriority")
        insist(_DIGITS.fullmatch(headers.get("apns-expiration", "0")), 400, "BadExpirationDate")
        collapse = headers.get("apns-collapse-id", "-")
        insist(0 < len(collapse.encode()) <= 64, 400, "BadCollapseId")
        if "apns-id" in headers:
            _check_id(headers["apns-id"])


def _check_id(given):
    try:
        right = str(uuid.UUID(given)) == given.lower()
    except ValueError:
        right = False
    insist(right, 400, "BadMessageId")


def _payload(body):
    insist(body, 400, "PayloadEmpty")
    insist(len(body) <= PAYLOAD_MAX, 413, "PayloadTooLarge")
    try:
        payload = json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise RefusalError(400, "PayloadEmpty", "no JSON") from error
    insist(isinstance(payload, dict) and isinstance(payload.get("aps"), dict), 400, "PayloadEmpty", "no aps")
    return payload


@dataclass(kw_only=True)
class CountingApns(FakeApns):
    """One for the bench: as strict, but it keeps counts only, and its moods follow from the tokens.

    A token whose number modulo `dead_every` is 0 is dead; one whose number modulo `busy_every` is `busy_offset` is
    answered 429 the first time.
    """

    dead_every: int = 0
    busy_every: int = 0
    busy_offset: int = 1
    requests: int = 0
    refused: Counter = field(default_factory=Counter)
    _busied: set = field(default_factory=set)
    _accepted: dict = field(default_factory=dict)
    _repeats: dict = field(default_factory=dict)
    _same: dict = field(default_factory=dict)

    def decide(self, token):
        number = int(token, 16)
        insist(not self.dead_every or number % self.dead_every, 410, "Unregistered")
        if self.busy_every and number % self.busy_every == self.busy_offset and number not in self._busied:
            self._busied.add(number)
            raise RefusalError(429, "TooManyRequests")

    def note(self, push):
        self.requests += 1
        if push.status != 200:
            self.refused[push.reason] += 1
            return
        token, collapse = bytes.fromhex(push.token), push.headers.get("apns-collapse-id", "")
        first = self._accepted.get(token)
        if first is None:
            self._accepted[token] = self._same.setdefault(collapse, collapse)
            return
        repeated = self._repeats.setdefault(token, [1, {first}])
        repeated[0] += 1
        repeated[1].add(collapse)

    def stats(self):
        """Give the counts. `pushes` were accepted, repeats of one token included."""
        repeats = [[token.hex(), times, len(ids)] for token, (times, ids) in self._repeats.items()]
        return {
            "pushes": len(self._accepted) + sum(times - 1 for _, times, _ in repeats),
            "per_token_repeats": repeats,
            "accepted_tokens": len(self._accepted),
            "connections": self.connections,
            "requests": self.requests,
            "refused": dict(self.refused),
        }
