"""Providers are kept by the real office, in the process; a push under way needs a server, which is a scripted one."""

import asyncio
import json
from asyncio import to_thread

import pytest
from click.testing import CliRunner

from cli_server import answering
from laba.cli import main
from push_callers import other_key
from push_services import apns_serving, fcm_serving

APNS = ("--kind", "apns", "--package", "com.acme", "--team-id", "T1", "--key-id", "K1")
CHECK = ("provider", "check", "acme/chat", "ios")
WEB = ("--kind", "webpush", "--subject", "mailto:ops@acme.com")

# What an app has of Google's, and what a service account's file should not be.
GOOGLE_SERVICES = json.dumps({"project_info": {"project_id": "p1"}, "client": []})
ACCOUNT = {"type": "service_account", "client_email": "laba@p1", "project_id": "p1"}
NO_KEY, BAD_KEY = json.dumps(ACCOUNT), json.dumps(ACCOUNT | {"private_key": "x"})


class Office:
    """The command line on one data directory, where one app is; and files that an operator has."""

    def __init__(self, folder):
        self.folder = folder
        assert self("app", "create", "acme/chat").exit_code == 0

    def __call__(self, *words, **environment):
        return CliRunner().invoke(main, [*words, "--data", str(self.folder / "data")], env=environment)

    def put(self, name, *options, **environment):
        return self("provider", "put", "acme/chat", name, *options, **environment)

    def listed(self):
        return json.loads(self("provider", "list", "acme/chat", "--json").stdout)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)


@pytest.fixture
def laba(tmp_path):
    return Office(tmp_path)


@pytest.fixture
def key(laba):
    return laba.file("AuthKey.p8", other_key())


def words(result):
    """Give what was printed as name and value."""
    assert result.exit_code == 0, result.output
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in result.stdout.splitlines())}


# --- what is kept --------------------------------------------------------------------------------------------------


def test_a_provider_is_put_and_shown_without_its_key(laba, key):  # S8
    options = (*APNS, "--key", key, "--sandbox", "--topic", "com.acme.voip", "--per-second", "7")
    shown = words(laba.put("ios", *options, "--url", "https://127.0.0.1:8443"))
    assert shown == {
        "name": "ios",
        "kind": "apns",
        "package": "com.acme",
        "topic": "com.acme.voip",
        "sandbox": "yes",
        "per_second": "7",
        "url": "https://127.0.0.1:8443",
        "team_id": "T1",
        "key_id": "K1",
    }
    assert "PRIVATE" not in laba("provider", "list", "acme/chat", "--json").stdout


def test_without_a_key_a_provider_keeps_the_one_it_had(laba, key):  # S8
    assert laba.put("ios", *APNS).stderr == "Error: key is missing\n"
    words(laba.put("ios", *APNS, "--key", key))
    assert words(laba.put("ios", *APNS, "--per-second", "7"))["per_second"] == "7"


def test_web_push_is_given_a_key_and_keeps_it(laba):
    """Pages subscribe with its public half; with another one they would have to again."""  # S8
    public = words(laba.put("web", *WEB))["public_key"]
    assert len(public) == 87
    assert words(laba.put("web", *WEB, "--per-second", "9"))["public_key"] == public
    other = json.loads(laba.put("web", *WEB, "--key", laba.file("vapid.pem", other_key()), "--json").stdout)
    assert other["public_key"] not in {public, ""}


def test_providers_are_listed_one_a_line(laba, key):  # S8
    words(laba.put("web", *WEB))
    words(laba.put("ios", *APNS, "--key", key, "--sandbox"))
    assert laba("provider", "list", "acme/chat").stdout.splitlines() == [
        "ios\tapns\tcom.acme\tyes\t0\t",
        "web\twebpush\t\t\t0\t",
    ]
    assert (laba.listed()["devices"], len(laba.listed()["providers"])) == ({}, 2)


def test_a_provider_is_removed(laba):  # S8
    words(laba.put("web", *WEB))
    assert laba("provider", "remove", "acme/chat", "web").stdout == "removed web\n"
    assert laba.listed() == {"providers": [], "devices": {}, "strays": {}}
    words(laba.put("web", *WEB))
    assert json.loads(laba("provider", "remove", "acme/chat", "web", "--json").stdout) == {"name": "web"}


# --- what is asked of a service ------------------------------------------------------------------------------------


