"""The slow arithmetic of passwords, off the event loop and bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from laba.core import passwords
from laba.model.refusal import Code, Refusal

# A hash costs a core tens of milliseconds: more at once than cores would only make every one of them late.
_AT_ONCE = 2
_CALLS_WAITING = 200

OVERLOADED = Refusal(Code.OVERLOADED, "too many passwords are being worked on", retry_after_seconds=5)


class Hashing:
    """All the password work of this process: checking, and hashing new ones.

    Bounds: two at once, and `waiting_limit` calls that wait or are at work; the next one is refused as OVERLOADED.
    Turns are given one password at a time, in order, so that a batch of new users does not shut out who logs in.
    """

    def __init__(self, at_once: int = _AT_ONCE, waiting_limit: int = _CALLS_WAITING) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._waiting_limit = waiting_limit
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Refusal | None]:
        """Hold a place for one call while it checks or hashes; gives the refusal where there is none."""
        if self._waiting >= self._waiting_limit:
            yield OVERLOADED
            return
        self._waiting += 1
        try:
            yield None
        finally:
            self._waiting -= 1

    async def hashed(self, password: str, salt: bytes) -> str:
        """Hash a new password. The caller holds a place."""
        async with self._turns:
            return await asyncio.to_thread(passwords.hashed, password, salt)

    async def matches(self, password: str, stored: str) -> bool:
        """Check a password in constant time. The caller holds a place."""
        async with self._turns:
            return await asyncio.to_thread(passwords.matches, password, stored)
