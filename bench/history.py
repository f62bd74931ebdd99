"""A data directory with a history: users and broadcasts, kept by laba's own store, without a server."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from laba.adapters.store.sqlite import SqliteStore
from laba.core.ids import IdSequence
from laba.model.app import QuotaName
from laba.model.attendance import Seat, Stay
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, Dispatch
from laba.model.flags import Flags
from laba.model.session import DEFAULT_DEVICE
from laba.model.stream import Stream
from laba.model.user import User
from laba.service.dispatching import APP_CHANNEL

# Users are there before the first broadcast; the broadcasts are spread evenly up to now.
REGISTERED_MS_AGO, FIRST_SENT_MS_AGO = 60 * 86_400_000, 30 * 86_400_000
BATCH = 10_000
# Broadcasts on their way at once: the store commits those that wait together.
AT_ONCE = 100
SENDERS = 5
# Any number without a factor in common with a power of ten: names come in no order, as they do in life.
_STRIDE = 7919


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file grew by, and the seconds it took to write that."""

    count: int
    file_bytes: int
    seconds: float

    @property
    def bytes_each(self) -> float:
        return self.file_bytes / self.count


def user_name(number: int, users: int) -> str:
    """Give the name of one of so many users; each number below `users`, a power of ten, has its own."""
    return f"user-{number * _STRIDE % users:07}"


def keep_users(
    data: Path, app_uuid: str, users: int, tags_of: Callable[[int], tuple[str, ...]] = lambda _: ()
) -> Kept:
    """Register so many users; `tags_of` gives the tags of the one with this number."""

    async def add(store: SqliteStore) -> None:
        registered_ms = time.time_ns() // 1_000_000 - REGISTERED_MS_AGO
        for start in range(0, users, BATCH):
            numbers = range(start, min(start + BATCH, users))
            await store.add_users(
                [_user(app_uuid, user_name(number, users), registered_ms, tags_of(number)) for number in numbers]
            )

    return asyncio.run(_kept(data, users, add))


def keep_broadcasts(data: Path, app_uuid: str, broadcasts: int, text_bytes: int) -> Kept:
    """Keep so many broadcasts to all who are online, and give each its place in the app's stream."""

    async def send(store: SqliteStore, dispatch: Dispatch) -> None:
        await store.append(dispatch)
        await store.streams.append(Stream(app_uuid, APP_CHANNEL), [dispatch])

    async def add(store: SqliteStore) -> None:
        dispatches = list(_dispatches(app_uuid, broadcasts, text_bytes))
        for start in range(0, broadcasts, AT_ONCE):
            await asyncio.gather(*(send(store, dispatch) for dispatch in dispatches[start : start + AT_ONCE]))

    return asyncio.run(_kept(data, broadcasts, add))


def keep_stays(data: Path, app_uuid: str, names: Sequence[str], broadcasts: int) -> None:
    """Note that these users were there for every broadcast, and left a minute ago."""
    now_ms = time.time_ns() // 1_000_000
    arrived_ms, left_ms = now_ms - FIRST_SENT_MS_AGO, now_ms - 60_000

    async def add(store: SqliteStore) -> None:
        seats = [Seat(app_uuid, name, DEFAULT_DEVICE) for name in names]
        await store.stays.write([Stay(seat, 0, broadcasts, broadcasts, arrived_ms, left_ms) for seat in seats])

    asyncio.run(_kept(data, len(names), add))


async def _kept(data: Path, count: int, add: Callable[[SqliteStore], Awaitable[None]]) -> Kept:
    """Open the store, add, and close it: then the file holds everything, and there is no log beside it."""
    file = data / "laba.db"
    before, started_at = file.stat().st_size, time.monotonic()
    async with SqliteStore.open(file, entropy=os.urandom) as store:
        await add(store)
    return Kept(count, file.stat().st_size - before, time.monotonic() - started_at)


def _user(app_uuid: str, name: str, registered_ms: int, tags: tuple[str, ...]) -> User:
    uuid = str(UUID(bytes=os.urandom(16), version=4))
    epoch = int.from_bytes(os.urandom(7))
    return User(app_uuid, name, uuid, registered_ms, registered_ms, epoch=epoch, tags=tags)


def _dispatches(app_uuid: str, broadcasts: int, text_bytes: int) -> Iterator[Dispatch]:
    ids, now_ms = IdSequence(0), time.time_ns() // 1_000_000
    flags = Flags(stored=True, counted=True, pushed=True, updates_last=True)
    for number in range(broadcasts):
        sent_ms = now_ms - FIRST_SENT_MS_AGO * (broadcasts - number) // broadcasts
        text = f"{number} ".ljust(text_bytes, "x")
        yield Dispatch(
            id=ids.next(sent_ms),
            app_uuid=app_uuid,
            accepted_at_ms=sent_ms,
            sender=sender_name(number),
            content=Content(Kind.TXT, {"text": text}),
            flags=flags,
            audience=Audience.ONLINE_USERS,
            quota=QuotaName.USERS_BROADCAST,
        )


def sender_name(number: int) -> str:
    """Give who sends a broadcast: each sender is one conversation of everybody's."""
    return f"sender-{number % SENDERS}"
