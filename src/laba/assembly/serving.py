"""A server, put together: its clients, its callers, its work and its end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from laba.adapters import process
from laba.adapters.gateway.connection import Limits
from laba.adapters.gateway.emulating import Emulation
from laba.adapters.gateway.entrances import Entrances
from laba.adapters.gateway.gateway import Capacity, Clients, Gateway
from laba.adapters.gateway.pulling import Pulls
from laba.adapters.gateway.wires import STREAMS, WEBSOCKETS
from laba.adapters.telemetry import configure_logs
from laba.adapters.web.api import Api, Hatch, HatchApp, application
from laba.adapters.web.http1 import HttpBounds, HttpProtocol, Takers
from laba.adapters.web.listening import WebServer, operator_listener, tcp_listener
from laba.assembly.house import House, house_of
from laba.assembly.outside import FORMS, offline_ms
from laba.config import Settings
from laba.core.wheel import Timed, TimerWheel
from laba.core.window import Bounds
from laba.dialects.native import writing
from laba.dialects.native.conversations import methods, tell
from laba.dialects.native.sending import said_in_room
from laba.model.filecalls import Arrived
from laba.model.http import HttpResponse, RequestHead
from laba.model.refusal import Code, Refusal
from laba.service.chatfiles import Take
from laba.service.door import Answerer
from laba.service.fanout import Fanout
from laba.service.lasting import lasting_bounds
from laba.service.questions import Questions
from laba.service.roomtalk import RoomTalk, Speech
from laba.service.sessions import LoginRules, Past, People, Sessions
from laba.service.ticking import tick

# Where clients speak by requests that are answered; the other ways in are in gateway/wires.py.
EMULATION_PATH = "/emulation"
PULL_PATH = "/connection/pull"

# How seldom the collector of cycles walks everything.
_FULL_WALK_SECONDS = 3600


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
    configure_logs(settings.log.level, settings.log.format)
    async with house_of(settings) as house:

        async def answer(head: RequestHead, body: bytes) -> HttpResponse:
            return await house.door.answer(head, _Content(body)) or HttpResponse(404)

        yield answer


async def serve(settings: Settings) -> None:
    """Serve callers and clients until SIGTERM or SIGINT; a second one ends at once."""
    configure_logs(settings.log.level, settings.log.format)
    process.share_the_interpreter()
    async with house_of(settings) as house:
        wheel: TimerWheel[Timed] = TimerWheel(_longest_deadline(settings), asyncio.get_running_loop().time())
        await house.records.attending.take_over()
        clients = _clients(house)
        for app in house.base.tenants.apps:
            await clients.fanout.open_app(app)
        gateway = _gateway(house, clients, wheel)
        stop = process.stop_signal()
        public, operator = _servers(house, clients, gateway, wheel, is_ready=lambda: not stop.is_set())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in _work(house, clients, gateway, wheel)]
            serving = [group.create_task(server.serve([listener])) for server, listener in (public, operator)]
            _announce(settings, public[1])
            await stop.wait()
            structlog.get_logger().info("stopping", clients=len(gateway))
            gateway.stop_waiting()
            for server, _ in (public, operator):
                server.stop()
            await asyncio.wait(serving)
            await house.dispatcher.settled()
            seconds = settings.server.drain_seconds
            await asyncio.gather(gateway.drain(seconds), house.outside.pushing.stop(seconds))
            for task in tasks:
                task.cancel()
            await house.records.put_down()
        structlog.get_logger().info("stopped")


def _work(
    house: House, clients: Clients, gateway: Gateway, wheel: TimerWheel[Timed]
) -> tuple[Coroutine[Any, Any, None], ...]:
    """List what goes on until the server stops."""
    collector = process.Collector(_FULL_WALK_SECONDS, house.talk.is_idle, asyncio.get_running_loop().time)
    chores = (clients.sessions.trim, clients.fanout.trim, *house.talk.chores(), collector.spare)
    return (
        house.dispatcher.run(),
        house.recruiting.run(),
        clients.fanout.run(house.base.bus.subscribe(), house.talk.heard),
        *house.talk.work(),
        gateway.run(),
        tick(wheel, chores),
        house.records.attending.run(),
        house.records.inboxes.run(),
        house.records.inboxes.run_expiry(),
        house.records.reporting.run(),
        house.records.reporting.rooms.run(),
        house.files.run(),
        house.outside.postman.run(),
        house.outside.postman.run_expiry(),
        house.outside.pushing.run(),
    )


def _clients(house: House) -> Clients:
    delivery, ground = house.base.settings.delivery, house.base.ground
    roster = house.base.roster
    window_ms = delivery.window_seconds * 1000
    bounds = Bounds(window_ms, delivery.window_limit_bytes, delivery.window_limit_messages)
    lasting = lasting_bounds(offline_ms(house.base.settings))
    fanout = Fanout(roster, house.base.store.streams, bounds, lasting, house.talk.press)
    rules = LoginRules(
        house.base.settings.gateway.ping_seconds, house.base.settings.tokens.register_on_login, window_ms
    )
    people = People(house.base.tenants, house.access, house.users)
    past = Past(house.records.attending, house.records.inboxes)
    sessions = Sessions(people, roster, fanout, past, rules, ground)
    answerers = (house.records.reader, house.pushdesk)
    questions = Questions(methods(frozenset(FORMS)), tell, house.base.tenants, answerers, sessions)
    speech = Speech(said_in_room, house.sending.say, house.base.settings.gateway.publishes_per_second)
    talk = RoomTalk(house.talk.membership, house.talk.logs, house.base.tenants, speech, ground)
    return Clients(sessions, fanout, questions, talk)


def _gateway(house: House, clients: Clients, wheel: TimerWheel[Timed]) -> Gateway:
    gateway = house.base.settings.gateway
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
    return Gateway(Entrances(WEBSOCKETS, STREAMS), clients, limits, capacity, wheel, house.base.ground)


def _hatches(house: House, clients: Clients, gateway: Gateway) -> tuple[Hatch, Hatch]:
    emulation = Emulation(gateway, writing.refuse)
    pulls = Pulls(gateway, clients, writing.refuse, house.base.meter)
    return (
        Hatch(EMULATION_PATH, "POST", emulation.body_bytes, emulation.answer),
        Hatch(PULL_PATH, "GET", 0, pulls.answer),
    )


def _servers(
    house: House, clients: Clients, gateway: Gateway, wheel: TimerWheel[Timed], *, is_ready: Callable[[], bool]
) -> tuple[tuple[WebServer, socket.socket], tuple[WebServer, socket.socket]]:
    server, most = house.base.settings.server, process.connections_possible()

    def has_room(callers: int) -> bool:
        return callers + len(gateway) <= most

    def built(*, for_operator: bool) -> WebServer:
        api = Api(house.door, body_seconds=server.body_seconds, public_url=server.public_url, operator=for_operator)
        hatches = {hatch.path: HatchApp(api, writing.refuse, hatch) for hatch in _hatches(house, clients, gateway)}
        app = application(api, is_ready=is_ready, metrics=house.base.meter.exposed, hatches=hatches)
        # The operator gets in where nobody else does.
        room = (lambda _: True) if for_operator else has_room
        bounds = HttpBounds(server.header_seconds, server.header_limit_bytes, server.body_seconds, room)
        takers = Takers(gateway.upgrade, gateway.stream, frozenset(STREAMS), gateway.limits.message_bytes)
        return WebServer(app, partial(HttpProtocol, bounds, wheel, takers), server.keep_alive_seconds)

    listener = tcp_listener(server.host, server.port, server.backlog, house.base.settings.gateway.unsent_limit_bytes)
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
