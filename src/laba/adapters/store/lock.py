"""The data directory belongs to one process at a time (design.md section 9)."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DataDirLockedError(Exception):
    """Another process holds the data directory."""


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the directory, creating it (mode 0700) if need be. The kernel lets go of it however the process ends."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "laba.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataDirLockedError(f"another process holds {data_dir}") from error
        yield
    finally:
        os.close(descriptor)
