import asyncio

import pytest

from laba.core import passwords
from laba.model.refusal import Code
from laba.service.hashing import Hashing

pytestmark = pytest.mark.anyio

SALT = b"s" * 16


async def test_what_was_hashed_matches_and_nothing_else():
    """By the one form of hash there is."""  # S2
    hashing = Hashing()
    stored = await hashing.hashed("secret", SALT)
    assert stored == passwords.hashed("secret", SALT)
    assert await hashing.matches("secret", stored)
    assert not await hashing.matches("Secret", stored)


async def test_the_loop_goes_on_meanwhile():
    """The work is done by a thread: a short sleep beside it ends before it, not after it."""
    hashing, order = Hashing(), []

    async def note(name, work):
        await work
        order.append(name)

    await asyncio.gather(note("hash", hashing.hashed("secret", SALT)), note("sleep", asyncio.sleep(0)))
    assert order == ["sleep", "hash"]


async def test_no_more_are_at_work_than_there_are_turns():
    """Checks and new hashes share them, and take them in order."""
    hashing, done = Hashing(at_once=1), []

    async def work(number):
        await (hashing.hashed("secret", SALT) if number % 2 else hashing.matches("x", passwords.NOBODY))
        done.append(number)

    async with hashing._turns:
        tasks = [asyncio.create_task(work(number)) for number in range(4)]
        await asyncio.to_thread(passwords.hashed, "as long as one of them would take", SALT)
        assert not done
    await asyncio.gather(*tasks)
    assert done == [0, 1, 2, 3]


async def test_one_call_too_many_has_no_place():
    """It is told to come back, and takes nobody's place; a place that is left is given again."""
    hashing = Hashing(waiting_limit=2)
    async with hashing.place() as first, hashing.place() as second:
        assert (first, second) == (None, None)
        for _ in range(2):
            async with hashing.place() as third:
                assert (third.code, third.retry_after_seconds) == (Code.OVERLOADED, 5)
    with pytest.raises(ZeroDivisionError):
        async with hashing.place():
            raise ZeroDivisionError
    async with hashing.place() as first, hashing.place() as second:
        assert (first, second) == (None, None)
