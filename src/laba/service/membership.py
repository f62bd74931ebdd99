"""Who is in which room on this node: the one place that opens halls, and lets sessions in and out (S3)."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Any, Generic, TypeVar

from laba.core.halls import Hall
from laba.core.register import Register
from laba.core.roster import Roster
from laba.core.session import Session, State
from laba.model.closing import Closing
from laba.model.notice import Destruction, MemberTagging, Notice, Placement, Removal, RoomChange
from laba.model.refusal import Code, Refusal
from laba.model.room import Room, room_stream
from laba.model.session import Came, Ending, Member, PutIn, PutOut, Subscription, Went
from laba.model.stream import Position, Revocation, Stream
from laba.ports import Rooms
from laba.service.announcing import SLICE, Announcer, Voice
from laba.service.ground import Ground
from laba.service.lobby import Lobby, LobbyRules
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
        self._lobby = Lobby(rooms, logs, LobbyRules(rules.rooms_per_session, rules.moves_per_second))
        # Sessions whose connect reply is not written yet: they learn by it where they were put.
        self._arriving: set[Session[Link]] = set()
        # Sessions that said at their login that they want to know who comes and goes.
        self._curious: set[Session[Link]] = set()
        # The tags that sessions brought with their login.
        self._declared: dict[Session[Link], tuple[str, ...]] = {}

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
        hall = await self._lobby.ready(seat.app_uuid, room_id)
        if hall is None or session.state is State.CLOSED:
            return Refusal(Code.ROOM_UNKNOWN, f"there is no room {room_id}", subject=room_id)
        register = self._lobby.registers[hall.stream]
        refusal = self._objection(hall, register, session)
        if refusal is not None:
            return refusal
        if tags:
            hall.tag(seat.user, tags)
        if moves:
            register.listeners.add(session)
        return self._let_in(hall, session, asked, self._rules.missed_limit_bytes)

    async def placed_at_login(
        self,
        session: Session[Link],
        positions: Mapping[str, Position],
        tags: tuple[str, ...] = (),
        *,
        moves: bool = False,
    ) -> Arrival:
        """Let a session that has just logged in into the rooms its user was put into, as many as it may be in.

        It is a member with these `tags` there, and in any room that it enters without others.

        In the step in which this returns the connect reply is to be written, and `missed` behind it.
        """
        if session.seat is None:
            raise ValueError("a session is placed after its login")
        self._arriving.add(session)
        try:
            halls = await self._lobby.ready_for(session.seat)
        finally:
            self._arriving.discard(session)
        if session.state is State.CLOSED:
            return Arrival()
        if moves:
            self._curious.add(session)
        if tags:
            self._declared[session] = tags
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
        register, window = self._lobby.registers[hall.stream], self._logs.find(hall.stream)
        was_here = bool(hall.of_user(user)) or user in hall.away
        hall.away.pop(user, None)
        if asked is not None and window is not None and window.knows(asked):
            # Where it is in already it begins anew: what still waits to be written to it is among what it missed.
            hall.leave(session)
        tags = () if hall.tags_of(user) else self._declared.get(session) or register.tagged.get(user, ())
        if tags:
            hall.tag(user, tags)
        entry = self._logs.enter(hall, session, asked, missed_limit_bytes, stayed=was_here)
        register.welcome(user)
        if session in self._curious:
            register.listeners.add(session)
        if not was_here:
            self.announcer.note(hall.stream, register, Came(hall.stream.channel, _member(hall, user)))
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
        register = self._lobby.registers[hall.stream]
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
        self._declared.pop(session, None)
        if session.seat is None:
            return
        app_uuid, user, _ = session.seat
        for channel in tuple(session.rooms or ()):
            hall = self._halls.find(Stream(app_uuid, channel))
            if hall is None:
                continue
            self._lobby.registers[hall.stream].listeners.discard(session)
            if hall.leave(session):
                hall.away[user] = self._ground.clock()

    def trim(self) -> None:
        """Let those go who have been away too long; to be called every few seconds."""
        horizon_ms = self._ground.clock() - self._rules.grace_ms
        for hall in self._halls:
            # They stand in the order in which they went.
            for user in [user for user, _ in takewhile(lambda one: one[1] < horizon_ms, hall.away.items())]:
                del hall.away[user]
                self._gone(hall, self._lobby.registers[hall.stream], user)
        for stream in [stream for stream in self._lobby.registers if self._halls.find(stream) is None]:
            del self._lobby.registers[stream]

    def _gone(self, hall: Hall[Link], register: Register[Link], user: str) -> None:
        member = _member(hall, user)
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
            case MemberTagging():
                self._tag(notice)
            case Revocation(app_uuid, user, Closing.USER_REMOVED):
                for hall in self._halls.of_app(app_uuid):
                    register = self._lobby.registers.get(hall.stream)
                    if register is not None:
                        register.displace((user,))
                        self._put_out(hall, register, user)

    async def _place(self, stream: Stream, room_id: str, users: Collection[str]) -> None:
        register = self._lobby.registers.get(stream)
        if register is not None:
            register.place(users)
        sessions = [session for user in users for session in self._roster.of_user(stream.app_uuid, user)]
        hall = await self._lobby.ready(stream.app_uuid, room_id) if any(map(self._is_told, sessions)) else None
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
            and _user(session) in self._lobby.registers[hall.stream].placed
        )

    async def _remove(self, stream: Stream, users: Collection[str]) -> None:
        register, hall = self._lobby.registers.get(stream), self._halls.find(stream)
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
        self._lobby.registers.pop(stream, None)
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
        hall, register = self._halls.find(room.stream), self._lobby.registers.get(room.stream)
        if register is not None and (hall is None or hall.room.owner != room.owner):
            register.renew()
        if hall is not None:
            hall.room = replace(room, active=room.active or hall.room.active)

    def _tag(self, tagging: MemberTagging) -> None:
        stream = room_stream(tagging.app_uuid, tagging.room_id)
        hall, register = self._halls.find(stream), self._lobby.registers.get(stream)
        if register is not None:
            register.tag(tagging.user, tagging.tags)
        if hall is not None and tagging.user in hall.came:
            hall.tag(tagging.user, tagging.tags)

    # --- who is there ----------------------------------------------------------------------------------------------

    def members(self, app_uuid: str, room_id: str) -> Mapping[str, int]:
        """Give who is in a room by a session here, and since when (ms); those included who are away for a moment."""
        hall = self._halls.find(room_stream(app_uuid, room_id))
        return {} if hall is None else hall.came

    def tags(self, app_uuid: str, room_id: str) -> Mapping[str, tuple[str, ...]]:
        """Give the tags of those who are in a room by a session here and have any (S3)."""
        hall = self._halls.find(room_stream(app_uuid, room_id))
        return {} if hall is None else {user: tuple(sorted(tags)) for user, tags in hall.tags.items()}

    def hall_of(self, session: Session[Link], room_id: str) -> Hall[Link] | None:
        """Give a room's hall to a session whose user is in it, by whatever device; None to anybody else."""
        if session.seat is None:
            return None
        hall = self._halls.find(room_stream(session.seat.app_uuid, room_id))
        return hall if hall is not None and hall.of_user(session.seat.user) else None

    def seen(self, hall: Hall[Link], limit: int) -> tuple[Member, ...]:
        """Give the first so many who are in a room by a session here."""
        return tuple(_member(hall, user) for user in islice(hall.users, limit))


def subscribed(channel: str, entry: Entry, asked: Position | None) -> Subscription:
    """Describe a session's way into a room."""
    return Subscription(channel, entry.position, asked is not None, entry.recovered)


def _member(hall: Hall[Any], user: str) -> Member:
    return Member(user, tuple(sorted(hall.tags_of(user))))


def _user(session: Session[Link]) -> str:
    if session.seat is None:
        raise ValueError("who is in a room has logged in")
    return session.seat.user


_Item = TypeVar("_Item")


def _slices(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), SLICE):
        yield items[start : start + SLICE]
