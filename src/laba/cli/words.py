"""`laba words`: what an app's word filter rejects (S7)."""

from pathlib import Path
from typing import Any

import click

from laba.cli.office import app_path, asked
from laba.cli.options import app_argument, config_option, data_option, examples, json_option, settings
from laba.cli.showing import show_json


@click.command(
    epilog=examples(
        "laba words acme/chat --file words.txt",
        "laba words acme/chat > words.txt",
        "laba words acme/chat --clear",
    )
)
@app_argument
@click.option(
    "--file",
    "source",
    # Some editors begin a file with a mark of its encoding: that is no part of the first word.
    type=click.File(encoding="utf-8-sig"),
    help="Have these words, one on each line, in place of those before.",
)
@click.option("--clear", is_flag=True, help="Have none any more.")
@json_option
@config_option
@data_option
def words(name: str, source: Any, clear: bool, as_json: bool, file: Path | None, data: str | None) -> None:
    """Show the words that an app's filter rejects, or have others. It takes effect at once.

    Width and case make no difference. The filter works where the app's feature word_filter is on.
    """
    if clear and source is not None:
        raise click.UsageError("have words from a --file, or --clear them")
    chosen, path = settings(file, server__data_dir=data), f"{app_path(name)}/words"
    if source is None and not clear:
        _show(asked(chosen, "GET", path), as_json=as_json)
        return
    given = [] if clear else _read(source)
    put = asked(chosen, "PUT", path, {"words": given})
    if as_json:
        show_json(put)
    else:
        click.echo(f"{len(put['words'])} words")


def _read(source: Any) -> list[str]:
    try:
        return [word for line in source if (word := line.strip())]
    except UnicodeDecodeError as error:
        raise click.ClickException(f"the file is not UTF-8 text: {error}") from error


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    for word in found["words"]:
        click.echo(word)
