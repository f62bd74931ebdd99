"""What is said: a kind with neutral fields, and the vendor's own form of it (design.md section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Kind(StrEnum):
    TXT = "txt"
    IMG = "img"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    LOC = "loc"
    CMD = "cmd"
    CUSTOM = "custom"
    TIP = "tip"
    NOTICE = "notice"


FIELDS: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        Kind.TXT: frozenset({"text"}),
        Kind.IMG: frozenset({"url", "filename", "secret", "width", "height", "thumbnail"}),
        Kind.AUDIO: frozenset({"url", "filename", "secret", "duration"}),
        Kind.VIDEO: frozenset({"url", "filename", "secret", "duration", "size", "thumbnail_url", "thumbnail_secret"}),
        Kind.FILE: frozenset({"url", "filename", "secret", "size", "format"}),
        Kind.LOC: frozenset({"latitude", "longitude", "address"}),
        Kind.CMD: frozenset({"action", "data"}),
        Kind.CUSTOM: frozenset({"event", "exts"}),
        Kind.TIP: frozenset({"text"}),
        Kind.NOTICE: frozenset({"operation", "data"}),
    }
)


@dataclass(frozen=True, slots=True)
class Content:
    """A typed body. `fields` has only members of its kind; a member nobody gave is absent."""

    kind: Kind
    fields: Mapping[str, Any]

    def __post_init__(self) -> None:
        strange = set(self.fields) - FIELDS[self.kind]
        if strange:
            raise ValueError(f"{self.kind} has no {', '.join(sorted(strange))}")


@dataclass(frozen=True, slots=True)
class Original:
    """The vendor's type and body exactly as sent, for clients that want it and for that vendor's own protocol.

    A body that need not be JSON is text.
    """

    dialect: str
    type: str
    content: Mapping[str, Any] | str
