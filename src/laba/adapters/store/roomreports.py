"""What became of rooms' messages: one row for each room and minute."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import statements
from laba.adapters.store.worker import Worker
from laba.model.roomreport import RoomMinute


class SqliteRoomReports:
    """`ports.RoomReports` over the store's two threads."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def keep(self, minutes: Sequence[RoomMinute]) -> None:
        if not minutes:
            return
        rows = msgspec.json.encode(
            [(each.app_uuid, each.room_id, each.minute, dict(each.counts)) for each in minutes]
        ).decode()

        def write(connection: Connection) -> None:
            connection.execute(statements.KEEP_ROOM_MINUTES, {"rows": rows})

        await self._writer.do(write)

    async def of_room(self, app_uuid: str, room_id: str, minutes: range) -> tuple[RoomMinute, ...]:
        stretch = {"app_uuid": app_uuid, "room_id": room_id, "since": minutes.start, "until": minutes.stop}

        def read(connection: Connection) -> tuple[RoomMinute, ...]:
            found = connection.execute(statements.ROOM_MINUTES, stretch)
            return tuple(RoomMinute(app_uuid, room_id, row.minute, msgspec.json.decode(row.counts)) for row in found)

        return await self._reader.do(read)

    async def forget(self, before_minute: int, limit: int) -> int:
        def write(connection: Connection) -> int:
            page = {"before": before_minute, "most": limit}
            return connection.execute(statements.FORGET_ROOM_MINUTES, page).rowcount

        return await self._writer.do(write)
