import asyncio
import json
import resource
from asyncio import to_thread
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from cli_server import answering
from laba.cli import main
from push_callers import other_key
from push_services import apns_serving


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def laba(data):
    def run(*words, **environment):
        return CliRunner().invoke(main, [*words, "--data", str(data)], env=environment)

    return run


def lines(result):
    """Give what was looked at, with how that stands and why."""
    found = {}
    for line in result.stdout.splitlines():
        what, _, why = line[7:].partition(": ")
        found[what] = (line[:7].strip(), why)
    return found


@contextmanager
def files_allowed(number):
    """Let the process have so many files open."""
    _, most = before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def put_apns(laba, tmp_path, apns, key):
    (tmp_path / "k.p8").write_text(key)
    whose = ("--kind", "apns", "--topic", apns.topic, "--team-id", apns.team_id, "--key-id", apns.key_id)
    assert laba("app", "create", "acme/chat").exit_code == 0
    put = laba("provider", "put", "acme/chat", "ios", *whose, "--key", str(tmp_path / "k.p8"), "--url", apns.url)
    assert put.exit_code == 0, put.output


def test_before_anything_is_there_nothing_is_made(laba, data):
    """That nothing runs yet is no fault."""
    result = laba("doctor")
    assert result.exit_code == 0
    assert lines(result)[f"data directory {data}"] == ("warn", "it is not there yet; the first command makes it")
    assert lines(result)["server"] == ("warn", f"none runs here; start one with: laba serve --data {data}")
    assert lines(result)["settings"] == ("ok", "")
    assert not data.exists()


def test_an_app_without_providers_has_nothing_to_be_looked_at(laba, data):
    assert laba("app", "create", "acme/chat").exit_code == 0
    result = laba("doctor")
    assert (result.exit_code, [*lines(result)]) == (
        0,
        ["settings", f"data directory {data}", "open files", "server"],
    )
    assert lines(result)[f"data directory {data}"] == ("ok", "")


def test_few_open_files_are_a_warning(laba):
    """Ten thousand clients need as many, and what else is open."""
    with files_allowed(1024):
        result = laba("doctor")
    assert lines(result)["open files"] == ("warn", "1024: room for 768 clients; more with ulimit -n")
    assert result.exit_code == 0
    with files_allowed(200):
        assert "room for 0 clients" in lines(laba("doctor"))["open files"][1]


def test_a_server_that_runs_is_well_and_is_asked_for_the_rest(laba, data):
    """Its lanes know what hinders a push at the moment."""  # S8
    data.mkdir()
    app, provider = {"org_name": "acme", "app_name": "chat"}, {"name": "ios", "fault": ""}
    answers = (
        {"apps": []},
        {"apps": [app]},
        {"providers": [provider, {"name": "web", "fault": "it does not want us"}], "strays": {"apns": 3}},
        {"name": "ios", "ok": False, "fault": "it is away"},
        {"name": "web", "ok": True, "fault": ""},
    )
    with answering(data, *((200, json.dumps(answer).encode()) for answer in answers)) as server:
        result = laba("doctor")
    assert lines(result)["server"] == ("ok", "")
    assert lines(result)["push provider ios of acme/chat"] == ("FAULT", "it is away")
    assert lines(result)["push provider web of acme/chat"] == ("FAULT", "it does not want us")
    assert lines(result)["devices with apns tokens of acme/chat"][0] == "warn"
    assert [path for path, *_ in server.seen[-2:]] == [
        "/v1/apps/acme/chat/providers/ios/check",
        "/v1/apps/acme/chat/providers/web/check",
    ]
    assert result.exit_code == 1


def test_each_push_provider_is_asked_whether_it_accepts_the_credentials(laba, tmp_path):
    """For a device that cannot be."""  # S8

    async def story():
        async with apns_serving() as apns:
            await to_thread(put_apns, laba, tmp_path, apns, apns.key)
            result = await to_thread(laba, "doctor", LABA_PUSH__CA_FILE=apns.ca_file)
            assert (result.exit_code, [push.token for push in apns.attempts]) == (0, ["0" * 64])
            assert lines(result)["push provider ios of acme/chat"] == ("ok", "")

    asyncio.run(story())


def test_credentials_that_are_not_accepted_are_a_fault(laba, tmp_path):
    """Exit code 1, and the service's word for why."""  # S8

    async def story():
        async with apns_serving() as apns:
            await to_thread(put_apns, laba, tmp_path, apns, other_key())
            result = await to_thread(laba, "doctor", "--json", LABA_PUSH__CA_FILE=apns.ca_file)
            assert result.exit_code == 1
            found = {one["what"]: one for one in json.loads(result.stdout)["findings"]}
            fault = "the credentials are not accepted: InvalidProviderToken"
            assert found["push provider ios of acme/chat"] == {
                "what": "push provider ios of acme/chat",
                "ok": False,
                "fault": fault,
            }
            assert found["settings"] == {"what": "settings", "ok": True, "fault": ""}

    asyncio.run(story())


@pytest.mark.parametrize("answer", [(200, b"<html>"), (500, b'{"error":{"message":"the disk is full"}}'), None])
def test_where_the_apps_cannot_be_looked_at_the_rest_is_told_all_the_same(laba, data, answer):
    """It is when something is wrong that it is called."""
    data.mkdir()
    with answering(data, (200, b"{}"), answer):
        result = laba("doctor")
    assert (result.exit_code, result.stderr) == (1, "")
    found = lines(result)
    assert (found["settings"], found["server"], found["apps"][0]) == (("ok", ""), ("ok", ""), "FAULT")


def test_a_data_directory_that_is_a_file_is_not_there(laba, data):
    data.write_text("")
    assert lines(laba("doctor"))[f"data directory {data}"][0] == "warn"


def test_settings_that_cannot_be_are_all_that_is_told(laba):
    result = laba("doctor", LABA_PUSH__MAX_STREAMS="many")
    assert result.exit_code == 1
    assert "max_streams" in result.stderr
