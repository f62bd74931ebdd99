"""Settings from a file, the environment and the command line. The only reader of `os.environ`."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from laba.config.keys import Value, keys
from laba.config.sections import KEYS, SECTIONS, Settings

PREFIX: Final = "LABA_"
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_BOOLEANS: Final = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `where` is `section.key` (or what stands in its place), `source` who said it."""

    where: str
    source: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where} (from {self.source}): {self.sentence}"


@dataclass(frozen=True, slots=True)
class _Said:
    """One value as its source has it. `worded` where it can only be text, as in the environment."""

    where: str
    source: str
    value: Any
    worded: bool = False

    def fault(self, sentence: str) -> Fault:
        return Fault(self.where, self.source, sentence)


def load(
    path: Path | None, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Value] | None = None
) -> Settings | tuple[Fault, ...]:
    """Read the settings, or give every fault there is, not only the first.

    Defaults yield to the file at `path`, that to `LABA_SECTION__KEY` in `environ` (the process's own where None),
    that to `overrides`, which are command-line options by `section.key`.
    """
    said = [*_from_file(path), *_from_environment(os.environ if environ is None else environ)]
    said += [_Said(where, _option(where), value) for where, value in (overrides or {}).items()]
    values: dict[str, Value] = {}
    faults: list[Fault] = []
    for one in said:
        judged = one if isinstance(one, Fault) else _judged(one)
        if isinstance(judged, Fault):
            faults.append(judged)
        else:
            values[one.where] = judged
    return tuple(faults) if faults else _settings(values)


def _settings(values: Mapping[str, Value]) -> Settings:
    sections: dict[str, Any] = {
        name: section(**{key: values[f"{name}.{key}"] for key in keys(section) if f"{name}.{key}" in values})
        for name, section in SECTIONS.items()
    }
    return Settings(**sections)


def _from_file(path: Path | None) -> Iterator[_Said | Fault]:
    if path is None:
        return
    source = str(path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        yield Fault("the file", source, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        yield Fault("the file", source, f"is not UTF-8 at byte {error.start}")
    except tomllib.TOMLDecodeError as error:
        yield Fault("the file", source, f"is not TOML: {error}")
    else:
        for section, members in table.items():
            if section not in SECTIONS:
                yield Fault(section, source, _unknown("section", section, SECTIONS))
            elif not isinstance(members, dict):
                yield Fault(section, source, f"is a section: write [{section}]")
            else:
                yield from (_Said(f"{section}.{key}", source, value) for key, value in members.items())


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Said | Fault]:
    for name in sorted(environ):
        section, mark, key = name.removeprefix(PREFIX).lower().partition("__")
        # Without the double underscore it is not ours: Kubernetes sets LABA_PORT for a service called laba.
        if not name.startswith(PREFIX) or not mark:
            continue
        if section not in SECTIONS:
            yield Fault(f"{section}.{key}", name, _unknown("section", section, SECTIONS))
        else:
            yield _Said(f"{section}.{key}", name, environ[name], worded=True)


def _judged(said: _Said) -> Value | Fault:
    key = KEYS.get(said.where)
    if key is None:
        section, _, name = said.where.partition(".")
        return said.fault(_unknown("key", name, keys(SECTIONS[section])))
    wanted = type(key.default)
    value: Value = _worded(said.value, wanted) if said.worded else said.value
    if isinstance(key.default, Path) and isinstance(value, str):
        value = Path(value) if value else value
    elif type(value) is not wanted:  # isinstance would take True for a number
        given = "what was given" if key.secret else repr(said.value)
        return said.fault(f"{given} is not {_TYPE_NAMES[wanted]}")
    complaint = key.complaint(value)
    return said.fault(complaint) if complaint else value


_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    str: "text",
    type(Path()): "the name of a folder",
}


def _worded(text: str, wanted: type) -> Value:
    """Read a value from words; the text itself where it is no such value, for the type check to refuse."""
    if wanted is bool:
        return _BOOLEANS.get(text.lower(), text)
    if wanted is int and _INTEGER.fullmatch(text):
        return int(text)
    return text


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"there is no such {what}; did you mean {near[0]}?" if near else f"there is no such {what}"


def _option(where: str) -> str:
    key = KEYS.get(where)
    return key.option if key else "the command line"
