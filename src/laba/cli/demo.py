"""`laba demo`: a server, a crowd of real clients, one broadcast, and the report of it."""

import asyncio
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import uvloop

from laba.cli.crowd import Arrivals, Crowd, gathered
from laba.cli.office import asked_of_server
from laba.cli.options import examples, settings
from laba.cli.parts import assembly
from laba.dialects import offline

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
QUIET_SECONDS = 5.0
APP = "demo/live"
# Ctrl-C, a service manager, and the terminal when its window is closed.
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo's server is, and the app it broadcasts in."""

    port: int
    data_dir: Path
    app: dict[str, Any]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/app-id/{self.app['app_id']}/messages/users/broadcast"

    @property
    def app_token(self) -> str:
        app_id, certificate = self.app["app_id"], self.app["app_certificate"]
        return offline.app_token(app_id, certificate, issued_at=int(time.time()), salt=_salt())

    def user_token(self, user: str) -> str:
        """Give a token as the app's own back end makes it: signed with the certificate, without asking laba."""
        app_id, certificate = self.app["app_id"], self.app["app_certificate"]
        return offline.user_token(app_id, certificate, user, issued_at=int(time.time()), salt=_salt())


def _salt() -> int:
    return 1 + secrets.randbelow(99_999_999)


@click.command(
    epilog=examples(
        "laba demo",
        "laba demo --clients 5000",
        "laba demo --once",
    )
)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="The port to listen on.")
@click.option(
    "--clients", type=click.IntRange(1, 15000), default=1000, show_default=True, help="How many clients connect."
)
@click.option("--once", is_flag=True, help="Stop after the report instead of staying up.")
def demo(port: int, clients: int, once: bool) -> None:
    """Start a server, connect clients, broadcast to them, and print what happened. Ctrl-C stops it.

    Everything lies in a temporary folder and is gone afterwards.
    """
    asked = _asked_to_stop()
    with tempfile.TemporaryDirectory(prefix="laba-demo-") as folder:
        data_dir = Path(folder)
        with _serving(_free_port(port), data_dir, asked) as chosen:
            app = _app(data_dir)
            if not uvloop.run(_perform(Stage(chosen, data_dir, app), clients, asked, once=once)):
                raise click.ClickException("not every client was reached")
    click.echo("Stopped.")


def _asked_to_stop() -> threading.Event:
    """Give an event that a signal sets. One that ended the process on the spot would leave the server behind."""
    asked = threading.Event()
    for number in STOPS:
        signal.signal(number, lambda *_: asked.set())
    return asked


async def _perform(stage: Stage, clients: int, asked: threading.Event, *, once: bool) -> bool:
    stop = asyncio.Event()
    for number in STOPS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if asked.is_set():
        stop.set()
    tokens = [stage.user_token(f"user{number}") for number in range(clients)]
    started_at = time.monotonic()
    with click.progressbar(length=clients, label=f"Connecting {clients} clients", file=sys.stderr) as bar:
        async with gathered((HOST, stage.port), assembly().WEBSOCKET_PATH, tokens, lambda: bar.update(1)) as crowd:
            bar.render_finish()
            click.echo(f"{clients} clients logged in after {time.monotonic() - started_at:.1f} s.")
            reached = await _broadcast(stage, crowd)
            if once or stop.is_set():
                return reached
            _invite(stage)
            await _watch(crowd, stop)
            return True


async def _broadcast(stage: Stage, crowd: Crowd) -> bool:
    body = {
        "from": "admin",
        "msg": {"type": "txt", "msg": "Hello to everyone online!"},
        "ext": {"sent": "by the demo"},
    }
    click.echo(f"POST {stage.url}")
    sent_at = asyncio.get_running_loop().time()
    answer = await asyncio.to_thread(_post, stage, body)
    answered_at = asyncio.get_running_loop().time()
    message_id = str(answer["data"]["id"])
    arrivals = await crowd.settled(message_id, QUIET_SECONDS)
    click.echo(f"Answered after {(answered_at - sent_at) * 1000:.1f} ms: broadcast {message_id} is in the ledger.")
    click.echo(_report(arrivals, len(crowd.clients), sent_at))
    return len(arrivals.times) == len(crowd.clients)


