import re

import pytest
from sqlalchemy.sql import ClauseElement

from laba.adapters.store import campaignstatements, files, letterstatements, roomstatements, statements

STATEMENTS = {
    name: value
    for name, value in (
        vars(statements) | vars(roomstatements) | vars(campaignstatements) | vars(letterstatements)
    ).items()
    if name.isupper() and isinstance(value, ClauseElement) and name[0] != "_"
}
NAMES = sorted(STATEMENTS)
# What is read from its beginning, and why that is short.
SCANS = {
    "APPS": {"apps"},  # every app is held in memory; there are few
    "WAITING": {"ledger USING INDEX ledger_waiting"},  # holds nothing but what waits, and a LIMIT ends the walk
    "APPS_WITH_OPEN_STAYS": {"attendance USING INDEX attendance_open"},  # holds who is connected, and no past
    "LAST": {"ledger USING INDEX sqlite_autoindex_ledger_1"},  # from its end, and a LIMIT of one ends the walk
    "LAST_CHECKPOINT": {"checkpoint"},  # one row
    "KEEP_ROOM_MINUTES": {"(subquery-3)", "(subquery-4)"},  # the counts of one minute, in two parts
    "WALKING": {"campaigns USING INDEX campaigns_walking"},  # holds no walk that is over
    "RECRUITS": {"(subquery-1)"},  # the page that was asked for
    "HAS_INBOXES": {"CONSTANT ROW"},  # one row
    "ANY_DEVICE": {"CONSTANT ROW"},  # one row
    "HIGHEST_NUMBER": {"sqlite_sequence"},  # one row
    "QUEUES": {"letters USING INDEX letters_waiting"},  # holds what waits for receivers; asked at the start only
    "MAILBOXES": {"(subquery-2)"},  # one row for each hook
    "ALL_WORDS": {"words"},  # every app's are held in memory; asked at the start only
}
# Where SQLite had a choice, the one that does not grow with the ledger or with the past.
SEARCHES = {
    "PLACED": "ledger USING INDEX ledger_placed (stream=? AND accepted_at_ms>?)",
    "PLACED_TO_ALL": "ledger USING INDEX ledger_to_all (stream=? AND accepted_at_ms>?)",
    "OFFSETS_TO_ALL": "ledger USING INDEX ledger_to_all (stream=? AND accepted_at_ms>?)",
    "ACCEPTED_SINCE": "ledger USING COVERING INDEX ledger_taken (app_uuid=? AND quota=? AND accepted_at_ms>?)",
    "END_OPEN": "attendance USING INDEX attendance_open (app_uuid=?)",
    "FILES_HELD": "files USING COVERING INDEX files_held (gone=?)",
    "FILES_EXPIRED": "files USING INDEX files_expiring (gone=? AND expires_at_ms<?)",
    "FORGET_FILES": "files USING COVERING INDEX files_expiring (gone=? AND expires_at_ms<?)",
    "STAYS_OF_SEAT": "attendance USING PRIMARY KEY (app_uuid=? AND user=? AND device=?)",
    "SPANS": "ledger USING COVERING INDEX ledger_placed (stream=? AND accepted_at_ms<?)",
    "OFFSET_AT": "ledger USING COVERING INDEX ledger_placed (stream=? AND accepted_at_ms<?)",
    "SUMMARIES": "ledger USING COVERING INDEX ledger_conversations (stream=? AND offset>? AND offset<?)",
    "MESSAGES_OF_SENDER": "ledger USING COVERING INDEX ledger_conversations (stream=? AND offset>? AND offset<?)",
    "OFFSETS_RECENT": "ledger USING INDEX ledger_recent (stream=? AND accepted_at_ms>? AND accepted_at_ms<?)",
    "OFFSETS_IN_INBOX": "inbox USING PRIMARY KEY (stream=? AND user=? AND offset>?)",
    "ENTRIES": "ledger USING INDEX ledger_conversations (stream=? AND offset=?)",
    "TAG_USERS": "users USING PRIMARY KEY (app_uuid=? AND name=?)",
    "RECRUITS": "users USING PRIMARY KEY (app_uuid=? AND name>?)",
    "PACKAGES": "devices USING PRIMARY KEY (app_uuid=? AND user>? AND user<?)",
    "ENROL": "users USING PRIMARY KEY (app_uuid=? AND name=?)",
    "WALKS_BEFORE": "campaigns USING INDEX campaigns_walking (app_uuid=? AND offset<?)",
    "INBOX": "inbox USING PRIMARY KEY (stream=? AND user=? AND offset>? AND offset<?)",
    "RECEIVED": "inbox USING PRIMARY KEY (stream=? AND user=? AND offset<?)",
    "MUSTER": "inbox USING COVERING INDEX inbox_of_message (stream=? AND offset=?) LEFT-JOIN",
    "HELD_SINCE_BEFORE": "campaigns USING INDEX campaigns_held (accepted_at_ms<?)",
    "EMPTY": "inbox USING COVERING INDEX inbox_of_message (stream=? AND offset=? AND delivered=? AND user<?)",
    "FORGET_INBOX": "inbox USING PRIMARY KEY (stream=? AND user=?)",
    "ROOM_MINUTES": "room_minutes USING PRIMARY KEY (app_uuid=? AND room_id=? AND minute>? AND minute<?)",
    "FORGET_ROOM_MINUTES": "room_minutes USING COVERING INDEX room_minutes_age (minute<?)",
    "AT_OFFSETS": "ledger USING INDEX ledger_conversations (stream=? AND offset=?)",
    "ROOMS_AFTER": "rooms USING INDEX rooms_of_app (app_uuid=? AND number>?)",
    "ROOMS_OF_USER": "room_members USING INDEX room_members_of_user (app_uuid=? AND user=?)",
    "CLIENT_IDS_SINCE": "ledger USING INDEX ledger_taken (app_uuid=? AND quota=? AND accepted_at_ms>?)",
    "FIRST_LETTERS": "letters USING INDEX letters_waiting (app_uuid=? AND hook=?)",
    "DEAD_LETTERS": "letters USING INDEX letters_dead (app_uuid=? AND hook=? AND number>?)",
    "EXPIRE_LETTERS": "letters USING COVERING INDEX letters_dying (died_at_ms<?)",
    "REVIVE_ALL": "letters USING INDEX letters_dead (app_uuid=? AND hook=? AND number<?)",
    "FORGET_MUTES": "room_mutes USING COVERING INDEX room_mutes_of_user (app_uuid=? AND user=?)",
}


