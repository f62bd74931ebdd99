"""The processes that are measured, and those that measure them: started, pinned to a core, and ended with the run."""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from laba.assembly import WEBSOCKET_PATH
from laba.dialects import offline
from laba.protocols.websocket import client_text_frame, upgrade_request

OUT = Path(__file__).parent / "out"
HOST = "127.0.0.1"
SERVER_CORE, CLIENT_CORE = 0, 1
# Below the range from which the kernel takes the clients' own ports.
PORTS = range(20_000, 32_000)
START_SECONDS, STOP_SECONDS = 20, 20
# laba's shortest frame around a message is longer than the 204 bytes of design.md section 6.
TEXT = "Hello"
# The base64 form of 16 bytes; their value matters to nobody here.
KEY = "bGFiYSBpcyBhIGhvcm4hIQ=="


class BenchError(Exception):
    """The figure cannot be had, and why."""


class Tool:
    """One of the C programs: takes a line, answers a line."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name = name
        self._process = process
        self.pid = process.pid

    def ask(self, line: str) -> str:
        if self._process.stdin is not None:
            self._process.stdin.write(line + "\n")
        return self.heard()

    def heard(self) -> str:
        """Wait for the next line; the alarm of `main` bounds it."""
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise BenchError(f"{self._name} ended with {self._process.wait()}")
        return line.strip()

    def end(self) -> None:
        self._process.communicate("quit\n", STOP_SECONDS)

    def expect(self, word: str) -> None:
        line = self.heard()
        if line != word:
            raise BenchError(f"expected {word!r}, got {line!r}")


@contextmanager
def tool(name: str, core: int, *arguments: object) -> Iterator[Tool]:
    command = [str(OUT / name), *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        os.sched_setaffinity(process.pid, {core})
        yield Tool(name, process)
    finally:
        stop(process, process.kill)


def stop(process: subprocess.Popen[Any], ask: Callable[[], None]) -> None:
    ask()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Laba:
    """A running server with one app."""

    def __init__(self, port: int, pid: int, app: dict[str, Any]) -> None:
        self.port = port
        self.pid = pid
        self._app_id: str = app["app_id"]
        self._certificate: str = app["app_certificate"]
        self._token = offline.app_token(self._app_id, self._certificate, issued_at=int(time.time()), salt=1)

    def broadcast(self) -> None:
        body = {"msg": {"type": "txt", "msg": TEXT}}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        path = f"/app-id/{self._app_id}/messages/users/broadcast"
        status, answer = asked(self.port, "POST", path, json.dumps(body), headers)
        if status != http.client.OK:
            raise BenchError(f"the broadcast was answered {status}: {answer.decode()}")

    def logins(self) -> int:
        _, answer = asked(self.port, "GET", "/metrics")
        line = next(line for line in answer.decode().splitlines() if line.startswith("laba_logins_total "))
        return int(float(line.split()[1]))

    def client(self, number: int) -> bytes:
        """Give all that a client says to log in, in one go."""
        user, issued_at = f"client-{number:05}", int(time.time())
        token = offline.user_token(self._app_id, self._certificate, user, issued_at=issued_at, salt=1)
        login = json.dumps({"id": 1, "connect": {"token": token}}).encode()
        upgrade: bytes = upgrade_request(f"{HOST}:{self.port}", WEBSOCKET_PATH, KEY)
        frame: bytes = client_text_frame(login, b"laba")
        return upgrade + frame


@contextmanager
def serving(folder: Path) -> Iterator[Laba]:
    port, data, log = free_port(), folder / "data", folder / "server.log"
    command = [sys.executable, "-m", "laba"]
    listen = ["serve", "--host", HOST, "--port", str(port), "--data", str(data)]
    # No ping may fall into a measurement: the clients here answer none.
    environment = {**os.environ, "LABA_GATEWAY__PING_SECONDS": "3600", "LABA_SERVER__DRAIN_SECONDS": "0"}
    with log.open("wb") as sink:
        server = subprocess.Popen(command + listen, stderr=sink, env=environment)
        try:
            os.sched_setaffinity(server.pid, {SERVER_CORE})
            wait_until(lambda: is_ready(port) or server.poll() is not None, START_SECONDS, "laba did not start")
            if server.poll() is not None:
                raise BenchError(f"laba ended at its start:\n{log.read_text()}")
            create = ["app", "create", "bench/live", "--enable", "users_broadcast", "--unlimited", "--json"]
            created = subprocess.run([*command, *create, "--data", str(data)], check=True, capture_output=True)
            yield Laba(port, server.pid, json.loads(created.stdout))
        finally:
            stop(server, server.terminate)


def is_ready(port: int) -> bool:
    try:
        return asked(port, "GET", "/ready")[0] == http.client.OK
    except OSError:
        return False


def asked(
    port: int, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def wait_until(happened: Callable[[], bool], seconds: float, otherwise: str) -> None:
    give_up_at = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > give_up_at:
            raise BenchError(f"{otherwise} within {seconds} s")
        time.sleep(0.1)


def free_port() -> int:
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise BenchError("no port is free")
