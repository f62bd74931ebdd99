"""Asks GET /health again and again over one connection: the longest answer bounds how long the loop stood still.

usage: probe.py PORT

Reads commands from stdin, one per line. `begin` says `begun` and asks, each time as soon as the last answer is there;
the next line ends that and is answered with a JSON list of [asked_at, answered_at], in nanoseconds of
CLOCK_MONOTONIC.
"""

import json
import select
import socket
import sys
import time

REQUEST = b"GET /health HTTP/1.1\r\nhost: bench\r\n\r\n"
# The end of the answer's body.
END = b"ok\n"
SECONDS = 30


def asked(connection: socket.socket) -> tuple[int, int]:
    at_ns = time.monotonic_ns()
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(END):
        piece = connection.recv(4096)
        if not piece:
            raise ConnectionError("the server hung up")
        answer += piece
    return at_ns, time.monotonic_ns()


def until_told(connection: socket.socket) -> list[tuple[int, int]]:
    answers = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        answers.append(asked(connection))
    return answers


def main(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # So that the loop is not waited for with the probe's own start in it.
        asked(connection)
        while sys.stdin.readline():
            print("begun", flush=True)
            answers = until_told(connection)
            sys.stdin.readline()
            print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
