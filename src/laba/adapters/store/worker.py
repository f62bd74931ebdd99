"""One thread beside the event loop that takes all jobs waiting for it at once, and answers them all at once.

The loop is woken once per group, not once per job: under load a wake-up would cost more than the job.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from laba.ports import StoreBusyError

T = TypeVar("T")
Job = Callable[[Connection], T]


@dataclass(frozen=True, slots=True)
class Failed:
    """A job's outcome where it raised instead of giving a value."""

    error: BaseException


# Does a group of jobs, in order, and gives one outcome for each: its value, or Failed. Never raises.
Serve = Callable[[Sequence[Job[Any]]], list[Any]]


class Worker:
    """Made and used on one event loop. Jobs are done in the order of `do`.

    Bound: `waiting_limit` jobs without an answer yet; beyond it `do` raises StoreBusyError and does nothing.
    """

    def __init__(self, name: str, serve: Serve, waiting_limit: int) -> None:
        self._serve = serve
        self._waiting_limit = waiting_limit
        self._loop = asyncio.get_running_loop()
        self._wake = threading.Condition()
        self._waiting: list[tuple[Job[Any], asyncio.Future[Any]]] = []
        self._unanswered = 0
        self._closing = False
        # A daemon: a process that dies without closing must not hang on a thread whose work nobody will hear of.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def unanswered(self) -> int:
        """How many jobs wait or are being done."""
        return self._unanswered

    async def do(self, job: Job[T]) -> T:
        """Have the job done and give its value. A caller that gives up leaves the job in the queue."""
        if self._unanswered >= self._waiting_limit:
            raise StoreBusyError
        future: asyncio.Future[T] = self._loop.create_future()
        with self._wake:
            if self._closing:
                raise RuntimeError("the store is closed")
            self._waiting.append((job, future))
            self._wake.notify()
        self._unanswered += 1
        return await future

    async def close(self) -> None:
        """Do what waits, then end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while group := self._take():
            outcomes = self._serve([job for job, _ in group])
            self._loop.call_soon_threadsafe(self._answer, [future for _, future in group], outcomes)

    def _take(self) -> list[tuple[Job[Any], "asyncio.Future[Any]"]]:
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closing)
            group, self._waiting = self._waiting, []
            return group

    def _answer(self, futures: list["asyncio.Future[Any]"], outcomes: list[Any]) -> None:
        self._unanswered -= len(futures)
        for future, outcome in zip(futures, outcomes, strict=True):
            if future.cancelled():
                continue
            if isinstance(outcome, Failed):
                future.set_exception(outcome.error)
            else:
                future.set_result(outcome)
