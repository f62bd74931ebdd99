"""What the operator types (design.md section 10). Exit code 0 for done, 1 for refused or failed, 2 for misused."""

import click

from laba.cli.apps import app
from laba.cli.callbacks import callback
from laba.cli.demo import demo
from laba.cli.doctor import doctor
from laba.cli.options import examples
from laba.cli.providers import provider, push
from laba.cli.recalling import recall
from laba.cli.reporting import report
from laba.cli.rooms import room
from laba.cli.sending import send
from laba.cli.serving import serve
from laba.cli.settings import check_config, default_config
from laba.cli.tokens import token
from laba.cli.words import words

__all__ = ["main"]


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "laba demo",
        "laba serve --port 8080 --data /var/lib/laba",
        "laba app create acme/chat --enable all",
        'laba send acme/chat "hello, everyone"',
    ),
)
@click.version_option(package_name="laba", message="%(prog)s %(version)s")
def main() -> None:
    """Run laba (喇叭), a self-hosted broadcast server for instant messaging."""


for _command in (
    demo,
    serve,
    app,
    room,
    callback,
    words,
    provider,
    send,
    recall,
    push,
    report,
    token,
    doctor,
    check_config,
    default_config,
):
    main.add_command(_command)
