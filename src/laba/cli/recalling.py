"""`laba recall`."""

from pathlib import Path

import click

from laba.cli.office import app_path, asked_of_server
from laba.cli.options import (
    AppParameter,
    BroadcastParameter,
    config_option,
    data_option,
    examples,
    json_option,
    settings,
)
from laba.cli.showing import show_json


@click.command(
    epilog=examples(
        "laba recall 1173998498812376874 --app acme/chat",
        "laba recall 1173998498812376874 --app acme/chat --json",
    )
)
@click.argument("broadcast", metavar="ID", type=BroadcastParameter())
@click.option("--app", "name", metavar="ORG/APP", type=AppParameter(), required=True, help="The app it was sent in.")
@json_option
@config_option
@data_option
def recall(broadcast: str, name: str, as_json: bool, file: Path | None, data: str | None) -> None:
    """Withdraw a broadcast to users: who has it is told so, who has not never gets it. A server must be running."""
    chosen = settings(file, server__data_dir=data)
    recalled = asked_of_server(chosen, "POST", f"{app_path(name)}/broadcasts/{broadcast}/recall", {})
    if as_json:
        show_json(recalled)
    else:
        click.echo(f"recalled {recalled['id']}")
