"""Quotas and repeats. Part of the page that `laba.ports` is."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from laba.model.app import QuotaName, Want


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A quota was full: the first of those that were asked for.

    `span_seconds` is its shortest full span, `retry_after_seconds` when there is room for the whole call; None where
    there never is, because the call asks for more than a span may hold.
    """

    name: QuotaName
    span_seconds: int
    retry_after_seconds: int | None


@dataclass(frozen=True, slots=True)
class Once:
    """A client id that an app gave, and for how long it is remembered. `drops` says that a repeat is not let in."""

    client_id: str
    span_ms: int
    drops: bool


class Repeated(Enum):
    """The call repeats one that was let in within its span: it is to be answered like that, and not done (N2)."""

    REPEATED = "repeated"


class Gate(Protocol):
    """Quotas and repeats: all that a call wants is taken together, or nothing is (G1, N2)."""

    async def take(
        self, app_uuid: str, wants: Sequence[Want], now_ms: int, once: Once | None = None
    ) -> Exhausted | Repeated | None:
        """Count one call now and remember its client id; or say what is against it, and count nothing.

        A repeat is judged first, then quotas in this order.
        """

    async def give_back(
        self, app_uuid: str, wants: Sequence[Want], taken_at_ms: int, once: Once | None = None
    ) -> None:
        """Undo one `take`, for a call of which nothing came."""

    async def recall_ids(self, app_uuid: str, accepted: Sequence[tuple[str, int]]) -> None:
        """Remember what was accepted before a restart, as (client id, accepted_at_ms), oldest first."""

    async def refill(self, taken: Sequence[tuple[str, QuotaName, int]]) -> None:
        """Count what was taken before a restart, as (app uuid, quota, taken_at_ms), oldest first."""
