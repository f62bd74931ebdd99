"""What became of a room's messages, counted by the minute (E4, X2).

Messages are counted in the minute in which they were accepted, and at any time those accepted are those to nobody,
placed, shed, and waiting in the lane; those that anti-spam rejected are counted apart. Deliveries, one for each
message and session, are counted in the minute in which the first message of their batch was accepted, and those
offered are those reached, lost, and under way.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

MINUTE_MS = 60_000


class Count(StrEnum):
    """What is counted of a room. A count's name is this, with the level and the reason behind it where there are any.

    `shed.low.pressure` are the low messages that pressure cost.
    """

    ACCEPTED = "accepted"
    RAISED = "raised"
    DIRECTED = "directed"
    TO_NOBODY = "to_nobody"
    PLACED = "placed"
    SHED = "shed"
    REJECTED = "rejected"
    OFFERED = "offered"
    REACHED = "reached"
    LOST = "lost"


Counts = Mapping[str, int]


def total(counts: Counts, count: Count) -> int:
    """Sum a count up over its levels and reasons."""
    return sum(amount for name, amount in counts.items() if name.partition(".")[0] == count)


def waiting(counts: Counts) -> int:
    """Tell how many messages are in the lane."""
    gone = (Count.TO_NOBODY, Count.PLACED, Count.SHED)
    return total(counts, Count.ACCEPTED) - sum(total(counts, each) for each in gone)


def under_way(counts: Counts) -> int:
    """Tell how many deliveries are neither reached nor lost."""
    return total(counts, Count.OFFERED) - total(counts, Count.REACHED) - total(counts, Count.LOST)


@dataclass(frozen=True, slots=True)
class RoomMinute:
    """One room's counts of one minute, by their names. `minute` counts minutes since 1970."""

    app_uuid: str
    room_id: str
    minute: int
    counts: Counts


def summed(minutes: Iterable[RoomMinute]) -> Counts:
    """Add up the counts of several minutes, or of several parts of one."""
    totals: Counter[str] = Counter()
    for each in minutes:
        totals.update(each.counts)
    return totals
