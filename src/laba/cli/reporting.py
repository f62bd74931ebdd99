"""`laba report`."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from laba.cli.office import asked
from laba.cli.options import config_option, data_option, examples, json_option, settings
from laba.cli.showing import show_json, show_pairs

_LOOK_SECONDS: Final = 0.5
_SENT: Final = frozenset({"sent", "expired"})


@click.command(
    epilog=examples(
        "laba report 1173998498812376874",
        "laba report 1173998498812376874 --follow",
        "laba report 1173998498812376874 --json",
    )
)
@click.argument("broadcast", metavar="ID", type=click.IntRange(0, 2**63 - 1))
@click.option("--follow", is_flag=True, help="Show it as it changes, until all is confirmed or you press Ctrl-C.")
@json_option
@config_option
@data_option
def report(broadcast: int, follow: bool, as_json: bool, file: Path | None, data: str | None) -> None:
    """Tell what became of a broadcast: whom it was for, who was reached and when, who confirmed, what was dropped."""
    chosen = settings(file, server__data_dir=data)

    def look() -> dict[str, Any]:
        found: dict[str, Any] = asked(chosen, "GET", f"/v1/broadcasts/{broadcast}")
        return found

    if follow:
        _follow(look)
    elif as_json:
        show_json(look())
    else:
        show_pairs(lines(look()))


def lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Give a report as lines for a person."""
    told = [("broadcast", found["id"]), ("status", found["status"]), ("accepted", _time(found["accepted_at"]))]
    told += [("from", found["from"]), ("kind", found["kind"])]
    if "audience" not in found:
        return told
    audience = found["audience"]
    told += [("audience", str(audience))]
    told += [(name, _share(found[name], audience)) for name in ("reached", "confirmed", "pending")]
    told += [(f"dropped: {reason}", _share(count, audience)) for reason, count in sorted(found["dropped"].items())]
    times = found["reached_after_ms"].items()
    return told + [(f"{share} reached", f"after {after} ms") for share, after in times if after is not None]


def _follow(look: Callable[[], dict[str, Any]]) -> None:
    """Show the report until nothing more can come: on a terminal in place, in a pipe once for every change."""
    if not sys.stdout.isatty():
        _print_changes(look)
        return
    with Live(console=Console(), auto_refresh=False) as live:
        while True:
            found = look()
            live.update(_table(found), refresh=True)
            if _is_over(found):
                return
            time.sleep(_LOOK_SECONDS)


def _print_changes(look: Callable[[], dict[str, Any]]) -> None:
    shown = None
    while shown is None or not _is_over(shown):
        if shown is not None:
            time.sleep(_LOOK_SECONDS)
        found = look()
        if found != shown:
            show_json(found)
        shown = found


def _is_over(found: dict[str, Any]) -> bool:
    """Tell whether nothing more can come."""
    lost = sum(found.get("dropped", {}).values())
    return found["status"] in _SENT and found.get("confirmed", 0) + lost >= found.get("audience", 0)


def _table(found: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in lines(found):
        table.add_row(name, value)
    return table


def _share(count: int, audience: int) -> str:
    return f"{count}  {100 * count / audience:.1f} %" if audience else str(count)


def _time(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000))
