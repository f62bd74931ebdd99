"""An FCM with its server of access tokens, which verifies every byte of what it is sent."""

import functools
import json
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from fake_tls import pem_of
from fcm_shape import ShapeError, check_send
from push_ledger import Ledger, Push, RefusalError, insist

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_SECONDS, TOKEN_SECONDS = 3600, 3599
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_OWN_WORDS = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"})  # of Google, not of FCM


@functools.cache
def _private_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(kw_only=True)
class FakeFcm(Ledger):
    """Answers as Google's does. `service_account` is the JSON that the project's owner would have downloaded.

    `token_moods` are for the next right calls of /token: a status, a body, and perhaps headers each. `grants` has
    the JWTs' claims.
    """

    project: str = "project-1"
    clock: object = time.time
    grants: list = field(default_factory=list)
    token_moods: list = field(default_factory=list)
    _issued: dict = field(default_factory=dict)
    _key_id: str = field(default_factory=lambda: secrets.token_hex(20))

    @property
    def token_url(self):
        return f"{self.url}/token"

    @property
    def email(self):
        return f"pusher@{self.project}.iam.gserviceaccount.com"

    @property
    def key(self):
        return pem_of(_private_key())

    @property
    def service_account(self):
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": self._key_id,
            "private_key": self.key,
            "client_email": self.email,
            "client_id": "100000000000000000001",
            "token_uri": self.token_url,
        }

    def revoke(self):
        """Accept no access token that was given until now."""
        self._issued.clear()

    def handle(self, method, path, headers, body):
        """Answer one request with a status, headers and a body."""
        if path == "/token":
            status, said, *rest = self._granted(method, headers, body)
            more = rest[0] if rest else {}
        else:
            status, said, more = self._sent(method, path, headers, body)
        return status, {"content-type": "application/json; charset=UTF-8"} | more, json.dumps(said).encode()

    def _granted(self, method, headers, body):
        try:
            claims = self._claims(method, headers, body)
        except RefusalError as refusal:
            return refusal.status, {"error": refusal.reason, "error_description": refusal.text}
        self.grants.append(claims)
        if self.token_moods:
            return self.token_moods.pop(0)
        token = "ya29." + secrets.token_urlsafe(32)
        self._issued[token] = self.clock() + TOKEN_SECONDS
        return 200, {"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"}

    def _claims(self, method, headers, body):
        """Refuse a request for an access token that is not right; give its JWT's claims."""
        insist(method == "POST", 405, "invalid_request", "Method not allowed")
        kind = headers.get("content-type", "").partition(";")[0].strip()
        insist(kind == "application/x-www-form-urlencoded", 400, "invalid_request", "Bad content type")
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        except ValueError as error:
            raise RefusalError(400, "invalid_request", "Bad Request") from error
        form = dict(pairs)
        insist(len(pairs) == len(form) and form.keys() <= {"grant_type", "assertion"}, 400, "invalid_request")
        grant = form.get("grant_type")
        insist(grant == GRANT, 400, "unsupported_grant_type", f"Invalid grant_type: {grant}")
        try:
            options = {"verify_aud": False, "verify_iat": False, "verify_exp": False}
            whole = jwt.decode_complete(
                form.get("assertion", ""), _private_key().public_key(), algorithms=["RS256"], options=options
            )
        except jwt.InvalidTokenError as error:
            raise RefusalError(400, "invalid_grant", "Invalid JWT Signature.") from error
        insist(whole["header"].get("kid", self._key_id) == self._key_id, 400, "invalid_grant", "Invalid JWT kid.")
        self._check_claims(whole["payload"])
        return whole["payload"]

    def _check_claims(self, claims):
        insist(claims.get("iss") == self.email, 400, "invalid_grant", "Invalid grant: account not found")
        insist(claims.get("scope") == SCOPE, 400, "invalid_scope", "Invalid OAuth scope or ID token audience.")
        insist(claims.get("aud") == self.token_url, 400, "invalid_grant", "Invalid JWT: wrong audience.")
        issued, until = claims.get("iat"), claims.get("exp")
        text = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        insist(type(issued) is int and type(until) is int, 400, "invalid_grant", text)
        insist(issued <= self.clock() < until <= issued + JWT_SECONDS, 400, "invalid_grant", text)
        insist(claims.keys() <= {"iss", "scope", "aud", "iat", "exp", "sub"}, 400, "invalid_grant", "Unknown claim")
        insist(claims.get("sub", self.email) == self.email, 400, "invalid_grant", "Invalid sub")

    def _sent(self, method, path, headers, body):
        token, request = "", None
        try:
            self._check_caller(method, path, headers)
            request = _parsed(headers, body)
            token = check_send(request)
            insist(token not in self.dead, 404, "UNREGISTERED", "Requested entity was not found.")
            self.obey_mood(token)
        except RefusalError as refusal:
            self.note(Push(token, headers, request, refusal.status, refusal.reason))
            return refusal.status, _error(refusal), refusal.headers
        self.note(Push(token, headers, request["message"]))
        return 200, {"name": f"projects/{self.project}/messages/{len(self.attempts)}"}, {}

    def _check_caller(self, method, path, headers):
        project, _, rest = path.removeprefix("/v1/projects/").partition("/")
        right = path.startswith("/v1/projects/") and rest == "messages:send" and method == "POST"
        insist(right, 404, "NOT_FOUND", "The requested URL was not found on this server.")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and self.clock() < self._issued.get(token, 0)
        insist(known, 401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        insist(project == self.project, 403, "PERMISSION_DENIED", f"Permission denied on resource project {project}.")


def _parsed(headers, body):
    kind = headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        raise ShapeError("", f"Invalid content type: {kind}")
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise ShapeError("", "Invalid JSON payload received.") from error


def _error(refusal):
    """Tell of a refusal in Google's shape."""
    status = _STATUSES.get(refusal.status, "UNKNOWN")
    error = {"code": refusal.status, "message": refusal.text, "status": status, "details": []}
    unshaped = isinstance(refusal, ShapeError) and not refusal.token
    if not unshaped and refusal.reason not in _OWN_WORDS:
        error["details"].append({"@type": _FCM_ERROR, "errorCode": refusal.reason})
    if isinstance(refusal, ShapeError):
        violation = {"field": refusal.where, "description": refusal.text}
        error["details"].append({"@type": _BAD_REQUEST, "fieldViolations": [violation]})
    return {"error": error}
