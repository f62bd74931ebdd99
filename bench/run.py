"""What laba costs, and when it delivers, beside a bare C loop, a bare Python loop and nchan (design.md section 6).

Run by `make bench`; README.md beside this file says what is measured, and how.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

import calling
import deliveries
import plots
import roomplots
import rooms
import roomtelling
import sessions
import telling
from laba.config import Gateway
from measuring import Noise, check_machine, listening, machine
from processes import CLIENT_CORE, OUT, BenchError, compile_tools, within

LIMIT_SECONDS = 420


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `login_rounds` first logins of everybody, and as many of registered users."""

    connections: int
    rounds: int
    broadcasts: int
    login_rounds: int
    ping_seconds: int
    room_seconds: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything; `rooms` and `calls` come first, `sessions` and `deliveries` leave nothing behind for them."""

    sessions: sessions.Sessions
    deliveries: deliveries.Deliveries
    rooms: rooms.Rooms
    calls: tuple[calling.Answers, ...]


def measure(plan: Plan, console: Console) -> Measured:
    with tempfile.TemporaryDirectory(prefix="laba-bench-") as name:
        folder = Path(name)
        spoken = rooms.measure(plan.room_seconds, folder, console)
        calls = calling.answers(folder / "calls", plan.room_seconds / 6, console)
        here = sessions.measure(plan.connections, plan.login_rounds, plan.ping_seconds, folder, console)
        sent = deliveries.measure(plan.connections, plan.rounds, plan.broadcasts, folder, console)
        return Measured(here, sent, spoken, calls)


def parts(measured: Measured) -> list[tuple[str, list[telling.Row]]]:
    return [
        ("CPU per delivery", telling.delivery_rows(measured.deliveries)),
        ("A broadcast to everybody", telling.arrival_rows(measured.deliveries)),
        ("Sessions", telling.session_rows(measured.sessions)),
        ("A room", roomtelling.room_rows(measured.rooms)),
        ("The same room saturated", roomtelling.saturated_rows(measured.rooms)),
        ("Ten thousand rooms", roomtelling.many_rows(measured.rooms.many)),
        ("A member that reads nothing", roomtelling.slow_rows(measured.rooms.slow)),
        ("Calls", roomtelling.call_rows(measured.calls)),
    ]


def drawn(measured: Measured, folder: Path) -> list[Path]:
    return [
        *plots.drawn(measured.deliveries, measured.sessions, folder),
        *roomplots.drawn(measured.rooms, folder),
    ]


def report(plan: Plan, where: dict[str, Any], measured: Measured) -> dict[str, Any]:
    sent = measured.deliveries
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": where | {"nchan": sent.nchan},
        "plan": asdict(plan),
        "figures": {title: [row._asdict() for row in rows] for title, rows in parts(measured)},
        "costs": [
            {key: asdict(value) if key != "name" else value for key, value in cost._asdict().items()}
            for cost in telling.costs(sent)
        ],
        "sessions": asdict(measured.sessions),
        "deliveries": asdict(sent),
        "rooms": asdict(measured.rooms),
        "calls": [asdict(call) for call in measured.calls],
    }


def plan_from(arguments: Sequence[str]) -> tuple[Plan, Path]:
    parser = argparse.ArgumentParser(description="What laba costs, and when it delivers.")
    numbers = {
        "connections": (10_000, "clients of each contestant"),
        "rounds": (7, "in which each contestant has its turn"),
        "broadcasts": (10, "in one turn"),
        "login-rounds": (3, "of first logins, and of logins of registered users"),
        "room-seconds": (30, "for which the paced room is watched, and the others for a part of it"),
        "ping-seconds": (Gateway().ping_seconds, "the ping interval while idle clients are watched"),
    }
    for name, (default, what) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} [default: {default}]")
    parser.add_argument("--plots", type=Path, default=OUT, help="the folder for the plots [default: bench/out]")
    given = vars(parser.parse_args(arguments))
    folder: Path = given.pop("plots")
    return Plan(**given), folder


def main() -> int:
    (plan, folder), console = plan_from(sys.argv[1:]), Console()
    try:
        with within(LIMIT_SECONDS):
            check_machine(plan.connections)
            compile_tools()
            where, noise = machine(), listening()
            os.sched_setaffinity(0, {CLIENT_CORE})
            measured = measure(plan, console)
            where["noise"] = asdict(noise())
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    tables = parts(measured)
    for title, rows in tables:
        console.print(telling.table(rows, title))
    folder.mkdir(parents=True, exist_ok=True)
    (OUT / "result.json").write_text(json.dumps(report(plan, where, measured), indent=2) + "\n")
    (OUT / "result.md").write_text(telling.markdown(tables))
    console.print(
        f"{Noise(**where['noise'])} {measured.deliveries.sent_again:,} TCP segments of broadcasts were lost."
    )
    names = ", ".join(str(path) for path in drawn(measured, folder))
    console.print(f"Written: {OUT / 'result.json'}, {OUT / 'result.md'}, {names}.", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
