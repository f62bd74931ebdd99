"""These run against the real office, in the process: no server stands behind them."""

import asyncio
import json
import os

import pytest
from click.testing import CliRunner

from builders import said
from laba.adapters.store.sqlite import SqliteStore
from laba.cli import main
from laba.model.hook import Source
from laba.model.letter import Letter


class Office:
    """The command line on one data directory, where one app is."""

    def __init__(self, folder):
        self.folder = folder
        self.app = json.loads(self("app", "create", "acme/chat", "--json").stdout)

    def __call__(self, *words):
        return CliRunner().invoke(main, [*words, "--data", str(self.folder)])

    def bury(self, *numbers):
        """Have letters of the hook main, and give them up."""

        async def write():
            async with SqliteStore.open(self.folder / "laba.db", entropy=os.urandom) as store:
                uuid = self.app["application"]
                letters = [Letter(str(number), uuid, "main", said(number), Source.CALLER) for number in numbers]
                await store.letters.add(letters)
                kept = await store.letters.first(uuid, "main", 100)
                await store.letters.bury([letter.number for letter in kept], "it answered 400", 1_700_000_000_000)

        asyncio.run(write())


@pytest.fixture
def laba(tmp_path):
    return Office(tmp_path)


def words(result):
    """Give what was printed as name and value."""
    assert result.exit_code == 0, result.output
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in result.stdout.splitlines())}


def put(laba, name="main", url="http://back.end/told", *options):
    return laba("callback", "put", "acme/chat", name, "--url", url, *options)


def test_a_callback_is_made_with_a_secret_of_its_own(laba):  # S6
    made = words(put(laba))
    assert (made["name"], made["url"], made["form"]) == ("main", "http://back.end/told", "native")
    assert made["secret"].startswith("whsec_")
    assert words(put(laba, "main", "http://other.end/"))["secret"] == made["secret"]
    assert words(put(laba, "main", "http://other.end/", "--secret", "mine"))["secret"] == "mine"


def test_a_callback_is_shown_as_json_with_all_that_it_is(laba):  # S6
    options = ("--form", "rongcloud", "--env", "test", "--secret", "s", "--from", "caller", "--json")
    assert json.loads(put(laba, "main", "http://back.end/", *options).stdout) == {
        "callbacks": [
            {
                "name": "main",
                "url": "http://back.end/",
                "form": "rongcloud",
                "secret": "s",
                "env": "test",
                "sources": ["caller"],
                "waiting": 0,
                "dead": 0,
            }
        ]
    }


@pytest.mark.parametrize("form", ["native", "easemob", "rongcloud", "netease"])
def test_a_callback_has_the_form_of_whom_the_back_end_knows(laba, form):  # S6
    assert words(put(laba, "main", "http://back.end/", "--form", form))["form"] == form


def test_callbacks_are_listed_one_a_line(laba):  # S6
    put(laba)
    put(laba, "test", "http://test.end/", "--env", "test", "--from", "client", "--form", "netease")
    laba.bury(1, 2)
    assert laba("callback", "list", "acme/chat").stdout.splitlines() == [
        "main\tnative\thttp://back.end/told\t\tcaller,client\t0\t2",
        "test\tnetease\thttp://test.end/\ttest\tclient\t0\t0",
    ]
    assert len(json.loads(laba("callback", "list", "acme/chat", "--json").stdout)["callbacks"]) == 2


def test_what_was_given_up_is_listed_and_sent_again(laba):  # S6
    put(laba)
    laba.bury(1, 2, 3)
    listed = laba("callback", "dead", "acme/chat", "main", "--limit", "2")
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert [row[1] for row in rows] == ["1", "2"]
    assert {row[4] for row in rows} == {"it answered 400"}
    rest = laba("callback", "dead", "acme/chat", "main", "--cursor", listed.stderr.split()[-1], "--json")
    assert [letter["message_id"] for letter in json.loads(rest.stdout)["letters"]] == ["3"]
    assert laba("callback", "resend", "acme/chat", "main", rows[0][0]).stdout == "resent 1\n"
    assert json.loads(laba("callback", "resend", "acme/chat", "main", "--json").stdout) == {"resent": 2}
    assert laba("callback", "list", "acme/chat").stdout.split("\t")[-2:] == ["3", "0\n"]


def test_a_callback_is_removed_with_what_waits_for_it(laba):  # S6
    put(laba)
    laba.bury(1)
    assert laba("callback", "remove", "acme/chat", "main").stdout == "removed main\n"
    assert laba("callback", "list", "acme/chat").stdout == ""
    put(laba)
    assert laba("callback", "dead", "acme/chat", "main").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("put", "acme/chat", "main", "--url", "ftp://x"), "http:// or https://"),
        (("put", "acme/chat", "main", "--url", "http://x/", "--form", "none"), "must be one of easemob, native"),
        (("remove", "acme/chat", "none"), "acme/chat has no hook none"),
        (("dead", "acme/chat", "none"), "acme/chat has no hook none"),
        (("resend", "acme/chat", "none"), "acme/chat has no hook none"),
        (("list", "acme/none"), "there is no app acme/none"),
    ],
)
def test_what_cannot_be_is_said(laba, arguments, sentence):
    result = laba("callback", *arguments)
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("put", "acme/chat", "main"),
        ("put", "acme/chat", "main", "--url", "http://x/", "--from", "nobody"),
        ("dead", "acme/chat", "main", "--limit", "0"),
        ("dead", "acme/chat", "main", "--limit", "101"),
        ("resend", "acme/chat", "main", "0"),
        ("resend", "acme/chat", "main", "one"),
        ("list", "acme"),
    ],
)
def test_what_makes_no_sense_is_misuse(laba, arguments):
    assert laba("callback", *arguments).exit_code == 2


def test_more_numbers_than_go_at_once_are_refused(laba):
    """They are not sent in part."""
    put(laba)
    laba.bury(1)
    thousand = [str(number) for number in range(1, 1001)]
    result = laba("callback", "resend", "acme/chat", "main", *thousand, "1001")
    assert (result.exit_code, "1 to 1000 numbers" in result.stderr) == (1, True)
    assert laba("callback", "resend", "acme/chat", "main", *thousand).stdout == "resent 1\n"
