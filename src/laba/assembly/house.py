"""What every process of laba has, with clients or without."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from laba.adapters.bus.local import LocalBus, LocalGate
from laba.adapters.courier import HttpCourier
from laba.adapters.files.disk import DiskFiles
from laba.adapters.files.thumbnails import Thumbnails
from laba.adapters.gateway.links import Link
from laba.adapters.gateway.wires import ENCODERS
from laba.adapters.presence import LocalPresence
from laba.adapters.store.lock import held
from laba.adapters.store.sqlite import SqliteStore
from laba.adapters.telemetry import PrometheusMeter
from laba.assembly.outside import (
    FORMS,
    SCRIBES,
    moderating_of,
    offline_ms,
    postman_of,
    push_tools,
    pushdesk_of,
    pushing_of,
)
from laba.assembly.rooms import Neighbours, Talk, roomdesk_of, talk_of
from laba.config import Settings
from laba.core.attendance import Attendance
from laba.core.ids import IdSequence
from laba.core.roster import Roster
from laba.core.tokens import TokenReader
from laba.dialects.easemob.accesstoken2 import AccessToken2Reader
from laba.dialects.easemob.dialect import EasemobDialect
from laba.dialects.native.dialect import NativeDialect
from laba.dialects.neroom.dialect import NeroomDialect
from laba.dialects.rongcloud.dialect import RongCloudDialect
from laba.ports import Dialect, StoreBusyError
from laba.protocols.envelope import Envelopes, envelope
from laba.service.access import Access, TokenRules
from laba.service.admitting import Admitting
from laba.service.attending import Attending
from laba.service.beside import Beside
from laba.service.chatfiles import ChatFiles, FileRules
from laba.service.conversations import Reader, Spans
from laba.service.dispatching import Dispatcher, Patience, Ways
from laba.service.door import Desk, Desks, Door
from laba.service.ground import Ground
from laba.service.hashing import Hashing
from laba.service.hookdesk import HookDesk
from laba.service.inboxes import Inboxes
from laba.service.intake import Intake, Numbering
from laba.service.moderating import Moderating
from laba.service.posting import Posting
from laba.service.postman import Postman
from laba.service.press import Codecs, Press
from laba.service.pushdesk import PushDesk, Registry
from laba.service.pushing import Pushing
from laba.service.pushlanes import Tools
from laba.service.recalling import Recalling
from laba.service.recruiting import Recruiting
from laba.service.reporting import Reporting
from laba.service.roombook import RoomBook
from laba.service.roomreporting import RoomReporting
from laba.service.sending import Sending
from laba.service.tenants import Tenants
from laba.service.userdesk import UserDesk
from laba.service.users import Users


@dataclass(frozen=True, slots=True)
class Records:
    """What is kept about clients and messages."""

    attending: Attending
    inboxes: Inboxes
    reader: Reader
    reporting: Reporting

    async def put_down(self) -> None:
        """Write what is not in the store yet, before it is closed."""
        with suppress(StoreBusyError, OSError):
            await self.attending.write()
            await self.inboxes.write()
            await self.reporting.keep()
            await self.reporting.rooms.keep()


@dataclass(frozen=True, slots=True)
class House:
    """What every process of laba has, with clients or without."""

    base: "Base"
    users: Users
    access: Access
    dispatcher: Dispatcher
    recruiting: Recruiting
    door: Door
    records: Records
    talk: Talk
    sending: Sending
    files: ChatFiles
    outside: "Outside"
    pushdesk: PushDesk


@dataclass(frozen=True, slots=True)
class Outside:
    """What laba asks and tells others."""

    moderating: Moderating
    postman: Postman
    tools: Tools
    pushing: Pushing


@dataclass(frozen=True, slots=True)
class Base:
    """What the rest stands on."""

    settings: Settings
    ground: Ground
    meter: PrometheusMeter
    store: SqliteStore
    bus: LocalBus
    tenants: Tenants
    roster: Roster[Link]

    @property
    def grace_ms(self) -> int:
        return self.settings.delivery.resume_grace_seconds * 1000

    @property
    def window_ms(self) -> int:
        return self.settings.delivery.window_seconds * 1000


@asynccontextmanager
async def house_of(settings: Settings) -> AsyncIterator[House]:
    """Open the data directory and put everything together on it. Raises DataDirLockedError where it is taken."""
    meter = PrometheusMeter()
    ground = Ground(clock=lambda: time.time_ns() // 1_000_000, entropy=os.urandom, meter=meter)
    data_dir, writes = settings.server.data_dir, settings.store.writes_waiting_limit
    with held(data_dir):
        async with (
            SqliteStore.open(data_dir / "laba.db", entropy=os.urandom, writes_waiting_limit=writes) as store,
            _files(settings, store, ground) as files,
            HttpCourier.open() as courier,
            push_tools(settings, ground) as tools,
        ):
            tenants = Tenants(store, ground)
            await tenants.load()
            base = Base(settings, ground, meter, store, LocalBus(), tenants, Roster())
            presence = LocalPresence(base.roster)
            outside = Outside(
                moderating_of(settings, store, courier, ground),
                postman_of(settings, store, courier, tenants, ground),
                tools,
                pushing_of(settings, store, tenants, presence, tools),
            )
            await outside.moderating.load()
            await outside.postman.load()
            yield await _furnished(base, outside, files)


async def _furnished(base: Base, outside: Outside, files: ChatFiles) -> House:
    store, ground = base.store, base.ground
    hashing = Hashing()
    users = Users(store, base.bus, hashing, ground)
    access = _access(base, users, hashing)
    recruiting = Recruiting(store.campaigns, ground)
    records = _records(base, users, recruiting, outside.pushing)
    press = Press.of(Codecs(Envelopes(), ENCODERS), records.reporting, ground)
    talk = talk_of(base.settings, Neighbours(base.bus, store.rooms, base.roster, base.tenants), press)
    last_id = await store.last_id()
    ids = IdSequence(0, last_id)
    patience = Patience(base.window_ms, base.grace_ms, last_id, offline_ms(base.settings))
    ways = Ways(store.streams, talk.lanes, records.inboxes, outside.pushing)
    dispatcher = Dispatcher(store, ways, base.bus, patience, ground)
    admitting = _admitting(base, outside)
    intake = Intake(store, admitting, dispatcher, records.attending, Numbering(ids, store.rooms), outside.postman)
    await intake.remember(base.tenants.apps)
    beside = Beside(store, store.rooms, dispatcher, outside.postman)
    posting = Posting(admitting, store.rooms, talk.logs.halls, talk.lanes, ids, beside)
    sending = Sending(intake, posting, store.file_records)
    presence = LocalPresence(base.roster)
    book = RoomBook(store.rooms, users, base.bus, talk.membership.members, talk.membership.tags)
    hooks = HookDesk(base.tenants, outside.postman, outside.moderating)
    roomdesk = roomdesk_of(book, presence, ids, ground)
    registry = Registry(store.devices, users, records.inboxes)
    pushdesk = pushdesk_of(base.settings, outside.pushing, outside.tools, registry, store.reports)
    desks = Desks(UserDesk(users, presence), roomdesk, Recalling(store.reports, intake), hooks, pushdesk)
    desk = Desk(base.tenants, access, desks, sending, records.reader, records.reporting)
    door = Door(_dialects(base.settings), base.tenants, access, desk, files, ground)
    return House(base, users, access, dispatcher, recruiting, door, records, talk, sending, files, outside, pushdesk)


def _dialects(settings: Settings) -> tuple[Dialect, ...]:
    """List the dialects in the order in which they are asked: the last one claims every path of three segments."""
    return (
        NativeDialect(frozenset(SCRIBES), frozenset(FORMS)),
        NeroomDialect(),
        RongCloudDialect(settings.rongcloud.feature_off_status),
        EasemobDialect(),
    )


def _access(base: Base, users: Users, hashing: Hashing) -> Access:
    tokens = base.settings.tokens
    rules = TokenRules(tokens.app_ttl_seconds, tokens.user_ttl_seconds, tokens.register_on_login)
    return Access(base.tenants, users, hashing, (AccessToken2Reader(), TokenReader()), rules, base.ground)


def _records(base: Base, users: Users, recruiting: Recruiting, pushing: Pushing) -> Records:
    store, ground = base.store, base.ground
    attending = _attending(base.settings, store, ground)
    reader = Reader(store.conversations, users, attending, envelope, Spans(base.grace_ms, base.window_ms))
    rooms = RoomReporting(store.room_reports, base.settings.delivery.room_report_days, ground)
    inboxes = Inboxes(store.campaigns, store.devices, recruiting, offline_ms(base.settings), ground)
    reporting = Reporting(store.reports, store.campaigns, rooms, pushing, base.window_ms, ground)
    return Records(attending, inboxes, reader, reporting)


def _admitting(base: Base, outside: Outside) -> Admitting:
    delivery = base.settings.delivery
    gate = LocalGate(delivery.duplicates_limit)
    return Admitting(gate, outside.moderating, delivery.duplicate_seconds * 1000, base.ground)


@asynccontextmanager
async def _files(settings: Settings, store: SqliteStore, ground: Ground) -> AsyncIterator[ChatFiles]:
    limits = settings.files
    rules = FileRules(limits.limit_bytes, limits.keep_days * 86_400_000, limits.total_limit_bytes)
    folder = settings.server.data_dir / "files"
    uploads, downloads = limits.max_uploads, limits.max_downloads
    with Thumbnails.open(limits.thumbnail_limit_pixels) as thumbnails:
        async with DiskFiles.open_folder(
            folder, thumbnails=thumbnails, drafts_limit=uploads, open_limit=downloads
        ) as disk:
            files = ChatFiles(disk, store.file_records, rules, ground)
            await files.load()
            yield files


def _attending(settings: Settings, store: SqliteStore, ground: Ground) -> Attending:
    gateway = settings.gateway
    attendance = Attendance(settings.delivery.resume_grace_seconds * 1000, ground.clock())
    # Whoever does not answer a ping is closed; a deadline is kept to within two seconds.
    confirmed_after_ms = (gateway.ping_seconds + gateway.pong_seconds + 4) * 1000
    return Attending(attendance, store.stays, confirmed_after_ms, ground)
