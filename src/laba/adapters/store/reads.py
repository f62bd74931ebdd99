"""Reading beside the writer: a connection that cannot write, and one snapshot for everything that waits."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from laba.adapters.store.faults import translated
from laba.adapters.store.statements import Hot
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


def at_once(near: Connection, statement: Hot, parameters: Mapping[str, object]) -> list[Any]:
    """Give the rows of a short query on the event loop; why not in a thread, `SqliteStore.user` says."""
    try:
        found: list[Any] = statement.run(near, parameters).fetchall()
    except UnicodeEncodeError:
        # A name that is no UTF-8 (a lone surrogate in a client's JSON) was never kept.
        return []
    except sqlite3.Error as error:
        raise translated(error) from error
    return found
