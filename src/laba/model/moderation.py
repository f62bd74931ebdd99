"""Anti-spam: what of a message is looked at, and what was found (N7, S7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

# How many words an app's filter holds, and how long each may be.
WORDS_MAX: Final = 20_000
WORD_MAX_CHARS: Final = 64


class Decision(StrEnum):
    """PASSED and SUSPECT messages are delivered, REJECTED ones are not."""

    PASSED = "passed"
    SUSPECT = "suspect"
    REJECTED = "rejected"


class Judge(StrEnum):
    """Who found something: the app's own words, the checker; or nobody, because the checker gave no answer."""

    WORDS = "words"
    CHECKER = "checker"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. `label` says what for: the checker's label, or the word."""

    decision: Decision
    judge: Judge
    label: str = ""

    @property
    def rejects(self) -> bool:
        return self.decision is Decision.REJECTED


@dataclass(frozen=True, slots=True)
class Screening:
    """How a message is to be checked, where its app has that switched on.

    `text` is looked at in place of the content's own words, "" says that there is nothing to look at; None leaves it
    to the content. `business_id` replaces the configured one, `extras` go along as they are.
    """

    skip: bool = False
    text: str | None = None
    business_id: str | None = None
    extras: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matter:
    """One text that a checker is asked about. `id` is the caller's own name for it."""

    id: str
    app_uuid: str
    sender: str
    text: str
    business_id: str | None = None
    extras: Mapping[str, str] = field(default_factory=dict)
