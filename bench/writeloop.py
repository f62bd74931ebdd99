"""The limit of Python: one bare os.write() of one shared bytes object per connection; uvloop for the rest.

usage: writeloop.py PORT COUNT

Does what `sendloop` does, and takes its commands: says `listening`, then `ready` when COUNT connections are there;
`send LENGTH` writes LENGTH bytes to every connection, once, and says `sent`. A write that does not take all bytes at
once ends it with an error.
"""

import asyncio
import os
import resource
import sys

import uvloop

HOST, BACKLOG = "127.0.0.1", 4096


class Client(asyncio.Protocol):
    """Somebody who only listens."""

    def __init__(self, descriptors: list[int], full: asyncio.Event, count: int) -> None:
        self._descriptors = descriptors
        self._full = full
        self._count = count

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._descriptors.append(transport.get_extra_info("socket").fileno())
        if len(self._descriptors) == self._count:
            self._full.set()


def write_all(descriptors: list[int], frame: bytes) -> None:
    write, length = os.write, len(frame)
    for descriptor in descriptors:
        if write(descriptor, frame) != length:
            raise BlockingIOError("a write was cut short")


async def commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def main(port: int, count: int) -> None:
    descriptors: list[int] = []
    full, loop, reader = asyncio.Event(), asyncio.get_running_loop(), await commands()
    await loop.create_server(lambda: Client(descriptors, full, count), HOST, port, backlog=BACKLOG)
    print("listening", flush=True)
    await full.wait()
    print("ready", flush=True)
    while line := await reader.readline():
        write_all(descriptors, b"x" * int(line.removeprefix(b"send ")))
        print("sent", flush=True)


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
