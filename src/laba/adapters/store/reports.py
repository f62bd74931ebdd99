"""Reports of kept dispatches, in the ledger's own rows."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import rows, statements
from laba.adapters.store.tables import Property, State
from laba.adapters.store.worker import Worker
from laba.model.report import KeptReport, Report, Stage

_STAGES = {
    State.WAITING: Stage.WAITING,
    State.PLACED: Stage.SENT,
    State.EXPIRED: Stage.EXPIRED,
    State.REJECTED: Stage.REJECTED,
}


class SqliteReports:
    """`ports.Reports` over the store's two threads."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def keep(self, reports: Sequence[Report]) -> None:
        if not reports:
            return

        def write(connection: Connection) -> None:
            changes = [{"dispatch": report.dispatch_id, "text": _text(report)} for report in reports]
            connection.execute(statements.KEEP_REPORT, changes)

        await self._writer.do(write)

    async def find(self, dispatch_id: int) -> KeptReport | None:
        def read(connection: Connection) -> KeptReport | None:
            row = connection.execute(statements.REPORT, {"dispatch": dispatch_id}).one_or_none()
            return None if row is None else _kept(row)

        return await self._reader.do(read)


def _text(report: Report) -> str:
    """Write what is not in the row already, as a JSON array in the order of the report's members."""
    return msgspec.json.encode(
        (
            report.audience,
            report.reached,
            report.confirmed,
            dict(report.lost),
            report.half_after_ms,
            report.most_after_ms,
            report.all_after_ms,
        )
    ).decode()


def _kept(row: Any) -> KeptReport:
    report = None if row.report is None else Report(row.id, *msgspec.json.decode(row.report))
    recalled = bool(row.properties & Property.RECALLED)
    return KeptReport(rows.dispatch_of(row), _STAGES[State(row.state)], report, recalled=recalled)
