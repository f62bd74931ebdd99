"""One process per data directory: design.md section 9."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from laba.adapters.store.lock import DataDirLockedError, held

HOLD = """
import pathlib, sys
from laba.adapters.store.lock import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_held_directory_cannot_be_held_again(tmp_path):
    """Not even by this process; the one that holds it keeps it."""
    with held(tmp_path):
        for _ in range(2):
            with pytest.raises(DataDirLockedError, match=str(tmp_path)), held(tmp_path):
                pass


def test_it_is_free_again_afterwards(tmp_path):
    """Also after a failure inside."""
    with pytest.raises(ZeroDivisionError), held(tmp_path):
        raise ZeroDivisionError
    with held(tmp_path):
        pass


def test_a_directory_that_is_not_there_is_made_for_the_owner_alone(tmp_path):
    """Tokens and messages are in it."""
    data = tmp_path / "a" / "data"
    before = os.umask(0)
    try:
        with held(data):
            assert stat.S_IMODE(data.stat().st_mode) == 0o700
            assert stat.S_IMODE((data / "laba.lock").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_kill_9_lets_go_of_it(tmp_path):
    """No stale lock is left for an operator to remove."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        with pytest.raises(DataDirLockedError), held(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
        with held(tmp_path):
            pass


def test_a_child_does_not_keep_the_lock(tmp_path):
    """The descriptor is closed on exec."""
    with held(tmp_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with held(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()
