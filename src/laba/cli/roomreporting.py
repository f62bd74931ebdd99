"""`laba report --room`."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from laba.cli.office import app_path
from laba.cli.options import AppParameter
from laba.cli.showing import show_json, show_pairs, show_rows

_Body = TypeVar("_Body", bound=Callable[..., Any])

_HEADS: Final = ("minute", "accepted", "placed", "shed", "offered", "reached", "lost")


def room_options(body: _Body) -> _Body:
    """Add the options that name a room, and how far back to look."""
    for option in (
        click.option(
            "--minutes",
            type=click.IntRange(1, 1440),
            default=60,
            show_default=True,
            help="With --room: how many minutes to tell, this one the last of them.",
        ),
        click.option("--app", type=AppParameter(), help="With --room: the room's app."),
        click.option("--room", help="Tell what became of all messages of this room; needs --app."),
    ):
        body = option(body)
    return body


def named_room(room: str | None, app: str | None) -> str | None:
    """Give the path of the room that was named; None where none was."""
    if (room is None) != (app is None):
        raise click.UsageError("--room and --app go together")
    return None if not room or app is None else f"{app_path(app)}/rooms/{room}"


def show_room(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    show_pairs(room_lines(found))
    show_rows(_HEADS, [_row(minute) for minute in found["minutes"]])


def room_lines(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give a room's sums as lines for a person."""
    totals, deliveries = found["totals"], found["totals"]["deliveries"]
    told = [("room", found["room"]), ("accepted", _levels(totals["accepted"]))]
    told += [(name, str(totals[name])) for name in ("raised", "directed") if totals[name]]
    told += [("to nobody", _levels(totals["to_nobody"]))] if any(totals["to_nobody"].values()) else []
    told += [("rejected", _levels(totals["rejected"]))] if any(totals["rejected"].values()) else []
    told += [("placed", _levels(totals["placed"])), *_reasons("shed", totals["shed"])]
    told += [("waiting", str(totals["waiting"]))]
    told += [(f"deliveries {name}", _levels(deliveries[name])) for name in ("offered", "reached")]
    told += [*_reasons("deliveries lost", deliveries["lost"]), ("under way", str(deliveries["under_way"]))]
    return told


def _levels(counts: Mapping[str, int]) -> str:
    return f"{sum(counts.values())}  ({', '.join(f'{level} {count}' for level, count in counts.items())})"


def _reasons(name: str, counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str]]:
    return [
        (f"{name}: {level}, {reason}", str(count))
        for level, reasons in counts.items()
        for reason, count in reasons.items()
    ]


def _row(minute: Mapping[str, Any]) -> list[str]:
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(minute["at"] / 1000))
    deliveries = minute["deliveries"]
    levels = (minute["accepted"], minute["placed"], _flat(minute["shed"]))
    sessions = (deliveries["offered"], deliveries["reached"], _flat(deliveries["lost"]))
    return [at, *(str(sum(each.values())) for each in (*levels, *sessions))]


def _flat(counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {level: sum(reasons.values()) for level, reasons in counts.items()}
