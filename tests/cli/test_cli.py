import click
import pytest
from click.testing import CliRunner

from laba.cli import main


def _commands(command, words=()):
    yield words, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, (*words, name))


EVERY = [pytest.param(words, id=" ".join(("laba", *words))) for words, _ in _commands(main)]


@pytest.mark.parametrize("words", EVERY)
def test_every_command_shows_examples(words):
    """Each example begins a line of its own and names the command it explains."""
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    shown = result.stdout.partition("Examples:\n")[2].splitlines()
    assert shown
    assert all(" ".join(("laba", *words)) in line for line in shown)


def test_the_version_is_the_packages():
    result = CliRunner().invoke(main, ["--version"], prog_name="laba")
    assert result.stdout.startswith("laba 0.")


@pytest.mark.parametrize("words", [["fly"], ["serve", "--fly"], ["token"], ["app", "show", "acme"]])
def test_misuse_ends_with_2(words):
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")
