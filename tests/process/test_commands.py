"""The commands of `laba` as an operator types them, with a real server behind them."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from process_clients import js, python
from process_server import HOST, call, environment_of, eventually, laba, serving, steady_port

pytestmark = pytest.mark.anyio

SHUTDOWN = 3001
DEMO_CLIENTS = 50


def children(pid):
    """Give the processes whose parent is this one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(stat.parent.name))
    return found


def is_alive(pid):
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def end(pid):
    """End a process that this test started, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


async def test_demo_once_reaches_a_thousand_clients_and_leaves_nothing_behind(tmp_path):  # A1, S4
    code, stdout, stderr = await laba("demo", "--once", "--port", "0", TMPDIR=str(tmp_path))
    assert code == 0, stderr
    assert re.search(r"^1000 of 1000 reached; 50 % after .* ms, .* 100 % after .* ms\.$", stdout, re.MULTILINE)
    assert stdout.endswith("Stopped.\n")
    assert not list(tmp_path.iterdir())


@asynccontextmanager
async def demonstrating(folder):
    """Run a demo that stays up, in a process group of its own, and give it once it says how to go on."""
    command = (sys.executable, "-m", "laba", "demo", "--port", "0", "--clients", str(DEMO_CLIENTS))
    demo = await asyncio.create_subprocess_exec(
        *command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment_of(TMPDIR=str(folder), PYTHONUNBUFFERED="1"),
        start_new_session=True,
    )
    started = []
    try:
        async with asyncio.timeout(60):
            printed = await demo.stdout.readuntil(b"Ctrl-C stops it.\n")
        started = children(demo.pid)
        yield demo, printed.decode(), started
    finally:
        for pid in (demo.pid, *started):
            end(pid)
        await demo.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_a_demo_stays_up_and_tells_of_every_broadcast_until_it_is_stopped(tmp_path, number):  # A1, X2
    """By Ctrl-C, or because its terminal is closed."""
    async with demonstrating(tmp_path) as (demo, printed, [server]):
        assert f"{DEMO_CLIENTS} of {DEMO_CLIENTS} reached" in printed
        # The printed curl command, without curl.
        [(host, port, path)] = set(re.findall(r"curl -sS 'http://([^:]+):(\d+)([^']+)'", printed))
        [token] = re.findall(r"Authorization: (Bearer [^']+)'", printed)
        [body] = re.findall(r"-d '([^']+)'", printed)
        headers = {"Content-Type": "application/json", "Authorization": token}
        answer = await call(int(port), "POST", path, body.encode(), headers)
        assert (host, answer.status) == (HOST, 200)
        async with asyncio.timeout(30):
            line = await demo.stdout.readline()
        message_id = answer.json["data"]["id"]
        assert line.decode().startswith(f"broadcast {message_id}: {DEMO_CLIENTS} of {DEMO_CLIENTS} reached")
        demo.send_signal(number)
        async with asyncio.timeout(30):
            stdout, _ = await demo.communicate()
        assert (demo.returncode, stdout) == (0, b"Stopped.\n")
        assert not is_alive(server)
        assert not listens(int(port))
        assert not list(tmp_path.iterdir())


async def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing_behind(tmp_path):
    command = (sys.executable, "-m", "laba", "demo", "--port", "0")
    environment = environment_of(TMPDIR=str(tmp_path))
    demo = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL, env=environment)

    async def started():
        return children(demo.pid)

    [server] = await eventually(started, 30)
    try:
        demo.terminate()
        async with asyncio.timeout(30):
            assert await demo.wait() == 1
        assert not is_alive(server)
        assert not list(tmp_path.iterdir())
    finally:
        end(server)
        end(demo.pid)
        await demo.wait()


async def test_serve_lets_its_clients_go_on_sigterm(tmp_path, sdk):
    """They are told to come back, and the log tells of the end."""
    with serving(tmp_path / "data", steady_port(), LABA_SERVER__DRAIN_SECONDS="1") as server:
        app = server.new_app()
        async with sdk(app.websocket, *(app.user_token(f"user{number}") for number in range(5))) as listeners:
            for listener in listeners:
                await listener.until_login()
            message_id = await app.broadcast()
            for listener in listeners:
                await listener.until_heard(message_id)
            assert await asyncio.to_thread(server.terminate) == 0
            for listener in listeners:
                await listener.until(
                    lambda listener: SHUTDOWN in [each["code"] for each in listener.of("connecting")]
                )
        assert [event["event"] for event in server.log] == ["listening", "stopping", "stopped"]
        assert not listens(server.port)


async def test_a_second_server_on_the_same_data_says_so_and_ends(server):
    code, _, stderr = await laba("serve", "--port", "0", "--data", server.data)
    assert (code, stderr) == (1, f"Error: another laba runs on {server.data}\n")


async def test_a_second_server_on_the_same_port_says_so_and_ends(server, tmp_path):
    code, _, stderr = await laba("serve", "--host", HOST, "--port", server.port, "--data", tmp_path / "data")
    assert code == 1
    assert stderr.startswith("Error: cannot serve: ")
    assert stderr.count("\n") == 1


async def test_apps_are_created_listed_and_shown_through_the_running_server(server):  # G1, G2
    code, stdout, _ = await laba("app", "create", "acme/cli", "--json", "--data", server.data)
    created = json.loads(stdout)
    assert code == 0
    code, stdout, _ = await laba("app", "list", "--data", server.data)
    assert code == 0
    assert f"acme/cli\t{created['app_id']}\tneroom_broadcast" in stdout.splitlines()
    code, stdout, _ = await laba("app", "show", "acme/cli", "--json", "--data", server.data)
    assert (code, json.loads(stdout)) == (0, created)


async def test_what_laba_send_sends_reaches_the_clients(app):  # A1, X1
    async with python(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        words = ("send", app.name, "大家好", "--from", "boss", "--ext", '{"k": [1]}', "--data", app.server.data)
        code, stdout, _ = await laba(*words)
        assert code == 0
        message_id = stdout.removeprefix("accepted as ").rstrip()
        await ann.until_heard(message_id)
        [message] = ann.messages
        assert (message["from"], message["content"], message["ext"]) == ("boss", {"text": "大家好"}, {"k": [1]})


async def test_laba_token_gives_tokens_that_callers_and_clients_use(app):  # S1
    _, app_token, _ = await laba("token", app.name, "--data", app.server.data)
    _, user_token, _ = await laba("token", app.name, "--user", "ann", "--ttl", "60", "--data", app.server.data)
    async with js(app.websocket, user_token.strip()) as [ann]:
        await ann.until_login()
        await ann.until_heard(await app.broadcast(token=app_token.strip()))


async def test_health_readiness_and_metrics_are_there(server):  # X9
    for path, text in (("/health", b"ok"), ("/ready", b"ready"), ("/metrics", b"laba_logins_total")):
        answer = await call(server.port, "GET", path)
        assert answer.status == 200
        assert text in answer.body
