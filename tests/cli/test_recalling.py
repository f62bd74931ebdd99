import json

import pytest
from click.testing import CliRunner

from cli_server import answering
from laba.cli import main


@pytest.fixture
def laba(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, ["recall", *words, "--data", str(tmp_path)])

    return run


def test_a_broadcast_is_recalled_by_its_id_and_its_app(laba, tmp_path):
    """The command speaks the native dialect like everybody else."""  # X3
    with answering(tmp_path, (200, b'{"id":"7"}')) as server:
        result = laba("7", "--app", "acme/chat")
        as_json = laba("7", "--app", "acme/chat", "--json")
    assert (result.exit_code, result.stdout) == (0, "recalled 7\n")
    assert json.loads(as_json.stdout) == {"id": "7"}
    assert [path for path, _ in server.seen] == ["/v1/apps/acme/chat/broadcasts/7/recall"] * 2


def test_what_cannot_be_recalled_is_told_with_its_reason(laba, tmp_path):  # X3
    body = b'{"error":{"code":"not_recallable","message":"a message to rooms cannot be recalled so"}}'
    with answering(tmp_path, (409, body)):
        result = laba("7", "--app", "acme/chat")
    assert (result.exit_code, result.stderr) == (1, "Error: a message to rooms cannot be recalled so\n")


def test_without_a_server_nothing_is_recalled(laba, tmp_path):
    """There is nobody who could tell it to clients."""
    result = laba("7", "--app", "acme/chat")
    assert result.exit_code == 1
    assert result.stderr == f"Error: no laba runs on {tmp_path}; start one with: laba serve --data {tmp_path}\n"


@pytest.mark.parametrize(
    "words", [("7",), ("--app", "acme/chat"), ("x", "--app", "acme/chat"), ("7", "--app", "acme")]
)
def test_what_names_no_broadcast_of_an_app_is_misuse(laba, words):
    assert laba(*words).exit_code == 2
