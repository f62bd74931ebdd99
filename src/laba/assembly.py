"""The composition root: the one place that names concrete adapters. Reads like a parts list."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from laba.adapters import process
from laba.adapters.bus.local import LocalBus, LocalGate, LocalPlaces
from laba.adapters.files.disk import DiskFiles
from laba.adapters.files.thumbnails import Thumbnails
from laba.adapters.gateway import telling
from laba.adapters.gateway.connection import Limits
from laba.adapters.gateway.emulating import Emulation
from laba.adapters.gateway.entrances import Entrances
from laba.adapters.gateway.gateway import Capacity, Clients, Gateway
from laba.adapters.gateway.links import Link
from laba.adapters.gateway.pulling import Pulls
from laba.adapters.gateway.wires import ENCODERS, FORMS, STREAMS, WEBSOCKET_PATH, WEBSOCKETS
from laba.adapters.presence import LocalPresence
from laba.adapters.store.lock import DataDirLockedError, held
from laba.adapters.store.rooms import SqliteRooms
from laba.adapters.store.sqlite import SqliteStore
from laba.adapters.telemetry import PrometheusMeter, configure_logs
from laba.adapters.web.api import Api, Hatch, HatchApp, application
from laba.adapters.web.http1 import HttpBounds, HttpProtocol, Takers
from laba.adapters.web.listening import WebServer, operator_listener, tcp_listener
from laba.config import Settings
from laba.core.attendance import Attendance
from laba.core.halls import Halls
from laba.core.ids import IdSequence
from laba.core.lanes import Budget
from laba.core.roster import Roster
from laba.core.tokens import TokenReader
from laba.core.wheel import Timed, TimerWheel
from laba.core.window import Bounds
from laba.dialects.easemob.accesstoken2 import AccessToken2Reader
from laba.dialects.easemob.dialect import EasemobDialect
from laba.dialects.native import writing
from laba.dialects.native.conversations import METHODS, tell
from laba.dialects.native.dialect import NativeDialect
from laba.dialects.native.sending import said_in_room
from laba.model.app import Feature
from laba.model.filecalls import Arrived
from laba.model.http import HttpResponse, RequestHead
from laba.model.notice import Notice
from laba.model.refusal import Code, Refusal
from laba.model.stream import Flush
from laba.ports import Presence, StoreBusyError
from laba.protocols.envelope import Envelopes, envelope
from laba.service.access import Access, TokenRules
from laba.service.announcing import Voice
from laba.service.attending import Attending
from laba.service.chatfiles import ChatFiles, FileRules, Take
from laba.service.conversations import Reader
from laba.service.dispatching import Dispatcher, Patience
from laba.service.door import Answerer, Desk, Desks, Door
from laba.service.fanout import Codecs, Fanout, Press
from laba.service.ground import Ground
from laba.service.hashing import Hashing
from laba.service.intake import Intake, Numbering
from laba.service.lanes import Departures, LaneRules, Lanes
from laba.service.lasting import lasting_bounds
from laba.service.membership import Membership, MembershipRules
from laba.service.posting import Posting
from laba.service.questions import Questions
from laba.service.reporting import Reporting
from laba.service.roombook import RoomBook
from laba.service.roomdeliveries import RoomFanout
from laba.service.roomdesk import RoomDesk
from laba.service.roomlogs import RoomLogs
from laba.service.roommembers import RoomMembers
from laba.service.roommutes import RoomMutes
from laba.service.roomreporting import RoomReporting
from laba.service.rooms import Rooms
from laba.service.roomtalk import RoomTalk, Speech
from laba.service.sending import Sending
from laba.service.sessions import LoginRules, People, Sessions
from laba.service.tenants import Tenants
from laba.service.ticking import tick
from laba.service.userdesk import UserDesk
from laba.service.users import Users

__all__ = ["EMULATION_PATH", "PULL_PATH", "WEBSOCKET_PATH", "DataDirLockedError", "office", "serve"]

# Where clients speak by requests that are answered; the other ways in are in gateway/wires.py.
EMULATION_PATH = "/emulation"
PULL_PATH = "/connection/pull"

# How seldom the collector of cycles walks everything, and how little may be written meanwhile, as a share of time.
_FULL_WALK_SECONDS = 3600
_IDLE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Records:
    """What is kept about clients and messages."""

    attending: Attending
    reader: Reader
    reporting: Reporting

    async def put_down(self) -> None:
        """Write what is not in the store yet, before it is closed."""
        with suppress(StoreBusyError, OSError):
            await self.attending.write()
            await self.reporting.keep()
            await self.reporting.rooms.keep()


@dataclass(frozen=True, slots=True)
class Talk:
    """Rooms: who is in them, what was said in them lately, and what is said next."""

    press: Press
    logs: RoomLogs[Link]
    rooms: RoomFanout[Link]
    lanes: Lanes[Link]
    membership: Membership[Link]

    def work(self) -> tuple[Coroutine[Any, Any, None], ...]:
        return (self.lanes.run(), self.press.outgoing.strain.run(), self.membership.announcer.run())

    def chores(self) -> tuple[Callable[[], None], ...]:
        return (self.lanes.trim, self.membership.trim, self.logs.trim)

    def is_idle(self) -> bool:
        """Tell whether hardly anything is being written to clients."""
        return self.press.outgoing.strain.busy(asyncio.get_running_loop().time()) < _IDLE_SHARE

    async def heard(self, notice: Notice) -> None:
        """Take up what the bus brings about rooms."""
        match notice:
            case Flush():
                await self.rooms.take(notice)
            case _:
                await self.membership.apply(notice)


@dataclass(frozen=True, slots=True)
class House:
    """What every process of laba has, with clients or without."""

    settings: Settings
    ground: Ground
    meter: PrometheusMeter
    store: SqliteStore
    bus: LocalBus
    tenants: Tenants
    users: Users
    access: Access
    dispatcher: Dispatcher
    door: Door
    records: Records
    roster: Roster[Link]
    talk: Talk
    sending: Sending
    files: ChatFiles


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


@asynccontextmanager
async def _house(settings: Settings) -> AsyncIterator[House]:
    meter = PrometheusMeter()
    ground = Ground(clock=lambda: time.time_ns() // 1_000_000, entropy=os.urandom, meter=meter)
    data_dir, writes = settings.server.data_dir, settings.store.writes_waiting_limit
    with held(data_dir):
        async with (
            SqliteStore.open(data_dir / "laba.db", entropy=os.urandom, writes_waiting_limit=writes) as store,
            _files(settings, store, ground) as files,
        ):
            bus, gate, tenants = LocalBus(), LocalGate(), Tenants(store, ground)
            await tenants.load()
            roster: Roster[Link] = Roster()
            hashing = Hashing()
            users = Users(store, bus, hashing, ground)
            tokens = settings.tokens
            rules = TokenRules(tokens.app_ttl_seconds, tokens.user_ttl_seconds, tokens.register_on_login)
            access = Access(tenants, users, hashing, (AccessToken2Reader(), TokenReader()), rules, ground)
            attending = _attending(settings, store, ground)
            grace_ms = settings.delivery.resume_grace_seconds * 1000
            reader = Reader(store.conversations, users, attending, envelope, grace_ms)
            rooms = RoomReporting(store.room_reports, settings.delivery.room_report_days, ground)
            reporting = Reporting(store.reports, rooms, settings.delivery.window_seconds * 1000, ground)
            press = Press.of(Codecs(Envelopes(), ENCODERS), reporting, ground)
            talk = _talk(settings, Neighbours(bus, store.rooms, roster, tenants), press)
            last_id = await store.last_id()
            ids = IdSequence(0, last_id)
            patience = Patience(settings.delivery.window_seconds * 1000, grace_ms, last_id, _offline_ms(settings))
            dispatcher = Dispatcher(store, store.streams, bus, talk.lanes, patience, ground)
            intake = Intake(store, gate, dispatcher, attending, Numbering(ids, store.rooms), ground)
            await intake.remember(tenants.apps)
            posting = Posting(gate, store.rooms, talk.logs.halls, talk.lanes, ids, ground)
            presence = LocalPresence(roster)
            book = RoomBook(store.rooms, users, bus, talk.membership.members)
            desks = Desks(UserDesk(users, presence), _roomdesk(book, presence, ids, ground))
            sending = Sending(intake, posting, store.file_records)
            desk = Desk(tenants, access, desks, sending, reader, reporting)
            door = Door((NativeDialect(), EasemobDialect()), tenants, access, desk, files, ground)
            records = Records(attending, reader, reporting)
            parts = (tenants, users, access, dispatcher, door, records, roster, talk, sending, files)
            yield House(settings, ground, meter, store, bus, *parts)


def _offline_ms(settings: Settings) -> int:
    return settings.delivery.offline_days * 86_400_000


def _roomdesk(book: RoomBook, presence: Presence, ids: IdSequence, ground: Ground) -> RoomDesk:
    return RoomDesk(Rooms(book, ids, ground), RoomMembers(book, presence), RoomMutes(book, ground))


def _attending(settings: Settings, store: SqliteStore, ground: Ground) -> Attending:
    gateway = settings.gateway
    attendance = Attendance(settings.delivery.resume_grace_seconds * 1000, ground.clock())
    # Whoever does not answer a ping is closed; a deadline is kept to within two seconds.
    confirmed_after_ms = (gateway.ping_seconds + gateway.pong_seconds + 4) * 1000
    return Attending(attendance, store.stays, confirmed_after_ms, ground)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What stands beside the rooms."""

    bus: LocalBus
    store: SqliteRooms
    roster: Roster[Link]
    tenants: Tenants

    def capped(self, app_uuid: str) -> bool:
        app = self.tenants.apps.with_uuid(app_uuid)
        return app is not None and app.policy.has(Feature.ROOM_CAP)


