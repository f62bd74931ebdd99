"""Who is in which room on this node: the one place that opens halls, and lets sessions in and out (S3)."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Generic, TypeVar

from laba.core.halls import Hall
from laba.core.register import Register
from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.model.attendance import Seat
from laba.model.closing import Closing
from laba.model.notice import Destruction, Notice, Placement, Removal, RoomChange
from laba.model.refusal import Code, Refusal
from laba.model.room import Room, room_stream
from laba.model.session import Came, Ending, Member, PutIn, PutOut, Subscription, Went
from laba.model.stream import Position, Revocation, Stream
from laba.ports import Rooms
from laba.service.announcing import SLICE, Announcer, Voice
from laba.service.ground import Ground
from laba.service.roomlogs import Entry, RoomLogs

Link = TypeVar("Link")


@dataclass(frozen=True, slots=True)
class MembershipRules:
    """Bounds of membership.

    Who drops and is back within `grace_ms` was never gone. What a session is written of the past as it comes in is at
    most `missed_limit_bytes` in all, the newest; it is told that there was more.
    """

    grace_ms: int
    missed_limit_bytes: int
    rooms_per_session: int = 1000
    moves_per_second: int = 50


@dataclass(frozen=True, slots=True)
class Arrival:
    """A session is in the rooms that its user was put into; `missed` goes to it behind the connect reply."""

    subscriptions: tuple[Subscription, ...] = ()
    missed: bytes = b""


class Membership(Generic[Link]):
    """Members by subscription, and what REST says of the others. Raises what Rooms raises."""

    def __init__(
        self,
        rooms: Rooms,
        logs: RoomLogs[Link],
        roster: Roster[Link],
        voice: Voice[Link],
        rules: MembershipRules,
        ground: Ground,
    ) -> None:
        self._rooms = rooms
        self._logs = logs
        self._halls = logs.halls
        self._roster = roster
        self._voice = voice
        self._rules = rules
        self._ground = ground
        self.announcer: Announcer[Link] = Announcer(voice, ground)
        self._registers: dict[Stream, Register[Link]] = {}
        self._opening = asyncio.Lock()
        # Sessions whose connect reply is not written yet: they learn by it where they were put.
        self._arriving: set[Session[Link]] = set()
        # Sessions that said at their login that they want to know who comes and goes.
        self._curious: set[Session[Link]] = set()

    # --- coming ----------------------------------------------------------------------------------------------------

    async def enter(
        self,
        session: Session[Link],
        room_id: str,
        asked: Position | None = None,
        tags: tuple[str, ...] = (),
        *,
        moves: bool = False,
    ) -> Entry | Refusal:
        """Let a session into a room, in the step in which this returns: what it missed is to be written at once.

        One that is in already stays in, and gets what follows the position it asks from. Where `moves`, it is told
        who comes and goes.
        """
        seat = session.seat
        if seat is None:
            raise ValueError("a session enters a room after its login")
        hall = await self._ready(seat.app_uuid, room_id)
        if hall is None or session.state is State.CLOSED:
            return Refusal(Code.ROOM_UNKNOWN, f"there is no room {room_id}", subject=room_id)
        register = self._registers[hall.stream]
        refusal = self._objection(hall, register, session)
        if refusal is not None:
            return refusal
        register.welcome(seat.user, tags)
        if moves:
            register.listeners.add(session)
        return self._let_in(hall, session, asked, self._rules.missed_limit_bytes)

    async def placed_at_login(
        self, session: Session[Link], positions: Mapping[str, Position], *, moves: bool = False
    ) -> Arrival:
        """Let a session that has just logged in into the rooms its user was put into, as many as it may be in.

        In the step in which this returns the connect reply is to be written, and `missed` behind it.
        """
        if session.seat is None:
            raise ValueError("a session is placed after its login")
        self._arriving.add(session)
        try:
            halls = await self._ready_for(session.seat)
        finally:
            self._arriving.discard(session)
        if session.state is State.CLOSED:
            return Arrival()
        if moves:
            self._curious.add(session)
        return self._arrived(session, halls, positions)

    def _arrived(
        self, session: Session[Link], halls: Iterable[Hall[Link]], positions: Mapping[str, Position]
    ) -> Arrival:
        subscriptions: list[Subscription] = []
        missed, left = [], self._rules.missed_limit_bytes
        for hall in halls:
            asked = positions.get(hall.stream.channel)
            entry = self._let_in(hall, session, asked, left)
            left -= len(entry.missed)
            missed.append(entry.missed)
            subscriptions.append(subscribed(hall.stream.channel, entry, asked))
        return Arrival(tuple(subscriptions), b"".join(missed))

    def _objection(self, hall: Hall[Link], register: Register[Link], session: Session[Link]) -> Refusal | None:
        """Say why a session may not come in; never where it is in already."""
        rooms = session.rooms or {}
        if session.seat is None or hall.stream.channel in rooms:
            return None
        if len(rooms) >= self._rules.rooms_per_session:
            most = self._rules.rooms_per_session
            return Refusal(Code.ROOMS_TOO_MANY, f"a connection may be in {most} rooms at most")
        if session.seat.user not in register and len(register) >= hall.room.max_members:
            return Refusal(Code.ROOM_FULL, f"the room {hall.room.id} is full", subject=hall.room.id)
        return None

    def _let_in(
        self, hall: Hall[Link], session: Session[Link], asked: Position | None, missed_limit_bytes: int
    ) -> Entry:
        user = _user(session)
        register, window = self._registers[hall.stream], self._logs.find(hall.stream)
        was_here = bool(hall.of_user(user)) or user in hall.away
        hall.away.pop(user, None)
        if asked is not None and window is not None and window.knows(asked):
            # Where it is in already it begins anew: what still waits to be written to it is among what it missed.
            hall.leave(session)
        entry = self._logs.enter(hall, session, asked, missed_limit_bytes)
        register.welcome(user)
        if session in self._curious:
            register.listeners.add(session)
        if not was_here:
            self.announcer.note(hall.stream, register, Came(hall.stream.channel, register.member(user)))
        return entry

    # --- going -----------------------------------------------------------------------------------------------------

    async def leave(self, session: Session[Link], room_id: str) -> None:
        """Let a session out by its own will. With its last one a user leaves, even where REST had put it in."""
        if session.seat is None:
            return
        app_uuid, user, _ = session.seat
        hall = self._halls.find(room_stream(app_uuid, room_id))
        if hall is None or session not in hall.of_user(user):
            return
        register = self._registers[hall.stream]
        if len(hall.of_user(user)) == 1 and user in register.placed and user != hall.room.owner:
            await self._rooms.displace(app_uuid, room_id, (user,))
            register.displace((user,))
        register.listeners.discard(session)
        # The session may have ended meanwhile, or another one of the user have come.
        if hall.leave(session) or hall.away.pop(user, None) is not None:
            self._gone(hall, register, user)
        elif hall.of_user(user):
            register.welcome(user)

    def dropped(self, session: Session[Link]) -> None:
        """Note that a session has ended. Its user is only away, until it is too late to come back."""
        self._curious.discard(session)
        if session.seat is None:
            return
        app_uuid, user, _ = session.seat
        for channel in tuple(session.rooms or ()):
            hall = self._halls.find(Stream(app_uuid, channel))
            if hall is None:
                continue
            self._registers[hall.stream].listeners.discard(session)
            if hall.leave(session):
                hall.away[user] = self._ground.clock()

    def trim(self) -> None:
        """Let those go who have been away too long; to be called every few seconds."""
        horizon_ms = self._ground.clock() - self._rules.grace_ms
        for hall in self._halls:
            # They stand in the order in which they went.
            for user in [user for user, _ in takewhile(lambda one: one[1] < horizon_ms, hall.away.items())]:
                del hall.away[user]
                self._gone(hall, self._registers[hall.stream], user)
        for stream in [stream for stream in self._registers if self._halls.find(stream) is None]:
            del self._registers[stream]

    def _gone(self, hall: Hall[Link], register: Register[Link], user: str) -> None:
        member = register.member(user)
        register.bid_farewell(user)
        hall.gone(user)
        self.announcer.note(hall.stream, register, Went(hall.stream.channel, member))

    # --- by REST ---------------------------------------------------------------------------------------------------

    async def apply(self, notice: Notice) -> None:
        """Do here what was done to a room by REST."""
        match notice:
            case Placement(app_uuid, room_id, users):
                await self._place(room_stream(app_uuid, room_id), room_id, users)
            case Removal(app_uuid, room_id, users):
                await self._remove(room_stream(app_uuid, room_id), users)
            case Destruction(app_uuid, room_id):
                await self._destroy(room_stream(app_uuid, room_id))
            case RoomChange(room):
                self._change(room)
            case Revocation(app_uuid, user, Closing.USER_REMOVED):
                for hall in self._halls.of_app(app_uuid):
                    register = self._registers.get(hall.stream)
                    if register is not None:
                        register.displace((user,))
                        self._put_out(hall, register, user)

    async def _place(self, stream: Stream, room_id: str, users: Collection[str]) -> None:
        register = self._registers.get(stream)
        if register is not None:
            register.place(users)
        sessions = [session for user in users for session in self._roster.of_user(stream.app_uuid, user)]
        hall = await self._ready(stream.app_uuid, room_id) if any(map(self._is_told, sessions)) else None
        if hall is None:
            return
        for some in _slices(sessions):
            entered = [session for session in some if self._is_put_into(hall, session)]
            entries = [self._let_in(hall, session, None, 0) for session in entered]
            if entries:
                self._voice.tell(entered, PutIn(stream.channel, entries[0].position))
            await asyncio.sleep(0)

    def _is_told(self, session: Session[Link]) -> bool:
        """Tell whether it is now, by a push, that a session learns where it was put."""
        return session.codec in self._voice.forms and session not in self._arriving

    def _is_put_into(self, hall: Hall[Link], session: Session[Link]) -> bool:
        rooms = session.rooms or {}
        return (
            self._is_told(session)
            and session.state is not State.CLOSED
            and hall.stream.channel not in rooms
            and len(rooms) < self._rules.rooms_per_session
            and _user(session) in self._registers[hall.stream].placed
        )

    async def _remove(self, stream: Stream, users: Collection[str]) -> None:
        register, hall = self._registers.get(stream), self._halls.find(stream)
        if register is not None:
            register.displace(users)
        if register is None or hall is None:
            return
        for some in _slices(tuple(users)):
            out = [session for user in some for session in self._put_out(hall, register, user)]
            self._voice.tell(out, PutOut(stream.channel, Ending.REMOVED))
            await asyncio.sleep(0)

    def _put_out(self, hall: Hall[Link], register: Register[Link], user: str) -> tuple[Session[Link], ...]:
        out = hall.of_user(user)
        was_away = hall.away.pop(user, None) is not None
        for session in out:
            register.listeners.discard(session)
            hall.leave(session)
        if out or was_away:
            self._gone(hall, register, user)
        return out

    async def _destroy(self, stream: Stream) -> None:
        """Put everybody out. A room that is made anew under the same id has another hall, and nothing of this one."""
        self._registers.pop(stream, None)
        hall = self._halls.find(stream)
        if hall is None:
            return
        self._logs.forget(hall)
        for some in _slices(tuple(hall.sessions)):
            out = [session for session in some if hall.stream.channel in (session.rooms or {})]
            for session in out:
                hall.leave(session)
            self._voice.tell(out, PutOut(stream.channel, Ending.DESTROYED))
            await asyncio.sleep(0)

    def _change(self, room: Room) -> None:
        hall, register = self._halls.find(room.stream), self._registers.get(room.stream)
        if register is not None and (hall is None or hall.room.owner != room.owner):
            register.renew()
        if hall is not None:
            hall.room = replace(room, active=room.active or hall.room.active)

    # --- who is there ----------------------------------------------------------------------------------------------

    def members(self, app_uuid: str, room_id: str) -> Mapping[str, int]:
        """Give who is in a room by a session here, and since when (ms); those included who are away for a moment."""
        hall = self._halls.find(room_stream(app_uuid, room_id))
        return {} if hall is None else hall.came

    def hall_of(self, session: Session[Link], room_id: str) -> Hall[Link] | None:
        """Give a room's hall to a session whose user is in it, by whatever device; None to anybody else."""
        if session.seat is None:
            return None
        hall = self._halls.find(room_stream(session.seat.app_uuid, room_id))
        return hall if hall is not None and hall.of_user(session.seat.user) else None

    def seen(self, hall: Hall[Link], limit: int) -> tuple[Member, ...]:
        """Give the first so many who are in a room by a session here."""
        return tuple(map(self._registers[hall.stream].member, islice(hall.users, limit)))

    # --- opening ---------------------------------------------------------------------------------------------------

    async def _ready(self, app_uuid: str, room_id: str) -> Hall[Link] | None:
        """Give the hall of a room that there is, ready to be entered, in the step of a last look at the store."""
        while (room := await self._rooms.find(app_uuid, room_id)) is not None:
            hall = self._opened(room)
            if self._is_ready(hall):
                return hall
            await self._make_ready(hall)
        return None

    async def _ready_for(self, seat: Seat) -> list[Hall[Link]]:
        """Give the halls that a user was put into, all ready, in the step of a last look at the store."""
        while True:
            rooms = await self._rooms.rooms_of(seat.app_uuid, seat.user)
            halls = [self._opened(room) for room in rooms[: self._rules.rooms_per_session]]
            unready = [hall for hall in halls if not self._is_ready(hall)]
            if not unready:
                return halls
            for hall in unready:
                await self._make_ready(hall)

    def _opened(self, room: Room) -> Hall[Link]:
        hall = self._halls.open(room)
        if hall.stream not in self._registers:
            self._registers[hall.stream] = Register(self._rules.moves_per_second)
        return hall

    def _is_ready(self, hall: Hall[Link]) -> bool:
        return self._registers[hall.stream].is_ready and self._logs.find(hall.stream) is not None

    async def _make_ready(self, hall: Hall[Link]) -> None:
        """Open the log, and read who was put in. Changes that come meanwhile make it to be done again."""
        await self._logs.open(hall)
        async with self._opening:
            register = self._registers.get(hall.stream)
            if register is None or register.is_ready:
                return
            changes, room = register.changes, hall.room
            placed = set(await self._rooms.placed(room.app_uuid, room.id))
            if changes == register.changes:
                placed |= {room.owner} if room.owner else set()
                register.fill(placed, {*hall.users, *hall.away})


def subscribed(channel: str, entry: Entry, asked: Position | None) -> Subscription:
    """Describe a session's way into a room."""
    return Subscription(channel, entry.position, asked is not None, entry.recovered)


def _user(session: Session[Link]) -> str:
    if session.seat is None:
        raise ValueError("who is in a room has logged in")
    return session.seat.user


_Item = TypeVar("_Item")


def _slices(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), SLICE):
        yield items[start : start + SLICE]
