import json

import pytest
from click.testing import CliRunner

from cli_server import answering
from laba.cli import main


@pytest.fixture
def laba(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, ["send", *words, "--data", str(tmp_path)])

    return run


def test_without_a_server_nothing_is_sent_and_the_sentence_says_why(laba, tmp_path):
    result = laba("acme/chat", "hello")
    assert result.exit_code == 1
    assert result.stderr == f"Error: no laba runs on {tmp_path}; start one with: laba serve --data {tmp_path}\n"


@pytest.mark.parametrize(("kind", "field"), [("txt", "text"), ("cmd", "action"), ("custom", "event")])
def test_the_text_goes_where_its_kind_has_it(laba, tmp_path, kind, field):
    """The command speaks the native dialect like everybody else."""
    with answering(tmp_path, (200, b'{"id":"7","accepted_at":1}')) as server:
        result = laba("acme/chat", "hello", "--kind", kind, "--from", "ann", "--ext", '{"k": 1}')
    assert (result.exit_code, result.stdout) == (0, "accepted as 7\n")
    [(path, body)] = server.seen
    assert path == "/v1/apps/acme/chat/broadcasts"
    assert json.loads(body) == {"from": "ann", "kind": kind, "content": {field: "hello"}, "ext": {"k": 1}}


def test_json_prints_the_answer_as_it_came(laba, tmp_path):
    with answering(tmp_path, (200, b'{"id":"7","accepted_at":1}')):
        result = laba("acme/chat", "hello", "--json")
    assert json.loads(result.stdout) == {"id": "7", "accepted_at": 1}


@pytest.mark.parametrize("ext", ["{", "[]", "null"])
def test_an_ext_that_is_no_object_is_misuse(laba, ext):
    assert laba("acme/chat", "hello", "--ext", ext).exit_code == 2


def test_rooms_are_sent_to_by_their_ids(laba, tmp_path):
    """Some of one room's members, too."""  # E1 E4 E10
    with answering(tmp_path, (200, b'{"ids":{"r1":"7"}}')) as server:
        result = laba("acme/chat", "hello", "--room", "r1", "--to-user", "ann", "--to-user", "bob", "--level", "low")
    assert (result.exit_code, result.stdout) == (0, "r1: accepted as 7\n")
    [(path, body)] = server.seen
    assert path == "/v1/apps/acme/chat/messages"
    sent = json.loads(body)
    assert (sent["rooms"], sent["users"], sent["level"]) == (["r1"], ["ann", "bob"], "low")


def test_each_room_is_told_with_the_id_of_its_message(laba, tmp_path):
    """In the order of the answer."""  # E9
    with answering(tmp_path, (200, b'{"ids":{"r2":"8","r1":"7"}}')):
        result = laba("acme/chat", "hello", "--room", "r2", "--room", "r1")
    assert result.stdout == "r2: accepted as 8\nr1: accepted as 7\n"


def test_all_rooms_are_one_broadcast(laba, tmp_path):
    """It has an id of its own."""  # A8
    with answering(tmp_path, (200, b'{"id":"7","accepted_at":1}')) as server:
        result = laba("acme/chat", "hello", "--all-rooms")
    assert result.stdout == "accepted as 7\n"
    [(path, body)] = server.seen
    assert (path, json.loads(body)["audience"]) == ("/v1/apps/acme/chat/broadcasts", "active_rooms")


def test_all_users_are_one_broadcast(laba, tmp_path):
    """Offline ones included."""  # V1
    with answering(tmp_path, (200, b'{"id":"7","accepted_at":1}')) as server:
        result = laba("acme/chat", "hello", "--all-users")
    assert result.stdout == "accepted as 7\n"
    [(path, body)] = server.seen
    assert (path, json.loads(body)["audience"]) == ("/v1/apps/acme/chat/broadcasts", "all_users")


def test_a_broadcast_may_wait_a_little_and_be_the_system_s(laba, tmp_path):
    """For who comes within the window; in a conversation that nobody can answer."""  # R4 R5
    with answering(tmp_path, (200, b'{"id":"7","accepted_at":1}')) as server:
        laba("acme/chat", "hello", "--recent-users", "--conversation", "system")
        laba("acme/chat", "hello")
    bodies = [json.loads(body) for _, body in server.seen]
    assert [(body.get("audience"), body.get("conversation")) for body in bodies] == [
        ("recent_users", "system"),
        (None, None),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--room", "r1", "--all-rooms"),
        ("--all-users", "--all-rooms"),
        ("--all-users", "--recent-users"),
        ("--recent-users", "--room", "r1"),
        ("--to-user", "ann"),
        ("--level", "urgent"),
        ("--conversation", "room"),
        ("--conversation", "system", "--all-rooms"),
        ("--conversation", "app", "--room", "r1"),
        ("--push", ""),
        ("--push", "look", "--room", "r1"),
    ],
)
def test_what_cannot_be_meant_together_is_misuse(laba, words):
    assert laba("acme/chat", "hello", *words).exit_code == 2
