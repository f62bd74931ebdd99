import sqlite3

import pytest

from laba.adapters.store import files
from laba.adapters.store.commits import Addition, GroupCommit
from laba.adapters.store.statements import APPEND, Hot
from laba.adapters.store.worker import Failed


@pytest.fixture
def connection(tmp_path):
    writer = files.open_writer(tmp_path / "laba.db")
    yield writer
    files.close(writer)


def row(number):
    return Addition(Hot(APPEND), f'[{number},"a",1,"push","{{}}",0,"admin",15]')


def mistake(connection):
    raise ZeroDivisionError


def kept(connection):
    with connection.begin():
        return [row.id for row in connection.exec_driver_sql("SELECT id FROM ledger ORDER BY number")]


def test_a_group_is_one_commit(connection):
    """However many jobs, of whatever kind; each has its own outcome."""
    commit = GroupCommit(connection)
    assert commit([row(3), row(1), lambda _: "seven", row(2)]) == [None, None, "seven", None]
    assert commit.commits == 1
    assert kept(connection) == [3, 1, 2]


@pytest.mark.parametrize("bad", [mistake, row(1)])
def test_one_bad_job_fails_alone(connection, bad):
    """The others of its group are kept, in order, each in a commit of its own."""
    commit = GroupCommit(connection)
    outcomes = commit([row(1), row(2), bad, row(3)])
    assert [isinstance(outcome, Failed) for outcome in outcomes] == [False, False, True, False]
    assert kept(connection) == [1, 2, 3]
    assert commit.commits == 3


def test_a_failed_medium_fails_the_group_at_once(connection):
    """Nobody is tried again on a disk that does not write: each would wait for the same failure."""
    commit, tried = GroupCommit(connection), []

    def locked(_):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    outcomes = commit([lambda _: tried.append(1), locked, row(1)])
    assert [type(outcome.error) for outcome in outcomes] == [OSError] * 3
    assert tried == [1]
    assert kept(connection) == []
    assert commit.commits == 0
