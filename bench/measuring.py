"""What a process costs, read from /proc, and what a row of figures says."""

import math
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from processes import CLIENT_CORE, SERVER_CORE, BenchError, places_for


@dataclass(frozen=True, slots=True)
class Spread:
    """The least, the median and the most of some figures."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        return cls(min(figures), statistics.median(figures), max(figures))


@dataclass(frozen=True, slots=True)
class Buckets:
    """Very many times, in tenths of a millisecond, and how often each was taken; in ascending order."""

    counts: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, counts: Sequence[Sequence[int]]) -> "Buckets":
        return cls(tuple((tenths, count) for tenths, count in counts))

    def ms(self, share: float) -> float:
        """Give the least time that at least this share of them does not exceed, rounded up to a tenth."""
        total = sum(count for _, count in self.counts)
        for tenths, passed in self.rising():
            if passed >= share * total:
                return (tenths + 1) / 10
        return 0.0

    def rising(self) -> list[tuple[int, int]]:
        """Give each time with how many are at most that."""
        passed = accumulate(count for _, count in self.counts)
        return [(tenths, so_far) for (tenths, _), so_far in zip(self.counts, passed, strict=True)]


def quantile(figures: Sequence[float], share: float) -> float:
    """Give the least figure that at least this share of them does not exceed."""
    return sorted(figures)[max(0, math.ceil(share * len(figures)) - 1)]


def cpu_ns(pid: int) -> int:
    """Give the time that all threads of a process have run, as the scheduler counts it (to the nanosecond)."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


def open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def machine() -> dict[str, Any]:
    """Describe what the figures were measured on, and how busy it was before."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


@dataclass(frozen=True, slots=True)
class Noise:
    """What else happened on the machine while we measured, in per cent of all cores together."""

    foreign_per_cent: float

    def __str__(self) -> str:
        return f"Other work took {self.foreign_per_cent:.1f} % of the machine meanwhile."


def listening() -> Callable[[], Noise]:
    """Begin to watch the machine; ask the function when all processes that we started have ended."""
    before_at, before_ours, before_all = time.monotonic(), _our_seconds(), _busy_seconds()

    def since() -> Noise:
        seconds = (time.monotonic() - before_at) * (os.cpu_count() or 1)
        foreign = (_busy_seconds() - before_all) - (_our_seconds() - before_ours)
        return Noise(max(0.0, 100 * foreign / seconds))

    return since


def _our_seconds() -> float:
    """Give the CPU of this process and of all that it has started and waited for."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, kinds))


def _busy_seconds() -> float:
    """Give the CPU that all cores have spent on anything: user, nice, system, irq, softirq (proc(5), /proc/stat)."""
    fields = list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]))
    return (sum(fields[:3]) + sum(fields[5:7])) / os.sysconf("SC_CLK_TCK")


def segments_sent_again() -> int:
    """Give how many TCP segments of the whole machine were lost and sent again since it started."""
    names, figures = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line[:4] == "Tcp:")
    return int(figures[names.index("RetransSegs")])


def check_machine(connections: int) -> None:
    """See to it that there are two cores, and that we and all whom we start may open so many connections."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = places_for(connections)
    if files != resource.RLIM_INFINITY and files < needed:
        raise BenchError(f"a process may open {files} files here, and {needed} are needed: raise `ulimit -Hn`")
    if not {SERVER_CORE, CLIENT_CORE} <= os.sched_getaffinity(0):
        raise BenchError("two cores are needed: one for the servers, one for their clients")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
