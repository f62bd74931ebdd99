"""Passwords as scrypt hashes (RFC 7914); the salt arrives as an argument."""

import hashlib
import hmac
from binascii import hexlify, unhexlify

# 16 MiB and about 50 ms of one core per check: slow enough for a thief, bearable for a login by password.
_N, _R, _P = 1 << 14, 8, 1

# Matches no password; checked in place of a user who has none, at the same cost.
NOBODY = f"scrypt${'00' * 16}${'00' * 64}"


def hashed(password: str, salt: bytes) -> str:
    """Give `scrypt$salt$hash` in hex. Costs tens of milliseconds of CPU: not for the event loop."""
    return f"scrypt${hexlify(salt).decode()}${hexlify(_derive(password, salt)).decode()}"


def matches(password: str, stored: str) -> bool:
    """Compare in constant time. Costs as much as `hashed`."""
    _, salt, digest = stored.split("$")
    return hmac.compare_digest(_derive(password, unhexlify(salt)), unhexlify(digest))


def equal(given: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(given.encode(), right.encode())


def _derive(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=64 * 1024 * 1024)
