"""`laba send`."""

from typing import Any, Final

import click
import msgspec

from laba.cli.office import app_path, asked_of_server
from laba.cli.options import app_argument, config_option, data_option, examples, json_option, settings
from laba.cli.showing import show_json

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
@json_option
@config_option
@data_option
def send(name: str, text: str, **given: Any) -> None:
    """Broadcast to every client online now. A server must be running."""
    body = {"from": given["sender"], "kind": given["kind"], "content": {_FIELDS[given["kind"]]: text}}
    if given["ext"] is not None:
        body["ext"] = given["ext"]
    chosen = settings(given["file"], server__data_dir=given["data"])
    accepted = asked_of_server(chosen, "POST", f"{app_path(name)}/broadcasts", body)
    if given["as_json"]:
        show_json(accepted)
    else:
        click.echo(f"accepted as {accepted['id']}")
