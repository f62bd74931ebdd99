"""What a process costs, read from /proc, and what a row of figures says."""

import math
import os
import platform
import resource
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
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


def check_machine(connections: int) -> None:
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = places_for(connections)
    if files != resource.RLIM_INFINITY and files < needed:
        raise BenchError(f"a process may open {files} files here, and {needed} are needed: raise `ulimit -Hn`")
    if not {SERVER_CORE, CLIENT_CORE} <= os.sched_getaffinity(0):
        raise BenchError("two cores are needed: one for the servers, one for their clients")
    if shutil.which("cc") is None:
        raise BenchError("a C compiler is needed, as `cc`")
