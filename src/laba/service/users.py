"""Users: registering, finding, changing and removing them. What ends their sessions goes out as a revocation."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from laba.model.app import App
from laba.model.closing import Closing
from laba.model.notice import Tagging
from laba.model.refusal import Code, Refusal
from laba.model.stream import Revocation
from laba.model.user import User, UserChange
from laba.model.usercalls import (
    ChangeProfile,
    DeleteUser,
    DisconnectUser,
    GetTags,
    GetUser,
    ListUsers,
    NewUser,
    RegisterUsers,
    SetActivation,
    SetPassword,
    SetTags,
    TagsFound,
    TagsSet,
    UserChanged,
    UserDeleted,
    UserDisconnected,
    UserFound,
    UsersListed,
    UsersRegistered,
)
from laba.ports import Bus, Store
from laba.service.ground import Ground
from laba.service.hashing import Hashing

# After so many look-ups, each of which takes the loop some 10 µs, others have a turn.
_TURN = 256


class Users:
    """Registered users of every app.

    `changes` counts up whenever a user's tokens hold no more, or its tags are others: a login that finds it changed
    while it waited looks again.
    """

    def __init__(self, store: Store, bus: Bus, hashing: Hashing, ground: Ground) -> None:
        self._store = store
        self._bus = bus
        self._hashing = hashing
        self._ground = ground
        self._tagging = asyncio.Lock()
        self.changes = 0

    # --- finding ---------------------------------------------------------------------------------------------------

    async def find(self, app: App, name: str) -> User | None:
        return await self._store.user(app.uuid, name)

    async def known(self, app: App, name: str) -> User | Refusal:
        """Find a user whom the caller takes to be registered."""
        return await self.find(app, name) or _unknown(name)

    async def find_or_register(self, app: App, name: str) -> User | None:
        """Find a user, or register it; None only where it was removed in between."""
        user = await self.find(app, name)
        if user is None:
            await self._store.add_users([await self._user(NewUser(name), app)])
            # Read again: another call may have registered it first, and its epoch is the one that holds.
            user = await self.find(app, name)
        return user

    async def get(self, call: GetUser, app: App) -> UserFound | Refusal:
        user = await self.known(app, call.name)
        return user if isinstance(user, Refusal) else UserFound(user)

    async def list(self, call: ListUsers, app: App) -> UsersListed:
        found = await self._store.users_after(app.uuid, call.after, call.limit + 1)
        users = found[: call.limit]
        return UsersListed(users, users[-1].name if len(found) > len(users) else None)

    async def tags(self, call: GetTags, app: App) -> TagsFound:
        found = [await self.find(app, name) for name in call.names]
        tags = (() if user is None else user.tags for user in found)
        return TagsFound(tuple(zip(call.names, tags, strict=True)))

    # --- coming and going ------------------------------------------------------------------------------------------

    async def register(self, call: RegisterUsers, app: App) -> UsersRegistered | Refusal:
        async with self._hashing.place() as refusal:
            if refusal is not None and any(new.password is not None for new in call.users):
                return refusal
            users = [await self._user(new, app) for new in call.users]
        taken = await self._store.add_users(users)
        if not call.single:
            registered = tuple(user for user in users if user.name not in taken)
            return UsersRegistered(registered, tuple(user.name for user in users if user.name in taken))
        if not taken:
            return UsersRegistered(tuple(users))
        name = users[0].name
        return Refusal(Code.USER_EXISTS, f"{app.name} has a user {name} already", field="username", subject=name)

    async def remove(self, call: DeleteUser, app: App) -> UserDeleted | Refusal:
        user = await self._store.remove_user(app.uuid, call.name)
        if user is None:
            return _unknown(call.name)
        await self._revoke(user, Closing.USER_REMOVED)
        return UserDeleted(user)

    # --- changing --------------------------------------------------------------------------------------------------

    async def set_password(self, call: SetPassword, app: App) -> UserChanged | Refusal:
        """Give a user another password, and shut out whoever came by the old one.

        The tokens that laba issued for the user hold no more, and its sessions end. A token that the app's own back
        end signed says nothing of a password, and still lets the user in.
        """
        known = await self.known(app, call.name)
        if isinstance(known, Refusal):
            return known
        async with self._hashing.place() as refusal:
            if refusal is not None:
                return refusal
            password_hash = await self._hashing.hashed(call.password, self._ground.entropy(16))
        change = UserChange(app.uuid, call.name, self._ground.clock(), self._epoch(), password_hash=password_hash)
        return await self._changed(change, Closing.PASSWORD_CHANGED)

    async def change_profile(self, call: ChangeProfile, app: App) -> UserChanged | Refusal:
        """Change how a user is shown."""
        now_ms = self._ground.clock()
        return await self._changed(
            UserChange(app.uuid, call.name, now_ms, nickname=call.nickname, portrait=call.portrait)
        )

    async def note_token(self, user: User, nickname: str | None = None, portrait: str | None = None) -> User | None:
        """Note that a user is about to get a token (P9), and how it is shown from then on; None where it is gone.

        What is known already is not written again.
        """
        nickname = None if nickname == user.nickname else nickname
        portrait = None if portrait == user.portrait else portrait
        looks_as_before = nickname is None and portrait is None
        if looks_as_before and user.token_at_ms is not None:
            return user
        now_ms = self._ground.clock()
        change = UserChange(
            user.app_uuid,
            user.name,
            user.modified_at_ms if looks_as_before else now_ms,
            nickname=nickname,
            portrait=portrait,
            token_at_ms=now_ms if user.token_at_ms is None else None,
        )
        return await self._store.change_user(change)

    async def set_tags(self, call: SetTags, app: App) -> TagsSet:
        """Give users other tags, and register those who are not. One call after the other: so all nodes hear it.

        Whatever was not done when it fails is done when it is asked for again.
        """
        names, tags = tuple(dict.fromkeys(call.names)), tuple(sorted(set(call.tags)))
        async with self._tagging:
            strangers = [NewUser(name) for name in await self._unregistered(names, app)]
            if strangers:
                await self._store.add_users([await self._user(new, app) for new in strangers])
            tagged = await self._store.tag_users(app.uuid, names, tags)
            self.changes += 1
            await self._bus.publish(Tagging(app.uuid, tagged, frozenset(tags)))
        return TagsSet()

    async def _unregistered(self, names: Iterable[str], app: App) -> tuple[str, ...]:
        found = []
        for number, name in enumerate(names, start=1):
            if await self.find(app, name) is None:
                found.append(name)
            if number % _TURN == 0:
                await asyncio.sleep(0)
        return tuple(found)

    async def set_activation(self, call: SetActivation, app: App) -> UserChanged | Refusal:
        """Let a user in no more, or again.

        Deactivated, it can neither log in nor get a token, its sessions end, and the tokens that laba issued for it
        never hold again; once active it needs a new one, or one that the app's own back end signed.
        """
        now_ms = self._ground.clock()
        if call.active:
            return await self._changed(UserChange(app.uuid, call.name, now_ms, activated=True))
        change = UserChange(app.uuid, call.name, now_ms, self._epoch(), activated=False)
        return await self._changed(change, Closing.USER_DEACTIVATED)

    async def disconnect(self, call: DisconnectUser, app: App) -> UserDisconnected | Refusal:
        """End a user's sessions and nothing else: its tokens hold, but its clients do not come back by themselves."""
        user = await self.known(app, call.name)
        if isinstance(user, Refusal):
            return user
        await self._bus.publish(Revocation(app.uuid, user.name, Closing.DISCONNECTED))
        return UserDisconnected()

    async def _changed(self, change: UserChange, closing: Closing | None = None) -> UserChanged | Refusal:
        user = await self._store.change_user(change)
        if user is None:
            return _unknown(change.name)
        if closing is not None:
            await self._revoke(user, closing)
        return UserChanged(user)

    async def _revoke(self, user: User, closing: Closing) -> None:
        """End the sessions of a user whose tokens hold no more. The count comes first: a login in between sees it."""
        self.changes += 1
        await self._bus.publish(Revocation(user.app_uuid, user.name, closing))

    async def _user(self, new: NewUser, app: App) -> User:
        now_ms = self._ground.clock()
        salt = self._ground.entropy(16)
        return User(
            app_uuid=app.uuid,
            name=new.name,
            uuid=str(UUID(bytes=self._ground.entropy(16), version=4)),
            created_at_ms=now_ms,
            modified_at_ms=now_ms,
            epoch=self._epoch(),
            nickname=new.nickname,
            password_hash=None if new.password is None else await self._hashing.hashed(new.password, salt),
        )

    def _epoch(self) -> int:
        """Draw an epoch. Nobody gets one a second time: old tokens stay revoked, whoever bears the name."""
        return int.from_bytes(self._ground.entropy(7))


def _unknown(name: str) -> Refusal:
    return Refusal(Code.USER_UNKNOWN, f"there is no user {name}", subject=name)
