"""What a delivery costs, and when it arrives: laba, and what there is to compare it with, in turns."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from crowd import Crowd, crowd
from measuring import cpu_ns, segments_sent_again
from processes import CLIENT_CORE, SERVER_CORE, BenchError, Tool, free_port, tool
from servers import NO_PINGS, Laba, create_app, nchan_module, nchan_serving, opening, serving
from sessions import logged_in

LABA, C, PYTHON, NCHAN = "laba", "C send loop", "Python os.write loop", "nginx + nchan"
# From the tenth message on a frame's offset has two digits, and the frames of ninety broadcasts have one length.
WARM_UP_BROADCASTS = 10


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something that sends one frame to all its clients. laba says how long a frame is, the others obey."""

    name: str
    pid: int
    clients: Crowd
    send: Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Turn:
    """Some broadcasts of one contestant: CPU per delivery, and per broadcast when half and when all had it."""

    name: str
    place: int
    frame_bytes: int
    us: float
    half_ms: tuple[float, ...]
    all_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Stalls:
    """How long a client's ping waited for its pong, in milliseconds: with nothing else to do, and in broadcasts.

    `longest_ms` has one figure for each broadcast. Who pings waits at most for one stretch in which the loop stands
    still, and then for the answer itself.
    """

    idle_ms: tuple[float, ...]
    broadcast_ms: tuple[float, ...]
    longest_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """`sent_again` counts TCP segments that were lost meanwhile: loopback loses none where nothing else runs."""

    rounds: tuple[tuple[Turn, ...], ...]
    stalls: Stalls
    nchan: str
    sent_again: int


@dataclass(frozen=True, slots=True)
class Field:
    """The contestants, connected, laba first; `nchan` is its version."""

    contestants: tuple[Contestant, ...]
    nchan: str


class Race:
    """Measures the contestants in turns. All send frames of the lengths that laba's had in its latest turn."""

    def __init__(self, contestants: Sequence[Contestant], broadcasts: int) -> None:
        self._contestants = contestants
        self._lengths = [0] * broadcasts

    def round(self, number: int) -> tuple[Turn, ...]:
        """Measure everybody once. Who begins changes, and then the direction, so that nobody always follows one."""
        size = len(self._contestants)
        order = [self._contestants[(number + step) % size] for step in range(size)]
        return tuple(self._turn(each, place) for place, each in enumerate(order[:: -1 if number % 2 else 1]))

    def warm_up(self) -> None:
        for contestant in self._contestants:
            self._turn(contestant, 0)

    def _turn(self, contestant: Contestant, place: int) -> Turn:
        spent, half_ms, all_ms, lengths = cpu_ns(contestant.pid), [], [], []
        for length in self._lengths:
            asked_ns = time.monotonic_ns()
            contestant.send(length)
            arrival = contestant.clients.settled()
            half_ms.append((arrival.half_ns - asked_ns) / 1e6)
            all_ms.append((arrival.last_ns - asked_ns) / 1e6)
            lengths.append(arrival.length)
        spent = cpu_ns(contestant.pid) - spent
        if contestant.name == LABA:
            self._lengths = lengths
        elif lengths != self._lengths:
            raise BenchError(f"{contestant.name} delivered something else than it was told to")
        us = spent / 1000 / len(lengths) / contestant.clients.count
        return Turn(contestant.name, place, lengths[-1], us, tuple(half_ms), tuple(all_ms))


def laba_connected(connections: int, folder: Path, stack: ExitStack) -> tuple[Laba, Contestant]:
    data = folder / "deliveries"
    server = stack.enter_context(serving(data, create_app(data), NO_PINGS))
    clients, _, _ = stack.enter_context(logged_in(server, ("client", connections), folder))
    return server, Contestant(LABA, server.pid, clients, lambda _: server.broadcast())


def field_of(laba: Contestant, folder: Path, stack: ExitStack, console: Console) -> Field:
    """Start the other contestants, each with as many clients."""
    connections = laba.clients.count
    console.print(f"Connecting {connections:,} clients to each of the others ...")
    contestants = [laba]
    for name, program in ((C, "sendloop"), (PYTHON, "writeloop.py")):
        port = free_port()
        loop = stack.enter_context(tool(program, SERVER_CORE, port, connections))
        loop.expect("listening")
        clients = stack.enter_context(crowd(port, connections, None, folder / "none"))
        clients.open()
        loop.expect("ready")
        contestants.append(Contestant(name, loop.pid, clients, _telling(loop)))
    nchan = nchan_connected(connections, folder, stack, console)
    if nchan is None:
        return Field(tuple(contestants), "not installed")
    contestant, version = nchan
    return Field((*contestants, contestant), version)


def _telling(loop: Tool) -> Callable[[int], object]:
    return lambda length: loop.ask(f"send {length}")


def nchan_connected(
    connections: int, folder: Path, stack: ExitStack, console: Console
) -> tuple[Contestant, str] | None:
    """Start nchan with its clients and give it and its version; None where it is not installed."""
    module = nchan_module()
    if module is None:
        console.print("nginx with nchan is not installed here: it is left out.")
        return None
    nchan = stack.enter_context(nchan_serving(folder / "nginx", module, connections))
    said = (opening(nchan.port, "/subscribe") for _ in range(connections))
    clients = stack.enter_context(crowd(nchan.port, connections, said, folder / "subscribers"))
    clients.open()
    clients.quiet()
    return Contestant(NCHAN, nchan.pid, clients, nchan.publish), nchan.version


def measure(connections: int, rounds: int, broadcasts: int, folder: Path, console: Console) -> Deliveries:
    with ExitStack() as stack:
        console.print(f"Connecting {connections:,} clients to laba ...")
        server, laba = laba_connected(connections, folder, stack)
        console.print("Warming up ...")
        Race((laba,), WARM_UP_BROADCASTS).warm_up()
        console.print("Pinging in broadcasts ...")
        # Before the others are there: with 30,000 connections their processes take the core now and then.
        stood = stalls(server, laba, 2 * broadcasts, folder)
        field = field_of(laba, folder, stack, console)
        race = Race(field.contestants, broadcasts)
        race.warm_up()
        turns, lost = [], segments_sent_again()
        for number in range(rounds):
            turns.append(race.round(number))
            told = ", ".join(f"{turn.name} {turn.us:.2f} us" for turn in sorted(turns[-1], key=lambda turn: turn.us))
            console.print(f"Round {number + 1} of {rounds}: {told}", soft_wrap=True)
        return Deliveries(tuple(turns), stood, field.nchan, segments_sent_again() - lost)


def stalls(server: Laba, laba: Contestant, broadcasts: int, folder: Path) -> Stalls:
    """Ping again and again, without a broadcast and then in each; an answer counts that had part in the broadcast."""
    login = folder / "probe"
    login.write_bytes(server.client("probe"))
    answers, longest_ms = [], []
    with tool("probe.py", CLIENT_CORE, server.port, login) as probe:
        probe.ask("begin")
        time.sleep(1)
        idle_ms = [took / 1e6 for _, took in _answers(probe)]
        for _ in range(broadcasts):
            probe.ask("begin")
            asked_ns = time.monotonic_ns()
            laba.send(0)
            last_ns = laba.clients.settled().last_ns
            among = [took / 1e6 for at, took in _answers(probe) if at <= last_ns and at + took >= asked_ns]
            answers += among
            longest_ms.append(max(among))
    return Stalls(tuple(idle_ms), tuple(answers), tuple(longest_ms))


def _answers(probe: Tool) -> list[tuple[int, int]]:
    return [(at, answered - at) for at, answered in json.loads(probe.ask("end"))]
