"""The parts of a server, loaded when a command needs them.

They bring SQLAlchemy, Alembic and uvicorn along, a second of CPU; most commands only speak to a server that runs.
"""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def assembly() -> Any:
    """Give the module `laba.assembly`."""
    return import_module("laba.assembly")
