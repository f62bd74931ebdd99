"""Opening the database file: its mode, its two connections, its schema."""

import os
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, StaticPool, create_engine, event

from laba.adapters.store.faults import StoreForeignError, StoreTooNewError, translated

# "laba" in ASCII: https://www.sqlite.org/pragma.html#pragma_application_id
APPLICATION_ID = 0x6C616261
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_writer(path: Path) -> Connection:
    """Open the one connection that writes, creating the file (mode 0600) and bringing its schema up to date.

    Raises StoreForeignError, StoreTooNewError, and OSError when the medium fails.
    """
    _create(path)
    connection = _connected(path.absolute().as_uri(), "BEGIN IMMEDIATE")
    try:
        _refuse_foreign(connection, path)
        _make_durable(connection)
        _migrate(connection, path)
    except Exception as error:
        close(connection)
        cause = translated(error)
        if cause is error:
            raise
        raise cause from error
    return connection


def open_reader(path: Path) -> Connection:
    """Open a connection that cannot write. The writer must be open: it alone recovers the file after a crash."""
    connection = _connected(f"{path.absolute().as_uri()}?mode=ro", "BEGIN")
    _pragma(connection, "query_only=ON")
    return connection


def close(connection: Connection) -> None:
    """Close a connection. The writer goes last, so that the last checkpoint is its own."""
    connection.close()
    connection.engine.dispose()


def _create(path: Path) -> None:
    """Create the file if it is not there, with a directory entry that survives power loss."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _connected(uri: str, begin: str) -> Connection:
    def connect() -> sqlite3.Connection:
        # Without the driver's own transactions: SQLAlchemy's begin is ours. Opened in one thread, used in another.
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine.connect()


def _pragma(connection: Connection, pragma: str) -> object:
    """Run a pragma outside any transaction, where some of them only work."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA {pragma}")
    row = cursor.fetchone()
    return None if row is None else row[0]


def _refuse_foreign(connection: Connection, path: Path) -> None:
    try:
        empty = _pragma(connection, "schema_version") == 0
        ours = _pragma(connection, "application_id") == APPLICATION_ID
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        raise StoreForeignError(f"{path} is not a database") from error
    if not (empty or ours):
        raise StoreForeignError(f"{path} is the database of another program")


def _make_durable(connection: Connection) -> None:
    if _pragma(connection, "journal_mode=WAL") != "wal":
        raise OSError("the store's medium failed: SQLite cannot keep a write-ahead log there")
    # The log is synced at every commit: what was answered survives power loss (design.md section 8).
    _pragma(connection, "synchronous=FULL")


def _migrate(connection: Connection, path: Path) -> None:
    """Bring the schema up to date in one transaction, or leave it as it was."""
    scripts = ScriptDirectory(str(_MIGRATIONS))
    with connection.begin():
        at = MigrationContext.configure(connection).get_current_revision()
        if at == scripts.get_current_head():
            return
        if at is not None and at not in {script.revision for script in scripts.walk_revisions()}:
            raise StoreTooNewError(f"{path} has schema {at}, which this version of laba does not know")
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
