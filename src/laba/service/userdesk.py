"""Every call about users: those that the register answers, and those that ask who is connected."""

from laba.model.app import App
from laba.model.refusal import Refusal
from laba.model.usercalls import (
    ChangeProfile,
    DeleteUser,
    DisconnectUser,
    GetResources,
    GetStatus,
    GetStatuses,
    GetTags,
    GetUser,
    ListUsers,
    RegisterUsers,
    ResourcesFound,
    SetActivation,
    SetPassword,
    SetTags,
    StatusesFound,
    StatusFound,
    TagsFound,
    TagsSet,
    UserAnswer,
    UserCall,
    UserChanged,
)
from laba.ports import Presence
from laba.service.users import Users


class UserDesk:
    """Answers calls about users."""

    def __init__(self, users: Users, presence: Presence) -> None:
        self._users = users
        self._presence = presence

    async def serve(self, call: UserCall, app: App) -> UserAnswer | Refusal:
        match call:
            case RegisterUsers():
                return await self._users.register(call, app)
            case GetUser():
                return await self._users.get(call, app)
            case ListUsers():
                return await self._users.list(call, app)
            case DeleteUser():
                return await self._users.remove(call, app)
            case DisconnectUser():
                return await self._users.disconnect(call, app)
            case SetPassword() | SetActivation() | ChangeProfile():
                return await self._changed(call, app)
            case SetTags() | GetTags():
                return await self._tags(call, app)
            case GetStatus() | GetStatuses() | GetResources():
                return await self._whereabouts(call, app)

    async def _changed(self, call: SetPassword | SetActivation | ChangeProfile, app: App) -> UserChanged | Refusal:
        match call:
            case SetPassword():
                return await self._users.set_password(call, app)
            case SetActivation():
                return await self._users.set_activation(call, app)
            case ChangeProfile():
                return await self._users.change_profile(call, app)

    async def _tags(self, call: SetTags | GetTags, app: App) -> TagsSet | TagsFound:
        if isinstance(call, SetTags):
            return await self._users.set_tags(call, app)
        return await self._users.tags(call, app)

    async def _whereabouts(
        self, call: GetStatus | GetStatuses | GetResources, app: App
    ) -> StatusFound | StatusesFound | ResourcesFound | Refusal:
        if isinstance(call, GetStatuses):
            online = await self._presence.online(app.uuid, call.names)
            return StatusesFound(tuple(StatusFound(name, name in online) for name in call.names))
        user = await self._users.known(app, call.name)
        if isinstance(user, Refusal):
            return user
        if isinstance(call, GetResources):
            return ResourcesFound(await self._presence.resources(app.uuid, user.name))
        return StatusFound(user.name, bool(await self._presence.online(app.uuid, (user.name,))))
