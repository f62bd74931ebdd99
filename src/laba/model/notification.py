"""What a provider push shows where the message itself does not arrive (P6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Override:
    """What one platform shows instead. `alert` None leaves the common one; `extras` travel along.

    `silent` wakes the app and shows nothing.
    """

    alert: str | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """`alert` is shown where a platform has no text of its own. `platforms` are by their lower-case names."""

    alert: str
    title: str | None = None
    platforms: Mapping[str, Override] = field(default_factory=dict)
