"""Rooms of one node, from the lane to what is written to each member, without a store and without sockets."""

import asyncio
from contextlib import asynccontextmanager

from builders import Clock, ground, logged_in, room
from houses import Encoder, waiting
from laba.adapters.bus.local import LocalBus, LocalPlaces
from laba.adapters.telemetry import PrometheusMeter
from laba.core.halls import Halls
from laba.core.window import Bounds
from laba.model.stream import Position
from laba.protocols.envelope import envelope
from laba.service.lanes import Departures, LaneRules, Lanes
from laba.service.press import Codecs, Press
from laba.service.reporting import Reporting
from laba.service.roomdeliveries import RoomFanout
from laba.service.roomlogs import RoomLogs
from laba.service.roomreporting import RoomReporting

BOUNDS = Bounds(600_000, limit_bytes=1_000_000, limit_messages=10_000)


class RoomsRig:
    """Members are sessions whose link is a list of what was written to them, as `codec offset;`."""

    def __init__(self, rules=None, bounds=BOUNDS, room_reports=None):
        self.clock, self.meter = Clock(), PrometheusMeter()
        self.ground = ground(self.clock, self.meter)
        self.encoders = {"json": Encoder("json"), "protobuf": Encoder("protobuf")}
        self.reporting = Reporting(
            None, None, RoomReporting(room_reports, 7, self.ground), None, 600_000, self.ground
        )
        self.press = Press.of(Codecs(envelope, self.encoders), self.reporting, self.ground)
        self.halls, self.bus, self.places = Halls(), LocalBus(), LocalPlaces("epoch")
        self.logs = RoomLogs(self.halls, self.places, bounds, self.ground)
        self.fanout = RoomFanout(self.logs, self.press)
        self.lanes = Lanes(self.halls, Departures(self.places, self.bus), rules or LaneRules(), self.press)

    async def opened(self, room_id="1", **rest):
        hall = self.halls.open(room(room_id, **rest))
        await self.logs.open(hall)
        return hall

    def enter(self, hall, user="ann", device="", codec="json", asked=None, tags=(), *, stayed=True):
        """Let a member in, and write to it what it missed."""
        session = logged_in(user, device, codec)
        if tags:
            hall.tag(user, tags)
        entry = self.logs.enter(hall, session, None if asked is None else Position("epoch", asked), stayed=stayed)
        session.link.append(entry.missed)
        return session

    @asynccontextmanager
    async def running(self):
        """Let the lanes empty themselves, and the fan-out take what they bring."""

        async def take():
            async for notice in subscription:
                await self.fanout.take(notice)

        subscription = self.bus.subscribe()
        tasks = [asyncio.create_task(self.lanes.run()), asyncio.create_task(take())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await subscription.aclose()

    async def written(self):
        """Write all deliveries that wait, by the gateway's rule; gives them."""
        deliveries = await waiting(self.press.outgoing)
        for delivery in deliveries:
            for session in delivery.sessions:
                view = delivery.seen_by(session)
                if view is not None and view.parts:
                    session.link.append(view.joined[session.codec])
                    view.handed(1)
        return deliveries

    @staticmethod
    def received(session):
        """Tell the offsets a member was written, in order, repetitions and all."""
        frames = b"".join(session.link).decode().split(";")[:-1]
        return [int(frame.removeprefix(session.codec)) for frame in frames]
