"""laba's own form of callbacks: Standard Webhooks (standardwebhooks.com), with the canonical message as it is."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from laba.dialects.strictjson import compact
from laba.model.app import App
from laba.model.dispatch import Message
from laba.model.hook import Hook
from laba.model.http import HttpCall
from laba.model.letter import Letter

# Before the base64 of a secret, as the specification has it.
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - not a secret itself


class Told:
    """Implements `ports.letters.Scribe`. `envelope` writes the canonical message (design.md section 4)."""

    __slots__ = ("_envelope",)

    def __init__(self, envelope: Callable[[Message], bytes]) -> None:
        self._envelope = envelope

    def __call__(self, letter: Letter, hook: Hook, app: App, now_ms: int) -> HttpCall:
        verdict = letter.verdict
        about = {
            "type": "message",
            "id": letter.id,
            "app": str(app.name),
            "source": letter.source,
            "verdict": None
            if verdict is None
            else {"decision": verdict.decision, "judge": verdict.judge, "label": verdict.label},
        }
        body = compact(about)[:-1] + b',"message":' + self._envelope(letter.message) + b"}"
        stamp = str(now_ms // 1000)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": letter.id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{_signature(hook.secret, letter.id, stamp, body)}",
        }
        return HttpCall(hook.url, body, headers)


def _signature(secret: str, letter_id: str, stamp: str, body: bytes) -> str:
    """Sign id, time and body, joined by dots: HMAC-SHA256, in base64."""
    signed = f"{letter_id}.{stamp}.".encode() + body
    return base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    """Give the bytes of a secret; one that is no base64 is taken as text."""
    text = secret.removeprefix(SECRET_PREFIX)
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return secret.encode(errors="surrogatepass")
