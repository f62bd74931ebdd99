"""Who may not speak in a room (S3)."""

from dataclasses import replace

from laba.model.app import App
from laba.model.notice import RoomChange
from laba.model.refusal import Refusal
from laba.model.room import Mute
from laba.model.roomcalls import (
    FOREVER_MS,
    ListMutes,
    MembersMuted,
    MembersUnmuted,
    MuteMembers,
    MuteRoom,
    MutesListed,
    RoomMuted,
    UnmuteMembers,
)
from laba.service.ground import Ground
from laba.service.roombook import RoomBook, outsider, owner_stays


class RoomMutes:
    """A mute outlasts its member's leaving: who comes back is as silent as before.

    Whoever knows a room's mutes by heart looks them up again at the RoomChange that follows.
    """

    def __init__(self, book: RoomBook, ground: Ground) -> None:
        self._book = book
        self._ground = ground

    async def mute(self, call: MuteMembers, app: App) -> MembersMuted | Refusal:
        """Let members speak no more, all of them or none; the owner always may."""
        async with self._book.changing(app, call.room_id):
            room = await self._book.owned(app, call.room_id, call.actor)
            if isinstance(room, Refusal):
                return room
            refusal = outsider(call.users, await self._book.members(room))
            if refusal is not None or room.owner in call.users:
                return refusal or owner_stays(room)
            until_ms = FOREVER_MS if call.duration_ms is None else self._ground.clock() + call.duration_ms
            mutes = tuple(Mute(user, min(until_ms, FOREVER_MS)) for user in call.users)
            await self._book.rooms.mute(app.uuid, room.id, mutes)
            await self._book.tell(RoomChange(room))
        return MembersMuted(mutes)

    async def unmute(self, call: UnmuteMembers, app: App) -> MembersUnmuted | Refusal:
        async with self._book.changing(app, call.room_id):
            room = await self._book.owned(app, call.room_id, call.actor)
            if isinstance(room, Refusal):
                return room
            await self._book.rooms.unmute(app.uuid, room.id, call.users)
            await self._book.tell(RoomChange(room))
        return MembersUnmuted(call.users)

    async def list(self, call: ListMutes, app: App) -> MutesListed | Refusal:
        room = await self._book.owned(app, call.room_id, call.actor)
        if isinstance(room, Refusal):
            return room
        now_ms = self._ground.clock()
        kept = await self._book.rooms.mutes(app.uuid, room.id)
        return MutesListed(tuple(mute for mute in kept if mute.until_ms > now_ms))

    async def mute_room(self, call: MuteRoom, app: App) -> RoomMuted | Refusal:
        async with self._book.changing(app, call.room_id):
            room = await self._book.owned(app, call.room_id, call.actor)
            if isinstance(room, Refusal):
                return room
            changed = replace(room, muted=call.muted)
            await self._book.rooms.change(changed)
            await self._book.tell(RoomChange(changed))
        return RoomMuted(call.muted)
