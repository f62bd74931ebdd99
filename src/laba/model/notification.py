"""What a provider push shows where the message itself does not arrive (P6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Override:
    """What a platform shows. `alert` and `title` None leave the common ones; `extras` travel along.

    `silent` wakes the app and shows nothing. `options` are those of `model.push.Push`.
    """

    alert: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    silent: bool = False
    title: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """`alert` is shown where a platform has no text of its own; it may be empty where all is silent.

    `platforms` are by their lower-case names; all others are told what `others` says.
    """

    alert: str
    title: str | None = None
    platforms: Mapping[str, Override] = field(default_factory=dict)
    others: Override = field(default_factory=Override)
