"""Signed calls: whether a caller holds an app's secret, and whether what it signed is fresh (S10)."""

import hashlib
import hmac

from laba.model.app import App, Feature
from laba.model.identity import SignedHead
from laba.model.refusal import Code, Refusal

# How far a caller's clock may be off, where that is looked at (vendor-apis.md 1.5).
SKEW_MS = 5 * 60 * 1000
# What is stamped as far ahead as it may be is fresh for this long.
MEMORY_MS = 2 * SKEW_MS
NONCES_MAX = 100_000


class Nonces:
    """Remembers what was signed lately, at most `limit` of it: what came first is forgotten first.

    It is known by its digest: a nonce whose last digit was moved into the time behind it is still the same.
    """

    __slots__ = ("_limit", "_seen")

    def __init__(self, limit: int = NONCES_MAX) -> None:
        self._limit = limit
        # (app uuid, digest) -> when it came; oldest first.
        self._seen: dict[tuple[str, bytes], int] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def take(self, app_uuid: str, digest: bytes, now_ms: int) -> bool:
        """Note that this came; False where it came before, within the ten minutes in which that can matter."""
        self._forget(now_ms - MEMORY_MS)
        if (app_uuid, digest) in self._seen:
            return False
        if len(self._seen) >= self._limit:
            del self._seen[next(iter(self._seen))]
        self._seen[app_uuid, digest] = now_ms
        return True

    def _forget(self, before_ms: int) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] >= before_ms:
                return
            del self._seen[oldest]


def objection(signed: SignedHead | None, app: App, now_ms: int, nonces: Nonces) -> Refusal | None:
    """Say why a call was not signed with the app's secret, or None.

    The digest is the SHA-1 of secret, nonce and time, in hex (vendor-apis.md 1.4, 1.5). How old it is, and whether it
    came before, is looked at where the app has that switched on (S10); its age always where its dialect wants it so.
    Only what was signed rightly is remembered.
    """
    if signed is None:
        return Refusal(Code.SIGNATURE_MISSING, "the call must be signed: a nonce, a time and a signature are needed")
    right = _digest(app.keys.app_secret, signed)
    if not hmac.compare_digest(_raw(signed.digest.lower()), right.hex().encode()):
        return Refusal(Code.SIGNATURE_WRONG, f"the signature was not made with the secret of {app.name}")
    once = app.policy.has(Feature.SIGNATURE_ONCE)
    timed = once or signed.must_be_fresh or app.policy.has(Feature.SIGNATURE_TIME)
    if timed and not _is_fresh(signed.stamped_at_ms, now_ms):
        return Refusal(Code.SIGNATURE_STALE, f"the time of the call is more than {SKEW_MS // 60_000} minutes off")
    if once and not nonces.take(app.uuid, right, now_ms):
        return Refusal(Code.SIGNATURE_REUSED, "the call came before: nonce and time must not both be used again")
    return None


def _is_fresh(stamped_at_ms: int | None, now_ms: int) -> bool:
    return stamped_at_ms is not None and abs(now_ms - stamped_at_ms) <= SKEW_MS


def _digest(secret: str, signed: SignedHead) -> bytes:
    """Hash as the callers do; SHA-1 is theirs to choose."""
    said = secret.encode(errors="surrogatepass") + _raw(signed.nonce) + _raw(signed.stamp)
    return hashlib.sha1(said, usedforsecurity=False).digest()


def _raw(text: str) -> bytes:
    """Give the bytes that came: a header's characters stand for one byte each (RFC 9110 section 5.5)."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")
