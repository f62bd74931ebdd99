"""A broadcast to members chosen by their tags, beside one to everybody: CPU per delivery.

Run by `make bench-tags`; README.md beside this file says what is measured, and how.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

import telling
from crowd import Crowd, crowd
from measuring import Noise, Spread, check_machine, cpu_ns, listening, machine
from processes import OUT, BenchError, Caller, compile_tools, wait_until, within
from servers import NO_PINGS, Laba, create_app, framed, serving

LIMIT_SECONDS = 230
LOGIN_SECONDS = 60
WARM_UP_ROUNDS = 1
AIM: Final = 1.3
PLAIN, SAME, NEW, HALF = "to everybody", "one expression", "a new expression each time", "a new one, for half of them"


@dataclass(frozen=True, slots=True)
class Plan:
    members: int
    tag_sets: int
    rounds: int
    broadcasts: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One way's broadcasts in one round: what a delivery cost, and how many members each broadcast reached."""

    way: str
    us: float
    reached: int


def tags_of(number: int, plan: Plan) -> list[str]:
    """Give a member's tags: as many sets as planned, of five tags each; every second member is `even`."""
    mark = number % plan.tag_sets
    return [f"set{mark}", f"ten{mark // 10}", f"hundred{mark // 100}", "everyone", "odd" if mark % 2 else "even"]


def expression(way: str, number: int) -> str | None:
    """Give an expression of at most 128 characters that holds for all, or for half; with `number` a new one."""
    pattern = '{"tag":"set[0-9]+","matchType":"regex"}'
    match way:
        case "one expression":
            return f'{pattern} and {{"tag":"everyone"}}'
        case "a new expression each time":
            return f'{pattern} and ({{"tag":"everyone"}} or {{"tag":"n{number}"}})'
        case "a new one, for half of them":
            return f'{pattern} and ({{"tag":"even"}} or {{"tag":"n{number}"}})'
        case _:
            return None


