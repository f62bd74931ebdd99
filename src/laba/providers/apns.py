"""Apple's push service: token authentication, a push's headers and payload, and what is answered (P5-P9, S8).

The rules are of "Setting up a remote notification server" in Apple's documentation, by the names of its pages.
What the forms of other services say in the same way is here too: shortening, and answers by their hundreds.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

import msgspec

from laba.model.http import HttpCall, HttpReply
from laba.model.provider import Account, Fate, Outcome, Proof, Provider
from laba.model.push import Push
from laba.providers.signatures import es256

URL: Final = "https://api.push.apple.com"
SANDBOX_URL: Final = "https://api.sandbox.push.apple.com"
# "Generating a remote notification": of a payload no more is taken.
PAYLOAD_MAX_BYTES: Final = 4096
# "Establishing a token-based connection to APNs": renewed no oftener than every 20 minutes, no older than an hour.
# One that is asked for again within its period, as after a restart, is the same.
PERIOD_MS: Final = 25 * 60_000
PROOF_MS: Final = 50 * 60_000
ELLIPSIS: Final = "…"
REASON_MAX_CHARS: Final = 100

_TOKEN: Final = re.compile(r"[0-9A-Fa-f]{8,200}")
# "Sending notification requests to APNs": at most 64 bytes; what a header cannot carry is left out.
_COLLAPSE_ID: Final = re.compile(r"[!-~]{1,64}")
# RFC 9110 sections 15.5.9 and 15.5.20, RFC 8470 section 5.2: the same call may be taken another time.
_AGAIN: Final = frozenset({408, 421, 425})
# What is wrong with the provider's topic is wrong for all its devices.
_TOPICS: Final = frozenset({"TopicDisallowed", "BadTopic", "MissingTopic"})
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
# The last moment that a double, and so every JSON, carries to the millisecond.
_MOMENTS_END: Final = 1 << 53
_NAMES: Final = (
    ("badge", "badge"),
    ("category", "category"),
    ("thread", "thread-id"),
    ("interruption", "interruption-level"),
)
# A flag, or one character with what alters or joins it: an approximation of UAX #29 for emoji and accents.
_CHARACTER: Final = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|.(?:[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d.)*",
    re.DOTALL,
)
_Shape = TypeVar("_Shape")


@dataclass(frozen=True, slots=True)
class _Answer:
    reason: str = ""
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class ApnsForm:
    """The form of Apple's service; see `ports.pushing.PushForm`.

    An account's key is a team's (a .p8 file), its id the key's id and its owner the team's.
    """

    platform: ClassVar[str] = "ios"
    one_by_one: ClassVar[bool] = False
    probe: ClassVar[str] = "0" * 64

    def prepared(self, push: Push, provider: Provider) -> bytes | None:  # noqa: ARG002
        """Write the payload, at most 4096 bytes, its text shortened to fit (Apple: Generating a remote notification).

        What the app is told of the message is in `laba`, and what the caller sent along in `extras`.
        """
        rest: dict[str, Any] = {"laba": dict(push.message)}
        if push.extras:
            rest["extras"] = dict(push.extras)

        def written(alert: str) -> bytes:
            aps = wordless(push) if push.silent else {"alert": titled(push, alert), **wordless(push)}
            return msgspec.json.encode({"aps": aps, **rest})

        alert = shortened(push.alert, lambda text: len(written(text)), PAYLOAD_MAX_BYTES)
        return None if alert is None else written(alert)

    def new_key(self, entropy: bytes) -> str | None:  # noqa: ARG002
        """Make none: Apple gives it."""
        return None

    def public_key(self, account: Account) -> str | None:  # noqa: ARG002
        """Give nothing: an app needs no key to get a token."""
        return None

    def scope(self, token: str) -> str:
        """Name nothing: a proof is good for all devices of a team.

        A token is hexadecimal, of a length that Apple leaves open; ValueError where it is none.
        """
        if not _TOKEN.fullmatch(token):
            raise ValueError("a device token of apns is 8 to 200 hexadecimal digits")
        return ""

    def prove(self, account: Account, scope: str, now_ms: int) -> Proof | HttpCall:  # noqa: ARG002
        """Sign the team's name and the time (Apple: Establishing a token-based connection to APNs)."""
        issued_ms = now_ms // PERIOD_MS * PERIOD_MS
        claims = {"iss": account.owner, "iat": issued_ms // 1000}
        token = es256(claims, account.key, {"kid": account.id})
        return Proof(token, issued_ms + PROOF_MS, issued_ms + PERIOD_MS)

    def proven(self, reply: HttpReply, now_ms: int) -> Proof | Outcome:  # noqa: ARG002
        """Read an answer that never comes: nothing is asked for a proof."""
        return by_hundreds(reply, "")

    def build(
        self,
        push: Push,
        prepared: bytes,
        token: str,
        proof: str,
        provider: Provider,
        entropy: bytes,  # noqa: ARG002
    ) -> HttpCall:
        """Write the call for one device (Apple: Sending notification requests to APNs). ValueError for no token."""
        self.scope(token)
        origin = provider.account.url or (SANDBOX_URL if provider.sandbox else URL)
        headers = _headers(push, provider.topic or provider.package)
        return HttpCall(f"{origin}/3/device/{token}", prepared, {"authorization": f"bearer {proof}", **headers})

    def read(self, reply: HttpReply) -> Outcome:
        """Read an answer by its status and reason (Apple: Handling notification responses from APNs).

        429 is about one device, unless it is about tokens that are renewed too often. A token of another topic is
        kept: rather is the provider's topic mistaken than the device.
        """
        answer = answer_in(reply, _Answer)
        reason = word(answer.reason, reply)
        match reply.status:
            case 410:
                return Outcome(Fate.DEAD, reason, since_ms=_moment(answer.timestamp))
            case 400 if reason == "BadDeviceToken":
                return Outcome(Fate.DEAD, reason)
            case 400 if reason == "IdleTimeout":
                return Outcome(Fate.LATER, reason, patience_ms(reply))
            case 429:
                return Outcome(Fate.LATER, reason, patience_ms(reply), busy=reason != "TooManyRequests")
            case status if status == 403 or reason in _TOPICS:
                return Outcome(Fate.UNPROVEN, reason)
        return by_hundreds(reply, reason)


def _headers(push: Push, topic: str) -> dict[str, str]:
    headers = {"content-type": "application/json", **treatment(push)}
    if topic:
        headers["apns-topic"] = topic
    return headers


def treatment(push: Push) -> dict[str, str]:
    """Say in Apple's headers how a push is to be treated, and what it replaces.

    One that shows nothing is of the background, and may not be urgent. A name that no header can carry is left out.
    """
    headers = {
        "apns-push-type": "background" if push.silent else "alert",
        "apns-priority": "5" if push.silent else "10",
        "apns-expiration": str(push.expires_at_ms // 1000),
    }
    if _COLLAPSE_ID.fullmatch(push.collapse_id):
        headers["apns-collapse-id"] = push.collapse_id
    return headers


def wordless(push: Push) -> dict[str, Any]:
    """Write the part that Apple's system reads, without its alert.

    Without a `sound` of its own a push has the default one; one that shows nothing wakes the app.
    """
    if push.silent:
        return {"content-available": 1}
    aps: dict[str, Any] = {}
    if (sound := push.options.get("sound", "default")) is not None:
        aps["sound"] = sound
    aps.update({name: push.options[ours] for ours, name in _NAMES if push.options.get(ours) is not None})
    if push.options.get("mutable"):
        aps["mutable-content"] = 1
    return aps


def titled(push: Push, body: str) -> dict[str, Any]:
    """Write what is shown, with a title where there is one."""
    return {"body": body} if push.title is None else {"title": push.title, "body": body}


def _moment(timestamp: int) -> int | None:
    """Take a time in milliseconds, unless no clock can have shown it."""
    return timestamp if 0 < timestamp < _MOMENTS_END else None


def shortened(text: str, size: Callable[[str], int], limit: int) -> str | None:
    """Give as much of a text as keeps what `size` measures within the limit, with "…" for the rest.

    No character is cut in two, nor an emoji that is several. None where there is no room without any text.
    """
    if size(text) <= limit:
        return text
    longest = bisect_right(range(len(text)), limit, key=lambda end: size(text[:end] + ELLIPSIS)) - 1
    if longest >= 0:
        return text[: _boundary(text, longest)] + ELLIPSIS
    return "" if size("") <= limit else None


def _boundary(text: str, at: int) -> int:
    """Give the last place, at most `at`, that is between two characters."""
    last = 0
    for found in _CHARACTER.finditer(text):
        if found.end() > at:
            break
        last = found.end()
    return last


def answer_in(reply: HttpReply, shape: type[_Shape]) -> _Shape:
    """Read a body in a shape; an empty one of it where the body is not, whatever it is."""
    try:
        return msgspec.json.decode(reply.body, type=shape)
    except (ValueError, RecursionError):
        return shape()


def word(said: str, reply: HttpReply) -> str:
    """Give the service's word for why, of a length to count by; the status where it said none."""
    return said[:REASON_MAX_CHARS] or str(reply.status)


def patience_ms(reply: HttpReply, otherwise_ms: int = 0) -> int:
    """Read for how long a service wants to be left alone (RFC 9110 section 10.2.3). A date is not looked at."""
    said = reply.headers.get("retry-after", "").strip()
    return int(said) * 1000 if _SECONDS.fullmatch(said) else otherwise_ms


def by_hundreds(reply: HttpReply, reason: str) -> Outcome:
    """Read a status of which nothing else is known (RFC 9110 section 15).

    What is neither taken nor refused, as a redirection, comes from no push service; it is tried again.
    """
    match reply.status // 100:
        case 2:
            return Outcome(Fate.ACCEPTED)
        case 4 if reply.status in _AGAIN:
            return Outcome(Fate.LATER, word(reason, reply), patience_ms(reply))
        case 4:
            return Outcome(Fate.REJECTED, word(reason, reply))
    return Outcome(Fate.LATER, word(reason, reply), patience_ms(reply), busy=True)


def texts(options: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Take those options that are texts, by the service's names for them."""
    return {name: options[ours] for ours, name in names.items() if isinstance(options.get(ours), str)}
