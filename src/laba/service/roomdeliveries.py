"""Batches of rooms on their way to members: encoded once per codec, and once more for who may not see all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Generic, TypeVar

from laba.core.halls import Hall
from laba.core.roomtally import RoomTally
from laba.core.session import Session
from laba.core.window import Kept
from laba.model.dispatch import TO_EVERY_ROOM, Level
from laba.model.stream import Batch, Entry, Flush, Position, Stream
from laba.service.ground import Ground
from laba.service.outgoing import Rank
from laba.service.press import Encoded, Joined, Press
from laba.service.roomlogs import RoomLogs

Link = TypeVar("Link")

_RANKS: Mapping[Level, Rank] = MappingProxyType(
    {Level.HIGH: Rank.HIGH, Level.NORMAL: Rank.NORMAL, Level.LOW: Rank.LOW}
)


class PartProgress:
    """What the gateway says of the sessions of one part; it goes along with frames that wait in an outbox."""

    __slots__ = ("_ground", "_level", "_messages", "_room", "_tallies")

    def __init__(self, level: Level, kept: Sequence[Kept], room: RoomTally, ground: Ground) -> None:
        self._level = level
        self._messages = len(kept)
        self._room = room
        self._tallies = [one.tally for one in kept if one.tally is not None]
        self._ground = ground

    def offered(self, sessions: int) -> None:
        """Note that it goes out to so many sessions."""
        self._room.offered(self._level, sessions * self._messages)

    def handed(self, sessions: int) -> None:
        """Note that the last byte was handed to the sockets of so many sessions."""
        if not sessions:
            return
        self._room.reached(self._level, sessions * self._messages)
        if self._tallies:
            now_ms = self._ground.clock()
            for tally in self._tallies:
                tally.hand(sessions, now_ms)
        self._ground.meter.count("laba_deliveries_total", sessions * self._messages)

    def lost(self, sessions: int, reason: str) -> None:
        """Note that so many sessions will not get it."""
        if not sessions:
            return
        self._room.lost(self._level, reason, sessions * self._messages)
        for tally in self._tallies:
            tally.lose(sessions, reason)
        self._ground.meter.count("laba_deliveries_lost_total", sessions * self._messages, reason=reason)


@dataclass(frozen=True, slots=True)
class Part:
    """The messages of one level in a batch, as one bytes object per codec: a slow client may be left without it."""

    level: Level
    frames: Mapping[str, bytes]
    progress: PartProgress


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What some members see of a batch: at most three parts, and their join. Nothing at all where there are none."""

    parts: tuple[Part, ...]
    joined: Mapping[str, bytes]

    def offered(self, sessions: int) -> None:
        for part in self.parts:
            part.progress.offered(sessions)

    def handed(self, sessions: int) -> None:
        for part in self.parts:
            part.progress.handed(sessions)

    def lost(self, sessions: int, reason: str) -> None:
        for part in self.parts:
            part.progress.lost(sessions, reason)


@dataclass(frozen=True, slots=True, eq=False)
class RoomDelivery(Generic[Link]):
    """A batch on its way to the members of a room.

    All see `common` but those whose session has a view of its own: senders, whose own messages do not come back to
    them (E6), and members to whom something was directed (E10). `first` is the batch's first offset.
    """

    key: Stream
    first: int
    rank: Rank
    sessions: list[Session[Link]]
    common: View
    own: Mapping[Session[Link], View]

    gathers = True

    def seen_by(self, session: Session[Link]) -> View | None:
        """Give what a session sees of it; None for one that has left, or has come in again and has it already."""
        at = None if session.rooms is None else session.rooms.get(self.key.channel)
        if at is None or at >= self.first:
            return None
        return self.own.get(session, self.common)


@dataclass(frozen=True, slots=True)
class _Share(Generic[Link]):
    """Sessions that see the same of a batch, but for those with a view of their own."""

    seen: list[Kept]
    sessions: list[Session[Link]]
    own: dict[Session[Link], View]


