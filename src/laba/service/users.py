"""Users: registering, finding and removing them. A removal reaches the live sessions as a revocation."""

import asyncio
from uuid import UUID

from laba.core import passwords
from laba.model.app import App
from laba.model.calls import DeleteUser, GetUser, NewUser, RegisterUsers, UserDeleted, UserFound, UsersRegistered
from laba.model.refusal import Code, Refusal
from laba.model.stream import Revocation
from laba.model.user import User
from laba.ports import Bus, Store
from laba.service.ground import Ground


class Users:
    """Registered users of every app.

    `removals` counts up with every removal: a login that finds it changed while it waited looks again.
    """

    def __init__(self, store: Store, bus: Bus, ground: Ground) -> None:
        self._store = store
        self._bus = bus
        self._ground = ground
        self.removals = 0

    async def find(self, app: App, name: str) -> User | None:
        return await self._store.user(app.uuid, name)

    async def find_or_register(self, app: App, name: str) -> User | None:
        """Find a user, or register it; None only where it was removed in between."""
        user = await self.find(app, name)
        if user is None:
            await self._store.add_users([await self._user(NewUser(name), app)])
            # Read again: another call may have registered it first, and its epoch is the one that holds.
            user = await self.find(app, name)
        return user

    async def get(self, call: GetUser, app: App) -> UserFound | Refusal:
        user = await self.find(app, call.name)
        return _unknown(call.name) if user is None else UserFound(user)

    async def register(self, call: RegisterUsers, app: App) -> UsersRegistered | Refusal:
        users = [await self._user(new, app) for new in call.users]
        taken = await self._store.add_users(users)
        if call.single and taken:
            return Refusal(
                Code.USER_EXISTS,
                f"{app.name} has a user {users[0].name} already",
                field="username",
                subject=users[0].name,
            )
        return UsersRegistered(
            tuple(user for user in users if user.name not in taken),
            tuple(user.name for user in users if user.name in taken),
        )

    async def remove(self, call: DeleteUser, app: App) -> UserDeleted | Refusal:
        user = await self._store.remove_user(app.uuid, call.name)
        if user is None:
            return _unknown(call.name)
        self.removals += 1
        await self._bus.publish(Revocation(app.uuid, user.name))
        return UserDeleted(user)

    async def _user(self, new: NewUser, app: App) -> User:
        now_ms = self._ground.clock()
        salt = self._ground.entropy(16)
        return User(
            app_uuid=app.uuid,
            name=new.name,
            uuid=str(UUID(bytes=self._ground.entropy(16), version=4)),
            created_at_ms=now_ms,
            modified_at_ms=now_ms,
            # Who is removed and registered again gets another epoch, and old tokens stay revoked.
            epoch=int.from_bytes(self._ground.entropy(7)),
            nickname=new.nickname,
            password_hash=None
            if new.password is None
            else await asyncio.to_thread(passwords.hashed, new.password, salt),
        )


def _unknown(name: str) -> Refusal:
    return Refusal(Code.USER_UNKNOWN, f"there is no user {name}", subject=name)
