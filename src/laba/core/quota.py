"""Counting calls against quotas whose spans slide (G1)."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from laba.model.app import QuotaName
from laba.model.quota import Quota, Span

# How many calls are remembered at least, per app and quota, so that a quota changed at run time counts what was
# taken under the old one. A quota with a larger limit remembers that many.
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Full:
    """No room. `span_seconds` is the shortest full span; after `retry_after_seconds` (1 or more) all have room."""

    span_seconds: int
    retry_after_seconds: int


class Turnstile:
    """Lets a call pass if every span of its quota has room, and then counts it in all of them; or in none.

    An entry at t is counted until t plus the span's length, exactly: no stretch of that length ever holds more than
    the limit. Time does not run backwards in here: a call that comes with an earlier time than the last entry's is
    counted at that one. Calls under an unlimited quota are counted too, for the day the quota is limited.

    Bound: the latest max(REMEMBERED, largest limit) entries per (app, quota), 8 bytes each, trimmed when there are
    twice as many; older ones are forgotten. Hence a quota changed at run time is exact up to a limit of REMEMBERED.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[tuple[str, QuotaName], array[int]] = {}

    def take(self, app_uuid: str, name: QuotaName, quota: Quota, now_ms: int) -> Full | None:
        """Count one call, or say what is full and count nothing. Costs the same however many are remembered."""
        entries = self._of(app_uuid, name)
        if full := [span for span in quota.spans if _room_at_ms(entries, span) > now_ms]:
            wait_ms = max(_room_at_ms(entries, span) for span in full) - now_ms
            return Full(min(span.seconds for span in full), -(-wait_ms // 1000))
        entries.append(max(now_ms, entries[-1]) if entries else now_ms)
        _trim(entries, quota)
        return None

    def give_back(self, app_uuid: str, name: QuotaName, taken_at_ms: int) -> None:
        """Uncount one call taken at that time; nothing happens if none is known."""
        entries = self._of(app_uuid, name)
        index = bisect_left(entries, taken_at_ms)
        if index < len(entries):
            del entries[index]

    def refill(self, taken: Iterable[tuple[str, QuotaName, int]]) -> None:
        """Count calls of the past, as (app uuid, quota, taken_at_ms)."""
        fresh: dict[tuple[str, QuotaName], list[int]] = {}
        for app_uuid, name, taken_at_ms in taken:
            fresh.setdefault((app_uuid, name), []).append(taken_at_ms)
        for (app_uuid, name), times in fresh.items():
            entries = self._of(app_uuid, name)
            entries.extend(times)
            if any(later < earlier for earlier, later in pairwise(entries)):
                entries[:] = array("q", sorted(entries))

    def _of(self, app_uuid: str, name: QuotaName) -> "array[int]":
        return self._entries.setdefault((app_uuid, name), array("q"))


def _room_at_ms(entries: "array[int]", span: Span) -> int:
    """Say from when on the span has room for one more: when its oldest of the last `limit` entries leaves it."""
    return entries[-span.limit] + span.seconds * 1000 if len(entries) >= span.limit else 0


def _trim(entries: "array[int]", quota: Quota) -> None:
    remembered = max(REMEMBERED, *(span.limit for span in quota.spans), 0)
    # Only when twice as long, so that a take moves the others once in `remembered` times.
    if len(entries) > 2 * remembered:
        del entries[:-remembered]