class Bench:
    """A server, its members, and the calls that are measured."""

    def __init__(self, server: Laba, members: Crowd, plan: Plan) -> None:
        self._server = server
        self._members = members
        self._plan = plan
        self._caller = Caller(server.port)
        self._sent = 0
        self._delivered = 0

    def round(self, number: int) -> tuple[Turn, ...]:
        """Measure every way once; who begins changes from round to round, and then the direction."""
        ways = (PLAIN, SAME, NEW, HALF)
        order = [ways[(number + step) % len(ways)] for step in range(len(ways))]
        return tuple(map(self._turn, order[:: -1 if number % 2 else 1]))

    def _turn(self, way: str) -> Turn:
        spent = cpu_ns(self._server.pid)
        for _ in range(self._plan.broadcasts):
            self._sent += 1
            self._call(expression(way, self._sent))
            self._members.quiet()
        spent = cpu_ns(self._server.pid) - spent
        reached = self._reached()
        wanted = self._plan.members * self._plan.broadcasts // (2 if way == HALF else 1)
        if reached != wanted:
            raise BenchError(f"{reached} deliveries {way}, {wanted} were to be made")
        return Turn(way, spent / 1000 / reached, reached // self._plan.broadcasts)

    def _reached(self) -> int:
        """Tell how many deliveries there were since this was last asked."""
        before, self._delivered = self._delivered, int(self._server.metric("laba_deliveries_total"))
        return self._delivered - before

    def _call(self, tags: str | None) -> None:
        body = {"msg_id": f"m{self._sent:06}", "sender_user_uuid": "nobody", "msg_type": 0, "attach": "hello"}
        if tags is not None:
            body["notify_target_tags"] = tags
        signed(self._server, self._caller, "/neroom/v1/broadcast", body)


def signed(server: Laba, caller: Caller, path: str, body: dict[str, Any]) -> Any:
    """Make a call as NetEase's documents sign it, and give its answer."""
    nonce, stamp = str(time.monotonic_ns()), str(int(time.time()))
    digest = hashlib.sha1(f"{server.app['app_secret']}{nonce}{stamp}".encode()).hexdigest()
    proof = {"AppKey": server.app["app_key"], "Nonce": nonce, "CurTime": stamp, "CheckSum": digest}
    _, answer = caller.asked("POST", path, json.dumps(body), {"Content-Type": "application/json", **proof})
    told = json.loads(answer)
    if told["code"] != 0:
        raise BenchError(f"{path} was answered {answer.decode()}")
    return told


@contextmanager
def in_a_room(server: Laba, plan: Plan, folder: Path) -> Iterator[Crowd]:
    """Make a room, and let everybody into it with its tags."""
    # Without an owner, who would be one of the ten thousand.
    room = signed(server, Caller(server.port), "/neroom/v4/rooms", {"template_id": 0})["data"]["room_uuid"]

    def said(number: int) -> bytes:
        join = {"id": 2, "subscribe": {"channel": f"room:{room}", "data": {"tags": tags_of(number, plan)}}}
        return server.client(f"user{number:05}") + framed(json.dumps(join).encode())

    everybody = (said(number) for number in range(plan.members))
    with crowd(server.port, plan.members, everybody, folder / "members.blobs") as members:
        members.open()
        wait_until(lambda: server.logins() >= plan.members, LOGIN_SECONDS, "not all members were logged in")
        members.quiet()
        yield members


def measure(plan: Plan, console: Console) -> tuple[tuple[Turn, ...], ...]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        with serving(data, create_app(data), NO_PINGS) as server, in_a_room(server, plan, folder) as members:
            bench = Bench(server, members, plan)
            rounds = []
            for number in range(WARM_UP_ROUNDS + plan.rounds):
                turns = bench.round(number)
                if number >= WARM_UP_ROUNDS:
                    rounds.append(turns)
                    console.print("  ".join(f"{turn.way}: {turn.us:.2f} us" for turn in turns), soft_wrap=True)
            return tuple(rounds)


def ratios(rounds: Sequence[Sequence[Turn]], way: str) -> Spread:
    """Give what one way cost beside the plain one of the same round."""
    each = [{turn.way: turn.us for turn in turns} for turns in rounds]
    return Spread.of([us[way] / us[PLAIN] for us in each])


def rows(rounds: Sequence[Sequence[Turn]]) -> list[telling.Row]:
    plain = Spread.of([turn.us for turns in rounds for turn in turns if turn.way == PLAIN])
    told = [
        telling.Row(f"CPU per delivery, {PLAIN}", f"{plain.median:.2f} us ({plain.least:.2f} to {plain.most:.2f})")
    ]
    for way in (SAME, NEW, HALF):
        ratio = ratios(rounds, way)
        figure = f"{ratio.median:.2f} times ({ratio.least:.2f} to {ratio.most:.2f})"
        told.append(telling.Row(f"The same, {way}", figure, f"at most {AIM}"))
    return told


def plan_from(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(description="A broadcast to members chosen by their tags.")
    numbers = {
        "members": (10_000, "members of the room"),
        "tag-sets": (500, "distinct tag sets among them, an even number"),
        "rounds": (7, "rounds that are measured"),
        "broadcasts": (10, "broadcasts of each way in a round"),
    }
    for name, (default, what) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} [default: {default}]")
    return Plan(**vars(parser.parse_args(arguments)))


def main() -> int:
    plan, console = plan_from(sys.argv[1:]), Console()
    try:
        with within(LIMIT_SECONDS):
            compile_tools()
            check_machine(plan.members)
            where, noise = machine(), listening()
            rounds = measure(plan, console)
            where["noise"] = asdict(noise())
    except BenchError as error:
        console.print(f"bench: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    told, title = rows(rounds), f"{plan.members:,} members with {plan.tag_sets} distinct tag sets"
    console.print(telling.table(told, title))
    console.print(str(Noise(**where["noise"])), soft_wrap=True)
    measured = {"rounds": [[asdict(turn) for turn in turns] for turns in rounds]}
    whole = telling.report(asdict(plan), where, told, measured)
    (OUT / "tags.json").write_text(json.dumps(whole, indent=2) + "\n")
    (OUT / "tags.md").write_text(telling.markdown([(title, told)]))
    console.print(f"Written: {OUT / 'tags.json'}, {OUT / 'tags.md'}.", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
