"""Settings: frozen values from defaults, one TOML file, the environment and the command line, later ones winning.

The only reader of `os.environ`. Every key has its unit in its name, and its sentence and its bounds beside its
default: from these come the check, the commented file and the reference page.
"""

from laba.config.keys import Value
from laba.config.reading import PREFIX, Fault, load
from laba.config.sections import Gateway, Server, Settings
from laba.config.showing import default_config, reference

__all__ = ["PREFIX", "Fault", "Gateway", "Server", "Settings", "Value", "default_config", "load", "reference"]
