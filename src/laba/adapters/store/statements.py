"""Everything that is asked of the database, by name. No query but `APPS` reads a table from end to end."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

from laba.adapters.store.rows import DISPATCH_COLUMNS, LEDGER_COLUMNS, STAY_COLUMNS, USER_COLUMNS
from laba.adapters.store.tables import (
    Property,
    State,
    apps,
    attendance,
    checkpoint,
    files,
    inbox,
    ledger,
    read_marks,
    room_minutes,
    streams,
    users,
)

# A literal: with a parameter in its place SQLite would not use the index of the waiting rows.
_IS_WAITING = ledger.c.state == literal_column(str(State.WAITING.value))
_DISPATCH = [ledger.c[name] for name in DISPATCH_COLUMNS]
_USER = [users.c[name] for name in USER_COLUMNS]
_THE_USER = (users.c.app_uuid == bindparam("app_uuid"), users.c.name == bindparam("name"))
_THE_STREAM = (streams.c.app_uuid == bindparam("app_uuid"), streams.c.channel == bindparam("channel"))

APPS = select(apps).order_by(apps.c.number)
ADD_APP = sqlite.insert(apps).on_conflict_do_nothing(index_elements=["org", "app"])
CHANGE_APP = update(apps).where(apps.c.uuid == bindparam("the_uuid")).values(policy=bindparam("new_policy"))

USER = select(*_USER).where(*_THE_USER)
ADD_USER = sqlite.insert(users).on_conflict_do_nothing(index_elements=["app_uuid", "name"])
USERS_AFTER = (
    select(*_USER)
    .where(users.c.app_uuid == bindparam("app_uuid"), users.c.name > bindparam("name"))
    .order_by(users.c.name)
    .limit(bindparam("most"))
)
# In a SET, SQLAlchemy keeps the columns' names for itself.
CHANGE_USER = (
    update(users)
    .where(users.c.app_uuid == bindparam("the_app"), users.c.name == bindparam("the_name"))
    .values(
        modified_at_ms=bindparam("new_modified_at_ms"),
        epoch=func.coalesce(bindparam("new_epoch"), users.c.epoch),
        activated=func.coalesce(bindparam("new_activated"), users.c.activated),
        password_hash=func.coalesce(bindparam("new_password_hash"), users.c.password_hash),
        nickname=func.coalesce(bindparam("new_nickname"), users.c.nickname),
        portrait=func.coalesce(bindparam("new_portrait"), users.c.portrait),
        token_at_ms=func.coalesce(bindparam("new_token_at_ms"), users.c.token_at_ms),
    )
    .returning(*_USER)
)
TAG_USERS = (
    update(users)
    .where(users.c.app_uuid == bindparam("the_app"))
    .where(users.c.name.in_(select(func.json_each(bindparam("names")).table_valued("value").c.value)))
    .values(tags=bindparam("new_tags"))
    .returning(users.c.name)
)
REMOVE_USER = delete(users).where(*_THE_USER).returning(*_USER)

_ROWS = func.json_each(bindparam("rows")).table_valued("value", name="given")


def _given(columns: Sequence[str]) -> list[ColumnElement[Any]]:
    """Name the values of a row that is given as a JSON array."""
    return [func.json_extract(_ROWS.c.value, literal_column(f"'$[{at}]'")) for at in range(len(columns))]


APPEND = insert(ledger).from_select(LEDGER_COLUMNS, select(*_given(LEDGER_COLUMNS)))
_BESIDES = select(func.json_each(bindparam("besides")).table_valued("value").c.value)
# The offset is written out, because the compiler would make a parameter of the one it adds to a limit.
WAITING = (
    select(*_DISPATCH)
    .where(_IS_WAITING, ledger.c.id.not_in(_BESIDES))
    .order_by(ledger.c.number)
    .limit(bindparam("most"))
    .offset(literal_column("0"))
)
EXPIRE = update(ledger).where(ledger.c.id == bindparam("dispatch"), _IS_WAITING).values(state=State.EXPIRED.value)
DONE = update(ledger).where(ledger.c.id == bindparam("dispatch"), _IS_WAITING).values(state=State.PLACED.value)
PLACE = (
    update(ledger)
    .where(ledger.c.id == bindparam("dispatch"), _IS_WAITING)
    .values(state=State.PLACED.value, stream=bindparam("place_stream"), offset=bindparam("place_offset"))
)
ACCEPTED_SINCE = (
    select(ledger.c.accepted_at_ms)
    .where(ledger.c.app_uuid == bindparam("app_uuid"), ledger.c.quota == bindparam("name"))
    .where(ledger.c.accepted_at_ms >= bindparam("since_ms"))
    .order_by(ledger.c.accepted_at_ms.desc())
    .limit(bindparam("most"))
)
CLIENT_IDS_SINCE = text(
    """SELECT json_extract(document, '$.client_id') AS client_id, accepted_at_ms FROM ledger
    WHERE app_uuid = :app_uuid AND quota = :name AND accepted_at_ms >= :since_ms AND client_id IS NOT NULL
    ORDER BY accepted_at_ms DESC LIMIT :most"""
)
LAST = select(*_DISPATCH).order_by(ledger.c.id.desc()).limit(1)

_OFFSETS = select(func.json_each(bindparam("offsets")).table_valued("value").c.value)
STREAM = select(streams).where(*_THE_STREAM)
ADD_STREAM = insert(streams).returning(*streams.c)
_NOT_RECALLED = ledger.c.properties.op("&")(literal_column(str(Property.RECALLED.value))) == literal_column("0")
ADVANCE = update(streams).where(streams.c.number == bindparam("stream")).values(last_offset=bindparam("new_offset"))
PLACED = (
    select(*_DISPATCH, ledger.c.offset, streams.c.epoch)
    .join_from(streams, ledger, ledger.c.stream == streams.c.number)
    .where(*_THE_STREAM, ledger.c.accepted_at_ms >= bindparam("since_ms"), _NOT_RECALLED)
    # The sign is there because SQLite would read the whole stream in the order of its offsets to save the sorting.
    .order_by(literal_column('+ledger."offset"'))
)

ENTRIES = (
    select(*_DISPATCH, ledger.c.offset, streams.c.epoch)
    .join_from(streams, ledger, ledger.c.stream == streams.c.number)
    .where(*_THE_STREAM, ledger.c.offset.in_(_OFFSETS), _NOT_RECALLED)
    .order_by(ledger.c.offset)
)
# What is for all users, by the words of the index that holds nothing else.
_IS_TO_ALL: ColumnElement[Any] = literal_column(f"ledger.properties & {Property.TO_ALL.value}")
PLACED_TO_ALL = (
    select(*_DISPATCH, ledger.c.offset, streams.c.epoch)
    .join_from(streams, ledger, ledger.c.stream == streams.c.number)
    .where(*_THE_STREAM, ledger.c.accepted_at_ms >= bindparam("since_ms"), _IS_TO_ALL, _NOT_RECALLED)
    .order_by(ledger.c.accepted_at_ms.desc(), ledger.c.offset.desc())
    .limit(bindparam("most"))
)

# A recall's own place decides: what waits still will not go out, and what is out is left out from now on.
RECALL = (
    update(ledger)
    .where(ledger.c.id == bindparam("recalled"), ledger.c.app_uuid == bindparam("the_app"))
    .values(
        properties=ledger.c.properties.op("|")(literal_column(str(Property.RECALLED.value))),
        state=case((_IS_WAITING, literal_column(str(State.EXPIRED.value))), else_=ledger.c.state),
    )
)

STAYS_OF_SEAT = (
    select(*(attendance.c[name] for name in STAY_COLUMNS[3:]))
    .where(attendance.c.app_uuid == bindparam("app_uuid"))
    .where(attendance.c.user == bindparam("user"), attendance.c.device == bindparam("device"))
    .order_by(attendance.c.from_offset.desc())
    .limit(bindparam("most"))
    .offset(literal_column("0"))
)
# `true()` is there because SQLite would take ON CONFLICT for the beginning of a join.
_BEGAN = _given(STAY_COLUMNS)[STAY_COLUMNS.index("since_ms")]
_STAYS = sqlite.insert(attendance).from_select(
    (*STAY_COLUMNS, "began_ms"), select(*_given(STAY_COLUMNS), _BEGAN).where(true())
)
WRITE_STAYS = _STAYS.on_conflict_do_update(
    index_elements=STAY_COLUMNS[:4], set_={name: _STAYS.excluded[name] for name in STAY_COLUMNS[4:]}
)
FORGET_STAYS = delete(attendance).where(
    attendance.c.app_uuid == bindparam("app_uuid"), attendance.c.user == bindparam("name")
)
_CHECKPOINT = sqlite.insert(checkpoint).values(number=1, alive_at_ms=bindparam("alive_at_ms"))
WRITE_CHECKPOINT = _CHECKPOINT.on_conflict_do_update(
    index_elements=["number"], set_={"alive_at_ms": _CHECKPOINT.excluded.alive_at_ms}
)
LAST_CHECKPOINT = select(checkpoint.c.alive_at_ms)
APPS_WITH_OPEN_STAYS = select(attendance.c.app_uuid).where(attendance.c.ended_at_ms.is_(None)).distinct()
OFFSET_AT = (
    select(ledger.c.offset)
    .join_from(streams, ledger, ledger.c.stream == streams.c.number)
    .where(streams.c.app_uuid == bindparam("app_uuid"), streams.c.channel == literal_column("'app'"))
    .where(ledger.c.accepted_at_ms <= bindparam("since_ms"))
    .order_by(ledger.c.accepted_at_ms.desc(), ledger.c.offset.desc())
    .limit(1)
)
# Named, because SQLite would rather read every stay that the app ever had.
END_OPEN = text(
    """UPDATE attendance INDEXED BY attendance_open
    SET ended_at_ms = :ready_at_ms,
        to_offset = max(to_offset, :written),
        confirmed_offset = CASE WHEN since_ms <= :since_ms THEN max(confirmed_offset, :confirmed)
                                ELSE confirmed_offset END
    WHERE app_uuid = :app_uuid AND ended_at_ms IS NULL"""
)

# A stay reaches as far as what was accepted until its end, and within the grace after it. One that an earlier bearer
# of the name began, and older rows that do not tell, count from the last coming.
SPANS = text(
    """SELECT max(from_offset, :floor) AS low, min(:last, max(to_offset, coalesce(CASE
        WHEN ended_at_ms IS NULL THEN :last
        ELSE (SELECT "offset" FROM ledger WHERE stream = :stream AND accepted_at_ms <= ended_at_ms + :grace_ms
              ORDER BY accepted_at_ms DESC, "offset" DESC LIMIT 1) END, 0))) AS high,
        CASE WHEN began_ms >= :user_since_ms THEN began_ms ELSE since_ms END AS came
    FROM attendance
    WHERE app_uuid = :app_uuid AND user = :user AND since_ms >= :user_since_ms
    ORDER BY from_offset DESC LIMIT :most"""
)
OFFSETS_TO_ALL = (
    select(ledger.c.offset)
    .where(ledger.c.stream == bindparam("stream"), ledger.c.accepted_at_ms >= bindparam("user_since_ms"), _IS_TO_ALL)
    .where(ledger.c.offset > bindparam("floor"))
    .order_by(ledger.c.accepted_at_ms.desc(), ledger.c.offset.desc())
    .limit(bindparam("most"))
    .offset(literal_column("0"))
)
_FLAG = {flag.name: flag.value for flag in Property}
# What was for whoever came within the window, accepted in one of these stretches of time: behind, and up to.
_OF_STRETCHES = f"""FROM json_each(:stretches) AS stretch
    CROSS JOIN ledger ON ledger.stream = :stream AND properties & {_FLAG["RECENT"]}
        AND accepted_at_ms > json_extract(stretch.value, '$[0]')
        AND accepted_at_ms <= json_extract(stretch.value, '$[1]')
    WHERE ledger."offset" > :floor"""
OFFSETS_RECENT = text(f"""SELECT json_group_array(ledger."offset") {_OF_STRETCHES}""")
OFFSETS_IN_INBOX = (
    select(inbox.c.offset)
    .where(inbox.c.stream == bindparam("stream"), inbox.c.user == bindparam("user"))
    .where(inbox.c.offset > bindparam("floor"))
    .order_by(inbox.c.offset.desc())
    .limit(bindparam("most"))
    .offset(literal_column("0"))
)
_OF_SPANS = """FROM json_each(:spans) AS span CROSS JOIN ledger ON ledger.stream = :stream
    AND ledger."offset" > json_extract(span.value, '$[0]') AND ledger."offset" <= json_extract(span.value, '$[1]')"""
_IN_INBOX = """EXISTS (SELECT 1 FROM inbox
        WHERE inbox.stream = :stream AND inbox.user = :user AND inbox."offset" = ledger."offset")"""
# What went out while a user was there, to others whom it was for, is not its own.
_LISTED = f"""properties & {_FLAG["STORED"] | _FLAG["RECALLED"]} = {_FLAG["STORED"]}
    AND (NOT properties & {_FLAG["TARGETED"]} OR {_IN_INBOX})"""
SUMMARIES = text(
    f"""SELECT CASE WHEN properties & {_FLAG["SYSTEM"]} THEN 'system' ELSE 'app' END AS kind, sender,
        max(ledger."offset") AS newest,
        max(CASE WHEN properties & {_FLAG["UPDATES_LAST"]} THEN ledger."offset" END) AS last,
        sum(properties & {_FLAG["COUNTED"]} != 0 AND ledger."offset" > coalesce(mark."offset", 0)) AS unread
    {_OF_SPANS}
    LEFT JOIN read_marks AS mark
        ON mark.app_uuid = :app_uuid AND mark.user = :user AND mark.id = sender
        AND mark.type = CASE WHEN properties & {_FLAG["SYSTEM"]} THEN 'system' ELSE 'app' END
    WHERE {_LISTED}
    GROUP BY kind, sender HAVING newest < :before ORDER BY newest DESC LIMIT :most"""
)
MESSAGES_OF_SENDER = text(
    f"""SELECT ledger."offset" {_OF_SPANS}
    WHERE sender = :sender AND properties & {_FLAG["SYSTEM"]} = :system AND {_LISTED} AND ledger."offset" < :before
    ORDER BY ledger."offset" DESC LIMIT :most"""
)
AT_OFFSETS = (
    select(*_DISPATCH, ledger.c.offset)
    .where(ledger.c.stream == bindparam("stream"))
    .where(ledger.c.offset.in_(_OFFSETS))
)
_MARK = sqlite.insert(read_marks).from_select(
    ["app_uuid", "user", "type", "id", "offset"],
    select(bindparam("app_uuid"), bindparam("user"), bindparam("type"), bindparam("id"), streams.c.last_offset).where(
        streams.c.app_uuid == bindparam("app_uuid"), streams.c.channel == bindparam("channel")
    ),
)
MARK_READ = _MARK.on_conflict_do_update(
    index_elements=["app_uuid", "user", "type", "id"], set_={"offset": _MARK.excluded.offset}
)
FORGET_MARKS = delete(read_marks).where(
    read_marks.c.app_uuid == bindparam("app_uuid"), read_marks.c.user == bindparam("name")
)

# Parts of a minute are written one after the other: each adds to what is there. The WHERE is there because SQLite
# would take ON CONFLICT for the beginning of a join.
KEEP_ROOM_MINUTES = text(
    """INSERT INTO room_minutes (app_uuid, room_id, minute, counts)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]')
    FROM json_each(:rows) WHERE true
    ON CONFLICT (app_uuid, room_id, minute) DO UPDATE SET counts = (
        SELECT json_group_object(name, amount) FROM (
            SELECT name, sum(amount) AS amount FROM (
                SELECT key AS name, value AS amount FROM json_each(room_minutes.counts)
                UNION ALL SELECT key, value FROM json_each(excluded.counts))
            GROUP BY name))"""
)
ROOM_MINUTES = (
    select(room_minutes.c.minute, room_minutes.c.counts)
    .where(room_minutes.c.app_uuid == bindparam("app_uuid"), room_minutes.c.room_id == bindparam("room_id"))
    .where(room_minutes.c.minute >= bindparam("since"), room_minutes.c.minute < bindparam("until"))
    .order_by(room_minutes.c.minute)
)
FORGET_ROOM_MINUTES = text(
    """DELETE FROM room_minutes WHERE (app_uuid, room_id, minute) IN (
        SELECT app_uuid, room_id, minute FROM room_minutes WHERE minute < :before ORDER BY minute LIMIT :most)"""
)

KEEP_REPORT = update(ledger).where(ledger.c.id == bindparam("dispatch")).values(report=bindparam("text"))
REPORT = select(*_DISPATCH, ledger.c.state, ledger.c.properties, ledger.c.report).where(
    ledger.c.id == bindparam("dispatch")
)

ADD_FILE = insert(files)
FILE = select(files).where(files.c.uuid == bindparam("uuid"))
FILES_HELD = select(
    func.coalesce(func.sum(files.c.size_bytes + func.coalesce(files.c.thumbnail_bytes, literal_column("0"))), 0)
).where(files.c.gone == literal_column("0"))
FILES_EXPIRED = (
    select(files)
    .where(files.c.gone == literal_column("0"), files.c.expires_at_ms <= bindparam("now_ms"))
    .order_by(files.c.expires_at_ms)
    .limit(bindparam("most"))
)
FILE_GONE = update(files).where(files.c.uuid == bindparam("the_uuid")).values(gone=True)
FORGET_FILES = delete(files).where(
    files.c.gone == literal_column("1"), files.c.expires_at_ms < bindparam("before_ms")
)
FILES_KNOWN = text(
    """SELECT uuid FROM files WHERE uuid IN (SELECT value FROM json_each(:names))
    UNION ALL SELECT thumbnail FROM files WHERE thumbnail IN (SELECT value FROM json_each(:names))"""
)


class Hot:
    """A statement that runs too often for SQLAlchemy's price of an execution: compiled once, run by the driver."""

    __slots__ = ("_text",)

    def __init__(self, statement: ClauseElement) -> None:
        self._text = str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))

    def run(self, connection: Connection, parameters: Mapping[str, object]) -> Any:
        """Give the driver's cursor after execution; its errors are the driver's own."""
        cursor = connection.connection.cursor()
        cursor.execute(self._text, parameters)
        return cursor
