"""The embedded store: one SQLite file, one thread that writes it, one that reads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import files, rows, statements
from laba.adapters.store.campaigns import SqliteCampaigns, forget_inbox
from laba.adapters.store.chatfiles import SqliteFileRecords
from laba.adapters.store.commits import Addition, GroupCommit
from laba.adapters.store.conversations import SqliteConversations
from laba.adapters.store.devices import SqliteDevices, forget_devices
from laba.adapters.store.letters import SqliteLetters
from laba.adapters.store.pushes import SqlitePushes, queue_push
from laba.adapters.store.reads import GroupRead, at_once
from laba.adapters.store.reports import SqliteReports
from laba.adapters.store.roomreports import SqliteRoomReports
from laba.adapters.store.rooms import SqliteRooms, forget_in_rooms
from laba.adapters.store.stays import SqliteStays
from laba.adapters.store.streams import SqliteStreams
from laba.adapters.store.wordbook import SqliteWordbook
from laba.adapters.store.worker import Worker
from laba.core.ids import nth
from laba.model.app import App, QuotaName
from laba.model.dispatch import Dispatch
from laba.model.letter import Letter
from laba.model.user import User, UserChange

# Under which quotas client ids are sent (N2).
_WITH_CLIENT_IDS = (QuotaName.NEROOM_BROADCAST, QuotaName.NIM_BROADCAST)


class SqliteStore:
    """`ports.Store` on one SQLite file.

    `streams`, `stays`, `conversations`, `campaigns`, `devices`, `reports`, `rooms`, `file_records`, `letters`,
    `pushes` and `wordbook` lie in the same file. One process may have it open, through one store: who assembles sees
    to that (design.md section 9).

    Bounds: `writes_waiting_limit` calls that change something and `reads_waiting_limit` that do not may wait for an
    answer; one more raises StoreBusyError. `user` waits for nothing.
    """

    def __init__(
        self, writer: Worker, reader: Worker, near: Connection, commit: GroupCommit, streams: SqliteStreams
    ) -> None:
        self.streams = streams
        self.stays = SqliteStays(writer, near)
        self.conversations = SqliteConversations(writer, reader)
        self.campaigns = SqliteCampaigns(writer, reader, near)
        self.devices = SqliteDevices(writer, near)
        self.reports = SqliteReports(writer, reader)
        self.room_reports = SqliteRoomReports(writer, reader)
        self.rooms = SqliteRooms(writer, reader, near)
        self.file_records = SqliteFileRecords(writer, reader, near)
        self.letters = SqliteLetters(writer, reader)
        self.pushes = SqlitePushes(writer, reader)
        self.wordbook = SqliteWordbook(writer, reader)
        self._writer = writer
        self._reader = reader
        self._near = near
        self._commit = commit
        self._user = statements.Hot(statements.USER)
        self._add_user = statements.Hot(statements.ADD_USER)
        self._append = statements.Hot(statements.APPEND)
        self._waiting = statements.Hot(statements.WAITING)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        entropy: Callable[[int], bytes],
        writes_waiting_limit: int = 10_000,
        reads_waiting_limit: int = 10_000,
    ) -> AsyncIterator["SqliteStore"]:
        """Open the file, creating it or bringing its schema up to date; on leaving, do what waits and close it.

        `entropy` gives that many random bytes, for the epochs of new streams. Raises StoreTooNewError,
        StoreForeignError, and OSError when the medium fails.
        """
        async with AsyncExitStack() as stack:
            written = await _opened(stack, files.open_writer, path)
            read = await _opened(stack, files.open_reader, path)
            near = await _opened(stack, files.open_reader, path)
            commit = GroupCommit(written)
            writer = Worker("laba-store-writer", commit, writes_waiting_limit)
            stack.push_async_callback(writer.close)
            reader = Worker("laba-store-reader", GroupRead(read), reads_waiting_limit)
            stack.push_async_callback(reader.close)
            yield cls(writer, reader, near, commit, SqliteStreams(writer, reader, entropy))

    @property
    def commits(self) -> int:
        """How many groups of writes were committed since the store was opened."""
        return self._commit.commits

    @property
    def writes_waiting(self) -> int:
        return self._writer.unanswered

    # --- apps ------------------------------------------------------------------------------------------------------

    async def apps(self) -> tuple[App, ...]:
        def read(connection: Connection) -> tuple[App, ...]:
            return tuple(rows.app_of(row) for row in connection.execute(statements.APPS))

        return await self._reader.do(read)

    async def add_app(self, app: App) -> bool:
        def write(connection: Connection) -> bool:
            return connection.execute(statements.ADD_APP, rows.app_row(app)).rowcount == 1

        return await self._writer.do(write)

    async def change_app(self, app: App) -> None:
        """Replace the policy of the app with this uuid; LookupError, a bug, if there is none."""

        def write(connection: Connection) -> None:
            change = {"the_uuid": app.uuid, "new_policy": rows.policy_text(app.policy)}
            if connection.execute(statements.CHANGE_APP, change).rowcount != 1:
                raise LookupError(f"no app has the uuid {app.uuid}")

        await self._writer.do(write)

    # --- users -----------------------------------------------------------------------------------------------------

    async def user(self, app_uuid: str, name: str) -> User | None:
        """Find one user, at once and on the event loop.

        A thread costs a login more than the 7 µs the query takes, and under a busy loop every one of the driver's
        steps there waits for the interpreter's lock: 4 ms a query were measured. A commit never blocks a reader.
        """
        found = at_once(self._near, self._user, {"app_uuid": app_uuid, "name": name})
        return rows.user_of(found[0]) if found else None

    async def add_users(self, users: Sequence[User]) -> frozenset[str]:
        """Register those whose name is free; of two with one name the first has it, and the name counts as taken."""

        def write(connection: Connection) -> frozenset[str]:
            return frozenset(
                user.name for user in users if self._add_user.run(connection, rows.user_row(user)).rowcount == 0
            )

        return await self._writer.do(write)

    async def users_after(self, app_uuid: str, name: str, limit: int) -> tuple[User, ...]:
        page = {"app_uuid": app_uuid, "name": name, "most": limit}

        def read(connection: Connection) -> tuple[User, ...]:
            return tuple(rows.user_of(row) for row in connection.execute(statements.USERS_AFTER, page))

        return await self._reader.do(read)

    async def change_user(self, change: UserChange) -> User | None:
        if await self.user(change.app_uuid, change.name) is None:
            return None

        def write(connection: Connection) -> User | None:
            row = connection.execute(statements.CHANGE_USER, rows.change_row(change)).one_or_none()
            return None if row is None else rows.user_of(row)

        return await self._writer.do(write)

    async def tag_users(self, app_uuid: str, names: Collection[str], tags: Sequence[str]) -> frozenset[str]:
        given = {"the_app": app_uuid, "names": rows.names_text(names), "new_tags": rows.tags_text(tags)}

        def write(connection: Connection) -> frozenset[str]:
            return frozenset(connection.execute(statements.TAG_USERS, given).scalars())

        return await self._writer.do(write)

    async def remove_user(self, app_uuid: str, name: str) -> User | None:
        if await self.user(app_uuid, name) is None:
            return None

        def write(connection: Connection) -> User | None:
            the_user = {"app_uuid": app_uuid, "name": name}
            row = connection.execute(statements.REMOVE_USER, the_user).one_or_none()
            connection.execute(statements.FORGET_STAYS, the_user)
            connection.execute(statements.FORGET_MARKS, the_user)
            forget_in_rooms(connection, app_uuid, name)
            forget_inbox(connection, app_uuid, name)
            forget_devices(connection, app_uuid, name)
            return None if row is None else rows.user_of(row)

        return await self._writer.do(write)

    # --- the ledger ------------------------------------------------------------------------------------------------

    async def append(self, dispatch: Dispatch, letters: Sequence[Letter] = ()) -> None:
        await self.append_all((dispatch,), letters)

    async def append_all(self, dispatches: Sequence[Dispatch], letters: Sequence[Letter] = ()) -> None:
        if not dispatches:
            raise ValueError("an append keeps at least one dispatch")
        beside = self.letters.addition(letters) if letters else None
        await self._writer.do(Addition(self._append, ",".join(map(rows.ledger_row, dispatches)), beside))

    async def waiting(self, limit: int, besides: Collection[int] = ()) -> tuple[Dispatch, ...]:
        asked = {"most": limit, "besides": msgspec.json.encode(list(besides)).decode()}

        def read(connection: Connection) -> tuple[Dispatch, ...]:
            return tuple(map(rows.dispatch_of, self._waiting.run(connection, asked)))

        return await self._reader.do(read)

    async def done(self, dispatch: Dispatch) -> None:
        """Note that it went out; one whose work is done already stays what it became."""

        def write(connection: Connection) -> None:
            if connection.execute(statements.DONE, {"dispatch": dispatch.id}).rowcount == 1:
                queue_push(connection, dispatch)

        await self._writer.do(write)

    async def expire(self, dispatches: Sequence[Dispatch]) -> None:
        """Note that these came too late; one whose work is done already stays what it became."""
        if not dispatches:
            return

        def write(connection: Connection) -> None:
            connection.execute(statements.EXPIRE, [{"dispatch": dispatch.id} for dispatch in dispatches])

        await self._writer.do(write)

    async def accepted_since(self, app_uuid: str, quota: QuotaName, since_ms: int, limit: int) -> tuple[int, ...]:
        taken = {"app_uuid": app_uuid, "name": quota, "since_ms": since_ms, "most": limit}

        def read(connection: Connection) -> tuple[int, ...]:
            return tuple(reversed(connection.execute(statements.ACCEPTED_SINCE, taken).scalars().all()))

        return await self._reader.do(read)

    async def client_ids_since(self, app_uuid: str, since_ms: int, limit: int) -> tuple[tuple[str, int], ...]:
        def read(connection: Connection) -> tuple[tuple[str, int], ...]:
            found: list[tuple[str, int]] = []
            for name in _WITH_CLIENT_IDS:
                asked = {"app_uuid": app_uuid, "name": name, "since_ms": since_ms, "most": limit}
                found += [
                    (row.client_id, row.accepted_at_ms)
                    for row in connection.execute(statements.CLIENT_IDS_SINCE, asked)
                ]
            return tuple(sorted(found, key=lambda one: one[1])[-limit:])

        return await self._reader.do(read)

    async def last_id(self) -> int:
        def read(connection: Connection) -> int:
            row = connection.execute(statements.LAST).one_or_none()
            if row is None:
                return 0
            last = rows.dispatch_of(row)
            return nth(last.id, last.copies - 1)

        return await self._reader.do(read)


async def _opened(stack: AsyncExitStack, opening: Callable[[Path], Connection], path: Path) -> Connection:
    """Open a connection off the event loop, and leave its closing to the stack."""
    connection = await asyncio.to_thread(opening, path)
    stack.push_async_callback(asyncio.to_thread, files.close, connection)
    return connection
