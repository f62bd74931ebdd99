"""The composition root: the one place that names concrete adapters. Reads like a parts list."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from laba.adapters import process
from laba.adapters.bus.local import LocalBus, LocalGate
from laba.adapters.gateway.connection import Connection, Limits, Wire
from laba.adapters.gateway.gateway import Capacity, Clients, Gateway
from laba.adapters.store.lock import DataDirLockedError, held
from laba.adapters.store.sqlite import SqliteStore
from laba.adapters.telemetry import PrometheusMeter, configure_logs
from laba.adapters.web.api import Api, application
from laba.adapters.web.http1 import HttpBounds, HttpProtocol
from laba.adapters.web.listening import WebServer, operator_listener, tcp_listener
from laba.config import Settings
from laba.core.attendance import Attendance
from laba.core.ids import IdSequence
from laba.core.roster import Roster
from laba.core.tokens import TokenReader
from laba.core.wheel import Timed, TimerWheel
from laba.core.window import Bounds
from laba.dialects.easemob.accesstoken2 import AccessToken2Reader
from laba.dialects.easemob.dialect import EasemobDialect
from laba.dialects.native.dialect import NativeDialect
from laba.model.http import HttpResponse, RequestHead
from laba.model.refusal import Refusal
from laba.model.session import Denied, Unsupported
from laba.model.stream import Entry
from laba.protocols import centrifuge
from laba.protocols.centrifuge import protobuf
from laba.protocols.envelope import envelope
from laba.protocols.websocket import binary_frame, text_frame
from laba.service.access import Access, TokenRules
from laba.service.dispatching import Dispatcher
from laba.service.door import Answerer, Desk, Door
from laba.service.fanout import Fanout
from laba.service.ground import Ground
from laba.service.intake import Intake
from laba.service.sessions import LoginRules, People, Sessions
from laba.service.tenants import Tenants
from laba.service.ticking import tick
from laba.service.users import Users

__all__ = ["WEBSOCKET_PATH", "DataDirLockedError", "office", "serve"]

WEBSOCKET_PATH = "/connection/websocket"


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


@asynccontextmanager
async def _house(settings: Settings) -> AsyncIterator[House]:
    meter = PrometheusMeter()
    ground = Ground(clock=lambda: time.time_ns() // 1_000_000, entropy=os.urandom, meter=meter)
    data_dir, writes = settings.server.data_dir, settings.store.writes_waiting_limit
    with held(data_dir):
        async with SqliteStore.open(data_dir / "laba.db", entropy=os.urandom, writes_waiting_limit=writes) as store:
            bus, gate, tenants = LocalBus(), LocalGate(), Tenants(store, ground)
            await tenants.load()
            users = Users(store, bus, ground)
            tokens = settings.tokens
            rules = TokenRules(tokens.app_ttl_seconds, tokens.user_ttl_seconds, tokens.register_on_login)
            access = Access(tenants, users, (AccessToken2Reader(), TokenReader()), rules, ground)
            dispatcher = Dispatcher(store, store.streams, bus, settings.delivery.window_seconds * 1000, ground)
            intake = Intake(store, gate, dispatcher, IdSequence(0, await store.last_id()), ground)
            await intake.remember(tenants.apps)
            desk = Desk(tenants, access, users, intake)
            door = Door((NativeDialect(), EasemobDialect()), tenants, access, desk, ground)
            yield House(settings, ground, meter, store, bus, tenants, users, access, dispatcher, door)


@dataclass(frozen=True, slots=True)
class _Content:
    body: bytes

    async def read(self, limit_bytes: int) -> bytes | Refusal:  # noqa: ARG002 - an operator's own command
        return self.body


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
        clients = _clients(house)
        for app in house.tenants.apps:
            await clients.fanout.open_app(app)
        gateway = _gateway(house, clients, wheel)
        stop = process.stop_signal()
        public, operator = _servers(house, gateway, wheel, is_ready=lambda: not stop.is_set())
        async with asyncio.TaskGroup() as group:
            chores = (clients.sessions.trim, clients.fanout.trim)
            work = (
                house.dispatcher.run(),
                clients.fanout.run(house.bus.subscribe()),
                gateway.run(),
                tick(wheel, chores),
            )
            tasks = [group.create_task(job) for job in work]
            serving = [group.create_task(server.serve([listener])) for server, listener in (public, operator)]
            _announce(settings, public[1])
            await stop.wait()
            structlog.get_logger().info("stopping", clients=len(gateway))
            for server, _ in (public, operator):
                server.stop()
            await asyncio.wait(serving)
            await house.dispatcher.settled()
            await gateway.drain(settings.server.drain_seconds)
            for task in tasks:
                task.cancel()
        structlog.get_logger().info("stopped")


def _clients(house: House) -> Clients:
    delivery, ground = house.settings.delivery, house.ground
    roster: Roster[Connection] = Roster()
    window_ms = delivery.window_seconds * 1000
    bounds = Bounds(window_ms, delivery.window_limit_bytes, delivery.window_limit_messages)
    fanout = Fanout(roster, house.store.streams, {"json": _json, "protobuf": _protobuf}, bounds, ground)
    rules = LoginRules(house.settings.gateway.ping_seconds, house.settings.tokens.register_on_login, window_ms)
    people = People(house.tenants, house.access, house.users)
    attendance = Attendance(delivery.resume_grace_seconds * 1000, ground.clock())
    return Clients(Sessions(people, roster, fanout, attendance, rules, ground), fanout)


def _json(channel: str, entry: Entry) -> bytes:
    return text_frame(centrifuge.push(channel, entry.offset, envelope(entry.message)))


def _protobuf(channel: str, entry: Entry) -> bytes:
    return binary_frame(protobuf.push(channel, entry.offset, envelope(entry.message)))


def _denied(event: Unsupported) -> Denied:
    return Denied(event.request_id, centrifuge.denial(event))


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
    wires = (
        Wire("json", "json", "centrifuge-json", centrifuge.write, _denied, read_text=centrifuge.read),
        Wire("protobuf", "protobuf", "centrifuge-protobuf", protobuf.write, _denied, read_binary=protobuf.read),
    )
    return Gateway({WEBSOCKET_PATH: wires}, clients, limits, capacity, wheel, house.meter)


def _servers(
    house: House, gateway: Gateway, wheel: TimerWheel[Timed], *, is_ready: Callable[[], bool]
) -> tuple[tuple[WebServer, socket.socket], tuple[WebServer, socket.socket]]:
    server, most = house.settings.server, process.connections_possible()

    def has_room(callers: int) -> bool:
        return callers + len(gateway) <= most

    def built(*, for_operator: bool) -> WebServer:
        api = Api(house.door, body_seconds=server.body_seconds, public_url=server.public_url, operator=for_operator)
        app = application(api, is_ready=is_ready, metrics=house.meter.exposed)
        # The operator gets in where nobody else does.
        room = (lambda _: True) if for_operator else has_room
        bounds = HttpBounds(server.header_seconds, server.header_limit_bytes, server.body_seconds, room)
        return WebServer(app, partial(HttpProtocol, bounds, wheel, gateway.upgrade), server.keep_alive_seconds)

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
