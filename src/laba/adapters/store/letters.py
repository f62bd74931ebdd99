"""What hooks are to be told, in the same file: a row for each message and hook, until it arrives or is given up."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import letterstatements as statements
from laba.adapters.store import rows
from laba.adapters.store.commits import Addition
from laba.adapters.store.statements import Hot
from laba.adapters.store.worker import Worker
from laba.model.dispatch import Conversation, ConversationType, Message
from laba.model.hook import Source
from laba.model.letter import DeadLetter, Letter, Mailbox
from laba.model.moderation import Verdict


class LetterDocument(msgspec.Struct, array_like=True):
    """The JSON of a letter: its message, and where it came from."""

    message_id: int
    conversation: tuple[ConversationType, str]
    dispatch: tuple[int, str, int, str, str]
    source: Source
    verdict: Verdict | None
    resent: bool


class SqliteLetters:
    """`ports.letters.Letters` over the store's two threads."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader
        self._add = Hot(statements.ADD_LETTERS)

    def addition(self, letters: Sequence[Letter]) -> Addition:
        """Give the job that queues letters."""
        return Addition(self._add, ",".join(map(_row, letters)))

    async def add(self, letters: Sequence[Letter]) -> None:
        if letters:
            await self._writer.do(self.addition(letters))

    async def queues(self) -> tuple[tuple[str, str, int], ...]:
        def read(connection: Connection) -> tuple[tuple[str, str, int], ...]:
            return tuple((app_uuid, hook, count) for app_uuid, hook, count in connection.execute(statements.QUEUES))

        return await self._reader.do(read)

    async def first(self, app_uuid: str, hook: str, limit: int) -> tuple[Letter, ...]:
        asked = {"app_uuid": app_uuid, "hook": hook, "most": limit}

        def read(connection: Connection) -> tuple[Letter, ...]:
            return tuple(map(_letter_of, connection.execute(statements.FIRST_LETTERS, asked)))

        return await self._reader.do(read)

    async def delivered(self, numbers: Collection[int]) -> None:
        def write(connection: Connection) -> None:
            connection.execute(statements.DELIVERED, {"numbers": _json(list(numbers))})

        await self._writer.do(write)

    async def postpone(self, number: int, due_at_ms: int, fault: str) -> None:
        def write(connection: Connection) -> None:
            connection.execute(statements.POSTPONE, {"number": number, "due_at_ms": due_at_ms, "fault": fault})

        await self._writer.do(write)

    async def bury(self, numbers: Collection[int], fault: str, now_ms: int) -> None:
        given = {"numbers": _json(list(numbers)), "new_fault": fault, "now_ms": now_ms}

        def write(connection: Connection) -> None:
            connection.execute(statements.BURY, given)

        await self._writer.do(write)

    async def dead(self, app_uuid: str, hook: str, after: int, limit: int) -> tuple[DeadLetter, ...]:
        asked = {"app_uuid": app_uuid, "hook": hook, "after": after, "most": limit}

        def read(connection: Connection) -> tuple[DeadLetter, ...]:
            found = connection.execute(statements.DEAD_LETTERS, asked)
            return tuple(DeadLetter(_letter_of(row[:-1]), row[-1]) for row in found)

        return await self._reader.do(read)

    async def revive(self, app_uuid: str, hook: str, numbers: Collection[int] | None) -> int:
        """Queue them under new numbers: their places in the order are gone."""
        given: dict[str, object] = {"app_uuid": app_uuid, "hook": hook}
        revive, forget = statements.REVIVE_ALL, statements.FORGET_REVIVED_ALL
        if numbers is not None:
            given["numbers"] = _json(list(numbers))
            revive, forget = statements.REVIVE, statements.FORGET_REVIVED

        def write(connection: Connection) -> int:
            given["upto"] = connection.execute(statements.LAST_LETTER).scalar_one()
            revived: int = connection.execute(revive, given).rowcount
            connection.execute(forget, given)
            return revived

        return await self._writer.do(write)

    async def mailboxes(self, app_uuid: str) -> dict[str, Mailbox]:
        def read(connection: Connection) -> dict[str, Mailbox]:
            found = connection.execute(statements.MAILBOXES, {"app_uuid": app_uuid})
            return {hook: Mailbox(waiting, dead) for hook, waiting, dead in found}

        return await self._reader.do(read)

    async def forget(self, app_uuid: str, hook: str) -> None:
        def write(connection: Connection) -> None:
            for statement in (statements.FORGET_WAITING, statements.FORGET_DEAD):
                connection.execute(statement, {"app_uuid": app_uuid, "hook": hook})

        await self._writer.do(write)

    async def expire(self, before_ms: int, limit: int) -> int:
        def write(connection: Connection) -> int:
            forgotten: int = connection.execute(
                statements.EXPIRE_LETTERS, {"before_ms": before_ms, "most": limit}
            ).rowcount
            return forgotten

        return await self._writer.do(write)


def _row(letter: Letter) -> str:
    """Give a row as ADD_LETTERS takes it."""
    message, dispatch = letter.message, letter.message.dispatch
    document = LetterDocument(
        message.id,
        (message.conversation.type, message.conversation.id),
        (dispatch.id, dispatch.app_uuid, dispatch.accepted_at_ms, dispatch.quota, rows.document_text(dispatch)),
        letter.source,
        letter.verdict,
        letter.resent,
    )
    return _json((letter.app_uuid, letter.hook, letter.id, _json(document)))


def _letter_of(row: Sequence[Any]) -> Letter:
    """Give the letter of a row of LETTER_COLUMNS."""
    number, app_uuid, hook, letter_id, text, attempts, due_at_ms, fault = row
    document = msgspec.json.decode(text, type=LetterDocument)
    dispatch = rows.dispatch_of(document.dispatch)
    message = Message(document.message_id, Conversation(*document.conversation), dispatch)
    about = (document.source, document.verdict, document.resent)
    return Letter(letter_id, app_uuid, hook, message, *about, number, attempts, due_at_ms, fault)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