def _talk(settings: Settings, beside: Neighbours, press: Press) -> Talk:
    ground = press.ground
    rooms, halls, places = settings.rooms, Halls[Link](), LocalPlaces(ground.entropy(4).hex())
    bounds = Bounds(rooms.history_seconds * 1000, rooms.history_limit_bytes, rooms.history_limit_messages)
    logs = RoomLogs(halls, places, bounds, ground)
    budget = Budget(rooms.budget_messages, min(rooms.budget_reserved, rooms.budget_messages), rooms.budget_span_ms)
    lanes = Lanes(halls, Departures(places, beside.bus), LaneRules(budget, capped=beside.capped), press)
    # Half the outbox at most: else a client that returns to much would at once count as slow.
    missed_bytes = settings.gateway.outbox_limit_bytes // 2
    belonging = MembershipRules(settings.delivery.resume_grace_seconds * 1000, missed_bytes)
    membership = Membership(beside.store, logs, beside.roster, Voice(FORMS, telling.tell), belonging, ground)
    return Talk(press, logs, RoomFanout(logs, press), lanes, membership)


@dataclass(frozen=True, slots=True)
class _Content:
    body: bytes

    async def read(self, limit_bytes: int) -> bytes | Refusal:  # noqa: ARG002 - an operator's own command
        return self.body

    async def pour(self, part: str, limit_bytes: int, into: Take) -> Arrived | Refusal:  # noqa: ARG002
        return Refusal(Code.BODY_BROKEN, "no command of the operator's takes a file")


