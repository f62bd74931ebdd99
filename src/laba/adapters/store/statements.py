"""Everything that is asked of the database, by name. No query but `APPS` reads a table from end to end."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

from laba.adapters.store.rows import DISPATCH_COLUMNS, LEDGER_COLUMNS, USER_COLUMNS
from laba.adapters.store.tables import State, apps, ledger, streams, users

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
    )
    .returning(*_USER)
)
REMOVE_USER = delete(users).where(*_THE_USER).returning(*_USER)

_ROWS = func.json_each(bindparam("rows")).table_valued("value", name="given")
_PATHS: list[ColumnElement[Any]] = [literal_column(f"'$[{at}]'") for at in range(len(LEDGER_COLUMNS))]
APPEND = insert(ledger).from_select(LEDGER_COLUMNS, select(*(func.json_extract(_ROWS.c.value, at) for at in _PATHS)))
# The offset is written out, because the compiler would make a parameter of the one it adds to a limit.
WAITING = (
    select(*_DISPATCH)
    .where(_IS_WAITING)
    .order_by(ledger.c.number)
    .limit(bindparam("most"))
    .offset(literal_column("0"))
)
EXPIRE = update(ledger).where(ledger.c.id == bindparam("dispatch"), _IS_WAITING).values(state=State.EXPIRED.value)
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
LAST_ID = select(func.max(ledger.c.id))

STREAM = select(streams).where(*_THE_STREAM)
ADD_STREAM = insert(streams).returning(*streams.c)
ADVANCE = update(streams).where(streams.c.number == bindparam("stream")).values(last_offset=bindparam("new_offset"))
PLACED = (
    select(*_DISPATCH, ledger.c.offset, streams.c.epoch)
    .join_from(streams, ledger, ledger.c.stream == streams.c.number)
    .where(*_THE_STREAM, ledger.c.accepted_at_ms >= bindparam("since_ms"))
    .order_by(ledger.c.offset)
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
