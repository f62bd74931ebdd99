"""One user's conversations, derived from its stays and the ledger: nothing is kept per message and recipient (A2).

A list looks back over the newest DEPTH messages of the app's stream and over a user's newest STAYS stays. Wherever
the user was when they were sent, it also holds the newest TO_ALL messages to all users (V1), and the newest IN_INBOX
in the user's inbox (P5); and what was for whoever comes within the window, if one of the stays began in time (R5).
What lies before all that is in no list any more.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import rows, statements
from laba.adapters.store.tables import Property
from laba.adapters.store.worker import Worker
from laba.model.conversation import Listed, Page, Reading, Shelf
from laba.model.dispatch import Conversation, ConversationType

DEPTH = 10_000
STAYS = 1_000
TO_ALL = 1_000
IN_INBOX = 1_000
_APP_CHANNEL = "app"


_LISTED = frozenset({ConversationType.APP, ConversationType.SYSTEM})


class _Span(NamedTuple):
    """Offsets, or times, behind `low` and up to `high`."""

    low: int
    high: int


class _Summary(NamedTuple):
    """The columns of `statements.SUMMARIES`: `newest` and `last` are offsets."""

    kind: str
    sender: str
    newest: int
    last: int | None
    unread: int | None


class SqliteConversations:
    """`ports.Conversations` over the store's two threads."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer = writer
        self._reader = reader
        self._spans = statements.Hot(statements.SPANS)
        self._to_all = statements.Hot(statements.OFFSETS_TO_ALL)
        self._recent = statements.Hot(statements.OFFSETS_RECENT)
        self._in_inbox = statements.Hot(statements.OFFSETS_IN_INBOX)
        self._summaries = statements.Hot(statements.SUMMARIES)
        self._messages = statements.Hot(statements.MESSAGES_OF_SENDER)

    async def shelf(self, reading: Reading) -> Shelf:
        def read(connection: Connection) -> Shelf:
            stream, spans = self._attended(connection, reading)
            found = {"stream": stream, "spans": _json(spans), "app_uuid": reading.app_uuid, "user": reading.user}
            before = reading.before or spans[0].high + 1 if spans else 0
            page = {"before": before, "most": reading.limit + 1}
            rows_found = self._summaries.run(connection, found | page).fetchall() if spans else []
            summaries = [_Summary(*row) for row in rows_found]
            shown = summaries[: reading.limit]
            wanted = {offset for summary in shown for offset in (summary.newest, summary.last) if offset is not None}
            messages = _messages(connection, stream, wanted)
            return Shelf(
                tuple(_listed(summary, messages) for summary in shown),
                shown[-1].newest if len(summaries) > len(shown) else 0,
            )

        return await self._reader.do(read)

    async def messages(self, reading: Reading, conversation: Conversation) -> Page:
        if conversation.type not in _LISTED:
            return Page(())
        the_one = {
            "sender": conversation.id,
            "system": Property.SYSTEM.value if conversation.type is ConversationType.SYSTEM else 0,
            "user": reading.user,
        }

        def read(connection: Connection) -> Page:
            stream, spans = self._attended(connection, reading)
            if not spans:
                return Page(())
            before = reading.before or spans[0].high + 1
            found = the_one | {"stream": stream, "spans": _json(spans), "before": before}
            stored = self._messages.run(connection, found | {"most": reading.limit + 1}).fetchall()
            offsets = [offset for (offset,) in stored[: reading.limit]]
            messages = _messages(connection, stream, offsets)
            more = len(stored) > len(offsets)
            return Page(tuple(messages[offset] for offset in offsets), offsets[-1] if more else 0)

        return await self._reader.do(read)

    async def mark_read(self, app_uuid: str, user: str, conversation: Conversation) -> None:
        mark = {"app_uuid": app_uuid, "user": user, "type": conversation.type.value, "id": conversation.id}

        def write(connection: Connection) -> None:
            connection.execute(statements.MARK_READ, mark | {"channel": _APP_CHANNEL})

        await self._writer.do(write)

    def _attended(self, connection: Connection, reading: Reading) -> tuple[int, list[_Span]]:
        """Give the stream's number and what of it is the user's, newest first, without overlaps."""
        key = {"app_uuid": reading.app_uuid, "channel": _APP_CHANNEL}
        stream = connection.execute(statements.STREAM, key).one_or_none()
        if stream is None:
            return 0, []
        asked = {
            "app_uuid": reading.app_uuid,
            "user": reading.user,
            "user_since_ms": reading.user_since_ms,
            "stream": stream.number,
            "grace_ms": reading.grace_ms,
            "last": stream.last_offset,
            "floor": max(0, stream.last_offset - DEPTH),
        }
        attended = self._spans.run(connection, asked | {"most": STAYS}).fetchall()
        single = self._to_all.run(connection, asked | {"most": TO_ALL}).fetchall()
        single += self._in_inbox.run(connection, asked | {"most": IN_INBOX}).fetchall()
        spans = [_Span(low, high) for low, high, _ in attended]
        spans += [_Span(offset - 1, offset) for (offset,) in single]
        came = [came for _, _, came in attended]
        return stream.number, merged(spans + self._came_for(connection, asked, came, reading.window_ms))

    def _came_for(
        self, connection: Connection, asked: Mapping[str, object], came: Iterable[int], window_ms: int
    ) -> list[_Span]:
        """Give what was for whoever comes within the window, and the user came: its last millisecond counts."""
        stretches = merged(_Span(at_ms - window_ms - 1, at_ms) for at_ms in came)
        ((text,),) = self._recent.run(connection, {**asked, "stretches": _json(stretches)}).fetchall()
        return [_Span(offset - 1, offset) for offset in msgspec.json.decode(text, type=list[int])]


def merged(spans: Iterable[_Span]) -> list[_Span]:
    """Join spans that overlap or touch; the newest comes first, and none is empty."""
    joined: list[_Span] = []
    for span in sorted(spans):
        if joined and span.low <= joined[-1].high:
            joined[-1] = _Span(joined[-1].low, max(joined[-1].high, span.high))
        elif span.high > span.low:
            joined.append(span)
    return joined[::-1]


def _messages(connection: Connection, stream: int, offsets: Iterable[int]) -> dict[int, Any]:
    found = connection.execute(statements.AT_OFFSETS, {"stream": stream, "offsets": _json(list(offsets))})
    return {row.offset: rows.message_of(rows.dispatch_of(row)) for row in found}


def _listed(summary: _Summary, messages: Mapping[int, Any]) -> Listed:
    return Listed(
        Conversation(ConversationType(summary.kind), summary.sender),
        summary.unread or 0,
        None if summary.last is None else messages[summary.last],
        messages[summary.newest].dispatch.accepted_at_ms,
        summary.newest,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
