"""What became of a kept dispatch (X2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from laba.model.campaign import Muster
from laba.model.dispatch import Dispatch
from laba.model.push import PushReport


class Stage(StrEnum):
    """Where a kept dispatch is on its way. REJECTED by anti-spam: its verdict says why (N7)."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of sessions: the audience, and of these who was reached, who confirmed, and who was lost, by reason.

    Times are milliseconds from acceptance until half, 99 % and all of the audience were reached; None while, or
    where, that many were not.
    """

    dispatch_id: int
    audience: int = 0
    reached: int = 0
    confirmed: int = 0
    lost: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    half_after_ms: int | None = None
    most_after_ms: int | None = None
    all_after_ms: int | None = None

    @property
    def pending(self) -> int:
        return self.audience - self.reached - sum(self.lost.values())


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A dispatch as the ledger has it: its stage, and its report where one was kept.

    `muster` counts the users of one that is for chosen users; `recalled` says that it was withdrawn (X3). `pushes` is
    how its push stands with each provider (S8).
    """

    dispatch: Dispatch
    stage: Stage
    report: Report | None
    muster: Muster | None = None
    recalled: bool = False
    pushes: tuple[PushReport, ...] = ()