def test_a_service_that_accepts_who_asks_is_well(laba):
    """For a device that cannot be: nothing is pushed to anybody."""  # S8

    async def story():
        async with apns_serving() as apns:
            whose = ("--kind", "apns", "--topic", apns.topic, "--team-id", apns.team_id, "--key-id", apns.key_id)
            key = laba.file("k", apns.key)
            words(await to_thread(laba.put, "ios", *whose, "--key", key, "--url", apns.url))
            checked = await to_thread(laba, *CHECK, LABA_PUSH__CA_FILE=apns.ca_file)
            assert (checked.exit_code, checked.stdout) == (0, "all is well\n")
            assert [push.token for push in apns.attempts] == ["0" * 64]

    asyncio.run(story())


def test_a_service_that_does_not_is_a_fault_with_its_word(laba, key):  # S8
    async def story():
        async with apns_serving() as apns:
            words(await to_thread(laba.put, "ios", *APNS, "--key", key, "--url", apns.url))
            checked = await to_thread(laba, *CHECK, LABA_PUSH__CA_FILE=apns.ca_file)
            assert (checked.exit_code, checked.stdout) == (
                1,
                "the credentials are not accepted: InvalidProviderToken\n",
            )
            unknown = await to_thread(laba, *CHECK, "--json")
            assert unknown.exit_code == 1
            found = json.loads(unknown.stdout)
            assert (found["name"], found["ok"]) == ("ios", False)
            assert found["fault"].startswith("no answer: its certificate is not trusted")

    asyncio.run(story())


def test_fcm_is_put_by_the_file_of_its_service_account_and_checked(laba):
    """As it was downloaded; where it is of another project Google says so."""  # S8

    async def story():
        async with fcm_serving() as fcm:
            account = fcm.service_account
            for file, well in ((account, True), (account | {"project_id": "another"}, False)):
                given = ("--kind", "fcm", "--service-account", laba.file("account.json", json.dumps(file)))
                shown = words(await to_thread(laba.put, "ios", *given, "--url", fcm.url))
                assert (shown["project_id"], shown["client_email"]) == (file["project_id"], fcm.email)
                assert shown["per_second"] == "5000"
                checked = await to_thread(laba, *CHECK, LABA_PUSH__CA_FILE=fcm.ca_file)
                assert (checked.exit_code == 0, checked.stdout == "all is well\n") == (well, well)
            assert [push.token for push in fcm.pushes] == ["laba:no-device"]

    asyncio.run(story())


def test_nobody_listening_is_a_fault(laba, key):  # S8
    async def gone():
        async with apns_serving() as apns:
            return apns.url

    url = asyncio.run(gone())
    words(laba.put("ios", *APNS, "--key", key, "--url", url))
    checked = laba(*CHECK)
    fault = f"no answer: nobody listens there ({url.removeprefix('https://')})\n"
    assert (checked.exit_code, checked.stdout) == (1, fault)


def test_of_web_push_only_the_key_can_be_tried(laba):
    words(laba.put("ios", *WEB))
    checked = laba(*CHECK)
    assert (checked.exit_code, checked.stdout.startswith("the key is good; ")) == (0, True)


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "No such file or directory"), ("x", "holds no certificate (PEM)")]
)
def test_certificates_that_cannot_be_read_are_said_by_their_setting(laba, key, content, sentence):
    words(laba.put("ios", *APNS, "--key", key))
    file = laba.folder / "ca.pem"
    if content is not None:
        file.write_text(content)
    result = laba(*CHECK, LABA_PUSH__CA_FILE=str(file))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: push.ca_file: {file}")
    assert sentence in result.stderr


# --- what cannot be ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("put", "acme/chat", ".x", *WEB), "a provider's name is 1 to 64"),
        (("put", "acme/chat", "web", "--kind", "webpush"), "subject is missing"),
        (("put", "acme/chat", "web", "--kind", "webpush", "--subject", "ops"), "must be a mailto: or https: address"),
        (("put", "acme/chat", "ios", "--kind", "apns"), "team_id is missing"),
        (("put", "acme/chat", "android", "--kind", "fcm"), "service_account is missing"),
        (("put", "acme/chat", "ios", *APNS, "--url", "https://x/y"), "a provider's URL is"),
        (("put", "acme/chat", "ios", *APNS, "--url", "http://127.0.0.1:99999"), "a provider's URL is"),
        (("put", "acme/chat", "ios", *APNS, "--topic", "喇叭"), "printable characters of ASCII"),
        (("put", "acme/none", "web", *WEB), "there is no app acme/none"),
        (("list", "acme/none"), "there is no app acme/none"),
        (("remove", "acme/chat", "none"), "acme/chat has no push provider none"),
        (("check", "acme/chat", "none"), "acme/chat has no push provider none"),
    ],
)
def test_what_cannot_be_is_said(laba, arguments, sentence):
    result = laba("provider", *arguments)
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.output


