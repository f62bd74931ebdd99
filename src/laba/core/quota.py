"""Counting calls against quotas whose spans slide (G1)."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from laba.model.app import QuotaName, Want
from laba.model.quota import Span

# How many calls are remembered at least, per app and quota, so that a quota changed at run time counts what was
# taken under the old one. A quota with a larger limit remembers that many.
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Full:
    """No room in the quota `name`, the first in which there is none; `span_seconds` is its shortest full span.

    After `retry_after_seconds` (1 or more) there is room for all that was wanted; None where there never is, because
    more is wanted at once than a span may hold.
    """

    name: QuotaName
    span_seconds: int
    retry_after_seconds: int | None


class Turnstile:
    """Lets a call pass if there is room in every span of all its quotas, and then counts it in all; or in none.

    An entry at t is counted until t plus the span's length, exactly: no stretch of that length ever holds more than
    the limit. Time does not run backwards in here: a call that comes with an earlier time than the last entry's is
    counted at that one. Calls under an unlimited quota are counted too, for the day the quota is limited.

    Bound: the latest max(REMEMBERED, largest limit) entries per (app, quota), 8 bytes each, trimmed when there are
    twice as many; older ones are forgotten. Hence a quota changed at run time is exact up to a limit of REMEMBERED.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[tuple[str, QuotaName], array[int]] = {}

    def take(self, app_uuid: str, wants: Sequence[Want], now_ms: int) -> Full | None:
        """Count one call, or say what is full and count nothing. Costs the same however many are remembered."""
        counters = [(want, self._of(app_uuid, want.name)) for want in wants]
        for want, entries in counters:
            for span in want.quota.spans:
                if _room_at_ms(entries, span, want.amount) > now_ms:
                    return _fullness(counters, now_ms)
        for want, entries in counters:
            _count(entries, want, now_ms)
        return None

    def give_back(self, app_uuid: str, wants: Iterable[Want], taken_at_ms: int) -> None:
        """Uncount one call taken at that time; nothing happens if none is known."""
        for want in wants:
            entries = self._of(app_uuid, want.name)
            index = bisect_left(entries, taken_at_ms)
            del entries[index : index + want.amount]

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


def _fullness(counters: "Sequence[tuple[Want, array[int]]]", now_ms: int) -> Full:
    """Say what is full, where something is."""
    waits = [
        (want.name, span.seconds, wait_ms)
        for want, entries in counters
        for span in want.quota.spans
        if (wait_ms := _room_at_ms(entries, span, want.amount) - now_ms) > 0
    ]
    name = waits[0][0]
    longest_ms = max(wait_ms for _, _, wait_ms in waits)
    return Full(
        name,
        min(seconds for of, seconds, _ in waits if of is name),
        None if longest_ms == math.inf else -(-int(longest_ms) // 1000),
    )


def _room_at_ms(entries: "array[int]", span: Span, amount: int) -> float:
    """Say from when on the span has room for so many more: when the entry leaves whose place the last takes."""
    place = span.limit - amount + 1
    if place < 1:
        return math.inf
    return entries[-place] + span.seconds * 1000 if len(entries) >= place else 0


def _count(entries: "array[int]", want: Want, now_ms: int) -> None:
    at_ms = max(now_ms, entries[-1]) if entries else now_ms
    if want.amount == 1:
        entries.append(at_ms)
    else:
        entries.extend([at_ms] * want.amount)
    if len(entries) > 2 * REMEMBERED:
        remembered = max(REMEMBERED, *(span.limit for span in want.quota.spans), 0)
        # Only when twice as long, so that a take moves the others once in `remembered` times.
        if len(entries) > 2 * remembered:
            del entries[:-remembered]
