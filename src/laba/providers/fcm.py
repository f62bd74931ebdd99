"""Google's push service, Firebase Cloud Messaging, HTTP version 1: access tokens, messages, answers (P5-P9, S8)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from laba.model.http import HttpCall, HttpReply
from laba.model.provider import Account, Fate, Outcome, Proof, Provider
from laba.model.push import Push
from laba.providers.apns import (
    answer_in,
    by_hundreds,
    patience_ms,
    shortened,
    texts,
    titled,
    treatment,
    word,
    wordless,
)
from laba.providers.signatures import rs256

URL: Final = "https://fcm.googleapis.com"
TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS: Final = 3600
# An access token is replaced so long before it ends.
MARGIN_SECONDS: Final = 300
# FCM v1 REST: ErrorCode, "Message too big" and "Invalid TTL".
PAYLOAD_MAX_BYTES: Final = 4096
TTL_MAX_SECONDS: Final = 2_419_200
TTL_SECONDS: Final = 604_800
# "Scale your FCM sends using best practices": after 429 without a Retry-After.
PATIENCE_MS: Final = 60_000

# Not what begins as JSON does: a browser's subscription is for another kind of provider.
_TOKEN: Final = re.compile(r"(?!\{)[!-~]{1,4096}")
_DEAD: Final = frozenset({"UNREGISTERED", "SENDER_ID_MISMATCH"})
_UNPROVEN: Final = frozenset({401, 403})
_HEAD: Final = b'{"message":{'
_ANDROID: Final[Mapping[str, str]] = MappingProxyType({"channel": "channel_id", "sound": "sound"})
_IMAGE: Final[Mapping[str, str]] = MappingProxyType({"image": "image"})


@dataclass(frozen=True, slots=True)
class _Granted:
    """What an access token is given in, or refused (RFC 6749 sections 5.1 and 5.2)."""

    access_token: str = ""
    expires_in: int = 0
    error: str = ""
    error_description: str = ""


@dataclass(frozen=True, slots=True)
class _Violation:
    field: str = ""


@dataclass(frozen=True, slots=True)
class _Detail:
    errorCode: str = ""  # noqa: N815 - Google's name
    fieldViolations: tuple[_Violation, ...] = ()  # noqa: N815 - Google's name


@dataclass(frozen=True, slots=True)
class _Error:
    status: str = ""
    details: tuple[_Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is answered (FCM v1 REST: ErrorCode, in the shape of google.rpc.Status)."""

    error: _Error = _Error()

    @property
    def code(self) -> str:
        """Give FCM's own word, or else Google's; empty where there is neither."""
        return next((each.errorCode for each in self.error.details if each.errorCode), self.error.status)

    @property
    def blames_token(self) -> bool:
        return any(found.field == "message.token" for each in self.error.details for found in each.fieldViolations)