@pytest.mark.parametrize(
    ("option", "content", "sentence"),
    [
        ("--key", bytes(range(256)), "is not text: it may be a key in another form than PEM"),
        ("--key", "no key", "key will not do: the private key is not one in PEM"),
        ("--key", "", "key must be a string that is not empty"),
        ("--service-account", b"\x30\x82\xff", "is not text"),
        ("--service-account", "{", "the service account's file is no JSON"),
        ("--service-account", "[" * 100_000, "the service account's file is no JSON"),
        ("--service-account", "[]", "service_account must be an object"),
        ("--service-account", "{}", "service_account.type is missing"),
        ("--service-account", GOOGLE_SERVICES, "service_account.type is missing"),
        ("--service-account", '{"type":"authorized_user"}', "service_account.type must be service_account"),
        ("--service-account", NO_KEY, "service_account.private_key is missing"),
        ("--service-account", BAD_KEY, "service_account.private_key will not do"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_said(laba, option, content, sentence):
    """An operator has many files of this kind; nothing of a key is shown."""  # S8
    kind = APNS if option == "--key" else ("--kind", "fcm")
    result = laba.put("main", *kind, option, laba.file("a file", content))
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.output


def test_two_providers_are_not_for_the_same_devices(laba):  # S8
    words(laba.put("web", *WEB))
    result = laba.put("web2", *WEB)
    assert result.exit_code == 1
    assert "web" in result.stderr
    words(laba.put("web2", *WEB, "--package", "com.acme"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("provider", "put", "acme/chat", "web"),
        ("provider", "put", "acme/chat", "web", "--kind", "pigeon"),
        ("provider", "put", "acme/chat", "web", *WEB, "--per-second", "-1"),
        ("provider", "put", "acme/chat", "ios", *APNS, "--key", "/no/such/file"),
        ("provider", "list", "acme"),
        ("push", "pause", "1"),
        ("push", "pause", "-1", "--app", "acme/chat"),
        ("push", "pause", "1" * 20, "--app", "acme/chat"),
        ("push", "pause", "0000-8x3n-QGUP-WOX6", "--app", "acme/chat"),
        ("provider", "put", "acme/chat", "web", *WEB, "--topic", "x"),
        ("provider", "put", "acme/chat", "web", *WEB, "--sandbox"),
        ("provider", "put", "acme/chat", "android", "--kind", "fcm", "--team-id", "x"),
        ("push", "stop", "1", "--app", "acme/chat"),
    ],
)
def test_what_makes_no_sense_is_misuse(laba, arguments):
    assert laba(*arguments).exit_code == 2


# --- a push under way ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "state", "sentence"),
    [
        ("pause", "paused", "paused, with 2 providers\n"),
        ("resume", "under_way", "under way, with 2 providers\n"),
        ("cancel", "cancelled", "cancelled, with 2 providers\n"),
    ],
)
def test_a_push_is_paused_resumed_and_cancelled(laba, verb, state, sentence):  # S8
    answer = json.dumps({"id": "7", "state": state, "providers": 2}).encode()
    with answering(laba.folder / "data", (200, answer)) as server:
        assert laba("push", verb, "7", "--app", "acme/chat").stdout == sentence
        as_json = laba("push", verb, "7", "--app", "acme/chat", "--json").stdout
    assert json.loads(as_json)["state"] == state
    assert {path for path, _ in server.seen} == {f"/v1/apps/acme/chat/broadcasts/7/push/{verb}"}


def test_a_push_that_is_over_is_said(laba):  # S8
    refusal = b'{"error":{"code":"push_over","message":"broadcast 7 has no push that could go on"}}'
    with answering(laba.folder / "data", (409, refusal)):
        result = laba("push", "resume", "7", "--app", "acme/chat")
    assert (result.exit_code, result.stderr) == (1, "Error: broadcast 7 has no push that could go on\n")


def test_only_a_server_has_a_push_under_way(laba):  # S8
    result = laba("push", "cancel", "7", "--app", "acme/chat")
    assert (result.exit_code, "no laba runs on" in result.stderr) == (1, True)
