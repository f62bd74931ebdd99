"""These run against the real office, in the process: no server stands behind them."""

import json

import pytest
from click.testing import CliRunner

from laba.cli import main

KEYS = [
    "org_name",
    "app_name",
    "app_id",
    "app_certificate",
    "app_key",
    "app_secret",
    "client_id",
    "client_secret",
]


@pytest.fixture
def laba(tmp_path):
    def run(*words):
        return CliRunner().invoke(main, [*words, "--data", str(tmp_path)])

    return run


def test_a_new_app_prints_one_json_object_with_its_keys(laba):
    """The issue's own words: these eight at least."""
    result = laba("app", "create", "acme/chat", "--enable", "all", "--unlimited", "--json")
    assert result.exit_code == 0
    created = json.loads(result.stdout)
    assert all(created[key] for key in KEYS)
    assert all(created["features"].values())  # G2
    assert set(created["quotas"].values()) == {"unlimited"}  # G1


def test_a_new_app_prints_its_keys_in_words(laba):
    result = laba("app", "create", "acme/chat")
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert names == KEYS


def test_an_app_is_created_once(laba):
    laba("app", "create", "acme/chat")
    result = laba("app", "create", "acme/chat")
    assert result.exit_code == 1
    assert result.stderr == "Error: acme/chat exists already\n"


def test_what_is_set_is_shown(laba):
    """A change stays, in the words in which it was made."""  # G1, G2, S9
    laba("app", "create", "acme/chat")
    result = laba("app", "set", "acme/chat", "users_broadcast=on", "quota.push=9/day", "development=on")
    assert result.exit_code == 0
    shown = words(laba("app", "show", "acme/chat"))
    assert (shown["users_broadcast"], shown["quota.push"], shown["development"]) == ("on", "9/day", "on")
    assert shown["roaming"] == "off"


def test_what_goes_first_is_set_and_shown(laba):
    """An empty list raises nobody again; what is not named stays."""  # E5
    laba("app", "create", "acme/chat")
    result = laba("app", "set", "acme/chat", "high_types=txt,custom", "high_members=vip2,vip1")
    assert (words(result)["high_types"], words(result)["high_members"]) == ("custom,txt", "vip1,vip2")
    laba("app", "set", "acme/chat", "high_types=")
    shown = words(laba("app", "show", "acme/chat"))
    assert (shown["high_types"], shown["high_members"]) == ("", "vip1,vip2")


def test_the_app_s_own_types_are_set_and_shown(laba):
    """By what their messages are; a name may hold what a value may not, and the default is shown as nothing."""  # R8
    laba("app", "create", "acme/chat")
    result = laba(
        "app", "set", "acme/chat", "type.app:gift=stored,offline", "type.app:seen=none", "type.a=b.c=pushed,counted"
    )
    shown = words(result)
    assert (shown["type.app:gift"], shown["type.app:seen"]) == ("stored,offline", "none")
    assert shown["type.a=b.c"] == "counted,pushed"
    laba("app", "set", "acme/chat", "type.app:gift=default", "development=on")
    shown = words(laba("app", "show", "acme/chat"))
    assert (shown.get("type.app:gift"), shown["type.app:seen"]) == (None, "none")
    types = json.loads(laba("app", "show", "acme/chat", "--json").stdout)["types"]
    assert types["app:seen"] == {"stored": False, "counted": False, "offline": False, "pushed": False}


def words(result):
    """Give what was printed as name and value."""
    assert result.exit_code == 0, result.output
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in result.stdout.splitlines())}


def test_secrets_are_shown_only_where_asked_for(laba):
    created = json.loads(laba("app", "create", "acme/chat", "--json").stdout)
    secrets = [created[key] for key in ("app_certificate", "app_secret", "client_secret")]
    assert not any(secret in laba("app", "show", "acme/chat").stdout for secret in secrets)
    assert all(secret in laba("app", "show", "acme/chat", "--secrets").stdout for secret in secrets)
    assert json.loads(laba("app", "show", "acme/chat", "--json").stdout) == created


def test_apps_are_listed_one_a_line(laba):
    laba("app", "create", "acme/chat", "--enable", "push")
    laba("app", "create", "acme/shop")
    lines = [line.split("\t") for line in laba("app", "list").stdout.splitlines()]
    assert [(name, features) for name, _, features in lines] == [
        ("acme/chat", "push neroom_broadcast"),
        ("acme/shop", "neroom_broadcast"),
    ]
    assert len(json.loads(laba("app", "list", "--json").stdout)["apps"]) == 2


def test_an_unknown_app_is_refused_with_one_sentence(laba):
    result = laba("app", "show", "acme/none")
    assert (result.exit_code, result.stderr) == (1, "Error: there is no app acme/none\n")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("users_broadcast", "write NAME=VALUE"),
        ("users_broadcast=yes", "write on or off"),
        ("fly=on", "there is users_broadcast, "),
        ("quota.fly=1/day", "quota.users_broadcast"),
        ("quota.push=often", "is no span"),
        ("type.app:gift=", "write none, default, or some of stored, counted, offline, pushed"),
        ("type.app:gift=kept", "write none, default, or some of stored"),
        ("type.app:gift", "write NAME=VALUE"),
        ("high_types=txt,shout", "there is no kind 'shout', there is txt, "),
    ],
)
def test_a_change_that_makes_no_sense_is_misuse(laba, change, sentence):
    result = laba("app", "set", "acme/chat", change)
    assert result.exit_code == 2
    assert sentence in result.stderr


@pytest.mark.parametrize("name", ["acme", "acme/", "/chat", "a/b/c", "v1/chat"])
def test_a_name_that_no_app_can_have_is_misuse(laba, name):
    assert laba("app", "create", name).exit_code == 2