@pytest.fixture
def connection(tmp_path):
    writer = files.open_writer(tmp_path / "laba.db")
    yield writer
    files.close(writer)


def plan(connection, name):
    """Give SQLite's steps for a statement."""
    text = statements.Hot(STATEMENTS[name])._text
    parameters = dict.fromkeys(re.findall(r":(\w+)", text), 1)
    cursor = connection.connection.cursor()
    cursor.execute(f"EXPLAIN QUERY PLAN {text}", parameters)
    return [row[3] for row in cursor.fetchall()]


def test_every_statement_is_looked_at():
    """Those that this file speaks of are there, and more."""
    assert {*SCANS, *SEARCHES} < set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_table_is_read_from_end_to_end(connection, name):
    """SQLite finds every row that the statement needs by an index; what it was given in JSON it may walk."""
    steps = [step for step in plan(connection, name) if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    assert {step.removeprefix("SCAN ") for step in steps} == SCANS.get(name, set())


@pytest.mark.parametrize("name", SEARCHES)
def test_the_index_is_the_one_that_was_made_for_it(connection, name):
    """Another one may find the same rows among all that was ever kept."""
    assert f"SEARCH {SEARCHES[name]}" in plan(connection, name)


def test_stays_are_given_newest_first_without_sorting(connection):
    """A login must not sort what a seat did in ten years."""
    assert not [step for step in plan(connection, "STAYS_OF_SEAT") if "TEMP B-TREE" in step]


@pytest.mark.parametrize("name", ["INBOX", "OFFSETS_IN_INBOX", "RECRUITS"])
def test_the_newest_of_an_inbox_and_the_next_of_a_walk_need_no_sorting(connection, name):
    """Neither must sort all that there is to give some of it."""
    assert not [step for step in plan(connection, name) if "TEMP B-TREE" in step]


@pytest.mark.parametrize("name", ["SUMMARIES", "MESSAGES_OF_SENDER"])
def test_whether_a_message_to_chosen_users_is_one_s_own_is_asked_by_the_whole_key(connection, name):
    """A list holds others' messages only to pass them over."""
    assert "SEARCH inbox USING PRIMARY KEY (stream=? AND user=? AND offset=?)" in plan(connection, name)


@pytest.mark.parametrize("name", ["RECEIVED", "EMPTY"])
def test_one_message_s_places_are_never_gone_through_for_one_user(connection, name):
    """There may be a million of them."""
    assert "SEARCH inbox USING COVERING INDEX inbox_of_message (stream=? AND offset=?)" not in plan(connection, name)


def test_a_user_s_rooms_are_given_in_order_without_sorting(connection):
    """A login must not sort the rooms that its user is in."""
    assert not [step for step in plan(connection, "ROOMS_OF_USER") if "TEMP B-TREE" in step]