@asynccontextmanager
async def office(settings: Settings) -> AsyncIterator[Answerer]:
    """Answer calls in this process, without clients. Raises DataDirLockedError where a server holds the data."""
    async with _house(settings) as house:

        async def answer(head: RequestHead, body: bytes) -> HttpResponse:
            return await house.door.answer(head, _Content(body)) or HttpResponse(404)

        yield answer


async def serve(settings: Settings) -> None:
    """Serve callers and clients until SIGTERM or SIGINT; a second one ends at once."""
    configure_logs(settings.log.level, settings.log.format)
    process.share_the_interpreter()
    async with _house(settings) as house:
        wheel: TimerWheel[Timed] = TimerWheel(_longest_deadline(settings), asyncio.get_running_loop().time())
        await house.records.attending.take_over()
        clients = _clients(house)
        for app in house.tenants.apps:
            await clients.fanout.open_app(app)
        gateway = _gateway(house, clients, wheel)
        stop = process.stop_signal()
        public, operator = _servers(house, clients, gateway, wheel, is_ready=lambda: not stop.is_set())
        async with asyncio.TaskGroup() as group:
            loop = asyncio.get_running_loop()
            collector = process.Collector(_FULL_WALK_SECONDS, house.talk.is_idle, loop.time)
            chores = (clients.sessions.trim, clients.fanout.trim, *house.talk.chores(), collector.spare)
            work = (
                house.dispatcher.run(),
                clients.fanout.run(house.bus.subscribe(), house.talk.heard),
                *house.talk.work(),
                gateway.run(),
                tick(wheel, chores),
                house.records.attending.run(),
                house.records.reporting.run(),
                house.records.reporting.rooms.run(),
                house.files.run(),
            )
            tasks = [group.create_task(job) for job in work]
            serving = [group.create_task(server.serve([listener])) for server, listener in (public, operator)]
            _announce(settings, public[1])
            await stop.wait()
            structlog.get_logger().info("stopping", clients=len(gateway))
            gateway.stop_waiting()
            for server, _ in (public, operator):
                server.stop()
            await asyncio.wait(serving)
            await house.dispatcher.settled()
            await gateway.drain(settings.server.drain_seconds)
            for task in tasks:
                task.cancel()
            await house.records.put_down()
        structlog.get_logger().info("stopped")


