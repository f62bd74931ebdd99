"""`laba token`."""

from pathlib import Path
from typing import Any

import click

from laba.cli.office import app_path, asked
from laba.cli.options import app_argument, config_option, data_option, examples, json_option, settings
from laba.cli.showing import show_json


@click.command(
    epilog=examples(
        "laba token acme/chat",
        "laba token acme/chat --user ann",
        "laba token acme/chat --user ann --ttl 3600 --json",
    )
)
@app_argument
@click.option("--user", help="The user whose token it is; registered if new. Without: an app token.")
@click.option("--ttl", type=click.IntRange(0, 2**31 - 1), help="Seconds that it lives; 0: for ever.")
@json_option
@config_option
@data_option
def token(
    name: str,
    user: str | None,
    ttl: int | None,
    as_json: bool,
    file: Path | None,
    data: str | None,
) -> None:
    """Print a token. A back end calls laba with an app's, a client connects with a user's."""
    body: dict[str, Any] = {} if user is None else {"user": user, "register": True}
    if ttl is not None:
        body["ttl_seconds"] = ttl
    issued = asked(settings(file, server__data_dir=data), "POST", f"{app_path(name)}/tokens", body)
    if as_json:
        show_json(issued)
    else:
        click.echo(issued["token"])
