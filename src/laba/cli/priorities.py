"""What goes first (E5), as the operator types and reads it: names with commas between them, none for nobody."""

from collections.abc import Iterable
from typing import Any, Final

import click

from laba.model.content import Kind

NAMES: Final = ("high_types", "high_members")


def listed(name: str, value: str, text: str) -> list[str]:
    """Read the value of one of NAMES; `text` is what was typed, for the error that names the known kinds."""
    values = [each for each in value.split(",") if each]
    unknown = sorted(set(values) - set(Kind)) if name == "high_types" else []
    if unknown:
        raise click.BadParameter(f"{text!r}: there is no kind {unknown[0]!r}, there is {', '.join(Kind)}")
    return values


def pairs(found: dict[str, Any]) -> Iterable[tuple[str, str]]:
    return [(name, ",".join(found[name])) for name in NAMES]
