"""`laba provider` and `laba push`: by which services devices are pushed to, and pushes under way (S8)."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import click
import msgspec

from laba.cli.office import app_path, asked, asked_of_server
from laba.cli.options import (
    AppParameter,
    BroadcastParameter,
    app_argument,
    config_option,
    data_option,
    examples,
    json_option,
    settings,
)
from laba.cli.showing import show_json, show_pairs, show_rows

_KINDS: Final = ("apns", "fcm", "webpush")
_LISTED: Final = ("name", "kind", "package", "sandbox", "per_second", "fault")
_ONLY_FOR: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "topic": ("apns",),
        "sandbox": ("apns",),
        "team_id": ("apns",),
        "key_id": ("apns",),
        "key_file": ("apns", "webpush"),
        "service_account": ("fcm",),
        "subject": ("webpush",),
    }
)
_GIVEN: Final = ("kind", "package", "topic", "team_id", "key_id", "subject", "per_second", "url")


@click.group(
    epilog=examples(
        "laba provider put acme/chat ios --kind apns --package com.acme --team-id T1 --key-id K1 --key AuthKey.p8",
        "laba provider put acme/chat android --kind fcm --service-account service-account.json",
        "laba provider put acme/chat web --kind webpush --subject mailto:ops@acme.com",
        "laba provider list acme/chat",
        "laba provider check acme/chat ios",
    )
)
def provider() -> None:
    """Have an app's devices pushed to by APNs, FCM and Web Push, and see how that stands."""


@provider.command(
    epilog=examples(
        "laba provider put acme/chat ios --kind apns --package com.acme --team-id T1 --key-id K1 --key AuthKey.p8",
        "laba provider put acme/chat dev --kind apns --package com.acme --sandbox --team-id T1 --key-id K1 "
        "--key AuthKey.p8",
        "laba provider put acme/chat android --kind fcm --service-account service-account.json",
        "laba provider put acme/chat web --kind webpush --subject mailto:ops@acme.com",
    )
)
@app_argument
@click.argument("provider", metavar="NAME")
@click.option("--kind", type=click.Choice(_KINDS), required=True, help="Which service it is.")
@click.option("--package", help="The devices it is for.  [default: those of packages that no other is for]")
@click.option("--topic", help="apns: the bundle id, where it is not the package.")
@click.option("--sandbox", is_flag=True, help="apns: the development service, for devices that say so.")
@click.option("--team-id", help="apns: the team.")
@click.option("--key-id", help="apns: the id of the key.")
@click.option("--key", "key_file", type=click.File(), help="apns: the .p8 file; webpush: a P-256 key in PEM.")
@click.option("--service-account", type=click.File(), help="fcm: the JSON file of a service account.")
@click.option("--subject", help="webpush: whom the services may write to, a mailto: or https: address.")
@click.option("--per-second", type=click.IntRange(0), help="Pushes in a second; 0: any.  [default: fcm 5000, else 0]")
@click.option("--url", help="Where the service is, if not where it always is.")
@json_option
@config_option
@data_option
def put(name: str, provider: str, as_json: bool, **given: Any) -> None:
    """Have a push provider, in place of one of its name. It takes effect at once.

    Without --key it keeps the one it had; webpush is given one, and shows the public key that pages subscribe with.
    """
    others = [one for one in _ONLY_FOR if given[one] not in (None, False) and given["kind"] not in _ONLY_FOR[one]]
    if others:
        listed = ", ".join(f"--{one.removesuffix('_file').replace('_', '-')}" for one in others)
        raise click.UsageError(f"not for {given['kind']}: {listed}")
    body = {member: given[member] for member in _GIVEN if given[member] is not None}
    body |= {"sandbox": True} if given["sandbox"] else {}
    body |= {"key": _text(given["key_file"])} if given["key_file"] is not None else {}
    if given["service_account"] is not None:
        body["service_account"] = _account(_text(given["service_account"]))
    found = asked(_chosen(given), "PUT", f"{_path(name)}/{provider}", body)
    if as_json:
        show_json(found)
    else:
        show_pairs([(member, _word(value)) for member, value in found.items() if _word(value)])


@provider.command("list", epilog=examples("laba provider list acme/chat", "laba provider list acme/chat --json"))
@app_argument
@json_option
@config_option
@data_option
def listing(name: str, as_json: bool, **given: Any) -> None:
    """List an app's push providers, and why one takes nothing at the moment; with --json also how many devices."""
    found = asked(_chosen(given), "GET", _path(name))
    if as_json:
        show_json(found)
    else:
        show_rows(_LISTED, [[_word(each[member]) for member in _LISTED] for each in found["providers"]])


@provider.command(epilog=examples("laba provider remove acme/chat ios"))
@app_argument
@click.argument("provider", metavar="NAME")
@json_option
@config_option
@data_option
def remove(name: str, provider: str, as_json: bool, **given: Any) -> None:
    """Have a push provider no more. What is under way by it is cancelled."""
    removed = asked(_chosen(given), "DELETE", f"{_path(name)}/{provider}")
    if as_json:
        show_json(removed)
    else:
        click.echo(f"removed {removed['name']}")


@provider.command(epilog=examples("laba provider check acme/chat ios"))
@app_argument
@click.argument("provider", metavar="NAME")
@json_option
@config_option
@data_option
def check(name: str, provider: str, as_json: bool, **given: Any) -> None:
    """Ask a service whether it accepts the credentials, without pushing to anybody. Exit code 1 where it does not.

    Of webpush the key is tried, and what the last push met with is told.
    """
    found = asked(_chosen(given), "POST", f"{_path(name)}/{provider}/check")
    if as_json:
        show_json(found)
    else:
        well = "all is well" if found["asked"] else "the key is good; its services can be asked only with a device"
        click.echo(well if found["ok"] else found["fault"])
    if not found["ok"]:
        raise SystemExit(1)


@click.group(epilog=examples("laba push pause 1173998498812376874 --app acme/chat"))
def push() -> None:
    """Pause, go on with, or cancel a push that is under way; `laba report` shows how far it is."""


def _action(verb: str, sentence: str) -> None:
    """Give `laba push` a command."""

    def act(broadcast: str, name: str, as_json: bool, **given: Any) -> None:
        path = f"{app_path(name)}/broadcasts/{broadcast}/push/{verb}"
        done = asked_of_server(_chosen(given), "POST", path)
        if as_json:
            show_json(done)
        else:
            count = done["providers"]
            click.echo(f"{done['state'].replace('_', ' ')}, with {count} provider{'' if count == 1 else 's'}")

    act.__doc__ = sentence
    body = data_option(config_option(json_option(act)))
    body = click.option(
        "--app", "name", metavar="ORG/APP", type=AppParameter(), required=True, help="The app it was sent in."
    )(body)
    body = click.argument("broadcast", metavar="ID", type=BroadcastParameter())(body)
    push.command(verb, epilog=examples(f"laba push {verb} 1173998498812376874 --app acme/chat"))(body)


_action("pause", "Push to nobody else until it is resumed.")
_action("resume", "Go on where a push was paused.")
_action("cancel", "End a push; who was not pushed to never is.")


def _text(file: Any) -> str:
    try:
        return str(file.read())
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file.name} is not text: it may be a key in another form than PEM") from error


def _account(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"the service account's file is no JSON: {error}") from error


def _path(name: str) -> str:
    return f"{app_path(name)}/providers"


def _chosen(given: dict[str, Any]) -> Any:
    file: Path | None = given["file"]
    return settings(file, server__data_dir=given["data"])


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