@dataclass(frozen=True, slots=True)
class FcmForm:
    """The form of Google's service; see `ports.pushing.PushForm`.

    An account's key is a service account's, its id that account's e-mail address and its owner the project's id.
    Pushes go one by one, as all of a project's share its quota of each minute (FCM: Throttling and quotas).
    """

    platform: ClassVar[str] = "android"
    one_by_one: ClassVar[bool] = True
    probe: ClassVar[str] = "laba:no-device"

    def prepared(self, push: Push, provider: Provider) -> bytes | None:  # noqa: ARG002
        """Write a message without its token (FCM v1 REST: Message), its text shortened to fit.

        Its notification and data are at most 4096 bytes, with what Apple's devices are told besides. Data has texts
        only: `laba`, what the app is told of the message, and `extras`, what the caller sent along, are JSON.
        """
        aps = wordless(push)
        data = {"laba": _json(push.message)}
        if push.extras:
            data["extras"] = _json(push.extras)

        def shown(alert: str) -> dict[str, Any]:
            return {"data": data} if push.silent else {"notification": _notification(push, alert), "data": data}

        def size(alert: str) -> int:
            return sum(len(msgspec.json.encode(part)) for part in (*shown(alert).values(), aps))

        alert = shortened(push.alert, size, PAYLOAD_MAX_BYTES)
        if alert is None:
            return None
        apple = {"headers": treatment(push), "payload": {"aps": aps}}
        return msgspec.json.encode({"message": {**shown(alert), "android": _android(push), "apns": apple}})

    def new_key(self, entropy: bytes) -> str | None:  # noqa: ARG002
        """Make none: Google gives it."""
        return None

    def public_key(self, account: Account) -> str | None:  # noqa: ARG002
        """Give nothing: an app has Google's own settings to get a token."""
        return None

    def scope(self, token: str) -> str:
        """Name nothing: an access token is good for all devices of a project. ValueError for no token."""
        if not _TOKEN.fullmatch(token):
            raise ValueError("a registration token of fcm is 1 to 4096 printable characters of ASCII, and no JSON")
        return ""

    def prove(self, account: Account, scope: str, now_ms: int) -> Proof | HttpCall:  # noqa: ARG002
        """Ask for an access token with a signed assertion (RFC 7523 section 2.1).

        Its claims are those of Google: Using OAuth 2.0 for Server to Server Applications.
        """
        url, now = account.token_url or TOKEN_URL, now_ms // 1000
        claims = {"iss": account.id, "scope": SCOPE, "aud": url, "iat": now, "exp": now + ASSERTION_SECONDS}
        form = {"grant_type": GRANT, "assertion": rs256(claims, account.key)}
        return HttpCall(url, urlencode(form).encode(), {"content-type": "application/x-www-form-urlencoded"})

    def proven(self, reply: HttpReply, now_ms: int) -> Proof | Outcome:
        """Read an access token, or why there is none (RFC 6749 sections 5.1 and 5.2)."""
        granted = answer_in(reply, _Granted)
        if reply.status == 200 and granted.access_token and granted.expires_in > 0:
            margin = min(MARGIN_SECONDS, granted.expires_in // 2)
            return Proof(granted.access_token, now_ms + (granted.expires_in - margin) * 1000)
        if reply.status // 100 == 4 and reply.status != 429:
            said = ": ".join(filter(None, (granted.error, granted.error_description)))
            return Outcome(Fate.UNPROVEN, word(said, reply))
        said = "the answer holds none" if reply.status == 200 else granted.error
        return Outcome(Fate.LATER, word(said, reply), patience_ms(reply), busy=True)

    def build(
        self,
        push: Push,  # noqa: ARG002
        prepared: bytes,
        token: str,
        proof: str,
        provider: Provider,
        entropy: bytes,  # noqa: ARG002
    ) -> HttpCall:
        """Write the call for one device (FCM v1 REST: projects.messages.send).

        The token is put into what is prepared, which is not written anew. ValueError where it is none.
        """
        self.scope(token)
        account = provider.account
        body = _HEAD + b'"token":' + msgspec.json.encode(token) + b"," + prepared.removeprefix(_HEAD)
        headers = {"authorization": f"Bearer {proof}", "content-type": "application/json"}
        return HttpCall(f"{account.url or URL}/v1/projects/{account.owner}/messages:send", body, headers)

    def read(self, reply: HttpReply) -> Outcome:
        """Read an answer by its error (FCM v1 REST: ErrorCode).

        An argument that is not valid is the token only where the answer says so. THIRD_PARTY_AUTH_ERROR is for one
        platform's devices: Google has no good key of the project's for Apple's service, or for browsers'.
        """
        answer = answer_in(reply, _Answer)
        code = answer.code
        if code in _DEAD or (code == "INVALID_ARGUMENT" and answer.blames_token):
            return Outcome(Fate.DEAD, code)
        if reply.status == 429 or code == "QUOTA_EXCEEDED":
            return Outcome(Fate.LATER, word(code, reply), patience_ms(reply, PATIENCE_MS), busy=True)
        if code == "THIRD_PARTY_AUTH_ERROR":
            return Outcome(Fate.REJECTED, code)
        if reply.status in _UNPROVEN:
            return Outcome(Fate.UNPROVEN, word(code, reply))
        return by_hundreds(reply, code)


def ttl_seconds(push: Push) -> int:
    """Tell for how long a service keeps a push for a device that is away; four weeks at most, a week unless said."""
    said = push.options.get("ttl_seconds", TTL_SECONDS)
    return min(max(said, 0), TTL_MAX_SECONDS) if isinstance(said, int) else TTL_SECONDS


def _notification(push: Push, alert: str) -> dict[str, Any]:
    return titled(push, alert) | texts(push.options, _IMAGE)


def _android(push: Push) -> dict[str, Any]:
    """Say how Android treats a push (FCM v1 REST: AndroidConfig); one that shows nothing need not wake the device."""
    android: dict[str, Any] = {
        "collapse_key": push.collapse_id,
        "ttl": f"{ttl_seconds(push)}s",
        "priority": "NORMAL" if push.silent else "HIGH",
    }
    if not push.silent:
        android["notification"] = {"tag": push.collapse_id} | texts(push.options, _ANDROID)
    return android


def _json(said: Mapping[str, Any]) -> str:
    return msgspec.json.encode(dict(said)).decode()
