import pytest

from laba.adapters.store import files, statements

PARAMETERS = {
    "app_uuid": "a",
    "name": "n",
    "channel": "c",
    "most": 1,
    "since_ms": 0,
    "dispatch": 1,
    "place_stream": 1,
    "place_offset": 1,
    "stream": 1,
    "new_offset": 1,
    "the_uuid": "a",
    "state": 1,
    "param_1": 0,
    "new_policy": "{}",
    "the_app": "a",
    "the_name": "n",
    "new_modified_at_ms": 1,
    "new_epoch": 1,
    "new_activated": True,
    "new_password_hash": "h",
}


@pytest.fixture
def connection(tmp_path):
    writer = files.open_writer(tmp_path / "laba.db")
    yield writer
    files.close(writer)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in vars(statements)
        if name.isupper() and not name.startswith(("_", "ADD_", "APP")) and not name.endswith("_COLUMNS")
    ],
)
def test_no_table_is_read_from_end_to_end(connection, name):
    """SQLite finds every row that the statement needs by an index."""
    text = statements.Hot(getattr(statements, name))._text
    cursor = connection.connection.cursor()
    cursor.execute(f"EXPLAIN QUERY PLAN {text}", PARAMETERS)
    steps = [row[3] for row in cursor.fetchall()]
    assert steps
    # The one index that is walked from its beginning holds nothing but what waits, and a LIMIT ends the walk.
    assert [step for step in steps if "SCAN" in step] == ["SCAN ledger USING INDEX ledger_waiting"] * (
        name == "WAITING"
    )
