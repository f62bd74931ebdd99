"""An app's own message types (R8), as the operator types and reads them: what their messages are, with commas."""

from collections.abc import Iterable
from typing import Any, Final

import click

_PROPERTIES: Final = ("stored", "counted", "offline", "pushed")
_NONE: Final = "none"
_DEFAULT: Final = "default"


def type_named(value: str, text: str) -> dict[str, bool] | None:
    """Read the value of a type; `text` is what was typed, for the error that names the properties."""
    if value == _DEFAULT:
        return None
    given = [] if value == _NONE else value.split(",")
    if not set(given) <= set(_PROPERTIES):
        raise click.BadParameter(f"{text!r}: write {_NONE}, {_DEFAULT}, or some of {', '.join(_PROPERTIES)}")
    return {each: each in given for each in _PROPERTIES}


def shown_types(found: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for name, properties in found["types"].items():
        yield f"type.{name}", ",".join(each for each in _PROPERTIES if properties[each]) or _NONE
