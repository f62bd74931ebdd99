"""Tokens that were found genuine a moment ago: to verify one again costs more than the rest of a small call."""

import hashlib

from laba.model.app import Apps
from laba.model.identity import Identity


class Familiar:
    """Remembers whom genuine tokens name, at most `limit` of them: the one that was kept first is forgotten first.

    What is remembered ends with the token itself, and with the snapshot of apps under which it was verified: a
    changed app has all its tokens verified anew. Tokens are held, and compared, as SHA-256: the time a look-up takes
    tells nothing of them. Whether a user's token was revoked is not known here; who remembers one has to ask.
    """

    __slots__ = ("_apps", "_identities", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._identities: dict[bytes, Identity] = {}
        self._apps = Apps()

    def get(self, token: str, apps: Apps, now_ms: int) -> Identity | None:
        """Give whom a token names that was kept and still holds; None for any other."""
        if apps is not self._apps:
            return None
        identity = self._identities.get(_digest(token))
        if identity is None or 0 < identity.expires_at_ms <= now_ms:
            return None
        return identity

    def keep(self, token: str, apps: Apps, identity: Identity) -> None:
        """Remember a token that was just verified against this snapshot."""
        if apps is not self._apps:
            self._apps = apps
            self._identities.clear()
        elif len(self._identities) >= self._limit:
            del self._identities[next(iter(self._identities))]
        self._identities[_digest(token)] = identity


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
