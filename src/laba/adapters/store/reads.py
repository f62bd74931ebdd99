"""Reading beside the writer: a connection that cannot write, and one snapshot for everything that waits."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from laba.adapters.store.faults import translated
from laba.adapters.store.worker import Failed, Job


class GroupRead:
    """Runs groups of reads. A read sees every commit that was answered before it was asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, jobs: Sequence[Job[Any]]) -> list[Any]:
        try:
            with self._connection.begin():
                return [self._outcome(job) for job in jobs]
        except Exception as error:  # noqa: BLE001 - whatever a read raises is its caller's to know
            return [Failed(translated(error))] * len(jobs)

    def _outcome(self, job: Job[Any]) -> Any:
        try:
            return job(self._connection)
        except Exception as error:  # noqa: BLE001 - whatever a read raises is its caller's to know
            return Failed(translated(error))