def _clients(house: House) -> Clients:
    delivery, ground = house.settings.delivery, house.ground
    roster = house.roster
    window_ms = delivery.window_seconds * 1000
    bounds = Bounds(window_ms, delivery.window_limit_bytes, delivery.window_limit_messages)
    lasting = lasting_bounds(_offline_ms(house.settings))
    fanout = Fanout(roster, house.store.streams, bounds, lasting, house.talk.press)
    rules = LoginRules(house.settings.gateway.ping_seconds, house.settings.tokens.register_on_login, window_ms)
    people = People(house.tenants, house.access, house.users)
    sessions = Sessions(people, roster, fanout, house.records.attending, rules, ground)
    questions = Questions(METHODS, tell, house.tenants, house.records.reader, sessions)
    speech = Speech(said_in_room, house.sending.say, house.settings.gateway.publishes_per_second)
    talk = RoomTalk(house.talk.membership, house.talk.logs, house.tenants, speech, ground)
    return Clients(sessions, fanout, questions, talk)


def _gateway(house: House, clients: Clients, wheel: TimerWheel[Timed]) -> Gateway:
    gateway = house.settings.gateway
    limits = Limits(
        gateway.login_seconds,
        gateway.ping_seconds,
        gateway.pong_seconds,
        gateway.message_limit_bytes,
        gateway.outbox_limit_bytes,
    )
    capacity = Capacity(
        gateway.max_connections or process.connections_possible(),
        gateway.max_handshakes,
        gateway.slice_writes,
        gateway.io_uring,
    )
    return Gateway(Entrances(WEBSOCKETS, STREAMS), clients, limits, capacity, wheel, house.ground)


def _hatches(house: House, clients: Clients, gateway: Gateway) -> tuple[Hatch, Hatch]:
    emulation = Emulation(gateway, writing.refuse)
    pulls = Pulls(gateway, clients, writing.refuse, house.meter)
    return (
        Hatch(EMULATION_PATH, "POST", emulation.body_bytes, emulation.answer),
        Hatch(PULL_PATH, "GET", 0, pulls.answer),
    )


def _servers(
    house: House, clients: Clients, gateway: Gateway, wheel: TimerWheel[Timed], *, is_ready: Callable[[], bool]
) -> tuple[tuple[WebServer, socket.socket], tuple[WebServer, socket.socket]]:
    server, most = house.settings.server, process.connections_possible()

    def has_room(callers: int) -> bool:
        return callers + len(gateway) <= most

    def built(*, for_operator: bool) -> WebServer:
        api = Api(house.door, body_seconds=server.body_seconds, public_url=server.public_url, operator=for_operator)
        hatches = {hatch.path: HatchApp(api, writing.refuse, hatch) for hatch in _hatches(house, clients, gateway)}
        app = application(api, is_ready=is_ready, metrics=house.meter.exposed, hatches=hatches)
        # The operator gets in where nobody else does.
        room = (lambda _: True) if for_operator else has_room
        bounds = HttpBounds(server.header_seconds, server.header_limit_bytes, server.body_seconds, room)
        takers = Takers(gateway.upgrade, gateway.stream, frozenset(STREAMS), gateway.limits.message_bytes)
        return WebServer(app, partial(HttpProtocol, bounds, wheel, takers), server.keep_alive_seconds)

    listener = tcp_listener(server.host, server.port, server.backlog, house.settings.gateway.unsent_limit_bytes)
    office_listener = operator_listener(server.data_dir / "laba.sock")
    return (built(for_operator=False), listener), (built(for_operator=True), office_listener)


def _longest_deadline(settings: Settings) -> int:
    gateway, server = settings.gateway, settings.server
    return max(
        gateway.login_seconds,
        gateway.ping_seconds,
        gateway.pong_seconds,
        server.header_seconds,
        server.body_seconds * 2,
    )


def _announce(settings: Settings, listener: socket.socket) -> None:
    process.keep_what_is_here()
    host, port = listener.getsockname()[:2]
    structlog.get_logger().info("listening", host=host, port=port, data=str(settings.server.data_dir))
