"""What a real server does with its pushes when it is killed, and when a service does not accept its credentials."""

import asyncio
from collections import Counter

import pytest

from fast_http2 import fast_http2_serving
from process_pushes import apns_of, apple, fcm_of, native, put, register, trusting, until_over
from process_server import eventually, laba, serving
from push_callers import other_key
from push_services import apns_serving, fcm_serving

pytestmark = pytest.mark.anyio

# Ten users with thirty devices each. A page is what may be pushed to twice.
TOKENS = [apple(number) for number in range(300)]
USERS, PAGE = 10, 40
EVERYBODY = {"everybody": True, "push": {"alert": "It begins"}}
MISTAKEN = "the credentials are not accepted: InvalidProviderToken"


class Fatal:
    """Stands before a service, and kills the server that pushes when so many pushes were accepted."""

    def __init__(self):
        self._server = None
        self._left = None

    def before(self, handle, port):
        def handled(*request):
            answer = handle(*request)
            if self._server is not None:
                self._left -= answer[0] == 200
                if self._left <= 0:
                    self._server.process.kill()
            return answer

        return fast_http2_serving(handled, port)

    async def kill(self, server, after):
        """Let so many more be accepted, and wait until the server is gone."""
        self._server, self._left = server, after
        async with asyncio.timeout(30):
            await asyncio.to_thread(server.process.wait)
        self._server = None


async def test_kill_minus_nine_in_the_middle_of_a_push_leaves_nobody_out(tmp_path):  # P5, S8
    """Killed twice: each time a page at most is pushed to again, under the same collapse id, and counted once."""
    fatal, data = Fatal(), tmp_path / "data"
    async with apns_serving(through=fatal.before) as apns:
        settings = trusting(tmp_path, apns) | {"LABA_PUSH__MAX_STREAMS": str(PAGE)}
        with serving(data, **settings) as server:
            app = server.new_app("acme/chat", enable=["push"])
            await put(app, "ios", apns_of(apns))
            for number, token in enumerate(TOKENS):
                await register(app, f"user{number % USERS}", "apns", token, device=f"device{number // USERS}")
            accepted = await native(app, "POST", "/pushes", EVERYBODY)
            await fatal.kill(server, 100)
        with serving(data, **settings) as server:
            await fatal.kill(server, 100)
        assert len({push.token for push in apns.pushes}) < len(TOKENS)
        with serving(data, **settings) as server:
            push = await until_over(app.on(server), accepted["id"])
        times = Counter(push.token for push in apns.pushes)
        assert times.keys() == set(TOKENS)
        assert max(times.values()) <= 3
        assert sum(times.values()) - len(TOKENS) <= 2 * PAGE
        assert {push.headers["apns-collapse-id"] for push in apns.pushes} == {accepted["id"]}
        assert (push["targeted"], push["accepted"], push["waiting"]) == (len(TOKENS), len(TOKENS), 0)


@pytest.fixture
async def both(tmp_path):
    """Apple's and Google's, and an app that has both, but with a mistaken key for Apple's."""
    async with apns_serving() as apns, fcm_serving() as fcm:
        settings = trusting(tmp_path, apns, fcm)
        with serving(tmp_path / "data", **settings) as server:
            app = server.new_app("acme/chat", enable=["push"])
            await put(app, "ios", apns_of(apns, key=other_key()))
            await put(app, "android", fcm_of(fcm))
            await register(app, "ann", "apns", apple(1))
            await register(app, "bob", "fcm", "token-of-bob")
            # By these the services are asked whether they accept the credentials; nobody has them.
            apns.dead.add("0" * 64)
            fcm.dead.add("laba:no-device")
            yield app, apns, fcm, settings


async def until_waiting(app, accepted):
    """Wait until Apple's has refused what Google's has done; give how it stands with each."""

    async def so_far():
        push = (await native(app, "GET", f"/broadcasts/{accepted['id']}")).get("push", {"providers": []})
        found = {one["provider"]: one for one in push["providers"]}
        return found and found["ios"]["waiting"] and found["android"]["state"] == "done" and found

    return await eventually(so_far)


async def test_a_provider_that_is_not_accepted_is_told_of_once_and_the_other_goes_on(both):  # S8
    """In the log one line, in the report and the list why; what it has not pushed waits, and costs no attempt."""
    app, apns, fcm, _ = both
    accepted = await native(app, "POST", "/pushes", EVERYBODY)
    found = (await until_waiting(app, accepted))["ios"]
    assert (found["state"], found["fault"]) == ("under_way", MISTAKEN)
    assert (found["targeted"], found["sent"], found["accepted"], found["rejected"]) == (1, 0, 0, {})
    for _ in range(2):
        await native(app, "POST", "/pushes", EVERYBODY)
    await fcm.until(3)
    listed = (await native(app, "GET", "/providers"))["providers"]
    assert {one["name"]: one["fault"] for one in listed} == {"ios": MISTAKEN, "android": ""}
    [told] = [event for event in app.server.log if event["level"] == "warning"]
    assert (told["event"], told["app"], told["provider"], told["fault"]) == (
        "push provider fails",
        "acme/chat",
        "ios",
        MISTAKEN,
    )
    assert {push.reason for push in apns.attempts} == {"InvalidProviderToken"}


async def test_the_doctor_says_which_provider_is_not_accepted_whether_a_server_runs_or_not(both):  # S8
    """In one line, with exit code 1 until it is mended; nobody is pushed to for that."""
    app, apns, fcm, settings = both
    where = ("--data", app.server.data)
    for runs in (True, False):
        if not runs:
            app.server.terminate()
        code, stdout, stderr = await laba("doctor", *where, **settings)
        faults = [line for line in stdout.splitlines() if line.startswith("FAULT")]
        assert (code, stderr) == (1, "")
        assert faults == [f"FAULT  push provider ios of acme/chat: {MISTAKEN}"]
        assert "ok     push provider android of acme/chat" in stdout.splitlines()
    key = app.server.data / "AuthKey.p8"
    key.write_text(apns.key)
    account = ("--team-id", apns.team_id, "--key-id", apns.key_id, "--topic", apns.topic, "--url", apns.url)
    words = ("provider", "put", app.name, "ios", "--kind", "apns", *account, "--key", key, *where)
    code, stdout, stderr = await laba(*words, **settings)
    assert (code, stderr) == (0, "")
    assert "PRIVATE KEY" not in stdout
    code, stdout, _ = await laba("doctor", *where, **settings)
    assert (code, "FAULT" in stdout) == (0, False)
    assert apns.pushes == fcm.pushes == []


async def test_what_waited_for_the_credentials_is_pushed_when_they_are_mended(both):  # S8
    app, apns, _, _ = both
    accepted = await native(app, "POST", "/pushes", EVERYBODY)
    await until_waiting(app, accepted)
    await put(app, "ios", apns_of(apns))
    await apns.until(1)
    push = await until_over(app, accepted["id"])
    assert (push["accepted"], push["waiting"], push["rejected"]) == (2, 0, 0)
