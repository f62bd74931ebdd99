"""A million registered users and 10,000 broadcasts in the ledger: growth of the file, logins, conversation lists.

Run by `make bench-million`; README.md beside this file says what is measured, and how.
"""

import argparse
import http.client
import json
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

import history
import plots
import telling
from laba.adapters.store.conversations import DEPTH
from measuring import Noise, check_machine, listening, machine, quantile
from processes import CLIENT_CORE, HOST, OUT, BenchError, within
from servers import NO_PINGS, Laba, create_app, serving

LIMIT_SECONDS = 420
ANSWER_SECONDS = 30
# What the clients that were logged in receive, so that their lists have something in them.
LIVE_BROADCASTS = 10
LOGIN_AIM_MS, LIST_AIM_MS = 10.0, 20.0
# How a login's answer begins; it comes in one piece.
WELCOME = b'"connect":{'


@dataclass(frozen=True, slots=True)
class Plan:
    """How much there is, and how much of it is asked. `text_bytes` is the length of a broadcast's text."""

    users: int
    broadcasts: int
    logins: int
    text_bytes: int


@dataclass(frozen=True, slots=True)
class Figures:
    users: history.Kept
    broadcasts: history.Kept
    start_seconds: float
    logins_ms: tuple[float, ...]
    lists_ms: tuple[float, ...]


def measure(plan: Plan, console: Console) -> Figures:
    # Not in /tmp, which may be memory: on the disk that holds the checkout.
    with tempfile.TemporaryDirectory(prefix="million-", dir=OUT) as name, ExitStack() as stack:
        data = Path(name) / "data"
        app = create_app(data)
        console.print(f"Registering {plan.users:,} users ...")
        users = history.keep_users(data, app["application"], plan.users)
        console.print(f"Keeping {plan.broadcasts:,} broadcasts ...")
        broadcasts = history.keep_broadcasts(data, app["application"], plan.broadcasts, plan.text_bytes)
        numbers = random.sample(range(plan.users), plan.logins)
        names = [history.user_name(number, plan.users) for number in numbers]
        history.keep_stays(data, app["application"], names, plan.broadcasts)
        started_at = time.monotonic()
        server = stack.enter_context(serving(data, app, NO_PINGS))
        start_seconds = time.monotonic() - started_at
        console.print(f"Logging in {plan.logins:,} of them, one after another ...")
        logins_ms = tuple(login(server, name, stack) for name in names)
        lists_ms = conversation_lists(server, names, plan.broadcasts)
        return Figures(users, broadcasts, start_seconds, logins_ms, lists_ms)


def login(server: Laba, name: str, stack: ExitStack) -> float:
    """Log one user in and leave it connected; give the milliseconds from connecting to the login's answer."""
    said = server.client(name)
    started_ns = time.monotonic_ns()
    client = stack.enter_context(socket.create_connection((HOST, server.port), ANSWER_SECONDS))
    client.sendall(said)
    heard = b""
    while WELCOME not in heard:
        piece = client.recv(4096)
        if not piece:
            raise BenchError(f"{name} was not let in: {heard!r}")
        heard += piece
    return (time.monotonic_ns() - started_ns) / 1e6


def conversation_lists(server: Laba, names: Sequence[str], broadcasts: int) -> tuple[float, ...]:
    """Ask for the conversations of users who were there for every broadcast; give the milliseconds that each took."""
    org, app = server.app["org_name"], server.app["app_name"]
    for number in range(LIVE_BROADCASTS):
        server.broadcast(history.sender_name(number))
    connection = http.client.HTTPConnection(HOST, server.port, timeout=ANSWER_SECONDS)
    times = []
    for name in names:
        started_ns = time.monotonic_ns()
        connection.request("GET", f"/v1/apps/{org}/{app}/users/{name}/conversations?limit=20", headers=server.headers)
        response = connection.getresponse()
        answer = response.read()
        times.append((time.monotonic_ns() - started_ns) / 1e6)
        if response.status != http.client.OK:
            raise BenchError(f"the conversations of {name} were answered {response.status}: {answer.decode()}")
        unread = sum(each["unread"] for each in json.loads(answer)["conversations"])
        if unread < min(broadcasts, DEPTH):
            raise BenchError(f"{name} was there for {broadcasts} broadcasts, and {unread} are unread")
    connection.close()
    return tuple(times)


def rows(plan: Plan, figures: Figures) -> list[telling.Row]:
    users, broadcasts = figures.users, figures.broadcasts
    told = [
        telling.Row(
            f"The file grows by, per broadcast with {plan.text_bytes} bytes of text",
            f"{broadcasts.bytes_each:.0f} bytes",
            "less than 1 KB",
        ),
        telling.Row("The file grows by, per user", f"{users.bytes_each:.0f} bytes"),
        telling.Row("The server starts in", f"{figures.start_seconds:.1f} s"),
        telling.Row("A login", latency(figures.logins_ms), f"less than {LOGIN_AIM_MS:.0f} ms"),
    ]
    lists = telling.Row("A list of conversations", latency(figures.lists_ms), f"less than {LIST_AIM_MS:.0f} ms")
    return [*told, lists]


def latency(times_ms: Sequence[float]) -> str:
    return (
        f"p50 {quantile(times_ms, 0.5):.2f} ms, p99 {quantile(times_ms, 0.99):.2f}, "
        f"max {max(times_ms):.2f} of {len(times_ms):,}"
    )


def plan_from(arguments: Sequence[str]) -> tuple[Plan, Path]:
    parser = argparse.ArgumentParser(description="laba with a million users and a long ledger.")
    numbers = {
        "users": (1_000_000, "registered users, a power of ten"),
        "broadcasts": (10_000, "broadcasts in the ledger"),
        "logins": (1_000, "users who log in, and whose conversations are listed"),
        "text-bytes": (100, "of text in each broadcast"),
    }
    for name, (default, what) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} [default: {default}]")
    parser.add_argument("--plots", type=Path, default=OUT, help="the folder for the plot [default: bench/out]")
    given = vars(parser.parse_args(arguments))
    folder: Path = given.pop("plots")
    return Plan(**given), folder


def main() -> int:
    (plan, folder), console = plan_from(sys.argv[1:]), Console()
    OUT.mkdir(exist_ok=True)
    try:
        with within(LIMIT_SECONDS):
            check_machine(plan.logins)
            where, noise = machine(), listening()
            os.sched_setaffinity(0, {CLIENT_CORE})
            figures = measure(plan, console)
            where["noise"] = asdict(noise())
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    told = rows(plan, figures)
    title = f"{plan.users:,} users, {plan.broadcasts:,} broadcasts"
    console.print(telling.table(told, title))
    console.print(str(Noise(**where["noise"])), soft_wrap=True)
    folder.mkdir(parents=True, exist_ok=True)
    whole = telling.report(asdict(plan), where, told, asdict(figures))
    (OUT / "million.json").write_text(json.dumps(whole, indent=2) + "\n")
    (OUT / "million.md").write_text(telling.markdown([(title, told)]))
    series = [("login", figures.logins_ms, LOGIN_AIM_MS), ("conversations", figures.lists_ms, LIST_AIM_MS)]
    drawn = plots.latencies(title, [one for one in series if one[1]], folder / "million.svg")
    console.print(f"Written: {OUT / 'million.json'}, {OUT / 'million.md'}, {drawn}.", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
