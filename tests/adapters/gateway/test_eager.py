"""Work that is begun at once, on both loops."""

import asyncio

import pytest

from laba.adapters.gateway.eager import begun

pytestmark = pytest.mark.anyio


async def test_work_that_waits_for_nothing_is_done_when_the_call_returns():
    """And no task is made of it."""
    done = []

    async def work():
        done.append(1)

    tasks = asyncio.all_tasks()
    assert begun(work()) is None
    assert done == [1]
    assert asyncio.all_tasks() == tasks


async def test_work_goes_on_after_everything_it_waits_for():
    """Futures that have or have not come by then, results, errors, and bare turns of the loop."""
    heard = []
    first, second, third = (asyncio.get_running_loop().create_future() for _ in range(3))

    async def work():
        heard.append(await first)
        await asyncio.sleep(0)
        try:
            await second
        except LookupError:
            heard.append("lost")
        heard.append(await third)

    task = begun(work())
    # Before the task has had its first turn.
    first.set_result("one")
    await asyncio.sleep(0)
    second.set_exception(LookupError())
    third.set_result("three")
    await task
    assert heard == ["one", "lost", "three"]


async def test_an_error_reaches_whoever_is_there_to_hear_it():
    """The caller while it is still there, and the task afterwards."""

    async def work(future):
        if future is not None:
            await future
        raise LookupError

    with pytest.raises(LookupError):
        begun(work(None))
    future = asyncio.get_running_loop().create_future()
    task = begun(work(future))
    future.set_result(None)
    with pytest.raises(LookupError):
        await task


@pytest.mark.parametrize("turns", [0, 1, 2])
async def test_work_that_is_cancelled_is_told_so(turns):
    """Whether or not its task has had a turn: what it holds is given back."""
    ended = []

    async def work():
        try:
            await asyncio.get_running_loop().create_future()
        except BaseException as error:
            ended.append(type(error))
            raise

    task = begun(work())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    # What never got its first turn is closed instead, as a coroutine is that nobody goes on with.
    assert ended == [asyncio.CancelledError if turns else GeneratorExit]
