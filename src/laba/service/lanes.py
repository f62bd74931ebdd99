"""Room messages on their way to their places: each room has a lane, in which they wait to be merged, or are shed."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any, Generic, TypeVar

from laba.core.halls import Hall, Halls
from laba.core.ids import nth
from laba.core.lanes import Budget, Lane, LaneBounds, Shed
from laba.core.pace import Pace
from laba.core.pressure import LoadBounds, pressure
from laba.core.tally import Tally
from laba.model.dispatch import (
    TO_EVERY_ROOM,
    Audience,
    Conversation,
    ConversationType,
    Dispatch,
    Level,
    Message,
)
from laba.model.stream import Batch, Entry, Flush, Stream
from laba.ports import Bus, Places
from laba.service.press import Press

Link = TypeVar("Link")

# What the envelope around a message's content holds at least.
_ENVELOPE_BYTES = 300
# How many lanes are emptied, or filled by a broadcast, before anything else has a turn.
_AT_ONCE = 256
# A lane that was empty for so long is forgotten, and what its span had counted with it.
_IDLE_MS = 1000.0
_ROUNDING_MS = 0.001


@dataclass(frozen=True, slots=True)
class LaneRules:
    """`capped` tells of an app, by its uuid, whether its budgets bind without pressure, too.

    Of broadcasts that are budgeted, so many of level high go to one room in a second; what is more goes as normal
    (N6, seeds/003).
    """

    budget: Budget = field(default_factory=Budget)
    bounds: LaneBounds = field(default_factory=LaneBounds)
    load: LoadBounds = field(default_factory=LoadBounds)
    capped: Callable[[str], bool] = lambda _: False
    high_broadcasts_per_second: int = 10


class Departures:
    """Gives messages their places, and hands them to every node: after this nothing reorders them."""

    def __init__(self, places: Places, bus: Bus) -> None:
        self._places = places
        self._bus = bus

    async def send(self, taken: Sequence[tuple[Stream, Sequence[Message]]]) -> None:
        batches = []
        for stream, messages in taken:
            epoch, before = await self._places.take(stream, len(messages))
            entries = tuple(Entry(before + at, message) for at, message in enumerate(messages, start=1))
            batches.append(Batch(stream, epoch, entries))
        await self._bus.publish(Flush(tuple(batches)))


class _Track(Generic[Link]):
    """A lane with its hall, and when it is to be looked at."""

    __slots__ = ("due_ms", "hall", "high", "lane")

    def __init__(self, hall: Hall[Link], rules: LaneRules) -> None:
        self.hall = hall
        self.lane: Lane[Message] = Lane(rules.budget, rules.bounds)
        self.due_ms = math.inf
        self.high = Pace(rules.high_broadcasts_per_second)


class Lanes(Generic[Link]):
    """The lanes of this node. Times are milliseconds of the event loop's clock."""

    def __init__(self, halls: Halls[Link], departures: Departures, rules: LaneRules, press: Press) -> None:
        self._halls = halls
        self._departures = departures
        self._rules = rules
        self._press = press
        self._outgoing = press.outgoing
        self._reporting = press.reporting
        self._ground = press.ground
        self._tracks: dict[Stream, _Track[Link]] = {}
        # (when, order, lane); an entry whose lane is due at another time by now means nothing.
        self._agenda: list[tuple[float, int, _Track[Link]]] = []
        self._order = count()
        self._wake = asyncio.Event()

    def put(self, stream: Stream, message: Message, *, raised: bool = False) -> None:
        """Queue a message for a room. Never waits: at its bound a lane sheds, the lowest level first (E4).

        `raised` says that its level is not the one it asked for (E5).
        """
        hall, sent = self._halls.find(stream), message.dispatch
        room = self._reporting.rooms.tally(stream, sent.accepted_at_ms)
        room.accepted(sent.level, raised=raised, directed=sent.users is not None)
        if hall is None:
            room.to_nobody(sent.level)
            return
        track = self._track(hall)
        now_ms = _now_ms()
        size_bytes = sent.size_bytes + _ENVELOPE_BYTES
        self._note_shed(stream, track.lane.put(message, sent.level, size_bytes, now_ms))
        self._plan(track, now_ms)

    def reject(self, stream: Stream, message: Message) -> None:
        """Count a message that anti-spam rejected; nobody gets it (N7)."""
        sent = message.dispatch
        self._reporting.rooms.tally(stream, sent.accepted_at_ms).rejected(sent.level)

    async def broadcast(self, dispatch: Dispatch) -> None:
        """Queue a copy for every room in which there is a member, and that was ever spoken in (A8).

        Or for every one with a member, spoken in or not, where it is for open rooms.
        """
        halls = [hall for hall in self._halls.of_app(dispatch.app_uuid) if _is_reached(hall, dispatch)]
        tally = Tally(dispatch.accepted_at_ms, 0)
        sender, choice = "" if dispatch.to_sender else dispatch.sender, self._press.choice(dispatch)
        for hall in halls:
            tally.expect(hall.stream.channel, hall.entitled(sender, choice))
        self._reporting.watch(dispatch.id, tally)
        # One object for all rooms that raise it, or demote it: what is encoded once per dispatch stays so.
        raised, demoted = dispatch.raised(), dispatch.demoted()
        for number, hall in enumerate(halls, start=1):
            room = hall.room
            is_raised = room.priorities.raises(dispatch.content.kind, dispatch.sender)
            conversation = Conversation(ConversationType.ROOM, room.id)
            said = raised if is_raised else dispatch if self._affords(hall, dispatch) else demoted
            copy = Message(nth(dispatch.id, room.number), conversation, said)
            self.put(hall.stream, copy, raised=is_raised and dispatch.level is not Level.HIGH)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _affords(self, hall: Hall[Link], dispatch: Dispatch) -> bool:
        """Tell whether a broadcast keeps its level in a room; counts it where it is budgeted (N6)."""
        if not dispatch.budgeted or dispatch.level is not Level.HIGH:
            return True
        if self._track(hall).high.allows(self._ground.clock()):
            return True
        self._ground.meter.count("laba_room_broadcasts_demoted_total")
        return False

    def _track(self, hall: Hall[Link]) -> _Track[Link]:
        track = self._tracks.get(hall.stream)
        if track is None:
            track = self._tracks[hall.stream] = _Track(hall, self._rules)
        return track

    async def run(self) -> None:
        """Empty lanes as they fall due, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            if not self._agenda:
                await self._wake.wait()
                continue
            due_ms = self._agenda[0][0]
            if due_ms > _now_ms():
                alarm = loop.call_at(due_ms / 1000, self._wake.set)
                await self._wake.wait()
                alarm.cancel()
                continue
            await self._turn()

    def trim(self) -> None:
        """Forget lanes that nothing has come through lately; to be called every few seconds."""
        horizon_ms = _now_ms() - _IDLE_MS
        for stream in [one for one, track in self._tracks.items() if _is_idle(track, horizon_ms)]:
            del self._tracks[stream]
        self._force()

    async def _turn(self) -> None:
        now_ms, force = _now_ms(), self._force()
        taken: list[tuple[Stream, Sequence[Message]]] = []
        while self._agenda and self._agenda[0][0] <= now_ms and len(taken) < _AT_ONCE:
            due_ms, _, track = heappop(self._agenda)
            if due_ms == track.due_ms:
                track.due_ms = math.inf
                messages = self._take(track, now_ms, force)
                if messages:
                    taken.append((track.hall.stream, messages))
        if taken:
            await self._departures.send(taken)
        else:
            await asyncio.sleep(0)

    def _force(self) -> float:
        """Tell how hard this node is pressed, and show it."""
        outgoing = self._outgoing
        backlog_ms = outgoing.backlog_ms(asyncio.get_running_loop().time())
        force = pressure(outgoing.strain.load(backlog_ms), self._rules.load)
        self._ground.meter.gauge("laba_pressure", force)
        return force

    def _take(self, track: _Track[Link], now_ms: float, force: float) -> Sequence[Message]:
        stream = track.hall.stream
        taken = track.lane.take(now_ms, force, self._rules.capped(stream.app_uuid))
        self._note_shed(stream, taken.shed)
        for level, messages in taken.levels:
            self._reporting.rooms.tally(stream, messages[0].dispatch.accepted_at_ms).placed(level, len(messages))
        self._plan(track, now_ms)
        return [*taken.high, *taken.normal, *taken.low]

    def _plan(self, track: _Track[Link], now_ms: float) -> None:
        """Put a lane on the agenda for when it is due, unless it is there for that time or an earlier one."""
        if not len(track.lane):
            return
        strain = self._outgoing.strain
        cost_ms = strain.cost_ms(len(track.hall.sessions))
        due_ms = track.lane.due_ms(cost_ms, strain.busy(now_ms / 1000))
        if due_ms < track.due_ms:
            track.due_ms = due_ms
            heappush(self._agenda, (due_ms, next(self._order), track))
            if self._agenda[0][2] is track:
                self._wake.set()

    def _note_shed(self, stream: Stream, shed: Sequence[Shed[Message]]) -> None:
        for one in shed:
            dispatch = one.item.dispatch
            self._ground.meter.count("laba_room_messages_shed_total", level=one.level, reason=one.reason)
            self._reporting.rooms.tally(stream, dispatch.accepted_at_ms).shed(one.level, one.reason)
            tally = self._reporting.live(dispatch.id) if dispatch.audience in TO_EVERY_ROOM else None
            if tally is not None:
                tally.shed(stream.channel, one.level)


def _now_ms() -> float:
    # An alarm that is set for a moment may ring the smallest fraction before it, by rounding.
    return asyncio.get_running_loop().time() * 1000 + _ROUNDING_MS


def _is_reached(hall: Hall[Any], dispatch: Dispatch) -> bool:
    room = hall.room
    spoken_in = room.active or dispatch.audience is Audience.OPEN_ROOMS
    # A room without an id among the broadcast's copies was made after it was accepted.
    return spoken_in and (len(hall) > 0 or bool(hall.away)) and room.number < dispatch.copies


def _is_idle(track: _Track[Any], horizon_ms: float) -> bool:
    return not len(track.lane) and track.lane.flushed_ms < horizon_ms
