"""What is known of one key of the settings, and of a section of them."""

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

HIGHEST: Final = 2**31 - 1
Value = bool | int | str | Path


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of one key: its default, its sentence, its bounds, and the option that also sets it.

    What a `secret` key holds is never shown.
    """

    default: Value
    help: str
    low: int = 0
    high: int = HIGHEST
    choices: tuple[str, ...] = ()
    pattern: str = ".*"
    expected: str = ""
    option: str = "the command line"
    secret: bool = False

    def complaint(self, value: Value) -> str | None:
        """Say what is wrong with a value of the right type; None where nothing is."""
        if self.secret:
            return None if re.fullmatch(self.pattern, str(value)) else f"what was given will not do: {self.expected}"
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            inside = self.low <= value <= self.high
            return None if inside else f"{value} is not between {self.low} and {self.high}"
        if self.choices:
            return None if value in self.choices else f"{str(value)!r} is none of {', '.join(self.choices)}"
        return None if re.fullmatch(self.pattern, str(value)) else f"{str(value)!r} will not do: {self.expected}"


def key(default: Value, sentence: str, **bounds: Any) -> Any:
    shown = not bounds.get("secret", False)
    return field(default=default, repr=shown, metadata={"key": Key(default, sentence, **bounds)})


@dataclass(frozen=True, slots=True)
class Section:
    """A section that exists keeps its bounds: ValueError otherwise."""

    def __post_init__(self) -> None:
        for name, key in keys(type(self)).items():
            complaint = key.complaint(getattr(self, name))
            if complaint:
                raise ValueError(f"{name}: {complaint}")


def keys(section: type[Section]) -> dict[str, Key]:
    return {row.name: row.metadata["key"] for row in fields(section)}
