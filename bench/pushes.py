"""What is measured of pushes: until they are answered and in all inboxes, their cost, and a kill in the middle."""

import hashlib
import http.client
import itertools
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crowd import Crowd
from laba.dialects.rongcloud import uids
from laba.protocols.websocket import ServerFrames, Text
from measuring import cpu_ns, resident_bytes
from processes import CLIENT_CORE, HOST, BenchError, Caller, asked, tool
from servers import Laba

WALK_SECONDS, ANSWER_SECONDS = 60, 30
# One user of so many has the tag: every fifth name in the order in which a walk goes through them.
TAG, ONE_OF = "vip", 5
LOOK_SECONDS, PROGRESS_SECONDS, END_SECONDS, REPORT_SECONDS = 0.05, 0.1, 0.01, 0.25
# Who sends what comes behind everything else: a client that has it has all that it will get.
LAST_SENDER = "last"
ENROLLED = "laba_recruits_enrolled_total"
LONGEST_FRAME = 1 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """`online` are connected meanwhile; afterwards `asked` of the chosen and `others` come for the first time."""

    users: int
    pushes: int
    online: int
    asked: int
    others: int

    @property
    def chosen(self) -> int:
        return self.users // ONE_OF

    @property
    def chosen_online(self) -> int:
        return self.online // ONE_OF


@dataclass(frozen=True, slots=True)
class Push:
    """One push, and its walk to the end. Times are from the write of the POST; `counts` are seconds and users."""

    id: int
    answered_ms: float
    online_ms: float
    seconds: float
    cpu_seconds: float
    grown_bytes: int
    counts: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Pings:
    """How long pings waited for their pongs, in milliseconds: with nothing going on, and during one more push."""

    idle_ms: tuple[float, ...]
    walk_ms: tuple[float, ...]
    push: Push


@dataclass(frozen=True, slots=True)
class Crash:
    """A push whose server was killed: when, and what was enrolled by then; when it was ready again; and the rest."""

    id: int
    enrolled: int
    killed_at: float
    ready_at: float
    counts: tuple[tuple[float, int], ...]

    @property
    def rest_seconds(self) -> float:
        return self.counts[-1][0] - self.ready_at


# --- calls ---------------------------------------------------------------------------------------------------------


