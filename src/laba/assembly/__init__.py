"""The composition root: the one place that names concrete adapters. Reads like a parts list."""

from laba.adapters.gateway.wires import WEBSOCKET_PATH
from laba.adapters.store.lock import DataDirLockedError
from laba.assembly.outside import UnusableSettingError
from laba.assembly.serving import EMULATION_PATH, PULL_PATH, office, serve

__all__ = [
    "EMULATION_PATH",
    "PULL_PATH",
    "WEBSOCKET_PATH",
    "DataDirLockedError",
    "UnusableSettingError",
    "office",
    "serve",
]
