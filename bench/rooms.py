"""Rooms: paced, saturated beside nchan, ten thousand of them, and one with a member that reads nothing."""

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from measuring import Buckets, cpu_ns
from processes import CLIENT_CORE, HOST, BenchError, Tool, tool, written
from servers import NO_PINGS, Laba, Nchan, create_app, framed, nchan_module, nchan_serving, opening, serving

# Of four messages one is high, two are normal, one is low.
LEVELS = ("high", "normal", "low")
PATTERN = (0, 1, 2, 1)
ROOM_MEMBERS, PACE = 2_000, 200
UNDER_WAY = 40
ROOMS, ROOMS_OF_EACH, MANY_PACE = 10_000, 10, 3_000
# So far apart are the rooms of one connection that no two of them ever stand in one call.
STRIDE = 997
# A bound that a member who reads nothing reaches within the ten seconds that it is watched.
SLOW_OUTBOX_BYTES, SLOW_RECEIVE_BYTES = 65_536, 4_096
SLOW = {"LABA_GATEWAY__OUTBOX_LIMIT_BYTES": str(SLOW_OUTBOX_BYTES)}
WARM_UP_SECONDS = 2
_CLOSED_AS_SLOW = 'laba_sessions_closed_total{reason="slow"}'
CREATING_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Run:
    """What was sent to rooms, whom it reached and when: from the write of a call, in tenths of a millisecond.

    `answers` are the calls' own, `whole` the times until each message's last member had it. `us` is CPU of the server
    per delivery.
    """

    sent: int
    wanted: int
    got: int
    doubled: int
    bytes: int
    seconds: float
    us: float
    answers: Buckets
    levels: tuple[Buckets, ...]
    whole: Buckets

    @property
    def lost(self) -> int:
        return self.wanted - (self.got - self.doubled)

    @property
    def per_second(self) -> float:
        return self.got / self.seconds


@dataclass(frozen=True, slots=True)
class Slowness:
    """A room without and with a member that reads nothing, and what the kernel and the server held for it at most."""

    without: Run
    beside: Run
    unsent_bytes: int
    closed: int


@dataclass(frozen=True, slots=True)
class Rooms:
    paced: Run
    saturated: Run
    nchan: Run | None
    many: Run
    slow: Slowness


class Members:
    """Connections that are in rooms, and callers who speak there (`room.c`)."""

    def __init__(self, program: Tool, pid: int) -> None:
        self._program = program
        self._pid = pid

    def pace(self, calls_per_second: float, seconds: float) -> Run:
        return self._ran(f"pace {calls_per_second} {seconds}")

    def press(self, under_way: int, seconds: float) -> Run:
        return self._ran(f"press {under_way} {seconds}")

    def _ran(self, command: str) -> Run:
        spent = cpu_ns(self._pid)
        told: dict[str, Any] = json.loads(self._program.ask(command))
        spent = cpu_ns(self._pid) - spent
        if told.pop("answered") < told["sent"]:
            raise BenchError("not every call was answered")
        levels = tuple(Buckets.of(buckets) for buckets in told.pop("levels"))
        answers, whole = Buckets.of(told.pop("answers")), Buckets.of(told.pop("whole"))
        us = spent / 1000 / max(1, told["got"])
        return Run(**told, us=us, answers=answers, levels=levels, whole=whole)


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request with a number to be filled in, and how many connections are to hear of it."""

    level: int
    wanted: int
    request: bytes


@contextmanager
def members(
    at: Laba | Nchan, sayings: Sequence[bytes], calls: Sequence[Call], marks: Sequence[str], folder: Path
) -> Iterator[Members]:
    """Connect members; each says as many of `sayings` as there are `marks` (`room.c`), at least one."""
    said, made = folder / "sayings", folder / "calls"
    written(said, ((saying,) for saying in sayings))
    written(made, ((call.level, call.wanted, call.request) for call in calls))
    count = len(sayings) // max(1, len(marks))
    with tool("room", CLIENT_CORE, at.port, count, said, made, *marks) as program:
        line = program.ask("open")
        if line != "ready":
            raise BenchError(f"expected the members, got {line!r}")
        yield Members(program, at.pid)


# --- laba's rooms --------------------------------------------------------------------------------------------------


def created(server: Laba, name: str) -> str:
    """Create a room for as many as may be in one, and give its id."""
    body = {"name": name, "owner": "owner", "maxusers": 10_000}
    return str(server.called("POST", "/chatrooms", body)["data"]["id"])


def register_owner(server: Laba) -> None:
    server.called("POST", "/users", {"username": "owner", "password": "owner"})


def say(server: Laba, rooms: Sequence[str], level: int, wanted: int) -> Call:
    """Give a call that says a number in rooms; frames are about as long as those of the broadcasts."""
    body = {
        "from": "admin",
        "to": list(rooms),
        "type": "txt",
        "body": {"msg": "#00000000"},
        "chatroom_msg_level": LEVELS[level],
    }
    return Call(level, wanted, server.request("POST", "/messages/chatrooms", body))


def joining(server: Laba, user: str, rooms: Sequence[str]) -> tuple[bytes, bytes]:
    """Give what a client says to log in, and what it says then to be in rooms."""
    commands = ({"id": at, "subscribe": {"channel": f"room:{room}"}} for at, room in enumerate(rooms, start=2))
    return server.client(user), framed("\n".join(map(json.dumps, commands)).encode())


def joined(count: int) -> tuple[str, str]:
    """Give what the answers hold: the login's, and that to the last of so many subscriptions."""
    return '"id":1', f'"id":{count + 1}'


