"""These run against the real office, in the process: no server stands behind them."""

import asyncio
import json
import os

import pytest
from click.testing import CliRunner

from laba.adapters.store.sqlite import SqliteStore
from laba.cli import main
from laba.model.room import Room


@pytest.fixture
def laba(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, [*words, "--data", str(tmp_path)])

    created = json.loads(run("app", "create", "acme/chat", "--json").stdout)

    async def make_rooms():
        async with SqliteStore.open(tmp_path / "laba.db", entropy=os.urandom) as store:
            for number in range(1, 4):
                room = Room(created["application"], str(number), f"room {number}", 5, owner="ann")
                await store.rooms.add(room, ["ann", "bob"])

    asyncio.run(make_rooms())
    return run


def words(result):
    """Give what was printed as name and value."""
    assert result.exit_code == 0, result.output
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in result.stdout.splitlines())}


def test_rooms_are_listed_one_a_line(laba):  # S3
    """The rest is asked for by the cursor."""
    listed = laba("room", "list", "acme/chat", "--limit", "2")
    assert listed.stdout.splitlines() == ["1\troom 1\tann\t2", "2\troom 2\tann\t2"]
    cursor = listed.stderr.split()[-1]
    rest = laba("room", "list", "acme/chat", "--cursor", cursor)
    assert (rest.stdout.splitlines(), rest.stderr) == (["3\troom 3\tann\t2"], "")
    assert len(json.loads(laba("room", "list", "acme/chat", "--json").stdout)["rooms"]) == 3


def test_a_room_is_shown(laba):  # S3
    shown = words(laba("room", "show", "acme/chat", "2"))
    assert (shown["id"], shown["name"], shown["owner"], shown["members"]) == ("2", "room 2", "ann", "2")
    assert (shown["active"], shown["muted"], shown["max_members"]) == ("no", "no", "1000")
    assert json.loads(laba("room", "show", "acme/chat", "2", "--json").stdout)["name"] == "room 2"


def test_what_goes_first_is_set_and_shown(laba):  # E5
    """An empty list raises nobody again; what is not named stays, and so do other rooms."""
    result = laba("room", "set", "acme/chat", "2", "high_types=txt,custom", "high_members=vip2,vip1")
    assert (words(result)["high_types"], words(result)["high_members"]) == ("custom,txt", "vip1,vip2")
    changed = json.loads(laba("room", "set", "acme/chat", "2", "high_members=", "--json").stdout)
    assert (changed["high_types"], changed["high_members"]) == (["custom", "txt"], [])
    assert words(laba("room", "show", "acme/chat", "2"))["high_types"] == "custom,txt"
    assert words(laba("room", "show", "acme/chat", "1"))["high_types"] == ""


def test_words_and_bounds_are_set(laba):  # S3
    result = laba("room", "set", "acme/chat", "2", "name=new name", "description=a=b", "max_members=7")
    shown = words(result)
    assert (shown["name"], shown["description"], shown["max_members"]) == ("new name", "a=b", "7")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("high_types", "write NAME=VALUE"),
        ("high_types=txt,shout", "there is no kind 'shout', there is txt, "),
        ("max_members=many", "write a number"),
        ("owner=bob", "there is name, description, max_members, high_types, high_members"),
    ],
)
def test_a_change_that_makes_no_sense_is_misuse(laba, change, sentence):
    result = laba("room", "set", "acme/chat", "2", change)
    assert result.exit_code == 2
    assert sentence in result.stderr


@pytest.mark.parametrize("command", [["show"], ["set"]])
def test_an_unknown_room_is_refused_with_one_sentence(laba, command):
    changes = ["name=new"] if command == ["set"] else []
    result = laba("room", *command, "acme/chat", "none", *changes)
    assert (result.exit_code, result.stderr) == (1, "Error: there is no room none\n")


def test_a_bound_that_no_room_can_have_is_refused_with_one_sentence(laba):
    result = laba("room", "set", "acme/chat", "2", "max_members=10001")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: max_members must be a whole number from 1 to 10000\n",
    )
