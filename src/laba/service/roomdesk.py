"""Every call about rooms: which service does what."""

from laba.model.app import App
from laba.model.refusal import Refusal
from laba.model.roomcalls import (
    AddMembers,
    ChangeRoom,
    CheckMembers,
    CloseRooms,
    CreateRoom,
    DescribeMembers,
    DestroyRoom,
    FindRooms,
    GetRoom,
    GiveRoom,
    ListMembers,
    ListMutes,
    ListRooms,
    ListRoomsOf,
    ManyRoomsAnswer,
    ManyRoomsCall,
    MemberAnswer,
    MuteAnswer,
    MuteCall,
    MuteMembers,
    MuteRoom,
    OpenRooms,
    QueryMembers,
    RemoveMembers,
    RoomAnswer,
    RoomCall,
    TagMember,
    UnmuteMembers,
)
from laba.service.roommembers import RoomMembers
from laba.service.roommutes import RoomMutes
from laba.service.rooms import Rooms

_ComingAndGoing = AddMembers | RemoveMembers | ListMembers | ListRoomsOf | QueryMembers | CheckMembers
OneRoomCall = CreateRoom | GetRoom | ListRooms | ChangeRoom | GiveRoom | DestroyRoom


class RoomDesk:
    """Answers calls about rooms, their members and their mutes."""

    def __init__(self, rooms: Rooms, members: RoomMembers, mutes: RoomMutes) -> None:
        self._rooms = rooms
        self._members = members
        self._mutes = mutes

    async def serve(self, call: RoomCall, app: App) -> RoomAnswer | Refusal:
        match call:
            case AddMembers() | RemoveMembers() | ListMembers() | ListRoomsOf() | QueryMembers() | CheckMembers():
                return await self._about_members(call, app)
            case DescribeMembers():
                return await self._members.describe(call, app)
            case TagMember():
                return await self._members.tag(call, app)
            case MuteMembers() | UnmuteMembers() | ListMutes() | MuteRoom():
                return await self._about_mutes(call, app)
            case OpenRooms() | CloseRooms() | FindRooms():
                return await self._about_many(call, app)
            case _:
                return await self._about_one(call, app)

    async def _about_one(self, call: OneRoomCall, app: App) -> RoomAnswer | Refusal:
        match call:
            case CreateRoom():
                return await self._rooms.create(call, app)
            case GetRoom():
                return await self._rooms.get(call, app)
            case ListRooms():
                return await self._rooms.list(call, app)
            case ChangeRoom():
                return await self._rooms.change(call, app)
            case GiveRoom():
                return await self._rooms.give(call, app)
            case DestroyRoom():
                return await self._rooms.destroy(call, app)

    async def _about_many(self, call: ManyRoomsCall, app: App) -> ManyRoomsAnswer:
        match call:
            case OpenRooms():
                return await self._rooms.open(call, app)
            case CloseRooms():
                return await self._rooms.close(call, app)
            case FindRooms():
                return await self._rooms.find(call, app)

    async def _about_members(self, call: _ComingAndGoing, app: App) -> MemberAnswer | Refusal:
        match call:
            case AddMembers():
                return await self._members.add(call, app)
            case RemoveMembers():
                return await self._members.remove(call, app)
            case ListMembers():
                return await self._members.list(call, app)
            case ListRoomsOf():
                return await self._members.rooms_of(call, app)
            case QueryMembers():
                return await self._members.query(call, app)
            case CheckMembers():
                return await self._members.check(call, app)

    async def _about_mutes(self, call: MuteCall, app: App) -> MuteAnswer | Refusal:
        match call:
            case MuteMembers():
                return await self._mutes.mute(call, app)
            case UnmuteMembers():
                return await self._mutes.unmute(call, app)
            case ListMutes():
                return await self._mutes.list(call, app)
            case MuteRoom():
                return await self._mutes.mute_room(call, app)
