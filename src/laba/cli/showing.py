"""What a command prints: one JSON object, words for a pipe, or a table for a person at a terminal."""

import sys
from collections.abc import Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table


def show_json(value: Any) -> None:
    click.echo(msgspec.json.encode(value))


def show_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print `name value` lines, the values under each other."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{name:{width}}  {value}")


def show_rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a terminal, and lines with tabs, without heads, anywhere else."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
