"""CPU per delivery: laba against a bare C `send` loop, in interleaved pairs on one machine (design.md section 6).

Run by `make bench`; README.md beside this file says what is measured, and how.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from processes import CLIENT_CORE, OUT, SERVER_CORE, BenchError, Laba, Tool, free_port, serving, tool, wait_until

HERE = Path(__file__).parent
# Descriptors beside the connections that laba keeps for itself, and some for everything else.
SPARE_FILES = 512
LIMIT_SECONDS = 230
LOGIN_SECONDS = 60
# What an idle server spends in a tenth of a second is a small part of this.
IDLE_NS = 1_000_000
# From the tenth message on a frame's offset has two digits, and every frame of a run has one length.
WARM_UP_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Plan:
    connections: int
    pairs: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Microseconds of CPU per delivery, measured one right after the other."""

    laba_us: float
    c_us: float
    frame_bytes: int
    c_first: bool

    @property
    def ratio(self) -> float:
        return self.laba_us / self.c_us


@dataclass(frozen=True, slots=True)
class Logins:
    """What 10,000 logins cost, and what a session then occupies beyond what the process had before."""

    per_second: float
    cpu_us: float
    resident_bytes: float


# --- measuring -----------------------------------------------------------------------------------------------------


def cpu_ns(pid: int) -> int:
    """Give the time that all threads of a process have run, as the scheduler counts it (to the nanosecond)."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


class Bench:
    """Both servers with their clients, ready to be measured in turns."""

    def __init__(self, plan: Plan, server: Laba, clients: Tool, loop: Tool, drain: Tool) -> None:
        self._plan = plan
        self._server = server
        self._clients = clients
        self._loop = loop
        self._drain = drain
        self._lengths: Sequence[int] = ()

    def pair(self, number: int) -> Pair:
        """Measure both once, in the other order each time; the C loop sends frames of the same lengths."""
        c_first = number % 2 == 1
        c_us = self.c_loop() if c_first else 0.0
        laba_us = self.laba(self._plan.rounds)
        c_us = c_us or self.c_loop()
        return Pair(laba_us, c_us, self._lengths[-1], c_first)

    def laba(self, rounds: int) -> float:
        before = cpu_ns(self._server.pid)
        lengths = []
        for _ in range(rounds):
            self._server.broadcast()
            lengths.append(self._settled(self._clients))
        self._lengths = lengths
        return self._us_per_delivery(cpu_ns(self._server.pid) - before, rounds)

    def c_loop(self) -> float:
        before = cpu_ns(self._loop.pid)
        for length in self._lengths:
            self._loop.ask(f"send {length}")
            if self._settled(self._drain) != length:
                raise BenchError("the C loop delivered something else than it was told to")
        return self._us_per_delivery(cpu_ns(self._loop.pid) - before, len(self._lengths))

    def _us_per_delivery(self, spent_ns: int, rounds: int) -> float:
        return spent_ns / 1000 / rounds / self._plan.connections

    def _settled(self, drain: Tool) -> int:
        """Wait until a broadcast has arrived, and give its length, which is the same for everyone."""
        total, least, most = map(int, drain.ask("settle").split())
        if least != most or total != least * self._plan.connections:
            raise BenchError(f"not everyone got the same: {total} bytes, {least} to {most} per connection")
        return least


def written_logins(plan: Plan, server: Laba, folder: Path) -> Path:
    blobs = folder / "logins"
    with blobs.open("wb") as file:
        for number in range(plan.connections):
            blob = server.client(number)
            file.write(struct.pack("<I", len(blob)) + blob)
    return blobs


def log_in(plan: Plan, server: Laba, blobs: Path, stack: ExitStack) -> tuple[Tool, Logins]:
    """Connect the clients and log them in, as fast as the server lets them."""
    expected = server.logins() + plan.connections
    occupied, spent, started_at = resident_bytes(server.pid), cpu_ns(server.pid), time.monotonic()
    clients = stack.enter_context(tool("drain", CLIENT_CORE, server.port, plan.connections, blobs))
    clients.expect("ready")
    wait_until(lambda: server.logins() >= expected, LOGIN_SECONDS, "not all clients were logged in")
    seconds, spent = time.monotonic() - started_at, cpu_ns(server.pid) - spent
    clients.ask("settle")
    occupied = resident_bytes(server.pid) - occupied
    count = plan.connections
    return clients, Logins(count / seconds, spent / 1000 / count, occupied / count)


def leave(clients: Tool, server: Laba) -> None:
    """Disconnect all clients at once, and wait until the server is done with it."""
    clients.end()
    seen = -1

    def rests() -> bool:
        nonlocal seen
        before, seen = seen, cpu_ns(server.pid)
        return seen - before < IDLE_NS

    wait_until(rests, LOGIN_SECONDS, "the server did not come to rest")


def measure(plan: Plan, console: Console) -> tuple[tuple[Logins, Logins], list[Pair]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="laba-bench-")))
        server = stack.enter_context(serving(folder))
        console.print(f"Logging in {plan.connections:,} clients ...")
        blobs = written_logins(plan, server, folder)
        clients, first = log_in(plan, server, blobs, stack)
        leave(clients, server)
        clients, again = log_in(plan, server, blobs, stack)
        port = free_port()
        loop = stack.enter_context(tool("sendloop", SERVER_CORE, port, plan.connections))
        loop.expect("listening")
        drain = stack.enter_context(tool("drain", CLIENT_CORE, port, plan.connections))
        drain.expect("ready")
        loop.expect("ready")
        bench = Bench(plan, server, clients, loop, drain)
        console.print("Warming up ...")
        bench.laba(WARM_UP_ROUNDS)
        bench.c_loop()
        pairs = []
        for number in range(plan.pairs):
            pairs.append(bench.pair(number))
            console.print(
                f"Pair {number + 1} of {plan.pairs}: laba {pairs[-1].laba_us:.2f} us, C {pairs[-1].c_us:.2f} us, "
                f"ratio {pairs[-1].ratio:.3f}"
            )
        return (first, again), pairs


# --- telling -------------------------------------------------------------------------------------------------------


def table(pairs: Sequence[Pair]) -> Table:
    shown = Table("pair", "first", "laba us", "C us", "ratio", title="CPU per delivery")
    for number, pair in enumerate(pairs, 1):
        first = "C" if pair.c_first else "laba"
        shown.add_row(str(number), first, f"{pair.laba_us:.2f}", f"{pair.c_us:.2f}", f"{pair.ratio:.3f}")
    shown.add_section()
    for name, row in summary(pairs).items():
        shown.add_row(name, "", f"{row['laba_us']:.2f}", f"{row['c_us']:.2f}", f"{row['ratio']:.3f}")
    return shown


def summary(pairs: Sequence[Pair]) -> dict[str, dict[str, float]]:
    """Give the least, the median and the most of each column; the median ratio is the figure that counts."""
    columns = {
        "laba_us": [pair.laba_us for pair in pairs],
        "c_us": [pair.c_us for pair in pairs],
        "ratio": [pair.ratio for pair in pairs],
    }
    measures: dict[str, Callable[[Sequence[float]], float]] = {"min": min, "median": statistics.median, "max": max}
    return {
        name: {column: measure(values) for column, values in columns.items()} for name, measure in measures.items()
    }


def machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def report(plan: Plan, where: dict[str, Any], logins: tuple[Logins, Logins], pairs: Sequence[Pair]) -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": where,
        "plan": asdict(plan),
        "frame_bytes": pairs[-1].frame_bytes,
        "summary": summary(pairs),
        "pairs": [asdict(pair) | {"ratio": pair.ratio} for pair in pairs],
        "first_logins": asdict(logins[0]),
        "logins": asdict(logins[1]),
    }


# --- the command ---------------------------------------------------------------------------------------------------


def plan_from(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(description="CPU per delivery of laba and of a bare C send loop.")
    for name, default in (("connections", 10_000), ("pairs", 7), ("rounds", 10)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"[default: {default}]")
    return Plan(**vars(parser.parse_args(arguments)))


def check_machine(plan: Plan) -> None:
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = plan.connections + SPARE_FILES
    if files != resource.RLIM_INFINITY and files < needed:
        raise BenchError(f"a process may open {files} files here, and {needed} are needed: raise `ulimit -Hn`")
    if not {SERVER_CORE, CLIENT_CORE} <= os.sched_getaffinity(0):
        raise BenchError("two cores are needed: one for the servers, one for their clients")
    if shutil.which("cc") is None:
        raise BenchError("a C compiler is needed, as `cc`")


def compile_tools() -> None:
    OUT.mkdir(exist_ok=True)
    for name in ("drain", "sendloop"):
        subprocess.run(["cc", "-O2", "-o", str(OUT / name), str(HERE / f"{name}.c")], check=True)


def interrupted(number: int, _: FrameType | None) -> NoReturn:
    reason = f"not done within {LIMIT_SECONDS} s" if number == signal.SIGALRM else "stopped"
    raise BenchError(reason)


def main() -> int:
    plan, console = plan_from(sys.argv[1:]), Console()
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, interrupted)
    signal.alarm(LIMIT_SECONDS)
    try:
        check_machine(plan)
        compile_tools()
        where = machine()
        os.sched_setaffinity(0, {CLIENT_CORE})
        logins, pairs = measure(plan, console)
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    written = OUT / "result.json"
    written.write_text(json.dumps(report(plan, where, logins, pairs), indent=2) + "\n")
    console.print(table(pairs))
    console.print(
        f"Frames of {pairs[-1].frame_bytes} bytes to {plan.connections:,} connections. "
        f"First logins: {logins[0].per_second:,.0f} per second, {logins[0].cpu_us:,.0f} us of CPU each; "
        f"{logins[0].resident_bytes / 1024:.1f} KiB resident per session. The same users again: "
        f"{logins[1].per_second:,.0f} per second, {logins[1].cpu_us:,.0f} us each.",
        soft_wrap=True,
    )
    console.print(f"Written to {written.relative_to(HERE.parent)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
