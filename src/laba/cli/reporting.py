"""`laba report`."""

import sys
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from laba.cli.office import asked, looked_up
from laba.cli.options import BroadcastParameter, config_option, data_option, examples, json_option, settings
from laba.cli.roomreporting import named_room, room_options, show_room
from laba.cli.showing import show_json, show_pairs

_LOOK_SECONDS: Final = 0.5
_SENT: Final = frozenset({"sent", "expired", "rejected"})
# What will never have counts.
_NEVER: Final = frozenset({"expired", "rejected"})


@click.command(
    epilog=examples(
        "laba report 1173998498812376874",
        "laba report 1173998498812376874 --follow",
        "laba report 1173998498812376874 --json",
        "laba report --room lobby --app acme/chat --minutes 10",
    )
)
@click.argument("broadcast", metavar="[ID]", type=BroadcastParameter(), required=False)
@room_options
@click.option("--follow", is_flag=True, help="Show it as it changes, until all that was reached is confirmed.")
@click.option(
    "--patience",
    type=click.IntRange(0, 86400),
    default=120,
    show_default=True,
    help="With --follow: seconds without a change after which it ends all the same.",
)
@json_option
@config_option
@data_option
def report(broadcast: str | None, follow: bool, patience: int, as_json: bool, **given: Any) -> None:
    """Tell what became of a broadcast: whom it was for, who was reached and when, who confirmed, what was dropped.

    With --room and --app in place of ID: what became of all messages of a room, minute by minute.
    """
    chosen = settings(given["file"], server__data_dir=given["data"])
    room = named_room(given["room"], given["app"])
    if (broadcast is None) == (room is None) or (follow and room is not None):
        raise click.UsageError("name a broadcast by its ID, or a room by --room and --app; a room is not followed")
    if broadcast is None:
        show_room(looked_up(chosen, f"{room}/report", {"minutes": str(given["minutes"])}), as_json=as_json)
        return

    def look() -> dict[str, Any]:
        found: dict[str, Any] = asked(chosen, "GET", f"/v1/broadcasts/{broadcast}")
        return found

    if follow:
        _follow(_looks(look, patience))
    elif as_json:
        show_json(look())
    else:
        show_pairs(lines(look()))


def lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Give a report as lines for a person."""
    told = [("broadcast", found["id"]), ("status", found["status"]), ("accepted", _time(found["accepted_at"]))]
    told += [("from", found["from"]), ("kind", found["kind"])]
    told += [("recalled", "yes")] if found.get("recalled") else []
    told += [("anti-spam", _found(found["verdict"]))] if "verdict" in found else []
    return told + _of_sessions(found) + _of_users(found) + _of_devices(found)


def _of_sessions(found: dict[str, Any]) -> list[tuple[str, str]]:
    if "audience" not in found:
        return []
    audience = found["audience"]
    told = [("audience", str(audience))]
    told += [(name, _share(found[name], audience)) for name in ("reached", "confirmed", "pending")]
    told += [(f"dropped: {reason}", _share(count, audience)) for reason, count in sorted(found["dropped"].items())]
    times = found["reached_after_ms"].items()
    return told + [(f"{share} reached", f"after {after} ms") for share, after in times if after is not None]


def _of_users(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Give what is counted in users where a push chose them; more may be found while it looks for them."""
    targets = found.get("targets")
    if targets is None:
        return []
    counts = [(name, _share(targets[name], targets["targeted"])) for name in ("delivered", "expired")]
    sought = "  and counting" if targets["walking"] else ""
    return [("targeted users", f"{targets['targeted']}{sought}"), *((f"{name} to users", n) for name, n in counts)]


def _of_devices(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Give how a push stands, provider by provider."""
    told: list[tuple[str, str]] = []
    for one in found.get("push", {}).get("providers", []):
        name, targeted = f"push by {one['provider']}", one["targeted"]
        told.append((name, f"{one['state'].replace('_', ' ')}: {targeted} devices, {one['sent']} asked for"))
        told.append((f"{name}: accepted", _share(one["accepted"], targeted)))
        told += [(f"{name}: {reason}", _share(count, targeted)) for reason, count in sorted(one["rejected"].items())]
        told += [(f"{name}: to be tried again", str(one["waiting"]))] if one["waiting"] else []
        told += [(f"{name}: fault", one["fault"])] if one["fault"] else []
    return told


def _follow(looks: Iterator[dict[str, Any]]) -> None:
    """Show what is seen: on a terminal in place, in a pipe once for every change."""
    if not sys.stdout.isatty():
        for found, _ in groupby(looks):
            show_json(found)
        return
    with Live(console=Console(), auto_refresh=False) as live:
        for found in looks:
            live.update(_table(found), refresh=True)


def _looks(look: Callable[[], dict[str, Any]], patience: int) -> Iterator[dict[str, Any]]:
    """Look again and again, until nothing more can come, or nothing has changed for `patience` seconds.

    A client that left before it confirmed may come back and do so, or never.
    """
    found, changed_at = look(), time.monotonic()
    yield found
    while not _is_over(found) and time.monotonic() - changed_at <= patience:
        time.sleep(_LOOK_SECONDS)
        before, found = found, look()
        if found != before:
            changed_at = time.monotonic()
        yield found


def _is_over(found: dict[str, Any]) -> bool:
    """Tell whether nothing more can come. What was sent and has no counts yet is about to go out."""
    if found.get("targets", {}).get("walking"):
        return False
    if any(one["state"] == "under_way" for one in found.get("push", {}).get("providers", [])):
        return False
    if found["status"] in _SENT and "audience" not in found:
        return found["status"] in _NEVER
    lost = sum(found.get("dropped", {}).values())
    return found["status"] in _SENT and found.get("confirmed", 0) + lost >= found.get("audience", 0)


def _table(found: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in lines(found):
        table.add_row(name, value)
    return table


def _found(verdict: dict[str, str]) -> str:
    """Say what anti-spam found, by whom, and what for."""
    by = {"words": "a word", "checker": "the checker"}.get(verdict["judge"], "no answer of the checker")
    return f"{verdict['decision']} by {by}" + (f": {verdict['label']}" if verdict["label"] else "")


def _share(count: int, audience: int) -> str:
    return f"{count}  {100 * count / audience:.1f} %" if audience else str(count)


def _time(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000))