@contextmanager
def room(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[Laba, str, Members]]:
    """Serve one room with all its members in it."""
    folder.mkdir()
    data = folder / "data"
    with serving(data, create_app(data), {**NO_PINGS, **environment}) as server:
        register_owner(server)
        room_id = created(server, "room")
        sayings = [part for at in range(ROOM_MEMBERS) for part in joining(server, f"member-{at}", (room_id,))]
        calls = [say(server, (room_id,), level, ROOM_MEMBERS) for level in PATTERN]
        with members(server, sayings, calls, joined(1), folder) as there:
            there.pace(PACE, WARM_UP_SECONDS)
            yield server, room_id, there


def many_rooms(folder: Path, seconds: float, console: Console) -> Run:
    """Serve ten thousand rooms, and as many connections that are in ten each: ten members in every room."""
    folder.mkdir()
    data = folder / "data"
    with serving(data, create_app(data), NO_PINGS) as server:
        register_owner(server)
        console.print(f"Creating {ROOMS:,} rooms, each with {ROOMS_OF_EACH} of {ROOMS:,} connections in it ...")
        with ThreadPoolExecutor(CREATING_AT_ONCE) as pool:
            rooms = list(pool.map(lambda at: created(server, f"room {at}"), range(ROOMS)))
        sayings = [part for at in range(ROOMS) for part in joining(server, f"member-{at}", _of_each(rooms, at))]
        calls = [
            say(server, rooms[first : first + 10], PATTERN[at % len(PATTERN)], 10 * ROOMS_OF_EACH)
            for at, first in enumerate(range(0, ROOMS, 10))
        ]
        with members(server, sayings, calls, joined(ROOMS_OF_EACH), folder) as there:
            # Every room is spoken in once: the first message of each writes to the store (A8).
            there.pace(MANY_PACE / 10, len(calls) * 10 / MANY_PACE)
            return there.pace(MANY_PACE / 10, seconds)


def _of_each(rooms: Sequence[str], at: int) -> list[str]:
    return [rooms[(at + STRIDE * step) % len(rooms)] for step in range(ROOMS_OF_EACH)]


# --- the others ----------------------------------------------------------------------------------------------------


def nchan_saturated(folder: Path, seconds: float, length: int) -> Run | None:
    """Press nchan in the same way, with messages as long as laba's; None where it is not installed."""
    module = nchan_module()
    if module is None:
        return None
    folder.mkdir()
    with nchan_serving(folder / "nginx", module, ROOM_MEMBERS) as nchan:
        body = b"#00000000" + b"x" * (length - 9)
        head = f"POST /publish HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        sayings = [opening(nchan.port, "/subscribe")] * ROOM_MEMBERS
        calls = [Call(1, ROOM_MEMBERS, head + body)]
        with members(nchan, sayings, calls, (), folder) as there:
            there.press(UNDER_WAY, WARM_UP_SECONDS)
            return there.press(UNDER_WAY, seconds)


class Sleeper:
    """A member that never reads, and what is held for it."""

    def __init__(self, server: Laba, room_id: str) -> None:
        self._server = server
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_RECEIVE_BYTES)
        self._socket.connect((HOST, server.port))
        login, join = joining(server, "sleeper", (room_id,))
        for said, mark in zip((login, join), joined(1), strict=True):
            self._socket.sendall(said)
            heard = b""
            while mark.encode() not in heard:
                heard += self._socket.recv(SLOW_RECEIVE_BYTES)

    def unsent_bytes(self) -> int:
        """Give what the kernel holds unsent or unacknowledged on the server's side (proc(5), /proc/net/tcp)."""
        port = self._socket.getsockname()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].split(":")[1], 16) == self._server.port and int(fields[2].split(":")[1], 16) == port:
                return int(fields[4].split(":")[0], 16)
        return 0


def slowness(folder: Path, seconds: float) -> Slowness:
    with room(folder, SLOW) as (server, room_id, there), ThreadPoolExecutor(1) as pool:
        without = there.pace(PACE, seconds)
        sleeper, most = Sleeper(server, room_id), 0
        running = pool.submit(there.pace, PACE, seconds)
        while not running.done():
            most = max(most, sleeper.unsent_bytes())
            time.sleep(0.25)
        return Slowness(without, running.result(), most, int(server.metric(_CLOSED_AS_SLOW)))


def measure(seconds: float, folder: Path, console: Console) -> Rooms:
    """Measure everything; `seconds` is how long the paced room is watched, the others for a part of it."""
    short, shorter = seconds / 3, seconds / 6
    with room(folder / "paced", {}) as (_, _, there):
        console.print(f"A room of {ROOM_MEMBERS:,}: {PACE} messages a second for {seconds:.0f} s ...")
        paced = there.pace(PACE, seconds)
    with room(folder / "pressed", {}) as (_, _, there):
        console.print(f"The same room with {UNDER_WAY} messages under way ...")
        there.press(UNDER_WAY, WARM_UP_SECONDS)
        saturated = there.press(UNDER_WAY, shorter)
        length = saturated.bytes // max(1, saturated.got)
    nchan = nchan_saturated(folder / "nchan", shorter, length)
    many = many_rooms(folder / "many", short, console)
    console.print("A room with a member that reads nothing ...")
    return Rooms(paced, saturated, nchan, many, slowness(folder / "slow", short))