class BackEnd:
    """Who pushes: signs its calls as RongCloud's documents say (R1), and keeps its connection."""

    def __init__(self, server: Laba) -> None:
        self._key: str = server.app["app_key"]
        self._secret: str = server.app["app_secret"]
        self._caller = Caller(server.port)
        self._nonces = itertools.count(1)

    def push(self) -> int:
        """Push to everybody with the tag, and give the message's id."""
        body = {
            "platform": ["ios", "android"],
            "fromuserid": "boss",
            "audience": {"tag": [TAG], "is_to_all": False},
            "message": {"content": json.dumps({"content": "1111", "extra": "aa"}), "objectName": "RC:TxtMsg"},
            "notification": {"alert": "this is a push"},
        }
        status, answer = self._caller.asked("POST", "/push.json", json.dumps(body), self._signed())
        if status != http.client.OK:
            raise BenchError(f"the push was answered {status}: {answer.decode()}")
        message_id: int | None = uids.read(json.loads(answer)["messageUID"])
        if message_id is None:
            raise BenchError(f"the push was answered without an id: {answer.decode()}")
        return message_id

    def _signed(self) -> dict[str, str]:
        nonce, stamp = str(next(self._nonces)), str(time.time_ns() // 1_000_000)
        digest = hashlib.sha1(f"{self._secret}{nonce}{stamp}".encode()).hexdigest()
        proof = {"App-Key": self._key, "Nonce": nonce, "Timestamp": stamp, "Signature": digest}
        return {**proof, "Content-Type": "application/json"}


def targets(server: Laba, message_id: int) -> dict[str, int]:
    """Ask how far a push has come. Its report says nothing of that until it has its place, just after the answer."""
    path = f"/v1/apps/{server.app['org_name']}/{server.app['app_name']}/broadcasts/{message_id}"
    status, answer = asked(server.port, "GET", path, None, server.headers)
    if status != http.client.OK:
        raise BenchError(f"how far the push has come was answered {status}: {answer.decode()}")
    found: dict[str, int] = json.loads(answer).get("targets", {"targeted": 0, "walking": True})
    return found


def walked(
    server: Laba, message_id: int, started_ns: int, over: Callable[[dict[str, int]], bool], every_seconds: float
) -> list[tuple[float, int]]:
    """Ask again and again until `over`; give at which second how many users had it in their inboxes."""
    counts: list[tuple[float, int]] = []
    while True:
        found = targets(server, message_id)
        counts.append((seconds_since(started_ns), found["targeted"]))
        if over(found):
            return counts
        if counts[-1][0] > WALK_SECONDS:
            raise BenchError(f"the walk is not over after {WALK_SECONDS} s: {found}")
        time.sleep(every_seconds)


def is_over(found: dict[str, int]) -> bool:
    return not found["walking"]


def all_chosen(targeted: int, plan: Plan) -> None:
    if targeted != plan.chosen:
        raise BenchError(f"{plan.chosen:,} users are meant, and the push has {targeted:,}")


def seconds_since(started_ns: int) -> float:
    return (time.monotonic_ns() - started_ns) / 1e9


# --- pushes --------------------------------------------------------------------------------------------------------


def push(server: Laba, plan: Plan, chosen_online: Crowd) -> Push:
    """Push, wait until who is online has it and until the walk is over, and look at the server's memory meanwhile."""
    back_end, over = BackEnd(server), threading.Event()
    before, spent, enrolled = resident_bytes(server.pid), cpu_ns(server.pid), server.metric(ENROLLED)
    with ThreadPoolExecutor(1) as pool:
        most = pool.submit(_most_resident, server.pid, over)
        try:
            started_ns = time.monotonic_ns()
            message_id = back_end.push()
            answered_ms = seconds_since(started_ns) * 1000
            arrival = chosen_online.settled()
            counts = [(0.0, 0), *_enrolling(server, plan, started_ns, enrolled)]
            counts += walked(server, message_id, started_ns, is_over, END_SECONDS)
        finally:
            over.set()
        spent = cpu_ns(server.pid) - spent
    all_chosen(counts[-1][1], plan)
    online_ms = (arrival.last_ns - started_ns) / 1e6
    seconds, grown = counts[-1][0], most.result() - before
    return Push(message_id, answered_ms, online_ms, seconds, spent / 1e9, grown, tuple(counts))


def _most_resident(pid: int, over: threading.Event) -> int:
    """Give the most that a process's memory was, looked at every 50 ms."""
    most = resident_bytes(pid)
    while not over.wait(LOOK_SECONDS):
        most = max(most, resident_bytes(pid))
    return max(most, resident_bytes(pid))


def _enrolling(server: Laba, plan: Plan, started_ns: int, before: float) -> Iterator[tuple[float, int]]:
    """Watch a walk up to its last page by the server's metric: asking for the report counts all inboxes."""
    enrolled = 0
    while enrolled < plan.chosen:
        enrolled = int(server.metric(ENROLLED) - before)
        yield seconds_since(started_ns), enrolled
        if seconds_since(started_ns) > WALK_SECONDS:
            raise BenchError(f"{enrolled:,} of {plan.chosen:,} have the push after {WALK_SECONDS} s")
        time.sleep(PROGRESS_SECONDS)


def ping(server: Laba, plan: Plan, name: str, chosen_online: Crowd, folder: Path) -> Pings:
    """Ping without a pause, with nothing going on for a second, and then through one more push."""
    login = folder / "probe"
    login.write_bytes(server.client(name))
    with tool("probe.py", CLIENT_CORE, server.port, login) as probe:
        probe.ask("begin")
        time.sleep(1)
        idle_ms = _waits(probe.ask("end"))
        probe.ask("begin")
        pinged = push(server, plan, chosen_online)
        return Pings(idle_ms, _waits(probe.ask("end")), pinged)


def _waits(told: str) -> tuple[float, ...]:
    return tuple((answered_ns - asked_ns) / 1e6 for asked_ns, answered_ns in json.loads(told))


# --- a kill in the middle ------------------------------------------------------------------------------------------


def kill_halfway(server: Laba, plan: Plan) -> tuple[int, int, list[tuple[float, int]]]:
    """Push, and kill the server when half have it; give the message's id, when it was pushed, and how far it came."""
    back_end, started_ns = BackEnd(server), time.monotonic_ns()
    message_id = back_end.push()

    def is_half(found: dict[str, int]) -> bool:
        return is_over(found) or found["targeted"] >= plan.chosen // 2

    counts = walked(server, message_id, started_ns, is_half, REPORT_SECONDS)
    os.kill(server.pid, signal.SIGKILL)
    counts.append((seconds_since(started_ns), counts[-1][1]))
    if counts[-1][1] >= plan.chosen:
        raise BenchError("the walk was over before the server could be killed")
    return message_id, started_ns, counts


def resumed(server: Laba, plan: Plan, message_id: int, started_ns: int, before: list[tuple[float, int]]) -> Crash:
    """Wait until the walk that was interrupted is over."""
    ready_at = seconds_since(started_ns)
    after = walked(server, message_id, started_ns, is_over, REPORT_SECONDS)
    all_chosen(after[-1][1], plan)
    killed_at, enrolled = before[-1]
    return Crash(message_id, enrolled, killed_at, ready_at, ((0.0, 0), *before, *after))


class Client:
    """A client that keeps what it is sent."""

    def __init__(self, server: Laba, name: str, stack: ExitStack) -> None:
        self.name = name
        self._frames = ServerFrames(LONGEST_FRAME)
        self._heard: list[dict[str, Any]] = []
        self._connection = stack.enter_context(socket.create_connection((HOST, server.port), ANSWER_SECONDS))
        self._connection.sendall(server.client(name))
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._read()
        self._take(head.partition(b"\r\n\r\n")[2])
        while not any("connect" in each for each in self._heard):
            self._take(self._read())

    def ids(self) -> list[int]:
        """Wait for what comes last, and give the ids of all that came before it."""
        while True:
            messages = [each["push"]["pub"]["data"] for each in self._heard if "pub" in each.get("push", {})]
            if any(message["from"] == LAST_SENDER for message in messages):
                return [int(message["id"]) for message in messages if message["from"] != LAST_SENDER]
            self._take(self._read())

    def _take(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            if isinstance(frame, Text):
                self._heard += map(json.loads, frame.text.splitlines())

    def _read(self) -> bytes:
        data = self._connection.recv(65536)
        if not data:
            raise BenchError(f"{self.name} was not let in, or was thrown out")
        return data


def check_inboxes(server: Laba, names: Sequence[str], wanted: list[int]) -> None:
    """Log these users in for the first time, and see that each is sent exactly what is wanted, once."""
    with ExitStack() as stack:
        clients = [Client(server, name, stack) for name in names]
        server.broadcast(LAST_SENDER)
        for client in clients:
            found = client.ids()
            if found != wanted:
                raise BenchError(f"{client.name} should have been sent {wanted}, and was sent {found}")
