"""Settings as text: the commented file, and the reference page."""

import json
from pathlib import Path

from laba.config.keys import HIGHEST, Key, Section, Value, keys
from laba.config.reading import PREFIX
from laba.config.sections import KEYS, SECTIONS


def default_config() -> str:
    """Give a TOML file that says the defaults, with a comment on every key."""
    lines = [
        "# Every setting of laba with its default. Each can also be set as LABA_SECTION__KEY in the environment."
    ]
    for name, section in SECTIONS.items():
        lines += ["", f"# {_first_line(section)}", f"[{name}]"]
        for key, known in keys(section).items():
            lines += [f"# {known.help}{_bounds(known)}", f"{key} = {_toml(known.default)}"]
    return "\n".join(lines) + "\n"


def reference() -> str:
    """Give every key as a Markdown table, for the reference page."""
    lines = ["| key | environment | default | meaning |", "|---|---|---|---|"]
    for where, key in KEYS.items():
        variable = PREFIX + where.upper().replace(".", "__")
        lines.append(f"| `{where}` | `{variable}` | `{_toml(key.default)}` | {key.help}{_bounds(key)} |")
    return "\n".join(lines) + "\n"


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").partition("\n")[0]


def _bounds(key: Key) -> str:
    if key.choices:
        return f" One of: {', '.join(key.choices)}."
    if type(key.default) is not int:
        return ""
    return f" {key.low} to {key.high}." if key.high < HIGHEST else f" At least {key.low}."


def _toml(value: Value) -> str:
    return json.dumps(str(value) if isinstance(value, Path) else value)
