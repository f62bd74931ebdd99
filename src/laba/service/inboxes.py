"""What waits for one user alone: read as its client logs in, and noted as delivered (P5)."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from laba.core.session import Session
from laba.core.targeting import NONE, includes
from laba.core.window import Kept
from laba.model.attendance import Seat
from laba.model.campaign import Campaign, Received
from laba.model.device import DEVICES_MAX, Device
from laba.model.dispatch import Dispatch
from laba.model.session import Login
from laba.model.stream import Batch, Stream
from laba.model.targets import Person
from laba.model.user import User
from laba.ports import StoreBusyError
from laba.ports.campaigns import Campaigns, Devices
from laba.service.dispatching import Waker
from laba.service.ground import Ground

# How many sets of tags and packages are shared at once.
_SETS_LIMIT = 10_000
_WRITE_SECONDS = 1.0
_EXPIRE_SECONDS = 3600
_EXPIRE_LIMIT = 5000
_EXPIRE_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of an app's stream: what is behind `after`, up to `upto`."""

    stream: Stream
    after: int
    upto: int


class Inboxes:
    """Inboxes and devices of users. `keep_ms` is how long a message waits for its user.

    What a login reads of an inbox is at most the latest `limit`. Older ones are given up, and counted. An app that
    has neither inboxes nor devices costs a login nothing.
    """

    def __init__(
        self,
        campaigns: Campaigns,
        devices: Devices,
        walks: Waker,
        keep_ms: int,
        ground: Ground,
        limit: int = 1000,
    ) -> None:
        self._limit = limit
        self._campaigns = campaigns
        self._walks = walks
        self._devices = devices
        self._keep_ms = keep_ms
        self._ground = ground
        # Apps that have nothing in inboxes, and apps that have no devices: for them nothing is looked up.
        self._idle: set[str] = set()
        self._deviceless: set[str] = set()
        self._received: dict[tuple[str, str], int] = {}
        self._sets: dict[frozenset[str], frozenset[str]] = {}

    def wake(self) -> None:
        """Say that a campaign has begun; to be called before any client can be past its place."""
        self._idle.clear()
        self._walks.wake()

    def has_devices(self, app_uuid: str) -> None:
        """Say that an app has a device now."""
        self._deviceless.discard(app_uuid)

    async def person(self, user: User, seat: Seat, login: Login) -> Person:
        """Say by what the user of a client is chosen; the client's device is kept as it describes itself."""
        devices = {device.seat: device for device in await self._devices_of(user)}
        if login.package:
            described = Device(seat, login.platform, login.package)
            if devices.get(seat) != described:
                if seat not in devices and len(devices) >= DEVICES_MAX:
                    await self._devices.remove(next(iter(devices)))
                await self._devices.put(described)
                self._deviceless.discard(seat.app_uuid)
                devices[seat] = described
        packages = self._shared(tuple(device.package for device in devices.values()))
        return Person(user.name, self._shared(user.tags), packages)

    def _shared(self, values: tuple[str, ...]) -> frozenset[str]:
        """Give a set that all share who have the same: each session keeps two of them, and most are empty."""
        if not values:
            return NONE
        if len(self._sets) >= _SETS_LIMIT:
            self._sets.clear()
        one = frozenset(values)
        return self._sets.setdefault(one, one)

    async def _devices_of(self, user: User) -> tuple[Device, ...]:
        if user.app_uuid in self._deviceless:
            return ()
        if not await self._devices.any_of(user.app_uuid):
            self._deviceless.add(user.app_uuid)
            return ()
        return await self._devices.of_user(user.app_uuid, user.name)

    async def owed(self, user: User, person: Person, stretch: Stretch) -> Batch | None:
        """Give what is in a user's inbox, and what a walk that has not come to it yet would put there.

        But nothing of a type that does not wait for who is offline (R8), and nothing that has waited for too long.
        At once: nothing else has a turn between this and what the caller does next.
        """
        app_uuid = stretch.stream.app_uuid
        if app_uuid in self._idle:
            return None
        if not await self._campaigns.has_inboxes(app_uuid):
            self._idle.add(app_uuid)
            return None
        offsets = set(await self._campaigns.inbox(app_uuid, user.name, stretch.after, stretch.upto, self._limit + 1))
        for walk in await self._campaigns.walks_before(app_uuid, user.name, stretch.upto):
            is_meant = includes(walk.targets, person.name, person.tags, person.packages)
            if walk.offset > stretch.after and walk.accepted_at_ms >= user.created_at_ms and is_meant:
                offsets.add(walk.offset)
        if len(offsets) > self._limit:
            self._ground.meter.count("laba_inbox_given_up_total", len(offsets) - self._limit)
        if not offsets:
            return None
        found = await self._campaigns.entries(stretch.stream, sorted(offsets)[-self._limit :])
        waiting = tuple(entry for entry in found.entries if self._waits(entry.message.dispatch)) if found else ()
        return None if found is None or not waiting else replace(found, entries=waiting)

    def _waits(self, dispatch: Dispatch) -> bool:
        """Tell whether a message still waits for its user: inboxes are emptied only every hour."""
        return dispatch.flags.offline and dispatch.accepted_at_ms >= self._ground.clock() - self._keep_ms

    def confirmed(self, session: Session[Any], offset: int) -> None:
        """Note that a client has for sure what it was written up to an offset."""
        inbox, seat = session.inbox, session.seat
        if not inbox or seat is None or inbox[0].offset > offset:
            return
        had = [kept for kept in inbox if kept.offset <= offset]
        session.inbox = inbox[len(had) :] or None
        for kept in had:
            _count(kept, session)
        self._note([Received(seat.app_uuid, seat.user, had[-1].offset)])

    def shown(self, seat: Seat, upto: int) -> None:
        """Note that a device has shown, by the position with which it came, that it has all up to an offset."""
        if seat.app_uuid not in self._idle:
            self._note([Received(seat.app_uuid, seat.user, upto)])

    async def run(self) -> None:
        """Write what was confirmed every second, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                await self.write()
            except (StoreBusyError, OSError):
                self._ground.meter.count("laba_store_failures_total")

    async def write(self) -> None:
        """Write what was confirmed; what cannot be written is taken back.

        What a walk still has to put into a user's inbox cannot be noted there: that waits until the walk is past.
        """
        taken, self._received = self._received, {}
        if not taken:
            return
        try:
            walking = await self._campaigns.walking()
            marks = [Received(*user, upto) for user, upto in taken.items()]
            early = {mark for mark in marks if any(_is_ahead_of(mark, walk) for walk in walking)}
            await self._campaigns.received([mark for mark in marks if mark not in early])
        except BaseException:
            self._note(Received(*user, upto) for user, upto in taken.items())
            raise
        self._note(early)

    def _note(self, marks: Iterable[Received]) -> None:
        for app_uuid, user, upto in marks:
            self._received[app_uuid, user] = max(upto, self._received.get((app_uuid, user), 0))

    async def run_expiry(self) -> None:
        """Empty inboxes of what has waited for too long, every hour, until cancelled."""
        while True:
            emptied = 0
            try:
                emptied = await self._campaigns.expire(self._ground.clock() - self._keep_ms, _EXPIRE_LIMIT)
            except (StoreBusyError, OSError):
                self._ground.meter.count("laba_store_failures_total")
            await asyncio.sleep(_EXPIRE_PAUSE_SECONDS if emptied else _EXPIRE_SECONDS)


def _is_ahead_of(mark: Received, walk: Campaign) -> bool:
    return mark.app_uuid == walk.app_uuid and walk.offset <= mark.upto and walk.cursor < mark.user


def _count(kept: Kept, session: Session[Any]) -> None:
    if kept.tally is not None and kept.offset > session.joined_at:
        kept.tally.confirmed += 1
