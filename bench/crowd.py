"""Many clients in a process of their own (`drain`): opened, logged in, and asked what they received and when."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import CLIENT_CORE, BenchError, Tool, tool, written


@dataclass(frozen=True, slots=True)
class Arrival:
    """What everybody got, and when the last byte of it had come to the first, to half, and to all of them.

    Times are the clients' own, of the clock that `time.monotonic_ns` reads, too.
    """

    length: int
    first_ns: int
    half_ns: int
    last_ns: int


class Crowd:
    """`count` clients of one server."""

    def __init__(self, drain: Tool, count: int) -> None:
        self._drain = drain
        self.count = count

    def open(self) -> None:
        line = self._drain.ask("open")
        if line != "ready":
            raise BenchError(f"expected the clients, got {line!r}")

    def quiet(self) -> int:
        """Wait until nothing has come for 150 ms, and give the time at which the last byte came."""
        return int(self._drain.ask("settle").split()[-1])

    def settled(self) -> Arrival:
        """Wait until a broadcast has arrived; BenchError unless everybody got as much as everybody else."""
        total, least, most, first_ns, half_ns, last_ns = map(int, self._drain.ask("even").split())
        if least != most or total != least * self.count:
            raise BenchError(f"not everyone got the same: {total} bytes, {least} to {most} per connection")
        return Arrival(least, first_ns, half_ns, last_ns)

    def pings(self) -> int:
        """Give how many pings came, and were answered, since this was last asked."""
        return int(self._drain.ask("pings"))


@contextmanager
def crowd(port: int, count: int, said: Iterable[bytes] | None, blobs: Path) -> Iterator[Crowd]:
    """Start clients, not open yet; each says its part of `said` once it is. `blobs` is the file to hand that over."""
    arguments: list[object] = [port, count]
    if said is not None:
        written(blobs, ((blob,) for blob in said))
        arguments.append(blobs)
    with tool("drain", CLIENT_CORE, *arguments) as drain:
        yield Crowd(drain, count)
