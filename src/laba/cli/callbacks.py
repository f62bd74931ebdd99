"""`laba callback`: whom an app tells of its messages, and what could not be told (S6)."""

import time
from pathlib import Path
from typing import Any, Final

import click

from laba.cli.office import app_path, asked
from laba.cli.options import app_argument, config_option, data_option, examples, json_option, settings
from laba.cli.showing import show_json, show_pairs, show_rows

_SOURCES: Final = ("caller", "client")
_SHOWN: Final = ("name", "url", "form", "secret")
_LISTED: Final = ("name", "form", "url", "env", "sources", "waiting", "dead")
_DEAD: Final = ("number", "message_id", "sent_at", "attempts", "fault", "died_at")


@click.group(
    epilog=examples(
        "laba callback put acme/chat main --url https://back.end/told",
        "laba callback list acme/chat",
        "laba callback dead acme/chat main",
        "laba callback resend acme/chat main",
    )
)
def callback() -> None:
    """Have an app's back end told of its messages, and look after what could not be told."""


@callback.command(
    epilog=examples(
        "laba callback put acme/chat main --url https://back.end/told",
        "laba callback put acme/chat test --url https://test.back.end/told --env test",
        "laba callback put acme/chat audit --url https://audit.end/ --secret s3cret --from client",
    )
)
@app_argument
@click.argument("hook", metavar="NAME")
@click.option("--url", required=True, help="Where it is told.")
@click.option("--form", default="native", show_default=True, help="How it is told and signed: see docs/callbacks.md.")
@click.option("--env", help="Tell it only what is sent with this env.")
@click.option("--secret", help="What it is signed with.  [default: the one it has, or a new one]")
@click.option(
    "--from", "sources", multiple=True, type=click.Choice(_SOURCES), help="Whose messages.  [default: both]"
)
@json_option
@config_option
@data_option
def put(name: str, hook: str, as_json: bool, **given: Any) -> None:
    """Have a callback, in place of one of its name. It takes effect at once, also for what waits.

    Some forms are signed with the app's own secret in place of the callback's.
    """
    body = {key: given[key] for key in ("url", "form", "env", "secret") if given[key] is not None}
    body |= {"sources": list(given["sources"])} if given["sources"] else {}
    found = asked(_chosen(given), "PUT", f"{_path(name)}/{hook}", body)
    if as_json:
        show_json(found)
    else:
        (made,) = found["callbacks"]
        show_pairs([(key, str(made[key])) for key in _SHOWN])


@callback.command("list", epilog=examples("laba callback list acme/chat", "laba callback list acme/chat --json"))
@app_argument
@json_option
@config_option
@data_option
def listing(name: str, as_json: bool, file: Path | None, data: str | None) -> None:
    """List an app's callbacks, with how much waits for each and how much was given up. With --json also secrets."""
    found = asked(settings(file, server__data_dir=data), "GET", _path(name))
    if as_json:
        show_json(found)
    else:
        show_rows(_LISTED, [[_word(each[key]) for key in _LISTED] for each in found["callbacks"]])


@callback.command(epilog=examples("laba callback remove acme/chat main"))
@app_argument
@click.argument("hook", metavar="NAME")
@json_option
@config_option
@data_option
def remove(name: str, hook: str, as_json: bool, file: Path | None, data: str | None) -> None:
    """Have a callback no more. What waits for it is forgotten."""
    removed = asked(settings(file, server__data_dir=data), "DELETE", f"{_path(name)}/{hook}")
    if as_json:
        show_json(removed)
    else:
        click.echo(f"removed {removed['name']}")


@callback.command(
    epilog=examples("laba callback dead acme/chat main", "laba callback dead acme/chat main --limit 100 --json")
)
@app_argument
@click.argument("hook", metavar="NAME")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many of them.")
@click.option("--cursor", help="What an earlier list ended with.")
@json_option
@config_option
@data_option
def dead(name: str, hook: str, limit: int, cursor: str | None, as_json: bool, **given: Any) -> None:
    """List what was given up: refused again and again, tried for too long, or one too many."""
    query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
    found = asked(_chosen(given), "GET", f"{_path(name)}/{hook}/dead", query=query)
    if as_json:
        show_json(found)
        return
    show_rows(_DEAD, [[_word(each[key], key) for key in _DEAD] for each in found["letters"]])
    if found["cursor"] is not None:
        click.echo(f"more with --cursor {found['cursor']}", err=True)


@callback.command(
    epilog=examples("laba callback resend acme/chat main", "laba callback resend acme/chat main 1042 1043")
)
@app_argument
@click.argument("hook", metavar="NAME")
@click.argument("numbers", metavar="[NUMBER]...", nargs=-1, type=click.IntRange(1))
@json_option
@config_option
@data_option
def resend(name: str, hook: str, numbers: tuple[int, ...], as_json: bool, **given: Any) -> None:
    """Tell again what was given up: those of these numbers, or all. It goes behind what waits."""
    body = {"numbers": list(numbers)} if numbers else {}
    resent = asked(_chosen(given), "POST", f"{_path(name)}/{hook}/dead/resend", body)
    if as_json:
        show_json(resent)
    else:
        click.echo(f"resent {resent['resent']}")


def _path(name: str) -> str:
    return f"{app_path(name)}/callbacks"


def _chosen(given: dict[str, Any]) -> Any:
    return settings(given["file"], server__data_dir=given["data"])


def _word(value: Any, key: str = "") -> str:
    if key.endswith("_at"):
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value / 1000))
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)
