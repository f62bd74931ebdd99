"""The Autobahn test suite against laba's WebSocket code. Run by `make compliance`.

Ends with 1 where a case failed, or is missing, or was NON-STRICT and docs/compliance.md does not explain it.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import suite
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RESULTS = suite.WORK / "results.json"
LIMIT_SECONDS = 1800
STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    cases: int


# How many cases there are: one that was lost on the way must not look like one that passed.
GROUPS = {
    1: Group("Framing", 16),
    2: Group("Pings and pongs", 11),
    3: Group("Reserved bits", 7),
    4: Group("Opcodes", 10),
    5: Group("Fragmentation", 20),
    6: Group("UTF-8", 145),
    7: Group("Closing", 37),
    9: Group("Limits and performance", 54),
    10: Group("Auto-fragmentation", 1),
}
OK, INFORMATIONAL, NON_STRICT, FAILED = "OK", "INFORMATIONAL", "NON-STRICT", "FAILED"
VERDICTS = (OK, INFORMATIONAL, NON_STRICT, FAILED)
# None so far. One that is added here gets its reason in docs/compliance.md.
EXPLAINED: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Result:
    """What one case said, about what was received and about how the connection ended."""

    id: str
    behavior: str
    closing: str
    result: str
    result_of_closing: str
    close_code: int | None
    unclean: str | None
    milliseconds: int

    @property
    def group(self) -> int:
        return int(self.id.partition(".")[0])

    @property
    def verdict(self) -> str:
        """Judge more strictly than the suite's own summary: an unclean end, or a wrong code, is a failure."""
        if self.closing not in (OK, INFORMATIONAL):
            return FAILED
        return self.behavior if self.behavior in VERDICTS else FAILED


@contextmanager
def echo() -> Iterator[int]:
    """Run the echo; give its port."""
    process = subprocess.Popen([sys.executable, HERE / "echo.py"], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise suite.SuiteError(f"the echo ended with {process.wait()}")
        yield int(line)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def played(port: int, groups: Sequence[int]) -> list[Result]:
    command: list[str | Path] = [
        suite.PYTHON,
        "-W",
        "ignore",
        HERE / "fuzzer.py",
        suite.CASES,
        *map(str, (port, *groups)),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=LIMIT_SECONDS)
    if done.returncode:
        raise suite.SuiteError(f"the fuzzer ended with {done.returncode}")
    return [Result(**json.loads(line)) for line in done.stdout.splitlines()]


def table(results: Sequence[Result], groups: Sequence[int]) -> Table:
    grid = Table("cases", "about", *VERDICTS, title="Autobahn test suite 25.10.1")
    for number in groups:
        counts = Counter(result.verdict for result in results if result.group == number)
        grid.add_row(str(number), GROUPS[number].title, *(str(counts[verdict]) for verdict in VERDICTS))
    counts = Counter(result.verdict for result in results)
    grid.add_section()
    grid.add_row("", "together", *(str(counts[verdict]) for verdict in VERDICTS))
    return grid


def faults(results: Sequence[Result], groups: Sequence[int]) -> Iterator[str]:
    for result in results:
        if result.verdict == FAILED:
            yield (
                f"{result.id} {FAILED}: {result.behavior}, {result.result} Closing: {result.closing}, "
                f"{result.result_of_closing} (close code {result.close_code}, {result.unclean})"
            )
        elif result.verdict == NON_STRICT and result.id not in EXPLAINED:
            yield f"{result.id} {NON_STRICT}, and docs/compliance.md does not say why: {result.result}"
    counts = Counter(result.group for result in results)
    for number in groups:
        if counts[number] != GROUPS[number].cases:
            yield f"group {number}: {counts[number]} cases ran instead of {GROUPS[number].cases}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the Autobahn test suite against laba's WebSocket code.")
    parser.add_argument("group", type=int, nargs="*", help="only these groups of cases")
    groups = parser.parse_args().group or list(GROUPS)
    if not GROUPS.keys() >= set(groups):
        parser.error(f"the groups are {', '.join(map(str, GROUPS))}")
    console = Console()
    try:
        suite.prepare()
        with echo() as port:
            console.print(f"Playing {sum(GROUPS[number].cases for number in groups)} cases ...")
            results = played(port, groups)
    except (suite.SuiteError, subprocess.TimeoutExpired) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    RESULTS.write_text(json.dumps([asdict(result) for result in results], indent=1))
    console.print(table(results, groups))
    wrong = list(faults(results, groups))
    for line in wrong:
        console.print(line, style="red", markup=False, soft_wrap=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
