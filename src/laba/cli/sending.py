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
# The audience of each option that names one.
_AUDIENCES: Final = {"all_users": "all_users", "recent_users": "recent_users", "all_rooms": "active_rooms"}


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
        'laba send acme/chat "an hour left" --recent-users --conversation system',
        'laba send acme/chat "the new terms" --all-users --push "We have new terms"',
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
@click.option("--recent-users", is_flag=True, help="Send also to those who come within the next minutes.")
@click.option(
    "--conversation",
    type=click.Choice(("app", "system")),
    help="In whose conversation a broadcast to users is; nobody can answer the system.  [default: app]",
)
@click.option("--push", "alert", metavar="TEXT", help="Show this, by push, to users who are not online.")
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
    if sum(bool(given[whom]) for whom in ("rooms", *_AUDIENCES)) > 1:
        raise click.UsageError("--room, --all-rooms, --all-users and --recent-users exclude each other")
    if given["conversation"] and (given["rooms"] or given["all_rooms"]):
        raise click.UsageError("--conversation is for broadcasts to users")
    if given["alert"] == "":
        raise click.UsageError("--push needs a text to show")
    if given["alert"] and (given["rooms"] or given["all_rooms"]):
        raise click.UsageError("--push is for broadcasts to users")
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
    if given["alert"]:
        said["push"] = {"alert": given["alert"]}
    for option, audience in _AUDIENCES.items():
        if given[option]:
            said["audience"] = audience
    return said | {name: given[name] for name in ("level", "conversation") if given[name] is not None}
