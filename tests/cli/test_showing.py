import json

import click
from click.testing import CliRunner

from laba.cli.showing import show_json, show_pairs, show_rows


def _printed(show, *arguments):
    return CliRunner().invoke(click.Command("show", callback=lambda: show(*arguments))).stdout


def test_json_is_one_object_on_one_line():
    printed = _printed(show_json, {"name": "喇叭"})
    assert json.loads(printed) == {"name": "喇叭"}
    assert printed.count("\n") == 1


def test_pairs_stand_under_each_other():
    assert _printed(show_pairs, [("a", "1"), ("long", "2")]) == "a     1\nlong  2\n"


def test_a_pipe_gets_plain_lines():
    """What a script reads has no frame and no heads."""
    assert _printed(show_rows, ("name", "id"), [("a", "1"), ("b", "2")]) == "a\t1\nb\t2\n"
