"""Pushes to 200,000 devices by a fake of Apple's service: how fast, at what cost, and through two kills.

Run by `make bench-devices`; README.md beside this file says what is measured, and how.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from rich.console import Console

import history
import telling
from laba.adapters.store.sqlite import SqliteStore
from laba.model.attendance import Seat
from laba.model.device import Address, Device, Registration
from measuring import Noise, check_machine, cpu_ns, listening, machine, resident_bytes
from processes import CLIENT_CORE, OUT, BenchError, asked, stop, wait_until, within
from servers import NO_PINGS, Laba, create_app, let_push, serving

LIMIT_SECONDS = 400
START_SECONDS, CAMPAIGN_SECONDS = 30, 200
BATCH = 500
# One in a hundred is nobody's any more, and another one in a hundred is answered 429 the first time.
ONE_OF: Final = 100
PER_SECOND_AIM, CONNECTIONS_AIM = 3000, 4
FAKE: Final = Path(__file__).parent.parent / "tests" / "push_services.py"


@dataclass(frozen=True, slots=True)
class Plan:
    devices: int
    pushes: int
    in_flight: int

    @property
    def live(self) -> int:
        return self.devices - self.devices // ONE_OF


@dataclass(frozen=True, slots=True)
class Push:
    """One campaign that nothing disturbed."""

    seconds: float
    cpu_seconds: float
    grown_bytes: int
    connections: int


@dataclass(frozen=True, slots=True)
class Crash:
    """One in which the server was killed, each time with so many accepted by the service."""

    accepted_at_kills: tuple[int, ...]
    accepted: int
    repeated: int
    under_other_ids: int
    seconds: float
    report: Mapping[str, Any]
    left: int


@dataclass(frozen=True, slots=True)
class Figures:
    pushes: tuple[Push, ...]
    crash: Crash


class Apns:
    """The fake of Apple's service, in a process of its own on the clients' core."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self.credentials = credentials

    def stats(self) -> dict[str, Any]:
        with urlopen(self.credentials["stats_url"], timeout=30) as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def apns(folder: Path, *, moody: bool) -> Iterator[Apns]:
    """Start the fake: strict in all, and where it is moody, with dead tokens and such that are to be tried again."""
    folder.mkdir()
    file = folder / "credentials.json"
    moods = ["--dead-every", str(ONE_OF), "--busy-every", str(ONE_OF)] if moody else []
    command = [sys.executable, str(FAKE), "apns", "--fast", "--credentials-file", str(file), *moods]
    with (folder / "apns.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            os.sched_setaffinity(process.pid, {CLIENT_CORE})
            wait_until(lambda: file.exists() or process.poll() is not None, START_SECONDS, "the fake did not start")
            yield Apns(json.loads(file.read_text()))
        finally:
            stop(process, process.terminate)


def keep_devices(data: Path, app_uuid: str, plan: Plan) -> None:
    """Register a device for each of so many users, as their clients would."""

    async def add() -> None:
        now_ms = time.time_ns() // 1_000_000 - 60_000
        async with SqliteStore.open(data / "laba.db", entropy=os.urandom) as store:
            for start in range(0, plan.devices, BATCH):
                numbers = range(start, min(start + BATCH, plan.devices))
                await asyncio.gather(*(store.devices.register(_device(app_uuid, n, plan, now_ms)) for n in numbers))

    asyncio.run(add())


def _device(app_uuid: str, number: int, plan: Plan, now_ms: int) -> Registration:
    """Give a device; its token is its number."""
    seat = Seat(app_uuid, history.user_name(number, _names(plan)), "phone")
    return Registration(Device(seat, "ios", ""), Address("apns", f"{number:064x}"), None, None, now_ms)


def _names(plan: Plan) -> int:
    """Give the power of ten that names are of."""
    return 10 ** len(str(plan.devices))


class Bench:
    """A server with devices, and a service that takes its pushes."""

    def __init__(self, server: Laba, plan: Plan) -> None:
        self._server = server
        self._plan = plan
        self._path = f"/v1/apps/{server.app['org_name']}/{server.app['app_name']}"

    def put(self, service: Apns) -> None:
        """Have the fake be the app's service."""
        known = service.credentials
        body = {name: known[name] for name in ("team_id", "key_id", "key", "topic", "url")}
        self._called("PUT", "/providers/apple", {"kind": "apns", **body})

    def begin(self) -> str:
        """Begin a push to everybody; gives its id."""
        told = self._called("POST", "/pushes", {"everybody": True, "push": {"alert": "hello", "title": "bench"}})
        return str(told["id"])

    def report(self, broadcast_id: str) -> dict[str, Any]:
        found = self._called("GET", f"/broadcasts/{broadcast_id}")
        told: dict[str, Any] = found.get("push") or {"providers": []}
        return told

    def is_done(self, broadcast_id: str) -> bool:
        return [one["state"] for one in self.report(broadcast_id)["providers"]] == ["done"]

    def wait_for(self, broadcast_id: str, accepted: int) -> None:
        """Wait until so many pushes are counted as accepted."""
        wait_until(lambda: self._accepted(broadcast_id) >= accepted, CAMPAIGN_SECONDS, "too few were accepted")

    def _accepted(self, broadcast_id: str) -> int:
        return int(self.report(broadcast_id).get("accepted", 0))

    def reach(self) -> int:
        """Count the devices that can still be pushed to."""
        return int(self._called("GET", "/providers")["devices"].get("apns", 0))

    def undisturbed(self, service: Apns) -> Push:
        """Push to all of them, and see that each was, once."""
        before = service.stats()["pushes"]
        cpu, memory, started_at = cpu_ns(self._server.pid), resident_bytes(self._server.pid), time.monotonic()
        number = self.begin()
        wait_until(lambda: self.is_done(number), CAMPAIGN_SECONDS, "the push was not done")
        seconds, cpu = time.monotonic() - started_at, cpu_ns(self._server.pid) - cpu
        told = service.stats()
        if told["pushes"] - before != self._plan.devices or self.report(number)["accepted"] != self._plan.devices:
            raise BenchError(f"{told['pushes'] - before} pushes of {self._plan.devices} were accepted")
        grown = resident_bytes(self._server.pid) - memory
        return Push(seconds, cpu / 1e9, grown, told["connections"])

    def _called(self, method: str, under: str, body: Mapping[str, Any] | None = None) -> Any:
        text = None if body is None else json.dumps(body)
        status, answer = asked(self._server.port, method, self._path + under, text, self._server.headers)
        if status // 100 != 2:
            raise BenchError(f"{method} {under} was answered {status}: {answer.decode()}")
        return json.loads(answer)


def measure(plan: Plan, console: Console) -> Figures:
    # Not in /tmp, which may be memory: on the disk that holds the checkout.
    with tempfile.TemporaryDirectory(prefix="devices-", dir=OUT) as name:
        folder, data = Path(name), Path(name) / "data"
        app = create_app(data)
        let_push(data)
        console.print(f"Registering {plan.devices:,} users and their devices ...")
        history.keep_users(data, app["application"], _names(plan))
        keep_devices(data, app["application"], plan)
        os.sched_setaffinity(0, {CLIENT_CORE})
        with apns(folder / "calm", moody=False) as calm, serving(data, app, _trusting(calm, plan)) as server:
            pushes = tuple(undisturbed(Bench(server, plan), calm, plan, console))
        with apns(folder / "moody", moody=True) as moody:
            return Figures(pushes, killed_twice(data, app, moody, plan, console))


def _trusting(service: Apns, plan: Plan) -> dict[str, str]:
    told = {"LABA_PUSH__CA_FILE": service.credentials["ca_file"], "LABA_PUSH__MAX_STREAMS": str(plan.in_flight)}
    return {**NO_PINGS, **told}


def undisturbed(bench: Bench, service: Apns, plan: Plan, console: Console) -> Iterator[Push]:
    bench.put(service)
    for number in range(plan.pushes):
        push = bench.undisturbed(service)
        console.print(f"Push {number + 1} of {plan.pushes}: {push.seconds:.1f} s")
        yield push


def killed_twice(data: Path, app: Mapping[str, Any], service: Apns, plan: Plan, console: Console) -> Crash:
    """Push to all of them, and kill the server when a third is done, and when two thirds are."""
    number, kills = "", []
    started_at = time.monotonic()
    for share in (1, 2):
        with serving(data, app, _trusting(service, plan)) as server:
            bench = Bench(server, plan)
            if not number:
                bench.put(service)
                started_at, number = time.monotonic(), bench.begin()
            bench.wait_for(number, plan.devices * share // 3)
            os.kill(server.pid, signal.SIGKILL)
        kills.append(service.stats()["pushes"])
        console.print(f"Killed with {kills[-1]:,} accepted.")
    with serving(data, app, _trusting(service, plan)) as server:
        bench = Bench(server, plan)
        wait_until(lambda: bench.is_done(number), CAMPAIGN_SECONDS, "the push was not done")
        seconds, report, left = time.monotonic() - started_at, bench.report(number), bench.reach()
    told = service.stats()
    repeats = told["per_token_repeats"]
    repeated = sum(times - 1 for _, times, _ in repeats)
    others = sum(ids > 1 for _, _, ids in repeats)
    if (told["accepted_tokens"], left, others) != (plan.live, plan.live, 0):
        raise BenchError(f"{told['accepted_tokens']} devices pushed to, {left} left, {others} under two ids")
    return Crash(tuple(kills), told["accepted_tokens"], repeated, others, seconds, report, left)


def rows(plan: Plan, figures: Figures) -> list[telling.Row]:
    pushes, crash = figures.pushes, figures.crash
    rates = telling.each([plan.devices / one.seconds for one in pushes], "{:,.0f}")
    dead = sum(one["rejected"].get("Unregistered", 0) for one in crash.report["providers"])
    at_kills = " and ".join(f"{count:,}" for count in crash.accepted_at_kills)
    return [
        telling.Row(
            "Pushes per second, from the POST until the last is counted", rates, f"at least {PER_SECOND_AIM:,}"
        ),
        telling.Row("CPU of the server meanwhile", telling.each([one.cpu_seconds for one in pushes], "{:.2f} s")),
        telling.Row(
            "CPU for each push", telling.each([one.cpu_seconds * 1e6 / plan.devices for one in pushes], "{:.0f} us")
        ),
        telling.Row("Connections", str(max(one.connections for one in pushes)), f"at most {CONNECTIONS_AIM}"),
        telling.Row("Resident memory grows by", telling.each([one.grown_bytes / 1e6 for one in pushes], "{:.1f} MB")),
        telling.Row("`kill -9`, with so many accepted by the service", at_kills),
        telling.Row("Of the live devices pushed to, at the end", f"{crash.accepted:,}", f"{plan.live:,}"),
        telling.Row(
            "Pushed to more than once, after both kills", f"{crash.repeated:,}", f"at most {2 * plan.in_flight:,}"
        ),
        telling.Row("Of these, under another collapse id", str(crash.under_other_ids), "0"),
        telling.Row("Refused at first (429), and tried again", f"{crash.report['retried']:,}"),
        telling.Row("Dead tokens refused, and forgotten", f"{dead:,}; {crash.left:,} devices left", f"{plan.live:,}"),
        telling.Row("From the POST until all is done, with both starts", f"{crash.seconds:.1f} s"),
    ]


def plan_from(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(description="Pushes to devices by a fake of Apple's service.")
    numbers = {
        "devices": (200_000, "devices, a multiple of 100"),
        "pushes": (3, "pushes that nothing disturbs"),
        "in-flight": (500, "devices that are pushed to at once (push.max_streams)"),
    }
    for name, (default, what) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} [default: {default}]")
    return Plan(**vars(parser.parse_args(arguments)))


def main() -> int:
    plan, console = plan_from(sys.argv[1:]), Console()
    try:
        with within(LIMIT_SECONDS):
            OUT.mkdir(exist_ok=True)
            check_machine(0)
            where, noise = machine(), listening()
            figures = measure(plan, console)
            where["noise"] = asdict(noise())
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    told, title = rows(plan, figures), f"A push to {plan.devices:,} devices"
    console.print(telling.table(told, title))
    console.print(str(Noise(**where["noise"])), soft_wrap=True)
    whole = telling.report(asdict(plan), where, told, asdict(figures))
    (OUT / "devices.json").write_text(json.dumps(whole, indent=2) + "\n")
    (OUT / "devices.md").write_text(telling.markdown([(title, told)]))
    console.print(f"Written: {OUT / 'devices.json'}, {OUT / 'devices.md'}.", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
