import fcntl
import json
from socketserver import UnixStreamServer

import click
import pytest

from cli_server import Scripted, answering
from laba.cli import office
from laba.config import Server, Settings
from laba.model.http import RequestHead

HEAD = RequestHead("POST", "/v1/apps/acme/chat/tokens", headers={"content-type": "application/json"}, operator=True)


@pytest.fixture
def settings(tmp_path):
    return Settings(server=Server(data_dir=tmp_path))


def test_a_running_server_is_asked_over_its_socket(settings, tmp_path):
    """What the server does takes effect at once."""  # S9
    with answering(tmp_path, (201, b'{"a":1}')) as server:
        response = office.call(settings, HEAD, b'{"user":"ann"}')
    assert (response.status, response.body, response.media_type) == (201, b'{"a":1}', "application/json")
    assert server.seen == [("/v1/apps/acme/chat/tokens", b'{"user":"ann"}')]


def test_a_path_is_written_as_the_wire_wants_it(settings, tmp_path):
    """A head's path is decoded; RFC 3986 section 2.1 wants it encoded on the wire."""
    with answering(tmp_path, (200, b"{}")) as server:
        office.call(settings, RequestHead("POST", "/v1/喇 叭", query={"a": "b c"}), b"")
    assert server.seen[0][0] == "/v1/%E5%96%87%20%E5%8F%AD?a=b+c"


def test_a_refusal_is_the_commands_sentence(settings, tmp_path):
    body = json.dumps({"error": {"code": "app_unknown", "message": "there is no app acme/chat"}}).encode()
    with answering(tmp_path, (404, body)), pytest.raises(click.ClickException, match=r"^there is no app acme/chat$"):
        office.asked(settings, "GET", "/v1/apps/acme/chat")


@pytest.mark.parametrize("answer", [(200, b"<html>"), (502, b"<html>"), (500, b"[]"), (500, b'{"error":"?"}')])
def test_an_answer_that_is_not_labas_is_told_as_such(settings, tmp_path, answer):
    with answering(tmp_path, answer), pytest.raises(click.ClickException, match="that is not laba's"):
        office.asked(settings, "GET", "/v1/apps")


def test_a_server_that_goes_away_leaves_the_outcome_open(settings, tmp_path):
    """Neither done nor not done may be claimed."""
    with answering(tmp_path, None), pytest.raises(click.ClickException, match="it may have done it"):
        office.asked(settings, "POST", "/v1/apps", {})


def test_a_socket_that_nobody_listens_on_is_no_server(settings, tmp_path):
    """A killed server leaves its socket behind."""
    with UnixStreamServer(str(tmp_path / office.SOCKET_NAME), Scripted):
        pass
    assert office.call_server(settings, HEAD, b"") is None


def test_what_needs_a_server_says_how_to_start_one(settings, tmp_path):
    with pytest.raises(click.ClickException, match=f"no laba runs on {tmp_path}; start one with: laba serve --data"):
        office.asked_of_server(settings, "POST", "/v1/apps/acme/chat/broadcasts", {})


def test_without_a_server_the_command_does_it_itself(settings):
    """Embedded: the command is the one process on the data directory."""  # S9
    created = office.asked(settings, "POST", "/v1/apps", {"org_name": "acme", "app_name": "chat"})
    assert created["org_name"] == "acme"
    assert office.asked(settings, "GET", "/v1/apps")["apps"] == [created]


def test_a_directory_held_by_someone_who_does_not_answer_is_given_up(settings, tmp_path):
    """The wait is bounded, and the sentence says who is in the way."""
    office.asked(settings, "GET", "/v1/apps")
    locks = [path.open("rb") for path in tmp_path.iterdir() if path.is_file()]
    try:
        for lock in locks:
            fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(click.ClickException, match=f"another process holds {tmp_path}"):
            office.call(settings, HEAD, b"{}", start_seconds=0)
    finally:
        for lock in locks:
            lock.close()
