"""Messages to chosen users, in the same file: their walks, and every user's inbox (P5).

What a login asks is read at once, on the event loop. A user's inbox is a row for each message that is for it; the
message itself is the ledger's.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import campaignstatements as statements
from laba.adapters.store import rows
from laba.adapters.store.commits import Addition
from laba.adapters.store.reads import at_once
from laba.adapters.store.statements import ENTRIES, Hot
from laba.adapters.store.worker import Worker
from laba.model.campaign import Campaign, Muster, Received, Recruit
from laba.model.stream import Batch, Entry, Stream

_NONE: frozenset[str] = frozenset()
_RECRUITS = msgspec.json.Decoder(list[tuple[str, str | None, int]])
_PAIRS = msgspec.json.Decoder(list[tuple[str, str]])
_TAGS = msgspec.json.Decoder(frozenset[str])


class SqliteCampaigns:
    """`ports.Campaigns` over the store's two threads; a login's reads are on a connection of the event loop's."""

    def __init__(self, writer: Worker, reader: Worker, near: Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._near = near
        self._recruits = Hot(statements.RECRUITS)
        self._packages = Hot(statements.PACKAGES)
        self._move = Hot(statements.MOVE)
        self._enrol = Hot(statements.ENROL)
        self._inbox = Hot(statements.INBOX)
        self._walks_before = Hot(statements.WALKS_BEFORE)
        self._entries = Hot(ENTRIES)
        self._has_inboxes = Hot(statements.HAS_INBOXES)
        self._received = Hot(statements.RECEIVED)
        self._empty = Hot(statements.EMPTY)

    # --- walks -----------------------------------------------------------------------------------------------------

    async def walking(self) -> tuple[Campaign, ...]:
        def read(connection: Connection) -> tuple[Campaign, ...]:
            return tuple(map(rows.campaign_of, connection.execute(statements.WALKING)))

        return await self._reader.do(read)

    async def recruits(self, campaign: Campaign, limit: int) -> tuple[Recruit, ...]:
        page = {"app_uuid": campaign.app_uuid, "cursor": campaign.cursor, "most": limit}

        def read(connection: Connection) -> tuple[Recruit, ...]:
            (text,) = self._recruits.run(connection, page).fetchone()
            found = _RECRUITS.decode(text)
            packages: Mapping[str, frozenset[str]] = {}
            if found and campaign.targets.package is not None:
                (text,) = self._packages.run(connection, page | {"last": found[-1][0]}).fetchone()
                packages = _by_user(_PAIRS.decode(text))
            return _recruited(found, packages)

        return await self._reader.do(read)

    async def enrol(self, campaign: Campaign, users: Sequence[str], cursor: str | None) -> None:
        """Enrol nobody where the walk was ended meanwhile: by a recall, or because the message is too old."""
        enrolled = {"dispatch": campaign.dispatch_id, "users": msgspec.json.encode(users).decode()}

        def write(connection: Connection) -> None:
            moved = self._move.run(connection, {"dispatch": campaign.dispatch_id, "cursor": cursor}).rowcount
            if moved and users:
                self._enrol.run(connection, enrolled)

        await self._writer.do(write)

    # --- at a login, at once ---------------------------------------------------------------------------------------

    async def inbox(self, app_uuid: str, user: str, after: int, upto: int, limit: int) -> tuple[int, ...]:
        asked = {"app_uuid": app_uuid, "user": user, "after": after, "upto": upto, "most": limit}
        return tuple(offset for (offset,) in reversed(at_once(self._near, self._inbox, asked)))

    async def walks_before(self, app_uuid: str, user: str, upto: int) -> tuple[Campaign, ...]:
        asked = {"app_uuid": app_uuid, "user": user, "upto": upto}
        return tuple(map(rows.campaign_of, at_once(self._near, self._walks_before, asked)))

    async def entries(self, stream: Stream, offsets: Collection[int]) -> Batch | None:
        """Leave out what was recalled, as every reading of a stream does."""
        asked = {**stream._asdict(), "offsets": msgspec.json.encode(list(offsets)).decode()}
        found = at_once(self._near, self._entries, asked)
        entries = [Entry(row[-2], rows.message_of(rows.dispatch_of(row))) for row in found]
        return Batch(stream, found[0][-1], tuple(entries)) if entries else None

    async def has_inboxes(self, app_uuid: str) -> bool:
        ((has,),) = at_once(self._near, self._has_inboxes, {"app_uuid": app_uuid})
        return bool(has)

    # --- what became of them ---------------------------------------------------------------------------------------

    async def received(self, marks: Sequence[Received]) -> None:
        if marks:
            given = [msgspec.json.encode((mark.app_uuid, mark.user, mark.upto)).decode() for mark in marks]
            await self._writer.do(Addition(self._received, ",".join(given)))

    async def muster(self, dispatch_id: int) -> Muster | None:
        def read(connection: Connection) -> Muster | None:
            row = connection.execute(statements.MUSTER, {"dispatch": dispatch_id}).one_or_none()
            if row is None:
                return None
            targeted, delivered, expired, walking = row
            return Muster(targeted, delivered, expired, bool(walking))

        return await self._reader.do(read)

    async def expire(self, before_ms: int, limit: int) -> int:
        """Look at no more than `limit` campaigns, too."""

        def write(connection: Connection) -> int:
            aged = {"before_ms": before_ms, "most": limit}
            emptied = 0
            for dispatch_id, stream, offset in connection.execute(statements.HELD_SINCE_BEFORE, aged).all():
                if emptied == limit:
                    break
                places = {"dispatch": dispatch_id, "stream": stream, "offset": offset}
                emptied += self._emptied(connection, places, limit - emptied)
            return emptied

        return await self._writer.do(write)

    def _emptied(self, connection: Connection, places: Mapping[str, object], most: int) -> int:
        """Remove places of one message, those of who had not got it first; tells how many."""
        expired: int = self._empty.run(connection, {**places, "delivered": 0, "most": most}).rowcount
        delivered = 0
        if expired < most:
            delivered = self._empty.run(connection, {**places, "delivered": 1, "most": most - expired}).rowcount
        emptied = expired + delivered
        counts = {"expired": expired, "delivered": delivered, "emptied": emptied < most}
        connection.execute(statements.NOTE_EMPTIED, {**places, **counts})
        return emptied


def forget_inbox(connection: Connection, app_uuid: str, user: str) -> None:
    """Empty the inbox of a user who is being removed."""
    connection.execute(statements.FORGET_INBOX, {"app_uuid": app_uuid, "name": user})


def _by_user(pairs: Sequence[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    packages: dict[str, set[str]] = {}
    for user, package in pairs:
        packages.setdefault(user, set()).add(package)
    return {user: frozenset(used) for user, used in packages.items()}


def _recruited(
    found: Sequence[tuple[str, str | None, int]], packages: Mapping[str, frozenset[str]]
) -> tuple[Recruit, ...]:
    # Of a million users many have the same tags: each text is read once.
    tags: dict[str | None, frozenset[str]] = {None: _NONE}
    for _, text, _ in found:
        if text is not None and text not in tags:
            tags[text] = _TAGS.decode(text)
    # A list first: a tuple of a generator costs half as much again.
    return tuple([Recruit(name, tags[text], packages.get(name, _NONE), at_ms) for name, text, at_ms in found])
