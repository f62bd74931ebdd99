"""`laba serve`."""

from pathlib import Path

import click
import uvloop

from laba.cli.options import config_option, data_option, examples, settings
from laba.cli.parts import assembly


@click.command(
    epilog=examples(
        "laba serve",
        "laba serve --port 9000 --data /var/lib/laba",
        "laba serve --config /etc/laba.toml",
        "LABA_LOG__LEVEL=debug laba serve",
    )
)
@config_option
@click.option("--host", help="The address to listen on.  [default: 0.0.0.0]")
@click.option("--port", type=int, help="The port to listen on.  [default: 8080]")
@data_option
def serve(file: Path | None, host: str | None, port: int | None, data: str | None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    chosen = settings(file, server__host=host, server__port=port, server__data_dir=data)
    try:
        uvloop.run(assembly().serve(chosen))
    except assembly().DataDirLockedError as error:
        raise click.ClickException(f"another laba runs on {chosen.server.data_dir}") from error
    except (OSError, assembly().UnusableSettingError) as error:
        raise click.ClickException(f"cannot serve: {error}") from error
