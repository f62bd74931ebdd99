"""Attendance in the same file: read at once, on the event loop, and written in batches by the writer."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import statements
from laba.adapters.store.commits import Addition
from laba.adapters.store.reads import at_once
from laba.adapters.store.worker import Worker
from laba.model.attendance import Seat, Stay


class SqliteStays:
    """`ports.Stays` over the store's writer, and a connection of the event loop's own for the reads of a login."""

    def __init__(self, writer: Worker, near: Connection) -> None:
        self._writer = writer
        self._near = near
        self._of_seat = statements.Hot(statements.STAYS_OF_SEAT)
        self._write = statements.Hot(statements.WRITE_STAYS)

    async def of_seat(self, seat: Seat, limit: int) -> tuple[Stay, ...]:
        rows = at_once(self._near, self._of_seat, seat._asdict() | {"most": limit})
        return tuple(Stay(seat, *row) for row in rows)

    async def write(self, stays: Sequence[Stay]) -> None:
        if stays:
            await self._writer.do(Addition(self._write, ",".join(map(_row, stays))))

    async def checkpoint(self, alive_at_ms: int) -> None:
        def write(connection: Connection) -> None:
            connection.execute(statements.WRITE_CHECKPOINT, {"alive_at_ms": alive_at_ms})

        await self._writer.do(write)

    async def end_open(self, ready_at_ms: int, confirmed_after_ms: int) -> None:
        def write(connection: Connection) -> None:
            alive_at_ms = connection.execute(statements.LAST_CHECKPOINT).scalar_one_or_none() or 0
            for app_uuid in connection.execute(statements.APPS_WITH_OPEN_STAYS).scalars().all():
                horizon = {"app_uuid": app_uuid, "since_ms": alive_at_ms - confirmed_after_ms}
                confirmed = connection.execute(statements.OFFSET_AT, horizon).scalar_one_or_none() or 0
                written = connection.execute(
                    statements.OFFSET_AT, {"app_uuid": app_uuid, "since_ms": alive_at_ms}
                ).scalar_one_or_none()
                change = {"written": written or 0, "confirmed": confirmed, "ready_at_ms": ready_at_ms}
                connection.execute(statements.END_OPEN, horizon | change)

        await self._writer.do(write)


def _row(stay: Stay) -> str:
    return msgspec.json.encode(
        (
            *stay.seat,
            stay.from_offset,
            stay.to_offset,
            stay.confirmed_offset,
            stay.since_ms,
            stay.ended_at_ms,
        )
    ).decode()
