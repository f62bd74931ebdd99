"""These run against the real office, in the process: no server stands behind them."""

import json

import pytest
from click.testing import CliRunner

from laba.cli import main


@pytest.fixture
def laba(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, [*words, "--data", str(tmp_path / "data")])

    assert run("app", "create", "acme/chat").exit_code == 0
    return run


def listed(tmp_path, text):
    path = tmp_path / "words.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_words_come_from_a_file_and_are_shown_one_a_line(laba, tmp_path):  # S7
    """Blank lines are none, spaces around a word are not its own, and a word is there once."""
    result = laba("words", "acme/chat", "--file", listed(tmp_path, "bad\n\n  加微信 \nact now\nbad\n"))
    assert result.stdout == "3 words\n"
    assert laba("words", "acme/chat").stdout == "bad\n加微信\nact now\n"
    assert json.loads(laba("words", "acme/chat", "--json").stdout) == {"words": ["bad", "加微信", "act now"]}


def test_a_mark_of_the_encoding_is_no_part_of_the_first_word(laba, tmp_path):
    """Nor is the end of a line as some editors write it."""
    laba("words", "acme/chat", "--file", listed(tmp_path, "\ufeffbad\r\n加微信\r\n"))
    assert json.loads(laba("words", "acme/chat", "--json").stdout) == {"words": ["bad", "加微信"]}


def test_an_empty_file_leaves_no_words(laba, tmp_path):
    laba("words", "acme/chat", "--file", listed(tmp_path, "bad"))
    assert laba("words", "acme/chat", "--file", listed(tmp_path, "\n \n")).stdout == "0 words\n"
    assert laba("words", "acme/chat").stdout == ""


def test_a_refused_file_leaves_the_words_as_they_were(laba, tmp_path):
    laba("words", "acme/chat", "--file", listed(tmp_path, "bad"))
    assert laba("words", "acme/chat", "--file", listed(tmp_path, "good\n" + "x" * 65)).exit_code == 1
    assert laba("words", "acme/chat").stdout == "bad\n"


def test_a_word_has_up_to_64_characters(laba, tmp_path):
    assert laba("words", "acme/chat", "--file", listed(tmp_path, "喇" * 64)).stdout == "1 words\n"
    result = laba("words", "acme/chat", "--file", listed(tmp_path, "喇" * 65))
    assert (result.exit_code, result.stderr) == (1, "Error: words[0] must be a word of 1 to 64 characters\n")


def test_thousands_of_words_will_do(laba, tmp_path):
    many = "\n".join(f"word{number}" for number in range(20_000))
    assert laba("words", "acme/chat", "--file", listed(tmp_path, many)).stdout == "20000 words\n"
    result = laba("words", "acme/chat", "--file", listed(tmp_path, many + "\none more"))
    assert (result.exit_code, "at most 20000 words" in result.stderr) == (1, True)


def test_they_are_cleared(laba, tmp_path):
    laba("words", "acme/chat", "--file", listed(tmp_path, "bad"))
    assert json.loads(laba("words", "acme/chat", "--clear", "--json").stdout) == {"words": []}
    assert laba("words", "acme/chat").stdout == ""


def test_what_will_not_do_is_said(laba, tmp_path):
    path = listed(tmp_path, b"\xff\xfe")
    assert "not UTF-8" in laba("words", "acme/chat", "--file", path).stderr
    assert "1 to 64 characters" in laba("words", "acme/chat", "--file", listed(tmp_path, "x" * 65)).stderr
    both = laba("words", "acme/chat", "--file", path, "--clear")
    assert (both.exit_code, "--clear" in both.stderr) == (2, True)
    assert laba("words", "acme/chat", "--file", str(tmp_path / "none.txt")).exit_code == 2
    unknown = laba("words", "acme/none")
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: there is no app acme/none\n")
