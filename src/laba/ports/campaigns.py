"""Chosen users and their devices: who is meant, and what waits for them. Part of the page that `laba.ports` is."""

from collections.abc import Collection, Sequence
from typing import Protocol

from laba.model.attendance import Seat
from laba.model.campaign import Campaign, Muster, Received, Recruit
from laba.model.device import Device, Registration
from laba.model.stream import Batch, Stream


class Campaigns(Protocol):
    """Messages to chosen users: their walks through the registered users, and every user's inbox (P5).

    A dispatch to Audience.TARGETS has its campaign from the moment it has a place (`Streams.append`), in the same
    transaction. Where its targets name users, those of them that are registered are in its inbox by then, and its
    walk is over. Raises what Store raises.
    """

    async def walking(self) -> tuple[Campaign, ...]:
        """Give the campaigns whose walk is not over, oldest first."""

    async def recruits(self, campaign: Campaign, limit: int) -> tuple[Recruit, ...]:
        """Give the next `limit` registered users behind a campaign's cursor, in the order of their names as UTF-8.

        Their packages are those of their devices; they are looked up only where the targets want one.
        """

    async def enrol(self, campaign: Campaign, users: Sequence[str], cursor: str | None) -> None:
        """Put the message into these inboxes and move the walk's cursor, or end it (None): all, or nothing.

        Who has it already has it once.
        """

    async def inbox(self, app_uuid: str, user: str, after: int, upto: int, limit: int) -> tuple[int, ...]:
        """Give the latest `limit` offsets behind `after` and up to `upto` in a user's inbox, ascending, at once.

        At once: nothing else has a turn meanwhile. What was recalled, or has expired, is not among them.
        """

    async def walks_before(self, app_uuid: str, user: str, upto: int) -> tuple[Campaign, ...]:
        """Give the campaigns with an offset up to `upto` that have not come to this user yet, at once."""

    async def entries(self, stream: Stream, offsets: Collection[int]) -> Batch | None:
        """Give what has these places, in order, at once; None where there is nothing."""

    async def has_inboxes(self, app_uuid: str) -> bool:
        """Tell whether anything may be in an inbox of this app, or is being put there, at once."""

    async def received(self, marks: Sequence[Received]) -> None:
        """Note what users have of what was in their inboxes."""

    async def muster(self, dispatch_id: int) -> Muster | None:
        """Count a campaign's users; None for what is none."""

    async def expire(self, before_ms: int, limit: int) -> int:
        """Empty the inboxes of what was accepted before then, at most `limit` places of it; tells how many.

        Who had not got it is counted as expired. A walk that is not over ends.
        """


class Devices(Protocol):
    """The devices that clients described at their login (S2). Raises what Store raises."""

    async def any_of(self, app_uuid: str) -> bool:
        """Tell whether any device of this app is known, at once."""

    async def of_user(self, app_uuid: str, user: str) -> tuple[Device, ...]:
        """Give a user's devices, at once: nothing else has a turn meanwhile."""

    async def put(self, device: Device) -> None:
        """Keep a device as it is now described; what is known of its address stays."""

    async def register(self, registration: Registration) -> None:
        """Keep a device with its address, in place of what was known of it.

        A token is one device's: another of the app that had it has none any more.
        """

    async def registrations(self, app_uuid: str, user: str) -> tuple[Registration, ...]:
        """Give all that is known of a user's devices, in the order of their names."""

    async def remove(self, seat: Seat) -> bool:
        """Forget a device; False if there is none."""
