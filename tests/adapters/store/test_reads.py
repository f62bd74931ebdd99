import sqlite3

import pytest

from laba.adapters.store import files
from laba.adapters.store.reads import GroupRead
from laba.adapters.store.worker import Failed


@pytest.fixture
def connections(tmp_path):
    path = tmp_path / "laba.db"
    writer, reader = files.open_writer(path), files.open_reader(path)
    yield writer, reader
    files.close(reader)
    files.close(writer)


def count(connection):
    return connection.exec_driver_sql("SELECT count(*) FROM streams").scalar_one()


def add(connection):
    with connection.begin():
        connection.exec_driver_sql(
            "INSERT INTO streams (app_uuid, channel, epoch, last_offset) VALUES ('a', 'b', 'c', 0)"
        )


def mistake(connection):
    raise ZeroDivisionError


def test_a_group_sees_one_snapshot_and_the_next_group_the_present(connections):
    """A commit in the middle of a group is seen by the group after it."""
    writer, reader = connections
    read = GroupRead(reader)
    assert read([count, lambda _: add(writer), count]) == [0, None, 0]
    assert read([count]) == [1]


def test_a_read_that_raises_fails_alone(connections):
    """The others of its group have their values."""
    first, bad, second = GroupRead(connections[1])([count, mistake, count])
    assert (first, second) == (0, 0)
    assert isinstance(bad, Failed)
    assert isinstance(bad.error, ZeroDivisionError)


def test_where_no_snapshot_can_be_had_every_read_fails(connections):
    """Each caller is told; none waits for ever."""
    reader = connections[1]
    reader.connection.cursor().execute("BEGIN")
    outcomes = GroupRead(reader)([count, count])
    assert [isinstance(outcome.error, sqlite3.OperationalError) for outcome in outcomes] == [True, True]
