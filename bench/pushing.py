"""Pushes to every fifth of a million users: how fast, at what cost, and through a kill of the server.

Run by `make bench-push`; README.md beside this file says what is measured, and how.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

import history
import plots
import telling
from crowd import Crowd, crowd
from measuring import Noise, check_machine, listening, machine
from million import latency
from processes import CLIENT_CORE, OUT, BenchError, compile_tools, wait_until, within
from pushes import (
    ANSWER_SECONDS,
    ONE_OF,
    TAG,
    Crash,
    Pings,
    Plan,
    Push,
    check_inboxes,
    kill_halfway,
    ping,
    push,
    resumed,
)
from servers import NO_PINGS, Laba, create_app, let_push, serving

LIMIT_SECONDS = 230
# What P7 wants is 2,000 target users per second.
RATE_AIM, GROWTH_AIM_MB = 20_000, 64


@dataclass(frozen=True, slots=True)
class Figures:
    start_seconds: float
    pushes: tuple[Push, ...]
    pings: Pings
    crash: Crash
    per_place_bytes: float


@dataclass(frozen=True, slots=True)
class Cast:
    """Who has which part, by name; all are registered."""

    chosen_online: list[str]
    others_online: list[str]
    asked: list[str]
    others: list[str]
    probe: str


def cast(plan: Plan) -> Cast:
    vips = random.sample(range(0, plan.users, ONE_OF), plan.chosen_online + plan.asked)
    # Four numbers stand between two that have the tag.
    places = random.sample(range(plan.users - plan.chosen), plan.online - plan.chosen_online + plan.others + 1)
    rest = [place // (ONE_OF - 1) * ONE_OF + place % (ONE_OF - 1) + 1 for place in places]
    chosen, others = ([history.user_name(number, plan.users) for number in part] for part in (vips, rest))
    return Cast(
        chosen[plan.asked :], others[plan.others + 1 :], chosen[: plan.asked], others[1 : plan.others + 1], others[0]
    )


def tags_of(number: int) -> tuple[str, ...]:
    return () if number % ONE_OF else (TAG,)


def measure(plan: Plan, console: Console) -> Figures:
    # Not in /tmp, which may be memory: on the disk that holds the checkout.
    with tempfile.TemporaryDirectory(prefix="push-", dir=OUT) as name:
        folder, data, who = Path(name), Path(name) / "data", cast(plan)
        app = create_app(data)
        let_push(data)
        console.print(f"Registering {plan.users:,} users ...")
        history.keep_users(data, app["application"], plan.users, tags_of)
        file_bytes = (data / "laba.db").stat().st_size
        # To fill the store takes both cores.
        os.sched_setaffinity(0, {CLIENT_CORE})
        started_at = time.monotonic()
        with serving(data, app, NO_PINGS) as server:
            start_seconds = time.monotonic() - started_at
            pushes, pings = undisturbed(server, plan, who, folder, console)
            console.print("Killing the server in the middle of a push ...")
            message_id, started_ns, before = kill_halfway(server, plan)
        with serving(data, app, NO_PINGS) as server:
            crash = resumed(server, plan, message_id, started_ns, before)
            console.print(f"Logging in {plan.asked} who are meant, and {plan.others} who are not ...")
            check_inboxes(server, who.asked, [*(one.id for one in (*pushes, pings.push)), crash.id])
            check_inboxes(server, who.others, [])
        grown_bytes = (data / "laba.db").stat().st_size - file_bytes
        return Figures(start_seconds, pushes, pings, crash, grown_bytes / plan.chosen / (len(pushes) + 2))


def undisturbed(
    server: Laba, plan: Plan, who: Cast, folder: Path, console: Console
) -> tuple[tuple[Push, ...], Pings]:
    """Connect who is online, push, and push once more while somebody pings."""
    with ExitStack() as stack:
        console.print(f"Connecting {plan.online:,} of them ...")
        chosen = stack.enter_context(online(server, who.chosen_online, folder / "chosen"))
        others = stack.enter_context(online(server, who.others_online, folder / "others"))
        pushes = []
        for number in range(plan.pushes):
            pushes.append(push(server, plan, chosen))
            console.print(f"Push {number + 1} of {plan.pushes}: {pushes[-1].seconds:.1f} s")
        console.print("Pinging during a push ...")
        pings = ping(server, plan, who.probe, chosen, folder)
        # A broadcast to everybody: whoever was sent anything else before it has more now.
        server.broadcast()
        wanted, found = chosen.settled().length, others.settled().length
        if found != wanted:
            raise BenchError(f"who was not meant was sent {found} bytes instead of the broadcast's {wanted}")
        return tuple(pushes), pings


@contextmanager
def online(server: Laba, names: Sequence[str], blobs: Path) -> Iterator[Crowd]:
    """Log these users in, as clients that read and count."""
    wanted = server.logins() + len(names)
    with crowd(server.port, len(names), map(server.client, names), blobs) as clients:
        clients.open()
        clients.quiet()
        wait_until(lambda: server.logins() >= wanted, ANSWER_SECONDS, "not all clients were logged in")
        yield clients


def rows(plan: Plan, figures: Figures) -> list[telling.Row]:
    return [*push_rows(plan, figures), *ping_rows(plan, figures.pings), *crash_rows(plan, figures)]


def push_rows(plan: Plan, figures: Figures) -> list[telling.Row]:
    """Tell of the pushes that nothing disturbed."""

    def told(what: str, of: Callable[[Push], float], shape: str, aim: str = "") -> telling.Row:
        return telling.Row(what, telling.each(list(map(of, figures.pushes)), shape), aim)

    in_inboxes = f"From the POST until {plan.chosen:,} have it in their inboxes"
    return [
        told("From the POST until it is answered", lambda one: one.answered_ms, "{:.1f} ms"),
        told(
            f"From the POST until the last of {plan.chosen_online:,} online has it",
            lambda one: one.online_ms,
            "{:.1f} ms",
        ),
        told(in_inboxes, lambda one: one.seconds, "{:.2f} s"),
        told("Target users per second", lambda one: plan.chosen / one.seconds, "{:,.0f}", f"at least {RATE_AIM:,}"),
        told("Users judged per second", lambda one: plan.users / one.seconds, "{:,.0f}"),
        told("CPU of the server meanwhile", lambda one: one.cpu_seconds, "{:.2f} s"),
        told("CPU for each target user", lambda one: one.cpu_seconds * 1e6 / plan.chosen, "{:.1f} us"),
        told(
            "Resident memory grows by",
            lambda one: one.grown_bytes / 1e6,
            "{:.1f} MB",
            f"less than {GROWTH_AIM_MB} MB",
        ),
        telling.Row("The file grows by, per place in an inbox", f"{figures.per_place_bytes:.0f} bytes"),
    ]


def ping_rows(plan: Plan, pings: Pings) -> list[telling.Row]:
    return [
        telling.Row("A ping waits for its pong, during a push", latency(pings.walk_ms)),
        telling.Row("A ping waits for its pong, at other times", latency(pings.idle_ms)),
        telling.Row("Target users per second beside those pings", f"{plan.chosen / pings.push.seconds:,.0f}"),
    ]


def crash_rows(plan: Plan, figures: Figures) -> list[telling.Row]:
    crash = figures.crash
    start = f"{crash.ready_at - crash.killed_at:.1f} s; its first start took {figures.start_seconds:.1f} s"
    none = f"none for {plan.asked} who logged in afterwards; none came to {plan.others} who were not meant"
    return [
        telling.Row("`kill -9`, with so many in their inboxes", f"{crash.enrolled:,} of {plan.chosen:,}"),
        telling.Row("From then until the server is ready again", start),
        telling.Row("From then until the others have it, too", f"{crash.rest_seconds:.1f} s"),
        telling.Row("In their inboxes at the end", f"{crash.counts[-1][1]:,}", f"{plan.chosen:,}"),
        telling.Row(f"Of {len(figures.pushes) + 2} pushes lost or twice", none, "none"),
    ]


def draw(plan: Plan, figures: Figures, folder: Path) -> Path:
    whole = sorted(figures.pushes, key=lambda one: one.seconds)[len(figures.pushes) // 2]
    crash = figures.crash
    series = [("undisturbed", whole.counts), ("with a kill -9", crash.counts)]
    title = f"A push to {plan.chosen:,} of {plan.users:,} users: who has it in the inbox"
    return plots.walks(title, series, (crash.killed_at, crash.ready_at), folder / "push.svg")


def plan_from(arguments: Sequence[str]) -> tuple[Plan, Path]:
    parser = argparse.ArgumentParser(description="Pushes to every fifth of a million users.")
    numbers = {
        "users": (1_000_000, "registered users, a power of ten"),
        "pushes": (3, "pushes that are measured"),
        "online": (5_000, "users who are online"),
        "asked": (200, "users with the tag who log in afterwards"),
        "others": (50, "users without it who log in afterwards"),
    }
    for name, (default, what) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} [default: {default}]")
    parser.add_argument("--plots", type=Path, default=OUT, help="the folder for the plot [default: bench/out]")
    given = vars(parser.parse_args(arguments))
    folder: Path = given.pop("plots")
    return Plan(**given), folder


def main() -> int:
    (plan, folder), console = plan_from(sys.argv[1:]), Console()
    try:
        with within(LIMIT_SECONDS):
            compile_tools()
            check_machine(plan.online)
            where, noise = machine(), listening()
            figures = measure(plan, console)
            where["noise"] = asdict(noise())
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    told = rows(plan, figures)
    title = f"A push to {plan.chosen:,} of {plan.users:,} users"
    console.print(telling.table(told, title))
    console.print(str(Noise(**where["noise"])), soft_wrap=True)
    folder.mkdir(parents=True, exist_ok=True)
    whole = telling.report(asdict(plan), where, told, asdict(figures))
    (OUT / "push.json").write_text(json.dumps(whole, indent=2) + "\n")
    (OUT / "push.md").write_text(telling.markdown([(title, told)]))
    drawn = draw(plan, figures, folder)
    console.print(f"Written: {OUT / 'push.json'}, {OUT / 'push.md'}, {drawn}.", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
