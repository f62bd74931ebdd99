"""Who is in a room, as it is asked and changed by REST (S3)."""

from heapq import nlargest, nsmallest
from operator import itemgetter

from laba.model.app import App
from laba.model.notice import MemberTagging, Placement, Removal
from laba.model.refusal import Code, Refusal
from laba.model.room import Room
from laba.model.roomcalls import (
    AddMembers,
    CheckMembers,
    DescribeMembers,
    ListMembers,
    ListRoomsOf,
    MembersAdded,
    MembersChecked,
    MembersDescribed,
    MembersListed,
    MembersQueried,
    MembersRemoved,
    MemberTagged,
    Parting,
    QueryMembers,
    RemoveMembers,
    RoomsOfUserListed,
    TagMember,
)
from laba.ports import Presence
from laba.service.roombook import RoomBook, full, outsider, owner_stays


class RoomMembers:
    """Members are put in and taken out here; those who come by themselves are the clients' matter."""

    def __init__(self, book: RoomBook, presence: Presence) -> None:
        self._book = book
        self._presence = presence

    async def add(self, call: AddMembers, app: App) -> MembersAdded | Refusal:
        """Put users in, all or none. Who is in already is told of again: its clients may have left meanwhile."""
        async with self._book.changing(app, call.room_id):
            room = await self._room(call, app)
            if isinstance(room, Refusal):
                return room
            refusal = await self._book.stranger(app, call.users)
            if refusal is not None:
                return refusal
            before = await self._book.members(room)
            new = tuple(user for user in call.users if user not in before)
            if new and len(before) + len(new) > room.max_members:
                return full(room)
            await self._book.rooms.place(app.uuid, room.id, call.users)
            await self._book.tell(Placement(app.uuid, room.id, call.users))
        return MembersAdded(room.id, call.users, new, call.single)

    async def remove(self, call: RemoveMembers, app: App) -> MembersRemoved | Refusal:
        """Take users out, however they came in."""
        async with self._book.changing(app, call.room_id):
            room = await self._room(call, app)
            if isinstance(room, Refusal):
                return room
            members = frozenset(await self._book.members(room))
            objections = {user: _stays(user, room, members) for user in call.users}
            if call.single:
                refusal = objections[call.users[0]]
                if refusal is not None:
                    return refusal
            going = tuple(user for user, objection in objections.items() if objection is None)
            if going:
                await self._book.rooms.displace(app.uuid, room.id, going)
                await self._book.tell(Removal(app.uuid, room.id, going))
        partings = (Parting(user, None if why is None else why.reason) for user, why in objections.items())
        return MembersRemoved(room.id, tuple(partings), call.single)

    async def list(self, call: ListMembers, app: App) -> MembersListed | Refusal:
        room = await self._book.found(app, call.room_id)
        if isinstance(room, Refusal):
            return room
        first = (call.page - 1) * call.size
        return MembersListed(room, (await self._book.members(room))[first : first + call.size])

    async def query(self, call: QueryMembers, app: App) -> MembersQueried | Refusal:
        """Show members with when they came.

        It is known of who has a session in the room. Who was put in and has none shows 0, and is the earliest.
        """
        room = await self._book.found(app, call.room_id)
        if isinstance(room, Refusal):
            return room
        members = await self._book.arrivals(room)
        first = nlargest if call.latest_first else nsmallest
        return MembersQueried(len(members), tuple(first(call.limit, members, key=itemgetter(1))))

    async def check(self, call: CheckMembers, app: App) -> MembersChecked | Refusal:
        room = await self._book.found(app, call.room_id)
        if isinstance(room, Refusal):
            return room
        members = frozenset(await self._book.members(room))
        return MembersChecked(tuple((user, user in members) for user in call.users))

    async def describe(self, call: DescribeMembers, app: App) -> MembersDescribed | Refusal:
        """Give a page of members with their tags, in the order of their names: whoever stays is on exactly one."""
        room = await self._book.found(app, call.room_id)
        if isinstance(room, Refusal):
            return room
        names = [user for user in await self._book.members(room) if user > call.after]
        page, tags = nsmallest(call.limit, names), await self._book.tags(room)
        members = tuple((user, tags.get(user, ())) for user in page)
        return MembersDescribed(room.id, members, page[-1] if len(names) > len(page) else "")

    async def tag(self, call: TagMember, app: App) -> MemberTagged | Refusal:
        """Give a member tags: one who was put in has them for good, one who came by itself until it leaves (S3)."""
        async with self._book.changing(app, call.room_id):
            room = await self._book.found(app, call.room_id)
            if isinstance(room, Refusal):
                return room
            placed = await self._book.rooms.tag(app.uuid, room.id, call.user, call.tags)
            if not placed and not self._book.is_present(room, call.user):
                return Refusal(Code.MEMBER_UNKNOWN, f"{call.user} is no member of the room", subject=call.user)
            await self._book.tell(MemberTagging(app.uuid, room.id, call.user, call.tags))
        return MemberTagged(room.id, call.user, call.tags)

    async def rooms_of(self, call: ListRoomsOf, app: App) -> RoomsOfUserListed | Refusal:
        """Give the rooms that a user was put into, in that order, and then those it is in by its own will."""
        if call.actor is not None and call.actor != call.user:
            return Refusal(Code.TOKEN_MISMATCH, f"the token is of another user than {call.user}")
        stranger = await self._book.stranger(app, (call.user,))
        if stranger is not None:
            return stranger
        entered = await self._presence.rooms(app.uuid, call.user)
        rooms = {room.id: room for room in await self._book.rooms.rooms_of(app.uuid, call.user)}
        for room_id in entered:
            room = rooms.get(room_id) or await self._book.rooms.find(app.uuid, room_id)
            if room is not None:
                rooms[room_id] = room
        return RoomsOfUserListed(tuple(rooms.values()))

    async def _room(self, call: AddMembers | RemoveMembers, app: App) -> Room | Refusal:
        """Find the room: everybody may come and go alone, all else is its owner's."""
        if call.users == (call.actor,):
            return await self._book.found(app, call.room_id)
        return await self._book.owned(app, call.room_id, call.actor)


def _stays(user: str, room: Room, members: frozenset[str]) -> Refusal | None:
    return owner_stays(room) if user == room.owner else outsider((user,), members)
