"""What a user's device is, and where it can be pushed to (S2, S8)."""

from dataclasses import dataclass, field
from typing import Final

from laba.model.attendance import Seat

# How many devices of one user are known; at the bound one is forgotten for the next, until it comes again.
DEVICES_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its client described it: what it runs on, and the package of its app."""

    seat: Seat
    platform: str | None
    package: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a device is pushed to: the token that a service of this kind gave it; `sandbox` is for development."""

    kind: str
    token: str = field(repr=False)
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Registration:
    """A device with all that is known of it.

    Without an address it cannot be pushed to; `dead` is why its service said that its token is nobody's any more.
    `locale` is a BCP 47 tag, `time_zone` a name of the IANA database.
    """

    device: Device
    address: Address | None = None
    locale: str | None = None
    time_zone: str | None = None
    registered_at_ms: int = 0
    dead: str | None = None