def _report(arrivals: Arrivals, audience: int, sent_at: float) -> str:
    line = f"{len(arrivals.times)} of {audience} reached"
    if not arrivals.times:
        return f"{line}."
    half, most, all_ = (arrivals.after(sent_at, share) for share in (0.5, 0.99, 1.0))
    return f"{line}; 50 % after {half:.1f} ms, 99 % after {most:.1f} ms, 100 % after {all_:.1f} ms."


def _invite(stage: Stage) -> None:
    click.echo(
        f"""
The server goes on, and so do its clients:
  callers      {stage.url}
  clients      ws://{HOST}:{stage.port}{assembly().WEBSOCKET_PATH}
  metrics      http://{HOST}:{stage.port}/metrics

Broadcast once more, from another terminal:

curl -sS '{stage.url}' -H 'Content-Type: application/json' \\
  -H 'Authorization: Bearer {stage.app_token}' \\
  -d '{{"from": "admin", "msg": {{"type": "txt", "msg": "Hello again"}}, "ext": {{"k": "v"}}}}'

Ctrl-C stops it."""
    )


async def _watch(crowd: Crowd, stop: asyncio.Event) -> None:
    """Tell of every further broadcast, until asked to stop."""
    told = set(crowd.arrivals)
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        change = asyncio.create_task(crowd.next_change())
        await asyncio.wait((change, stopping), return_when=asyncio.FIRST_COMPLETED)
        change.cancel()
        for message_id in [message_id for message_id in crowd.arrivals if message_id not in told]:
            told.add(message_id)
            first_at = min(crowd.arrivals[message_id].times)
            arrivals = await crowd.settled(message_id, QUIET_SECONDS)
            spread = (max(arrivals.times) - first_at) * 1000
            click.echo(
                f"broadcast {message_id}: {len(arrivals.times)} of {len(crowd.clients)} reached, "
                f"the last {spread:.1f} ms after the first"
            )


def _post(stage: Stage, body: dict[str, Any]) -> Any:
    connection = http.client.HTTPConnection(HOST, stage.port, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {stage.app_token}"}
    connection.request("POST", stage.url.partition(str(stage.port))[2], json.dumps(body), headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    if response.status != http.client.OK:
        raise click.ClickException(f"the broadcast was refused: {answer}")
    return answer


def _app(data_dir: Path) -> dict[str, Any]:
    org, name = APP.split("/")
    wanted = {"org_name": org, "app_name": name, "enable": ["users_broadcast"], "unlimited": True}
    app: dict[str, Any] = asked_of_server(settings(None, server__data_dir=str(data_dir)), "POST", "/v1/apps", wanted)
    return app


@contextmanager
def _serving(port: int, data_dir: Path, asked: threading.Event) -> Iterator[int]:
    """Run a server in a process of its own: its speed is measured apart from the crowd's."""
    log = data_dir / "server.log"
    command = [sys.executable, "-m", "laba", "serve", "--host", HOST, "--port", str(port), "--data", str(data_dir)]
    environment = {**os.environ, "LABA_SERVER__DRAIN_SECONDS": "1"}
    with log.open("wb") as sink:
        # A session of its own: Ctrl-C reaches the demo, which then stops the server in order.
        server = subprocess.Popen(command, stderr=sink, env=environment, start_new_session=True)  # noqa: S603
        try:
            _await_ready(server, port, log, asked)
            yield port
        finally:
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


def _await_ready(server: subprocess.Popen[bytes], port: int, log: Path, asked: threading.Event) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at and server.poll() is None:
        if asked.is_set():
            raise click.Abort
        try:
            connection = http.client.HTTPConnection(HOST, port, timeout=1)
            connection.request("GET", "/ready")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.05)
    raise click.ClickException(f"the server did not start:\n{log.read_text()}")


def _free_port(wanted: int) -> int:
    """Give the port that was asked for, or a free one where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            free: int = probe.getsockname()[1]
            if port == 0 and wanted:
                click.echo(f"Port {wanted} is taken; using {free}.")
            return free
    raise click.ClickException("no port is free")
