"""What clients cost before anything is sent to them: logging in, being there, being pinged."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from crowd import Crowd, crowd
from measuring import cpu_ns, open_files, resident_bytes
from processes import BenchError, wait_until
from servers import Laba, create_app, serving

LOGIN_SECONDS, LEAVE_SECONDS = 60, 30
# Until then nobody has been pinged: first pings are spread over the second half of the interval.
BREATH_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Logins:
    """What it took to log everybody in, as fast as the server let them."""

    per_second: float
    cpu_us: float
    first: bool


@dataclass(frozen=True, slots=True)
class Idleness:
    """Everybody is logged in, nothing is sent, and each client is pinged once in `seconds`."""

    seconds: float
    cpu_seconds: float
    pings: int
    connections: int
    per_cent_by_second: tuple[float, ...]

    @property
    def per_cent(self) -> float:
        """Of one core."""
        return 100 * self.cpu_seconds / self.seconds

    @property
    def us_per_connection_minute(self) -> float:
        return self.cpu_seconds * 1e6 / self.connections / (self.seconds / 60)


@dataclass(frozen=True, slots=True)
class Sessions:
    """`resident_bytes` is what a logged-in session adds to a fresh process, what registering it left included."""

    logins: tuple[Logins, ...]
    resident_bytes: float
    empty_bytes: int
    idle: Idleness


@contextmanager
def logged_in(server: Laba, crowd_of: tuple[str, int], folder: Path) -> Iterator[tuple[Crowd, float, float]]:
    """Log in `(name, count)` clients; give them, the seconds it took, and the CPU of the server in seconds."""
    name, count = crowd_of
    said = (server.client(f"{name}-{number:05}") for number in range(count))
    with crowd(server.port, count, said, folder / f"{name}.blobs") as clients:
        wanted, spent, started_ns = server.logins() + count, cpu_ns(server.pid), time.monotonic_ns()
        clients.open()
        last_ns = clients.quiet()
        if server.logins() < wanted:
            # The last of them took longer than the quiet that was waited for.
            wait_until(lambda: server.logins() >= wanted, LOGIN_SECONDS, "not all clients were logged in")
            last_ns = clients.quiet()
        yield clients, (last_ns - started_ns) / 1e9, (cpu_ns(server.pid) - spent) / 1e9


def measure(connections: int, rounds: int, ping_seconds: int, folder: Path, console: Console) -> Sessions:
    """Let everybody in twice in every round: first unknown, then registered."""
    data, logins = folder / "sessions", []
    idle, resident, empty = None, 0.0, 0
    app = create_app(data)
    with serving(data, app, {"LABA_GATEWAY__PING_SECONDS": str(ping_seconds)}) as server:
        alone = open_files(server.pid)
        for number in range(2 * rounds):
            before, first = resident_bytes(server.pid), number % 2 == 0
            with logged_in(server, (f"round{number // 2}", connections), folder) as (clients, seconds, cpu_seconds):
                logins.append(Logins(connections / seconds, cpu_seconds * 1e6 / connections, first))
                _tell(logins[-1], console)
                if idle is None:
                    empty, resident = before, (resident_bytes(server.pid) - before) / connections
                    console.print(f"Watching {connections:,} idle clients for {ping_seconds} s ...")
                    idle = idling(server.pid, clients, ping_seconds)
            wait_until(lambda: open_files(server.pid) <= alone + 10, LEAVE_SECONDS, "the clients did not leave")
    if idle is None:
        raise BenchError("at least one round is needed")
    return Sessions(tuple(logins), resident, empty, idle)


def idling(pid: int, clients: Crowd, ping_seconds: int) -> Idleness:
    """Watch for one ping interval, in which each client is pinged once, wherever in its interval it is."""
    time.sleep(BREATH_SECONDS)
    clients.pings()
    started_at, started_ns = time.monotonic(), cpu_ns(pid)
    shares, then_at, then_ns = [], started_at, started_ns
    for second in range(1, ping_seconds + 1):
        time.sleep(max(0.0, started_at + second - time.monotonic()))
        now_at, now_ns = time.monotonic(), cpu_ns(pid)
        shares.append(100 * (now_ns - then_ns) / 1e9 / (now_at - then_at))
        then_at, then_ns = now_at, now_ns
    return Idleness(then_at - started_at, (then_ns - started_ns) / 1e9, clients.pings(), clients.count, tuple(shares))


def _tell(logins: Logins, console: Console) -> None:
    what = "First logins" if logins.first else "Logins of registered users"
    console.print(f"{what}: {logins.per_second:,.0f} per second, {logins.cpu_us:,.0f} us of CPU each")
