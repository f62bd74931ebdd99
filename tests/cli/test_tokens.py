import json

import pytest
from click.testing import CliRunner

from laba.cli import main


@pytest.fixture
def laba(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, [*words, "--data", str(tmp_path)])

    run("app", "create", "acme/chat")
    return run


def test_the_token_stands_alone_on_its_line(laba):
    """So that a shell can put it into a variable."""  # S1
    result = laba("token", "acme/chat")
    assert result.exit_code == 0
    assert len(result.stdout.split()) == 1


def test_a_user_token_registers_the_user_it_names(laba):
    """The first token of a quick start needs no step before it."""  # S1
    issued = json.loads(laba("token", "acme/chat", "--user", "ann", "--ttl", "60", "--json").stdout)
    assert (issued["user"], issued["expires_in_seconds"]) == ("ann", 60)


def test_a_token_of_no_app_is_refused(laba):
    result = laba("token", "acme/none")
    assert (result.exit_code, result.stderr) == (1, "Error: there is no app acme/none\n")