class RoomFanout(Generic[Link]):
    """Logs what the bus brings for the rooms of this node, and makes deliveries of it."""

    def __init__(self, logs: RoomLogs[Link], press: Press) -> None:
        self._logs = logs
        self._press = press
        self._codecs = press.codecs
        self._outgoing = press.outgoing
        self._reporting = press.reporting
        self._ground = press.ground

    async def take(self, flush: Flush) -> None:
        """Take up batches; waits while too much waits to be written already."""
        for batch in flush.batches:
            for delivery in self._deliveries(batch):
                await self._outgoing.put(delivery)

    def _deliveries(self, batch: Batch) -> list[RoomDelivery[Link]]:
        """Log the batch and take down who is there in one step: who enters later reads it from the log."""
        hall, window = self._logs.halls.find(batch.stream), self._logs.find(batch.stream)
        if hall is None or window is None or batch.last <= window.position.offset:
            self._give_up(batch)
            return []
        kept = tuple(self._kept(batch, entry) for entry in batch.entries)
        for one in kept:
            window.add(one)
        room = self._reporting.rooms.tally(batch.stream, kept[0].accepted_at_ms)
        own = self._own_views(hall, kept, room)
        _settle(kept, hall)
        made = [self._delivery(batch, share, kept, room) for share in _shares(hall, kept, own)]
        return [delivery for delivery in made if delivery is not None]

    def _delivery(
        self, batch: Batch, share: _Share[Link], kept: Sequence[Kept], room: RoomTally
    ) -> RoomDelivery[Link] | None:
        common, sessions, own = self._view(share.seen, room), share.sessions, share.own
        if not common.parts:
            sessions = [session for session, view in own.items() if view.parts]
        if not sessions:
            return None
        common.offered(len(sessions) - len(own))
        for view in own.values():
            view.offered(1)
        rank = min(_RANKS[one.level] for one in kept)
        return RoomDelivery(batch.stream, batch.first, rank, sessions, common, own)

    def _give_up(self, batch: Batch) -> None:
        """Note of broadcasts that nobody is left in the room for whom they were."""
        for entry in batch.entries:
            dispatch = entry.message.dispatch
            tally = self._reporting.live(dispatch.id) if dispatch.audience in TO_EVERY_ROOM else None
            if tally is not None:
                tally.shed(batch.stream.channel, "left")

    def _kept(self, batch: Batch, entry: Entry) -> Kept:
        message = entry.message
        dispatch = message.dispatch
        data = self._codecs.envelope(message)
        # Only all-rooms broadcasts have a report of their own.
        tally = self._reporting.live(dispatch.id) if dispatch.audience in TO_EVERY_ROOM else None
        frames = Encoded(batch.stream.channel, Position(batch.epoch, entry.offset), data, self._codecs)
        return Kept(
            entry.offset,
            message.id,
            dispatch.accepted_at_ms,
            len(data),
            frames,
            tally,
            dispatch.level,
            # Nobody is called so: it is kept from no one.
            "" if dispatch.to_sender else dispatch.sender,
            dispatch.users,
            members=self._press.choice(dispatch),
            again=dispatch.again,
        )

    def _own_views(self, hall: Hall[Link], kept: Sequence[Kept], room: RoomTally) -> dict[Session[Link], View]:
        views: dict[Session[Link], View] = {}
        for user in _special(kept):
            sessions = hall.of_user(user)
            if sessions:
                tags = hall.tags_of(user)
                view = self._view([one for one in kept if one.is_for(user, tags)], room)
                views.update(dict.fromkeys(sessions, view))
        return views

    def _view(self, kept: Sequence[Kept], room: RoomTally) -> View:
        parts = tuple(self._part(level, tuple(some), room) for level, some in groupby(kept, key=_level))
        return View(parts, parts[0].frames if len(parts) == 1 else Joined(parts))

    def _part(self, level: Level, kept: tuple[Kept, ...], room: RoomTally) -> Part:
        frames = kept[0].frames if len(kept) == 1 else Joined(kept)
        return Part(level, frames, PartProgress(level, kept, room, self._ground))


def _level(kept: Kept) -> Level:
    return kept.level


def _special(kept: Iterable[Kept]) -> set[str]:
    """Give the users who see something else of these than everybody does."""
    users = {one.sender for one in kept}
    for one in kept:
        if one.users is not None:
            users |= one.users
    return users


def _settle(kept: Iterable[Kept], hall: Hall[Link]) -> None:
    """Correct the audience of broadcasts to what it is now that they go out."""
    for one in kept:
        if one.tally is not None:
            one.tally.settle(hall.stream.channel, hall.entitled(one.sender, one.members))


def _shares(hall: Hall[Link], kept: Sequence[Kept], own: dict[Session[Link], View]) -> list[_Share[Link]]:
    """Divide a hall by what its sessions see of a batch. Messages that choose among members are rare: mostly all.

    Each tag set is asked about once, however many members have it; each session is in one share, so that it gets what
    it sees in its order.
    """
    common = [one for one in kept if one.users is None]
    if all(one.members is None for one in common):
        return [_Share(common, hall.sessions, own)]
    shares: dict[tuple[int, ...], _Share[Link]] = {}
    shared: dict[frozenset[str], _Share[Link]] = {}
    for tags, sessions in hall.groups.items():
        seen = [one for one in common if one.members is None or one.members.holds(tags)]
        share = shared[tags] = shares.setdefault(tuple(one.offset for one in seen), _Share(seen, [], {}))
        share.sessions.extend(sessions)
    for session, view in own.items():
        if session.seat is not None:
            shared[hall.tags_of(session.seat.user)].own[session] = view
    return list(shares.values())
