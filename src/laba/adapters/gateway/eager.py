"""Work that seldom waits: begun at once, and only what has to wait becomes a task.

What `asyncio.eager_task_factory` does from Python 3.12 on. A task costs a login more than the look-up it would wait
for: its object, its context, a turn of the loop, and a socket that is told to stop and to go on reading.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


def begun(work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Do what can be done without waiting; None where that was all, else a task for the rest.

    Raises what the work raises before it first waits. Up to there it runs in no task of its own: it must not ask for
    the current one, as `asyncio.timeout` does.
    """
    try:
        awaited = work.send(None)
    except StopIteration:
        return None
    task = asyncio.get_running_loop().create_task(_done(_Rest(work, awaited)))
    # A task that is cancelled before its first turn never comes to the work.
    task.add_done_callback(lambda _: work.close())
    return task


async def _done(rest: "_Rest") -> None:
    await rest


class _Rest:
    """A coroutine that has begun, and what it waits for."""

    __slots__ = ("_awaited", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], awaited: Any) -> None:
        self._work = work
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, None]:
        awaited = self._awaited
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001 - whatever happens to the task happens to the work
                happened: BaseException | None = error
            else:
                happened = None
            try:
                awaited = self._work.send(sent) if happened is None else self._work.throw(happened)
            except StopIteration:
                return
