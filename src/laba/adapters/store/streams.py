"""Offsets, given in the same file and by the same thread as the ledger, so that a place is given once."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from laba.adapters.store import rows, statements
from laba.adapters.store.faults import NotWaitingError
from laba.adapters.store.placing import Placing
from laba.adapters.store.worker import Worker
from laba.model.dispatch import Dispatch
from laba.model.stream import Batch, Entry, Position, Stream

# The most messages in one batch of `read`: a batch becomes one frame, which must not hold a whole window.
READ_BATCH_LENGTH = 100


class StreamRow(NamedTuple):
    """The columns of `tables.streams`, in their order."""

    number: int
    app_uuid: str
    channel: str
    epoch: str
    last_offset: int


class SqliteStreams:
    """`ports.Streams` over the store's two threads. A stream's epoch is 8 hex digits, made at its first use."""

    def __init__(self, writer: Worker, reader: Worker, entropy: Callable[[int], bytes]) -> None:
        self._writer = writer
        self._reader = reader
        self._entropy = entropy
        self._stream = statements.Hot(statements.STREAM)
        self._placing = Placing()
        self._advance = statements.Hot(statements.ADVANCE)

    async def append(self, stream: Stream, dispatches: Sequence[Dispatch]) -> Batch:
        """Give the dispatches their places; NotWaitingError, a bug, if one is unknown or its work is done."""
        if not dispatches:
            raise ValueError("an append places at least one dispatch")

        def write(connection: Connection) -> Batch:
            row = self._stream_row(connection, stream)
            offsets = range(row.last_offset + 1, row.last_offset + 1 + len(dispatches))
            for offset, dispatch in zip(offsets, dispatches, strict=True):
                if not self._placing.place(connection, dispatch, row.number, offset):
                    raise NotWaitingError
            self._advance.run(connection, {"stream": row.number, "new_offset": offsets[-1]})
            return Batch(stream, row.epoch, tuple(map(_entry, offsets, dispatches)))

        return await self._writer.do(write)

    async def position(self, stream: Stream) -> Position:
        """Tell where the stream is; one never used before gets its epoch now, durably."""
        row = await self._reader.do(lambda connection: self._found(connection, stream))
        if row is None:
            row = await self._writer.do(lambda connection: self._stream_row(connection, stream))
        return Position(row.epoch, row.last_offset)

    async def read(self, stream: Stream, since_ms: int) -> tuple[Batch, ...]:
        """Give what was accepted since then and has a place, in batches of at most READ_BATCH_LENGTH."""

        def read(connection: Connection) -> tuple[Batch, ...]:
            key = {**stream._asdict(), "since_ms": since_ms}
            return tuple(
                Batch(stream, part[0].epoch, tuple(_entry(row.offset, rows.dispatch_of(row)) for row in part))
                for part in connection.execute(statements.PLACED, key).partitions(READ_BATCH_LENGTH)
            )

        return await self._reader.do(read)

    async def read_to_all(self, stream: Stream, since_ms: int, limit: int) -> Batch | None:
        def read(connection: Connection) -> Batch | None:
            key = {**stream._asdict(), "since_ms": since_ms, "most": limit}
            found = list(connection.execute(statements.PLACED_TO_ALL, key))
            found.sort(key=lambda row: row.offset)
            entries = tuple(_entry(row.offset, rows.dispatch_of(row)) for row in found)
            return Batch(stream, found[0].epoch, entries) if found else None

        return await self._reader.do(read)

    def _stream_row(self, connection: Connection, stream: Stream) -> StreamRow:
        row = self._found(connection, stream)
        if row is not None:
            return row
        new = {**stream._asdict(), "epoch": self._entropy(4).hex(), "last_offset": 0}
        return StreamRow(*connection.execute(statements.ADD_STREAM, new).one())

    def _found(self, connection: Connection, stream: Stream) -> StreamRow | None:
        row = self._stream.run(connection, stream._asdict()).fetchone()
        return None if row is None else StreamRow(*row)


def _entry(offset: int, dispatch: Dispatch) -> Entry:
    return Entry(offset, rows.message_of(dispatch))
