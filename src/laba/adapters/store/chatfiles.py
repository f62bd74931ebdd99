"""What is known of files, in the store's own file; their bytes are elsewhere (adapters/files/)."""

import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import statements
from laba.adapters.store.faults import translated
from laba.adapters.store.worker import Worker
from laba.model.chatfile import StoredFile, Thumbnail


class SqliteFileRecords:
    """`ports.FileRecords` over the store's two threads, and a connection of the event loop's own for one file."""

    def __init__(self, writer: Worker, reader: Worker, near: Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._near = near
        self._find = statements.Hot(statements.FILE)
        self._known = statements.Hot(statements.FILES_KNOWN)

    async def add(self, file: StoredFile) -> None:
        row = _row(file)

        def write(connection: Connection) -> None:
            connection.execute(statements.ADD_FILE, row)

        await self._writer.do(write)

    async def find(self, uuid: str) -> StoredFile | None:
        """Find one file, at once and on the event loop; why not in a thread, `SqliteStore.user` says."""
        try:
            row = self._find.run(self._near, {"uuid": uuid}).fetchone()
        except UnicodeEncodeError:
            return None
        except sqlite3.Error as error:
            raise translated(error) from error
        return None if row is None else _file(row)

    async def bytes_held(self) -> int:
        def read(connection: Connection) -> int:
            held: int = connection.execute(statements.FILES_HELD).scalar_one()
            return held

        return await self._reader.do(read)

    async def expired(self, now_ms: int, limit: int) -> tuple[StoredFile, ...]:
        def read(connection: Connection) -> tuple[StoredFile, ...]:
            found = connection.execute(statements.FILES_EXPIRED, {"now_ms": now_ms, "most": limit})
            return tuple(_file(row) for row in found)

        return await self._reader.do(read)

    async def mark_gone(self, uuids: Collection[str]) -> None:
        if not uuids:
            return

        def write(connection: Connection) -> None:
            connection.execute(statements.FILE_GONE, [{"the_uuid": uuid} for uuid in uuids])

        await self._writer.do(write)

    async def forget(self, before_ms: int) -> None:
        def write(connection: Connection) -> None:
            connection.execute(statements.FORGET_FILES, {"before_ms": before_ms})

        await self._writer.do(write)

    async def known(self, names: Collection[str]) -> frozenset[str]:
        wanted = {"names": msgspec.json.encode(list(names)).decode()}

        def read(connection: Connection) -> frozenset[str]:
            return frozenset(name for (name,) in self._known.run(connection, wanted))

        return await self._reader.do(read)


def _row(file: StoredFile) -> dict[str, Any]:
    return {
        "uuid": file.uuid,
        "app_uuid": file.app_uuid,
        "filename": file.filename,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "secret": file.secret,
        "restricted": file.restricted,
        "created_at_ms": file.created_at_ms,
        "expires_at_ms": file.expires_at_ms,
        "thumbnail": file.thumbnail.uuid if file.thumbnail else None,
        "thumbnail_bytes": file.thumbnail.size_bytes if file.thumbnail else None,
        "gone": False,
    }


def _file(row: Any) -> StoredFile:
    """Read a row of the table in the order of its columns, which is that of the file's members."""
    *said, restricted, created_at_ms, expires_at_ms, thumbnail, thumbnail_bytes, _ = row
    drawn = None if thumbnail is None else Thumbnail(thumbnail, thumbnail_bytes)
    members = (*said, bool(restricted), created_at_ms, expires_at_ms, drawn)
    return StoredFile(*members)
