"""The words that apps do not want, in the same file: one row for each app that has any."""

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import letterstatements as statements
from laba.adapters.store.worker import Worker

_WORDS = msgspec.json.Decoder(tuple[str, ...])


class SqliteWordbook:
    """`ports.moderation.Wordbook` over the store's two threads."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> dict[str, tuple[str, ...]]:
        def read(connection: Connection) -> dict[str, tuple[str, ...]]:
            return {app_uuid: _WORDS.decode(words) for app_uuid, words in connection.execute(statements.ALL_WORDS)}

        return await self._reader.do(read)

    async def of_app(self, app_uuid: str) -> tuple[str, ...]:
        def read(connection: Connection) -> tuple[str, ...]:
            found = connection.execute(statements.WORDS_OF_APP, {"app_uuid": app_uuid}).scalar_one_or_none()
            return () if found is None else _WORDS.decode(found)

        return await self._reader.do(read)

    async def replace(self, app_uuid: str, words: tuple[str, ...]) -> None:
        def write(connection: Connection) -> None:
            if words:
                given = {"app_uuid": app_uuid, "words": msgspec.json.encode(words).decode()}
                connection.execute(statements.PUT_WORDS, given)
            else:
                connection.execute(statements.FORGET_WORDS, {"app_uuid": app_uuid})

        await self._writer.do(write)
