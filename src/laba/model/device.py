"""What a user's device is (S2)."""

from dataclasses import dataclass

from laba.model.attendance import Seat


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its client described it: what it runs on, and the package of its app."""

    seat: Seat
    platform: str | None
    package: str
