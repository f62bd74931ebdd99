"""Processes of the bench: started, pinned to a core, talked to, and ended with the run."""

import http.client
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

HERE = Path(__file__).parent
OUT = HERE / "out"
HOST = "127.0.0.1"
SERVER_CORE, CLIENT_CORE = 0, 1
# Below the range from which the kernel takes the clients' own ports.
PORTS = range(20_000, 32_000)
STOP_SECONDS = 20
# Descriptors beside the connections that laba keeps for itself, and some for everything else.
SPARE_FILES = 512


class BenchError(Exception):
    """The figure cannot be had, and why."""


class Tool:
    """A program of the bench: takes a line, answers a line."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name = name
        self._process = process
        self.pid = process.pid

    def ask(self, line: str) -> str:
        if self._process.stdin is not None:
            self._process.stdin.write(line + "\n")
        return self.heard()

    def heard(self) -> str:
        """Wait for the next line; the alarm of `within` bounds it."""
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise BenchError(f"{self._name} ended with {self._process.wait()}")
        return line.strip()

    def expect(self, word: str) -> None:
        line = self.heard()
        if line != word:
            raise BenchError(f"expected {word!r}, got {line!r}")


def compile_tools() -> None:
    if shutil.which("cc") is None:
        raise BenchError("a C compiler is needed, as `cc`")
    OUT.mkdir(exist_ok=True)
    for name in ("drain", "room", "sendloop"):
        subprocess.run(["cc", "-O2", "-o", str(OUT / name), str(HERE / f"{name}.c")], check=True)


@contextmanager
def tool(name: str, core: int, *arguments: object) -> Iterator[Tool]:
    """Start one of the programs: a name that ends in .py is Python's, any other was compiled."""
    program = [sys.executable, str(HERE / name)] if name.endswith(".py") else [str(OUT / name)]
    command = [*program, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        os.sched_setaffinity(process.pid, {core})
        yield Tool(name, process)
    finally:
        stop(process, process.kill)


@contextmanager
def server(command: Sequence[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server on the servers' core; it is asked to end on leaving."""
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, env={**os.environ, **environment})
        try:
            os.sched_setaffinity(process.pid, {SERVER_CORE})
            yield process
        finally:
            stop(process, process.terminate)


def stop(process: subprocess.Popen[Any], ask: Callable[[], None]) -> None:
    ask()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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


class Caller:
    """A back end's one connection, kept for as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)

    def asked(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Ask, on a new connection where the server has closed the idle one."""
        try:
            return self._asked(method, path, body, headers or {})
        except ConnectionError:
            self._connection.close()
            return self._asked(method, path, body, headers or {})

    def _asked(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        return response.status, response.read()


def written(path: Path, records: Iterable[Sequence[int | bytes]]) -> None:
    """Write what the C programs read: numbers of 32 bits, and byte strings, each behind its length."""
    with path.open("wb") as file:
        for record in records:
            for part in record:
                file.write(struct.pack("<I", part if isinstance(part, int) else len(part)))
                if isinstance(part, bytes):
                    file.write(part)


def wait_until(happened: Callable[[], bool], seconds: float, otherwise: str) -> None:
    give_up_at = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > give_up_at:
            raise BenchError(f"{otherwise} within {seconds} s")
        time.sleep(0.1)


def places_for(connections: int) -> int:
    """Give how many files a server must be able to open for so many clients.

    nginx closes idle connections as soon as fewer than a sixteenth of its places are free.
    """
    return connections * 9 // 8 + SPARE_FILES


def free_port() -> int:
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise BenchError("no port is free")


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """End what is inside with BenchError when it takes longer, or when the process is asked to end."""

    def interrupted(number: int, _: FrameType | None) -> NoReturn:
        raise BenchError(f"not done within {seconds} s" if number == signal.SIGALRM else "stopped")

    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, interrupted)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
