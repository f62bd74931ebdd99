"""Member tags, and expressions over them (N8, vendor-apis.md 3.3)."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

import re2

# S3
TAGS_MAX: Final = 10
TAG_MAX_CHARS: Final = 32
# What a compiled pattern may occupy: RE2 refuses one that would need more, and never backtracks.
_PATTERN_LIMIT_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Tag:
    """Holds for members who have this tag."""

    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Holds for members of whom one tag as a whole matches this regular expression, in RE2's syntax.

    ValueError where it is none, or too large.
    """

    text: str
    compiled: Any = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        options = re2.Options()
        options.max_mem = _PATTERN_LIMIT_BYTES
        options.log_errors = False
        try:
            object.__setattr__(self, "compiled", re2.compile(self.text, options))
        except re2.error as error:
            reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error
            raise ValueError(f"{self.text!r} is no regular expression that can be used here: {reason}") from error


@dataclass(frozen=True, slots=True)
class All:
    """Holds where every part does."""

    parts: "tuple[TagExpression, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """Holds where one part does."""

    parts: "tuple[TagExpression, ...]"


TagExpression = Tag | Pattern | All | Either
Tags = AbstractSet[str]
