"""`laba app`: the tenants, their keys, features and quotas."""

from pathlib import Path
from typing import Any, Final

import click

from laba.cli.office import app_path, asked
from laba.cli.options import app_argument, config_option, data_option, examples, json_option, settings
from laba.cli.priorities import NAMES, listed, pairs
from laba.cli.showing import show_json, show_pairs, show_rows
from laba.cli.types import shown_types, type_named
from laba.model.app import Feature, QuotaName
from laba.model.quota import Quota

_SECRETS: Final = ("app_certificate", "app_secret", "client_secret")
_KEYS: Final = (
    "org_name",
    "app_name",
    "app_id",
    "app_certificate",
    "app_key",
    "app_secret",
    "client_id",
    "client_secret",
)
_SWITCH: Final = {"on": True, "off": False}


@click.group(
    epilog=examples(
        "laba app create acme/chat",
        "laba app set acme/chat users_broadcast=on",
        "laba app list",
    )
)
def app() -> None:
    """Create apps, and change what they may do."""


@app.command(
    epilog=examples(
        "laba app create acme/chat",
        "laba app create acme/chat --enable users_broadcast --enable push",
        "laba app create acme/load-test --enable all --unlimited --json",
    )
)
@app_argument
@click.option(
    "--enable",
    multiple=True,
    type=click.Choice([*(feature.value for feature in Feature), "all"]),
    help="A feature to switch on, or all.",
)
@click.option("--unlimited", is_flag=True, help="Lift every quota.")
@json_option
@config_option
@data_option
def create(
    name: str,
    enable: tuple[str, ...],
    unlimited: bool,
    as_json: bool,
    file: Path | None,
    data: str | None,
) -> None:
    """Create an app and print its names and keys."""
    body: dict[str, Any] = dict(zip(("org_name", "app_name"), name.split("/"), strict=True))
    body |= {"enable": "all" if "all" in enable else list(enable), "unlimited": unlimited}
    created = asked(settings(file, server__data_dir=data), "POST", "/v1/apps", body)
    if as_json:
        show_json(created)
    else:
        show_pairs([(key, created[key]) for key in _KEYS])


@app.command(
    "set",
    epilog=examples(
        "laba app set acme/chat users_broadcast=on",
        "laba app set acme/chat quota.users_broadcast=1/minute,50/day quota.push=unlimited",
        "laba app set acme/chat development=on",
        "laba app set acme/chat high_types=custom,cmd high_members=admin,host",
        "laba app set acme/chat type.app:gift=stored,offline type.app:seen=none type.app:old=default",
    ),
)
@app_argument
@click.argument("changes", metavar="NAME=VALUE...", nargs=-1, required=True)
@json_option
@config_option
@data_option
def change(
    name: str,
    changes: tuple[str, ...],
    as_json: bool,
    file: Path | None,
    data: str | None,
) -> None:
    """Change what an app may do. It takes effect at once.

    Features and development are on or off.

    A quota is a list of spans that all hold (40/2seconds, 1/minute,50/day), or unlimited.

    A room message of one of the high_types, or of one of the high_members, is high whatever level it asked for. The
    lists have commas between, and an empty one raises none.

    A type is one of the app's own message types, and a list of what its messages are: stored in the conversation
    list, counted as unread, kept for who is offline, pushed by a provider. none is none of it, default all again.
    """
    body: dict[str, Any] = {}
    for text in changes:
        _add(body, text)
    changed = asked(settings(file, server__data_dir=data), "PATCH", app_path(name), body)
    if as_json:
        show_json(changed)
    else:
        show_pairs(_policy(changed))


@app.command(
    "list",
    epilog=examples(
        "laba app list",
        "laba app list --json",
    ),
)
@json_option
@config_option
@data_option
def listing(as_json: bool, file: Path | None, data: str | None) -> None:
    """List every app. With --json also their keys and secrets."""
    found = asked(settings(file, server__data_dir=data), "GET", "/v1/apps")
    if as_json:
        show_json(found)
    else:
        show_rows(("app", "app_id", "features"), [_row(each) for each in found["apps"]])


@app.command(
    epilog=examples(
        "laba app show acme/chat",
        "laba app show acme/chat --secrets",
        "laba app show acme/chat --json",
    )
)
@app_argument
@click.option("--secrets", is_flag=True, help="Print the secrets too.")
@json_option
@config_option
@data_option
def show(
    name: str,
    secrets: bool,
    as_json: bool,
    file: Path | None,
    data: str | None,
) -> None:
    """Show an app. Its secrets only with --secrets or --json."""
    found = asked(settings(file, server__data_dir=data), "GET", app_path(name))
    if as_json:
        show_json(found)
    else:
        keys = [(key, found[key]) for key in _KEYS if secrets or key not in _SECRETS]
        show_pairs([*keys, ("application", found["application"]), *_policy(found)])


def _row(found: dict[str, Any]) -> tuple[str, str, str]:
    features = [feature for feature, on in found["features"].items() if on]
    return (f"{found['org_name']}/{found['app_name']}", found["app_id"], " ".join(features))


def _policy(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Give what the app may do, in the words that `laba app set` takes."""
    switches = {**found["features"], "development": found["development"]}
    return [
        *((name, "on" if on else "off") for name, on in switches.items()),
        *((f"quota.{name}", text) for name, text in found["quotas"].items()),
        *pairs(found),
        *shown_types(found),
    ]


def _add(body: dict[str, Any], text: str) -> None:
    """Read one NAME=VALUE into the body of the change."""
    name, mark, value = text.rpartition("=") if text.startswith("type.") else text.partition("=")
    section, dot, part = name.partition(".")
    if not mark:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE")
    if dot and section == "quota" and part in list(QuotaName):
        body.setdefault("quotas", {})[part] = _quota(value, text)
    elif dot and section == "type":
        body.setdefault("types", {})[part] = type_named(value, text)
    elif name in list(Feature):
        body.setdefault("features", {})[name] = _switch(value, text)
    elif name == "development":
        body["development"] = _switch(value, text)
    elif name in NAMES:
        body[name] = listed(name, value, text)
    else:
        known = [*Feature, "development", *NAMES, *(f"quota.{each}" for each in QuotaName), "type.NAME"]
        raise click.BadParameter(f"{text!r}: there is {', '.join(known)}")


def _quota(value: str, text: str) -> str:
    try:
        return str(Quota.parse(value))
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: {error}") from error


def _switch(value: str, text: str) -> bool:
    if value not in _SWITCH:
        raise click.BadParameter(f"{text!r}: write on or off")
    return _SWITCH[value]
