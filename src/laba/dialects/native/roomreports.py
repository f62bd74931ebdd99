"""A room's report in laba's own words (E4, X2)."""

from collections.abc import Mapping
from typing import Any, Final

from laba.dialects.native.members import Members
from laba.model.calls import Claim
from laba.model.dispatch import Level
from laba.model.recordcalls import GetRoomReport, RoomReportShown
from laba.model.roomreport import MINUTE_MS, Count, Counts, summed, total, under_way, waiting

MINUTES_DEFAULT: Final = 60
MINUTES_MAX: Final = 1440
_DIGITS: Final = 9


def read(claim: Claim, query: Mapping[str, str]) -> GetRoomReport:
    """Take `minutes` from the query; the room is in the path."""
    room, text = claim.arguments["room"], query.get("minutes", str(MINUTES_DEFAULT))
    members = Members(
        {"minutes": int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else text}
    )
    return GetRoomReport(room, members.integer("minutes", 1, MINUTES_MAX))


def told(answer: RoomReportShown) -> dict[str, Any]:
    """Give the sums over all minutes, and each minute with what was counted in it."""
    return {
        "room": answer.room_id,
        "totals": _counts(summed(answer.minutes)),
        "minutes": [{"at": each.minute * MINUTE_MS} | _counts(each.counts) for each in answer.minutes],
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        "accepted": _levels(counts, Count.ACCEPTED),
        "raised": total(counts, Count.RAISED),
        "directed": total(counts, Count.DIRECTED),
        "to_nobody": _levels(counts, Count.TO_NOBODY),
        "placed": _levels(counts, Count.PLACED),
        "shed": _reasons(counts, Count.SHED),
        "rejected": _levels(counts, Count.REJECTED),
        "waiting": waiting(counts),
        "deliveries": {
            "offered": _levels(counts, Count.OFFERED),
            "reached": _levels(counts, Count.REACHED),
            "lost": _reasons(counts, Count.LOST),
            "under_way": under_way(counts),
        },
    }


def _levels(counts: Counts, count: Count) -> dict[str, int]:
    """Name every level, whether anything of it was counted or not."""
    return {level.value: counts.get(f"{count}.{level}", 0) for level in Level}


def _reasons(counts: Counts, count: Count) -> dict[str, dict[str, int]]:
    """Name the reasons that there were, under every level."""
    reasons: dict[str, dict[str, int]] = {level.value: {} for level in Level}
    for name, amount in sorted(counts.items()):
        kind, _, rest = name.partition(".")
        if kind == count:
            level, _, reason = rest.partition(".")
            reasons[level][reason] = amount
    return reasons
