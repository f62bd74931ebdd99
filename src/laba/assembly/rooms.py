"""Rooms, put together: who is in them, what was said in them lately, and what is said next."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from laba.adapters.bus.local import LocalBus, LocalPlaces
from laba.adapters.gateway import telling
from laba.adapters.gateway.links import Link
from laba.adapters.gateway.wires import FORMS
from laba.adapters.store.rooms import SqliteRooms
from laba.config import Settings
from laba.core.halls import Halls
from laba.core.ids import IdSequence
from laba.core.lanes import Budget
from laba.core.roster import Roster
from laba.core.window import Bounds
from laba.model.app import Feature
from laba.model.notice import Notice
from laba.model.stream import Flush
from laba.ports import Presence
from laba.service.announcing import Voice
from laba.service.ground import Ground
from laba.service.lanes import Departures, LaneRules, Lanes
from laba.service.membership import Membership, MembershipRules
from laba.service.press import Press
from laba.service.roombook import RoomBook
from laba.service.roomdeliveries import RoomFanout
from laba.service.roomdesk import RoomDesk
from laba.service.roomlogs import RoomLogs
from laba.service.roommembers import RoomMembers
from laba.service.roommutes import RoomMutes
from laba.service.rooms import Rooms
from laba.service.tenants import Tenants

# How little may be written for a moment to be idle, as a share of time.
_IDLE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Talk:
    """Rooms: who is in them, what was said in them lately, and what is said next."""

    press: Press
    logs: RoomLogs[Link]
    rooms: RoomFanout[Link]
    lanes: Lanes[Link]
    membership: Membership[Link]

    def work(self) -> tuple[Coroutine[Any, Any, None], ...]:
        return (self.lanes.run(), self.press.outgoing.strain.run(), self.membership.announcer.run())

    def chores(self) -> tuple[Callable[[], None], ...]:
        return (self.lanes.trim, self.membership.trim, self.logs.trim)

    def is_idle(self) -> bool:
        """Tell whether hardly anything is being written to clients."""
        return self.press.outgoing.strain.busy(asyncio.get_running_loop().time()) < _IDLE_SHARE

    async def heard(self, notice: Notice) -> None:
        """Take up what the bus brings about rooms."""
        match notice:
            case Flush():
                await self.rooms.take(notice)
            case _:
                await self.membership.apply(notice)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What stands beside the rooms."""

    bus: LocalBus
    store: SqliteRooms
    roster: Roster[Link]
    tenants: Tenants

    def capped(self, app_uuid: str) -> bool:
        app = self.tenants.apps.with_uuid(app_uuid)
        return app is not None and app.policy.has(Feature.ROOM_CAP)


def talk_of(settings: Settings, beside: Neighbours, press: Press) -> Talk:
    ground = press.ground
    rooms, halls, places = settings.rooms, Halls[Link](), LocalPlaces(ground.entropy(4).hex())
    bounds = Bounds(rooms.history_seconds * 1000, rooms.history_limit_bytes, rooms.history_limit_messages)
    logs = RoomLogs(halls, places, bounds, ground)
    budget = Budget(rooms.budget_messages, min(rooms.budget_reserved, rooms.budget_messages), rooms.budget_span_ms)
    lanes = Lanes(halls, Departures(places, beside.bus), LaneRules(budget, capped=beside.capped), press)
    # Half the outbox at most: else a client that returns to much would at once count as slow.
    missed_bytes = settings.gateway.outbox_limit_bytes // 2
    belonging = MembershipRules(settings.delivery.resume_grace_seconds * 1000, missed_bytes)
    membership = Membership(beside.store, logs, beside.roster, Voice(FORMS, telling.tell), belonging, ground)
    return Talk(press, logs, RoomFanout(logs, press), lanes, membership)


def roomdesk_of(book: RoomBook, presence: Presence, ids: IdSequence, ground: Ground) -> RoomDesk:
    return RoomDesk(Rooms(book, ids, ground), RoomMembers(book, presence), RoomMutes(book, ground))
