"""`laba room`: the rooms of an app, and what goes first in them."""

from pathlib import Path
from typing import Any, Final

import click

from laba.cli.office import app_path, asked
from laba.cli.options import app_argument, config_option, data_option, examples, json_option, settings
from laba.cli.priorities import NAMES, listed, pairs
from laba.cli.showing import show_json, show_pairs, show_rows

_TEXTS: Final = ("name", "description")
_SHOWN: Final = ("id", "name", "owner", "description", "custom", "max_members")


@click.group(
    epilog=examples(
        "laba room list acme/chat",
        "laba room show acme/chat 66213271109633",
        "laba room set acme/chat 66213271109633 high_types=custom",
    )
)
def room() -> None:
    """Look at rooms, and set what goes first in them."""


@room.command(
    "list",
    epilog=examples(
        "laba room list acme/chat",
        "laba room list acme/chat --json",
    ),
)
@app_argument
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many of them.")
@click.option("--cursor", help="What an earlier list ended with.")
@json_option
@config_option
@data_option
def listing(name: str, limit: int, cursor: str | None, as_json: bool, **given: Any) -> None:
    """List the rooms of an app, in the order in which they were made."""
    query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
    found = asked(
        settings(given["file"], server__data_dir=given["data"]), "GET", f"{app_path(name)}/rooms", query=query
    )
    if as_json:
        show_json(found)
        return
    heads = ("id", "name", "owner", "members")
    show_rows(heads, [[str(each[head]) for head in heads] for each in found["rooms"]])
    if found["cursor"] is not None:
        click.echo(f"more with --cursor {found['cursor']}", err=True)


@room.command(
    epilog=examples(
        "laba room show acme/chat 66213271109633",
        "laba room show acme/chat 66213271109633 --json",
    )
)
@app_argument
@click.argument("room_id", metavar="ROOM")
@json_option
@config_option
@data_option
def show(name: str, room_id: str, as_json: bool, file: Path | None, data: str | None) -> None:
    """Show a room."""
    _print(asked(settings(file, server__data_dir=data), "GET", _path(name, room_id)), as_json=as_json)


@room.command(
    "set",
    epilog=examples(
        "laba room set acme/chat 66213271109633 high_types=custom,cmd high_members=host",
        "laba room set acme/chat 66213271109633 high_members=",
        "laba room set acme/chat 66213271109633 max_members=5000",
    ),
)
@app_argument
@click.argument("room_id", metavar="ROOM")
@click.argument("changes", metavar="NAME=VALUE...", nargs=-1, required=True)
@json_option
@config_option
@data_option
def change(name: str, room_id: str, changes: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Change a room. It takes effect at once.

    high_types and high_members are lists with commas between; a message of such a kind, or of such a sender, is high
    whatever level it asked for, as also by the app's own (laba app set). An empty list raises none.
    """
    body = dict(_change(text) for text in changes)
    chosen = settings(given["file"], server__data_dir=given["data"])
    _print(asked(chosen, "PATCH", _path(name, room_id), body), as_json=as_json)


def _path(name: str, room_id: str) -> str:
    return f"{app_path(name)}/rooms/{room_id}"


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    switches = [(switch, "yes" if found[switch] else "no") for switch in ("active", "muted")]
    members = [("members", str(found["members"]))] if "members" in found else []
    show_pairs([*((key, str(found[key])) for key in _SHOWN), *members, *switches, *pairs(found)])


def _change(text: str) -> tuple[str, Any]:
    """Read one NAME=VALUE."""
    name, mark, value = text.partition("=")
    if not mark:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE")
    if name in NAMES:
        return name, listed(name, value, text)
    if name in _TEXTS:
        return name, value
    if name == "max_members" and value.isdecimal():
        return name, int(value)
    if name == "max_members":
        raise click.BadParameter(f"{text!r}: write a number")
    raise click.BadParameter(f"{text!r}: there is {', '.join((*_TEXTS, 'max_members', *NAMES))}")
