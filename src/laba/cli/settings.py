"""`laba check-config` and `laba default-config`."""

from pathlib import Path

import click

from laba import config
from laba.cli.options import config_option, data_option, examples, settings


@click.command(
    epilog=examples(
        "laba check-config --config /etc/laba.toml",
        "LABA_SERVER__PORT=80 laba check-config",
    )
)
@config_option
@data_option
def check_config(file: Path | None, data: str | None) -> None:
    """Name every fault in the settings. Exit code 1 if there is one."""
    settings(file, server__data_dir=data)
    click.echo("The settings are right.")


@click.command(
    epilog=examples(
        "laba default-config > laba.toml",
    )
)
def default_config() -> None:
    """Print a settings file with every key explained."""
    click.echo(config.default_config(), nl=False)
