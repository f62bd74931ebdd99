"""Who was connected, from which offset of the app's stream to which (design.md section 5)."""

from dataclasses import dataclass
from typing import NamedTuple


class Seat(NamedTuple):
    """One device of one user; several connections of it share the seat."""

    app_uuid: str
    user: str
    device: str


@dataclass(frozen=True, slots=True)
class Stay:
    """One presence of a seat, over drops that were no longer than the grace.

    It was there for what has an offset behind `from_offset`. `to_offset` is the last that was written to it, and
    `confirmed_offset` the last that it has for sure, which may lie before the stay where an earlier one's end was
    never confirmed. `since_ms` is when it came or came back last. `ended_at_ms` is None while it is connected.
    """

    seat: Seat
    from_offset: int
    to_offset: int
    confirmed_offset: int
    since_ms: int
    ended_at_ms: int | None = None
