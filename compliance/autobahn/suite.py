"""The Autobahn test suite, made ready: its cases converted from Python 2, and an environment to run them in.

Only the cases are taken of the suite; fuzzer.py plays them.
"""

import hashlib
import re
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

HERE = Path(__file__).parent
WORK = HERE.parent / "work"
PYTHON = WORK / "venv" / "bin" / "python"
CASES = WORK / "cases"

_SUITE = "autobahntestsuite==25.10.1"
_SUITE_SHA256 = "b083d6e15330fc16f3e5f0975cce2b15f21bfa0c6db09547316b1852c6dbd6df"
_STAMP = WORK / "ready"
# Left out, because laba offers no compression (12) or because the suite itself has it switched off (9.9).
_CASE_FILE = re.compile(r".*/autobahntestsuite/case/(case(?!12_|9_9_)\w*\.py)")

# Python 2 to 3, for exactly this version of the suite.
_CONVERSIONS = tuple(
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        # The file is written anew as UTF-8.
        (r"\A# coding=.*$", ""),
        (r"^import binascii$", "import octets as binascii"),
        (r"^from autobahn\.websocket\.utf8validator import", "from octets import"),
        (r"\bxrange\(", "range("),
        (r"^( +)print\b.*$", r"\1pass"),
        # A class has `object` behind its other bases, where Python 3 puts it unasked.
        (r"\(object, ?Case, ?\)", "(Case,)"),
        # Equal values were pickled equally; now they need not be.
        (r"pickle\.dumps\((\w+)\)", r"\1"),
        # Division of whole numbers.
        (r"len\(self\.payload\) / ", "len(self.payload) // "),
    )
)


class SuiteError(Exception):
    """The suite cannot be made ready, and why."""


def prepare() -> None:
    """Set up `compliance/work`, unless it is there already and nothing that it is made from has changed."""
    stamp = _digest(HERE / "requirements.txt", HERE / "suite.py") + sys.version
    if _STAMP.exists() and _STAMP.read_text() == stamp:
        return
    print("Preparing the Autobahn test suite ...", flush=True)
    _STAMP.unlink(missing_ok=True)
    venv.create(PYTHON.parents[1], clear=True, with_pip=True)
    _pip("install", "-r", str(HERE / "requirements.txt"))
    _write_cases(_downloaded())
    _STAMP.write_text(stamp)


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def _pip(command: str, *arguments: str) -> None:
    done = subprocess.run(
        [PYTHON, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *arguments], check=False
    )
    if done.returncode:
        raise SuiteError(f"pip {command} ended with {done.returncode}")


def _downloaded() -> Path:
    _pip("download", "--no-deps", "--no-binary", ":all:", "--dest", str(WORK), _SUITE)
    archive = WORK / f"{_SUITE.replace('==', '-')}.tar.gz"
    if _digest(archive) != _SUITE_SHA256:
        raise SuiteError(f"{archive.name} is not the archive that this was written for")
    return archive


def _write_cases(archive: Path) -> None:
    CASES.mkdir(exist_ok=True)
    for old in CASES.glob("*.py"):
        old.unlink()
    with tarfile.open(archive) as members:
        for member in members:
            name = _CASE_FILE.fullmatch(member.name)
            source = members.extractfile(member)
            if name and source:
                (CASES / name[1]).write_text(converted(source.read()))


def converted(source: bytes) -> str:
    """Turn a case into Python 3; its literals keep their bytes, one character for each."""
    text = source.decode("latin-1").replace("\r\n", "\n")
    for pattern, replacement in _CONVERSIONS:
        text = pattern.sub(replacement, text)
    return text
