"""This process as the operating system sees it: signals, open files, memory."""

import asyncio
import gc
import resource
import signal
import sys
from collections.abc import Callable

# Listeners, the store and the loop need descriptors, too.
RESERVED_FILES = 256
# The store's writer thread gets the interpreter's lock from a busy loop only after this time, and each short system
# call of the loop begins it anew. At CPython's 5 ms the writer was measured to starve for seconds; at 0.5 ms it waits
# 10 ms at most, at no cost to the loop.
SWITCH_SECONDS = 0.0005
# How many objects are made, and not let go of, before the collector looks at them; how often it then looks at what
# outlived a look, and at everything. Cycles are rare here: nearly all goes with its last reference. CPython's 700, 10
# and 10 took a third of the CPU where 10,000 clients were in 10,000 rooms.
COLLECT_AFTER = (20_000, 20, 100)


def stop_signal() -> asyncio.Event:
    """Give an event that the first SIGTERM or SIGINT sets; a second one has the system's default effect."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    return stop


def share_the_interpreter() -> None:
    """Let other threads have their turn in time beside a busy event loop, and the collector seldom."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*COLLECT_AFTER)


# Of the time between two walks over everything, after how many of them one is made in the midst of work.
_AT_LATEST = 24


def keep_what_is_here() -> None:
    """Tell the collector that what exists now stays for good, and need not be walked again (design.md 6.6)."""
    gc.collect()
    gc.freeze()


class Collector:
    """Keeps Python's collector of cycles from walking what stays: sessions, rooms, logs.

    Left alone it walks them all now and then, and everything stands still meanwhile: 0.4 s were measured with 10,000
    clients in 10,000 rooms. What is let go of goes with its last reference, walked or not; what is left for the
    collector are cycles that came to be garbage late, and for these it walks everything once in `full_seconds`, in a
    moment in which little else is to be done; where there is none for a day's worth of these, then all the same.
    """

    def __init__(self, full_seconds: float, is_idle: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._full_seconds = full_seconds
        self._is_idle = is_idle
        self._clock = clock
        self._walked_at = clock()

    def spare(self) -> None:
        """Let go of young cycles, and spare the collector what is left; to be called every few seconds."""
        now = self._clock()
        since = now - self._walked_at
        if since >= self._full_seconds * _AT_LATEST or (since >= self._full_seconds and self._is_idle()):
            self._walked_at = now
            gc.unfreeze()
            gc.collect()
        else:
            gc.collect(1)
        gc.freeze()


def connections_possible() -> int:
    """Raise this process's bound on open files as far as it goes, and tell how many connections that allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(16, hard - RESERVED_FILES)
