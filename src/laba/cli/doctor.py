"""`laba doctor`: what stands in the way, one line for each thing that was looked at."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from laba.cli.office import asked, call_server
from laba.cli.options import config_option, data_option, examples, json_option, settings
from laba.cli.showing import show_json
from laba.config import Settings
from laba.model.http import RequestHead

# As many as ten thousand clients need, and what else is open.
_FILES_WANTED: Final = 10_256


class Finding(NamedTuple):
    """`fault` is empty where all is well; what only `warns` stops nothing."""

    what: str
    fault: str
    warns: bool = False


@click.command(
    epilog=examples(
        "laba doctor",
        "laba doctor --data /var/lib/laba --json",
    )
)
@json_option
@config_option
@data_option
def doctor(as_json: bool, file: Path | None, data: str | None) -> None:
    """Look at the settings, the data directory, the limits, the server and each app's push providers.

    Asks every push service whether it accepts the credentials, and pushes to nobody. Exit code 1 if there is a fault.
    """
    chosen = settings(file, server__data_dir=data)
    findings = [*_of_machine(chosen), *_found("server", _of_server(chosen)), *_found("apps", _of_apps(chosen))]
    if as_json:
        show_json({"findings": [{"what": one.what, "ok": not one.fault, "fault": one.fault} for one in findings]})
    else:
        for one in findings:
            sign = "ok   " if not one.fault else "warn " if one.warns else "FAULT"
            click.echo(f"{sign}  {one.what}{': ' if one.fault else ''}{one.fault}")
    if any(one.fault and not one.warns for one in findings):
        raise SystemExit(1)


def _found(what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Give what is found; where nothing more can be, why."""
    try:
        yield from findings
    except click.ClickException as error:
        yield Finding(what, error.message)


def _of_machine(chosen: Settings) -> Iterator[Finding]:
    yield Finding("settings", "")
    folder = chosen.server.data_dir
    if not folder.is_dir():
        yield Finding(f"data directory {folder}", "it is not there yet; the first command makes it", warns=True)
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(f"data directory {folder}", "it cannot be written")
    else:
        yield Finding(f"data directory {folder}", "")
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = files != resource.RLIM_INFINITY and files < _FILES_WANTED
    said = f"{files}: room for {max(0, files - 256)} clients; more with ulimit -n"
    yield Finding("open files", said if few else "", warns=True)


def _of_server(chosen: Settings) -> Iterator[Finding]:
    running = call_server(chosen, RequestHead("GET", "/v1/apps", operator=True), b"") is not None
    absent = f"none runs here; start one with: laba serve --data {chosen.server.data_dir}"
    yield Finding("server", "" if running else absent, warns=True)


def _of_apps(chosen: Settings) -> Iterator[Finding]:
    if not chosen.server.data_dir.is_dir():
        return
    for app in asked(chosen, "GET", "/v1/apps")["apps"]:
        name = f"{app['org_name']}/{app['app_name']}"
        found: dict[str, Any] = asked(chosen, "GET", f"/v1/apps/{name}/providers")
        for provider in found["providers"]:
            checked = asked(chosen, "POST", f"/v1/apps/{name}/providers/{provider['name']}/check")
            yield Finding(f"push provider {provider['name']} of {name}", checked["fault"] or provider["fault"])
        for kind, count in found["strays"].items():
            said = f"{count} are no provider's: it has none for their package, or for sandbox as they say"
            yield Finding(f"devices with {kind} tokens of {name}", said, warns=True)
