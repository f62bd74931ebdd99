"""Pings the server as a client does, again and again: the longest answer bounds how long the event loop stood still.

usage: probe.py PORT LOGIN

LOGIN is a file with all that a client says to log in. Reads commands from stdin, one per line. `begin` says `begun`
and pings, each time as soon as the last answer is there; the next line ends that and is answered with a JSON list of
[asked_at, answered_at], in nanoseconds of CLOCK_MONOTONIC. laba answers a WebSocket ping where it reads it, so an
answer waits for one stretch in which nothing is read, and for nothing else of the server's.
"""

import json
import os
import select
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from laba.protocols.websocket import PongFrame, ServerFrames, Text

# RFC 6455 section 5.5.2: a ping without a payload, masked.
PING = b"\x89\x80laba"
LONGEST = 1 << 20
SECONDS = 30
# It shares its core with ten thousand clients: their turns are not to be taken for the server's.
NICE = -15


class Probe:
    """One client that is logged in."""

    def __init__(self, connection: socket.socket, login: bytes) -> None:
        self._connection = connection
        self._frames = ServerFrames(LONGEST)
        connection.sendall(login)
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._read()
        self._await(head.partition(b"\r\n\r\n")[2], Text)

    def ping(self) -> tuple[int, int]:
        at_ns = time.monotonic_ns()
        self._connection.sendall(PING)
        self._await(b"", PongFrame)
        return at_ns, time.monotonic_ns()

    def _await(self, data: bytes, kind: type) -> None:
        """Read on until such a frame comes; broadcasts come in between."""
        while not any(isinstance(frame, kind) for frame in self._frames.feed(data)):
            data = self._read()

    def _read(self) -> bytes:
        data = self._connection.recv(65536)
        if not data:
            raise ConnectionError("the server hung up")
        return data


def until_told(probe: Probe) -> list[tuple[int, int]]:
    answers = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        answers.append(probe.ping())
    return answers


def main(port: int, login: bytes) -> None:
    # Only root may; without it the figures are larger.
    with suppress(PermissionError):
        os.nice(NICE)
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        probe = Probe(connection, login)
        while sys.stdin.readline():
            print("begun", flush=True)
            answers = until_told(probe)
            sys.stdin.readline()
            print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes())
