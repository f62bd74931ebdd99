import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from laba.adapters.store import files
from laba.adapters.store.faults import StoreForeignError, StoreTooNewError
from laba.adapters.store.tables import METADATA


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
    execute(path, "UPDATE alembic_version SET version_num = '0001'")
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
