"""What commands have in common: options, the app they are about, their examples, and their settings."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from laba import config
from laba.config import Settings, Value
from laba.model.app import AppName

_BROADCAST: Final = re.compile(r"[0-9]{1,19}|[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}")
_Body = TypeVar("_Body", bound=Callable[..., Any])


def examples(*lines: str) -> str:
    """Give the end of a command's help; the first line keeps click from filling the others into a paragraph."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


class AppParameter(click.ParamType[str]):
    """ORG/APP."""

    name = "ORG/APP"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(AppName.parse(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class BroadcastParameter(click.ParamType[str]):
    """A broadcast's id, in digits or in the four groups that some callers are given."""

    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _BROADCAST.fullmatch(value):
            self.fail(f"{value} is no broadcast's id: digits, or XXXX-XXXX-XXXX-XXXX", param, ctx)
        return str(value)


def app_argument(body: _Body) -> _Body:
    return click.argument("name", metavar="ORG/APP", type=AppParameter())(body)


def json_option(body: _Body) -> _Body:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(body)


def config_option(body: _Body) -> _Body:
    return click.option(
        "--config", "file", type=click.Path(path_type=Path), help="A TOML file; see `laba default-config`."
    )(body)


def data_option(body: _Body) -> _Body:
    return click.option("--data", help="The folder that holds laba's data.  [default: laba-data]")(body)


def settings(file: Path | None, **given: Value | None) -> Settings:
    """Load the settings; options that were not given are left out. Every fault is told at once, with exit code 1.

    An option is named `section__key`.
    """
    overrides = {name.replace("__", "."): value for name, value in given.items() if value is not None}
    loaded = config.load(file, overrides=overrides)
    if isinstance(loaded, Settings):
        return loaded
    raise click.ClickException("\n".join(map(str, loaded)))
