import json
import sqlite3

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from contracts.stores import APP_STREAM, dispatch, user
from laba.adapters.store import files
from laba.adapters.store.faults import StoreForeignError, StoreTooNewError
from laba.adapters.store.sqlite import SqliteStore
from laba.adapters.store.tables import METADATA, Property
from laba.model.conversation import Reading
from laba.model.dispatch import Audience

HEAD = ScriptDirectory(str(files._MIGRATIONS)).get_current_head()


@pytest.fixture
def path(tmp_path):
    # Characters that mean something in a URI, and in a configuration.
    directory = tmp_path / "50%25 of? #data"
    directory.mkdir()
    return directory / "laba.db"


def execute(path, statement):
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def test_a_new_file_is_its_owner_s_alone(path):
    """The file and its log hold secrets: nobody else may read them."""
    writer = files.open_writer(path)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    files.close(writer)


def test_the_migrations_make_the_tables_that_the_code_has(path):
    """Alembic finds no difference between the file and tables.py."""
    writer = files.open_writer(path)
    assert compare_metadata(MigrationContext.configure(writer), METADATA) == []
    files.close(writer)


def of_schema(path, revision):
    """Open a new file as an earlier version of laba made it."""
    writer = files._connected(path.absolute().as_uri(), "BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(files._MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = writer
    with writer.begin():
        writer.exec_driver_sql(f"PRAGMA application_id={files.APPLICATION_ID}")
        command.upgrade(config, revision)
    return writer


@pytest.fixture
def first(path):
    """A file as the first schema left it, with three dispatches of different senders and flags."""
    writer = of_schema(path, "0001")
    for number, sender, flags in (
        (1, "admin", [True, True, False, True]),
        (2, "喇叭 'ann'", [False, False, False, False]),
        (3, "bob", [True, True, True, True]),
    ):
        document = {"sender": sender, "kind": "txt", "fields": {}, "flags": flags, "audience": "online_users"}
        with writer.begin():
            writer.exec_driver_sql(
                "INSERT INTO ledger (id, app_uuid, accepted_at_ms, quota, state, stream, offset, document)"
                " VALUES (?, 'app-1', 5, 'users_broadcast', 1, 1, ?, ?)",
                (100 + number, number, json.dumps(document)),
            )
    files.close(writer)
    return path


def test_a_file_of_the_first_schema_keeps_its_ledger(first):
    """Each dispatch gets its sender and its flags from its document, and has no report."""  # S5
    writer = files.open_writer(first)
    assert compare_metadata(MigrationContext.configure(writer), METADATA) == []
    asked = "SELECT id, sender, properties, report, stream, offset FROM ledger ORDER BY number"
    found = [tuple(row) for row in writer.exec_driver_sql(asked)]
    files.close(writer)
    broadcast = Property.STORED | Property.COUNTED | Property.UPDATES_LAST
    assert found == [
        (101, "admin", broadcast, None, 1, 1),
        (102, "喇叭 'ann'", 0, None, 1, 2),
        (103, "bob", broadcast | Property.PUSHED, None, 1, 3),
    ]


def test_a_file_of_the_first_schema_gets_rooms(first):
    """It has none yet, and numbers them from 1 on."""  # S3
    writer = files.open_writer(first)
    tables = ("rooms", "room_members", "room_mutes")
    assert [writer.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in tables] == [0, 0, 0]
    assert writer.exec_driver_sql("SELECT * FROM sqlite_sequence WHERE name = 'rooms'").all() == []
    made = "SELECT sql FROM sqlite_schema WHERE name = 'rooms'"
    assert "AUTOINCREMENT" in writer.exec_driver_sql(made).scalar()
    files.close(writer)


@pytest.mark.anyio
async def test_a_file_of_the_sixth_schema_keeps_its_users_and_their_stays(path):
    """They have nothing that is new since then. When a stay began is not known: its last coming counts."""  # S1 R5
    writer = of_schema(path, "0006")
    with writer.begin():
        writer.exec_driver_sql("INSERT INTO users VALUES ('app-1', 'ann', 'uuid of ann', 1, 2, 3, 'Ann', 1, NULL)")
        writer.exec_driver_sql("INSERT INTO attendance VALUES ('app-1', 'ann', '', 1, 1, 1, 50, NULL)")
    files.close(writer)
    async with SqliteStore.open(path, entropy=bytes) as store:
        assert await store.user("app-1", "ann") == user("ann", nickname="Ann")
        sent = dispatch(7, 40, audience=Audience.RECENT_USERS)
        await store.append(sent)
        await store.streams.append(APP_STREAM, [sent])
        (one,) = (await store.conversations.shelf(Reading("app-1", "ann", 0, 0, 9, window_ms=10))).listed
        assert one.offset == 1
        assert (await store.conversations.shelf(Reading("app-1", "ann", 0, 0, 9, window_ms=9))).listed == ()


def test_a_file_is_brought_up_to_date_once(first):
    """The second opening finds nothing to do."""
    for _ in range(2):
        writer = files.open_writer(first)
        assert MigrationContext.configure(writer).get_current_revision() == HEAD
        files.close(writer)


def test_the_writer_syncs_every_commit(path):  # design.md section 8
    """The log is written ahead and synced in full: 2 is FULL."""
    writer = files.open_writer(path)
    assert writer.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert writer.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    files.close(writer)


def test_a_reader_cannot_write(path):
    """Only one connection ever writes or checkpoints."""
    writer, reader = files.open_writer(path), files.open_reader(path)
    with pytest.raises(Exception, match="readonly"):
        reader.exec_driver_sql("DELETE FROM users")
    files.close(reader)
    files.close(writer)


def test_a_database_of_a_newer_laba_is_refused(path):
    """The error names the schema; the file stays as it was, and opens again with the right version."""
    files.close(files.open_writer(path))
    execute(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNewError, match="9999"):
        files.open_writer(path)
    execute(path, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    files.close(files.open_writer(path))


def test_a_file_that_is_no_database_is_refused_untouched(path):
    """Not one byte of it changes."""
    path.write_bytes(b"Dear diary, " * 100)
    with pytest.raises(StoreForeignError, match="not a database"):
        files.open_writer(path)
    assert path.read_bytes() == b"Dear diary, " * 100


def test_another_program_s_database_is_refused_untouched(path):
    """It gets no table of ours."""
    execute(path, "CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreForeignError, match="another program"):
        files.open_writer(path)
    assert path.read_bytes() == before


def test_a_directory_that_is_not_there_is_an_oserror(path):
    """The operator's mistake, told as the system tells it."""
    with pytest.raises(FileNotFoundError):
        files.open_writer(path.parent / "missing" / "laba.db")


def test_a_damaged_file_is_an_oserror(path):
    """A database whose pages are overwritten is a failed medium, not a foreign file."""
    files.close(files.open_writer(path))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(OSError, match="medium"):
        files.open_writer(path)
