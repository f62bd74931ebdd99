"""`laba send`."""

from collections.abc import Mapping
from typing import Any, Final

import click
import msgspec

from laba.cli.office import app_path, asked_of_server
from laba.cli.options import app_argument, config_option, data_option, examples, json_option, settings
from laba.cli.showing import show_json
from laba.model.dispatch import Level

# The field of each kind that TEXT fills.
_FIELDS: Final = {"txt": "text", "cmd": "action", "custom": "event"}


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object on the command line."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        try:
            return msgspec.json.decode(value, type=dict[str, Any])
        except ValueError as error:
            self.fail(f"{value!r} is no JSON object: {error}", param, ctx)


@click.command(
    epilog=examples(
        'laba send acme/chat "hello, everyone"',
        'laba send acme/chat "hello" --from ann --ext \'{"colour": "red"}\'',
        "laba send acme/chat refresh --kind cmd --json",
        'laba send acme/chat "welcome" --room 1173998498812376874 --level high',
        'laba send acme/chat "for you" --room 1173998498812376874 --to-user ann --to-user bob',
        'laba send acme/chat "closing in five minutes" --all-rooms',
        'laba send acme/chat "the new terms" --all-users',
    )
)
@app_argument
@click.argument("text")
@click.option("--from", "sender", default="admin", show_default=True, help="The user it comes from.")
@click.option(
    "--kind",
    type=click.Choice(list(_FIELDS)),
    default="txt",
    show_default=True,
    help="What TEXT is: a text, a command, an event.",
)
@click.option("--ext", type=JsonObject(), help="A JSON object that goes along.")
@click.option("--room", "rooms", multiple=True, metavar="ID", help="A room to send to instead; up to 10 times.")
@click.option(
    "--to-user", "users", multiple=True, metavar="USER", help="Who alone of one room sees it; up to 20 times."
)
@click.option(
    "--all-users", is_flag=True, help="Send to every user instead; who is offline gets it at the next login."
)
@click.option("--all-rooms", is_flag=True, help="Send to every active room instead.")
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    help="What goes first in rooms under load.  [default: normal]",
)
@json_option
@config_option
@data_option
def send(name: str, text: str, **given: Any) -> None:
    """Broadcast to every client online now, or send to rooms. A server must be running."""
    if sum(bool(given[whom]) for whom in ("rooms", "all_rooms", "all_users")) > 1:
        raise click.UsageError("--room, --all-rooms and --all-users exclude each other")
    if given["users"] and not given["rooms"]:
        raise click.UsageError("--to-user needs the --room whose members they are")
    body = {"from": given["sender"], "kind": given["kind"], "content": {_FIELDS[given["kind"]]: text}}
    if given["ext"] is not None:
        body["ext"] = given["ext"]
    chosen = settings(given["file"], server__data_dir=given["data"])
    path = f"{app_path(name)}/{'messages' if given['rooms'] else 'broadcasts'}"
    accepted = asked_of_server(chosen, "POST", path, body | _addressed(given))
    if given["as_json"]:
        show_json(accepted)
    elif "ids" in accepted:
        for room, message_id in accepted["ids"].items():
            click.echo(f"{room}: accepted as {message_id}")
    else:
        click.echo(f"accepted as {accepted['id']}")


def _addressed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Say to whom, and how urgently."""
    said: dict[str, Any] = {}
    if given["rooms"]:
        said["rooms"] = list(given["rooms"])
    if given["users"]:
        said["users"] = list(given["users"])
    if given["all_users"]:
        said["audience"] = "all_users"
    if given["all_rooms"]:
        said["audience"] = "active_rooms"
    if given["level"] is not None:
        said["level"] = given["level"]
    return said
