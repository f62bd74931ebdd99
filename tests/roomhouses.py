"""Rooms on a real store, with the log's offsets given by hand and time that moves when told to."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from builders import APP_UUID, Clock, ground
from laba.adapters.bus.local import LocalPlaces
from laba.adapters.store.sqlite import SqliteStore
from laba.adapters.telemetry import PrometheusMeter
from laba.core.halls import Halls
from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.core.window import Bounds, Kept
from laba.model.attendance import Seat
from laba.model.refusal import Refusal
from laba.model.room import Room, room_stream
from laba.service.announcing import Voice
from laba.service.membership import Membership, MembershipRules
from laba.service.roomlogs import RoomLogs

GRACE_MS = 30_000
EPOCH = "cafe"
RULES = MembershipRules(GRACE_MS, missed_limit_bytes=1000, rooms_per_session=3)
_SPOKEN = {}


def spell(command):
    """Be a codec whose frames can be read back."""
    _SPOKEN[repr(command)] = command
    return repr(command).encode() + b"\n"


def write(sessions, frames, *, may_shed):
    """Write to links that are lists; one that is None has a backlog."""
    told = [session for session in sessions if session.link is not None]
    for session in told:
        session.link += [_SPOKEN[line] for line in frames[session.codec].decode().splitlines()]
    return len(sessions) - len(told) if may_shed else 0


@dataclass
class House:
    """Membership and logs on a store; what a session is told is appended to its link."""

    store: SqliteStore
    clock: Clock = field(default_factory=Clock)
    meter: PrometheusMeter = field(default_factory=PrometheusMeter)
    rules: MembershipRules = RULES

    def __post_init__(self):
        self.ground = ground(self.clock, self.meter)
        self.roster = Roster()
        bounds = Bounds(600_000, 1_000_000, 100)
        self.logs = RoomLogs(Halls(), LocalPlaces(EPOCH), bounds, self.ground)
        voice = Voice({"json": spell}, write)
        self.membership = Membership(self.store.rooms, self.logs, self.roster, voice, self.rules, self.ground)

    async def room(self, room_id="7", *placed, **rest):
        return await self.store.rooms.add(Room(APP_UUID, room_id, "a room", 0, **rest), placed)

    def session(self, user="ann", device="", codec="json"):
        """Give a session that has just logged in."""
        session = Session([], codec)
        session.seat, session.state = Seat(APP_UUID, user, device), State.LIVE
        self.roster.join(session)
        return session

    async def entered(self, user="ann", room_id="7", **asked):
        session = self.session(user)
        entry = await self.membership.enter(session, room_id, **asked)
        assert not isinstance(entry, Refusal), entry
        return session

    async def listener(self, user="ear", room_id="7"):
        session = await self.entered(user, room_id, moves=True)
        await self.told(session)
        return session

    async def told(self, session):
        """Give what a session was told since it was asked last."""
        await self.membership.announcer.flush()
        told, session.link[:] = list(session.link), []
        return told

    def hall(self, room_id="7"):
        return self.logs.halls.find(room_stream(APP_UUID, room_id))

    def say(self, offset, room_id="7", sender="", users=None, **rest):
        """Put a message into a room's log."""
        frames = {"json": b"%d;" % offset, "envelope": b"%d," % offset}
        kept = Kept(offset, offset, self.clock(), 10, frames, sender=sender, users=users, **rest)
        self.logs.find(room_stream(APP_UUID, room_id)).add(kept)

    def drop(self, session):
        """End a session as the gateway does."""
        self.membership.dropped(session)
        session.state = State.CLOSED
        self.roster.leave(session)

    def members(self, room_id="7"):
        return sorted(self.membership.members(APP_UUID, room_id))


@asynccontextmanager
async def opened_rooms(directory):
    async with SqliteStore.open(directory / "laba.db", entropy=lambda size: b"\1" * size) as store:
        yield House(store)
