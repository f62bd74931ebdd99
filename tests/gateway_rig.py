"""HTTP and the gateway on a loopback port, and peers that read only when told to, for the tests of the adapters."""

import asyncio
import json
import os
import socket
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import uvicorn
from uvicorn.server import ServerState

from laba.adapters.bus.local import LocalPlaces
from laba.adapters.gateway import ring, writing
from laba.adapters.gateway.connection import Limits
from laba.adapters.gateway.entrances import Entrances
from laba.adapters.gateway.gateway import Capacity, Clients, Gateway
from laba.adapters.gateway.telling import tell
from laba.adapters.gateway.wires import ENCODERS, FORMS, STREAMS, WEBSOCKETS
from laba.adapters.telemetry import PrometheusMeter
from laba.adapters.web.http1 import HttpBounds, HttpProtocol, Takers
from laba.adapters.web.listening import tcp_listener
from laba.core.attendance import Attendance
from laba.core.halls import Halls
from laba.core.roster import Roster
from laba.core.tally import Tally
from laba.core.wheel import TimerWheel
from laba.core.window import Bounds, Kept
from laba.dialects.native.sending import said_in_room
from laba.model.app import App, AppKeys, AppName, Apps
from laba.model.refusal import Refusal
from laba.model.room import Room
from laba.model.session import Denial, Denied
from laba.model.stream import Position, Stream
from laba.model.user import User
from laba.protocols.envelope import envelope
from laba.protocols.websocket import ServerFrames, client_close_frame, client_text_frame, text_frame, upgrade_request
from laba.service.announcing import Voice
from laba.service.attending import Attending
from laba.service.fanout import Delivery, Fanout
from laba.service.ground import Ground
from laba.service.inboxes import Inboxes
from laba.service.membership import Membership, MembershipRules
from laba.service.press import Codecs, Press
from laba.service.progress import Progress
from laba.service.reporting import Reporting
from laba.service.roomlogs import RoomLogs
from laba.service.roomreporting import RoomReporting
from laba.service.roomtalk import RoomTalk, Speech
from laba.service.sessions import LoginRules, Past, Sessions

PATH = "/connection/websocket"
CODEC = "json"
EPOCH = "epoch"
MASK = b"\x11\x22\x33\x44"
KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
UPGRADE = upgrade_request("localhost", PATH, KEY)
APP = App("app-1", AppName("org", "app"), AppKeys("i", "k", "c", "ac", "as", "cs", b""), 0)
UNSENT_BYTES = 16384
PATIENCE_SECONDS = 10
STREAM = Stream(APP.uuid, "app")


async def until(fact):
    """Let the loop turn until something is so."""
    # What is waited for sets no event, and often happens in the kernel.
    while not fact():  # noqa: ASYNC110
        await asyncio.sleep(0)


# --- the other side ------------------------------------------------------------------------------------------------


class Peer:
    """A raw socket. What is not asked for stays in the kernel."""

    def __init__(self, sock):
        sock.setblocking(False)
        self.sock = sock
        self._loop = asyncio.get_running_loop()
        self._bytes = b""
        self._frames = ServerFrames(1 << 24)
        self._incoming = []

    async def send(self, data):
        await self._loop.sock_sendall(self.sock, data)

    async def read(self, size=65536):
        """Give some bytes; b"" at the end, however it comes."""
        if self._bytes:
            taken, self._bytes = self._bytes[:size], self._bytes[size:]
            return taken
        try:
            return await self._loop.sock_recv(self.sock, size)
        except ConnectionResetError:
            return b""

    async def read_through(self, end):
        """Give everything up to and with `end`; EOFError where it does not come."""
        found = b""
        while end not in found:
            more = await self.read()
            if not more:
                raise EOFError(found)
            found += more
        head, _, self._bytes = found.partition(end)
        return head + end

    async def read_exactly(self, size):
        found = b""
        while len(found) < size:
            more = await self.read(size - len(found))
            if not more:
                raise EOFError(found)
            found += more
        return found

    async def read_all(self):
        found = b""
        while more := await self.read(1 << 20):
            found += more
        return found

    async def response(self):
        """Read one HTTP response: its status, its headers, its body."""
        head = (await self.read_through(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        return int(head[0].split()[1]), headers, await self.read_exactly(int(headers.get("content-length", 0)))

    async def call(self, data):
        await self.send(data)
        return await self.response()

    async def next(self):
        """Give the next WebSocket frame; None at the end."""
        while not self._incoming:
            data = await self.read()
            if not data:
                return None
            self._incoming += self._frames.feed(data)
        return self._incoming.pop(0)

    async def say(self, *commands):
        """Send commands in one text frame."""
        await self.send(client_text_frame("\n".join(map(json.dumps, commands)).encode(), MASK))

    async def reply(self):
        return json.loads((await self.next()).text)

    async def log_in(self, user, **connect):
        await self.say({"id": 1, "connect": {"token": user, **connect}})
        return await self.reply()

    async def leave(self):
        await self.send(client_close_frame(1000, MASK))

    def vanish(self):
        """Reset the connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()


# --- laba's side ---------------------------------------------------------------------------------------------------


NOBODY = Takers(None, None, frozenset(), 0)


class Rig:
    """A server on a port of its own. Its wheel stands still until it is turned by hand."""

    def __init__(self, **bounds):
        self.bounds = HttpBounds(**{"head_seconds": 10, "head_bytes": 16384, "body_seconds": 30, **bounds})
        self.wheel = TimerWheel(300, 0.0)
        self.state = ServerState()
        self.peers = []
        self.address = None

    async def tick(self, now):
        """Turn the wheel, and let what comes of it happen."""
        for item in self.wheel.advance(now):
            item.due(now)
        for _ in range(3):
            await asyncio.sleep(0)

    async def connect(self, receive_bytes=None):
        sock = self.socket(receive_bytes)
        await asyncio.get_running_loop().sock_connect(sock, self.address)
        return self.peers[-1]

    def socket(self, receive_bytes=None):
        """Give a peer's socket that is not connected yet, with a receive buffer of its own size."""
        sock = socket.socket()
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.peers.append(Peer(sock))
        return sock

    @asynccontextmanager
    async def serving(self, app, takers=None):
        """Listen as uvicorn.Server.startup does."""
        config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False)
        config.load()
        transports = []

        class Protocol(HttpProtocol):
            def connection_made(self, transport):
                transports.append(transport)
                super().connection_made(transport)

        def protocol():
            return Protocol(
                self.bounds, self.wheel, takers or NOBODY, config=config, server_state=self.state, app_state={}
            )

        listener = tcp_listener("127.0.0.1", 0, 64, UNSENT_BYTES)
        self.address = listener.getsockname()
        server = await asyncio.get_running_loop().create_server(protocol, sock=listener)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                yield self
        finally:
            server.close()
            for transport in transports:
                transport.abort()
            for peer in self.peers:
                peer.sock.close()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await until(lambda: not self.state.connections and not self.state.tasks)


async def nothing_here(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class People:
    """Who may log in, scripted: a token is the name of its user, unless `answers` has something else for it."""

    def __init__(self):
        self.users = self
        self.changes = 0
        self.answers = {}
        self.open = asyncio.Event()
        self.open.set()

    async def admit(self, token, *, register):
        await self.open.wait()
        match self.answers.get(token):
            case Refusal() as refusal:
                return refusal
            case Exception() as error:
                raise error
        return APP, User(APP.uuid, token, token, 0, 0, 0)


class Streams:
    """A stream to which nothing was ever sent."""

    async def position(self, stream):
        return Position(EPOCH, 0)

    async def read(self, stream, since_ms):
        return ()

    async def read_to_all(self, stream, since_ms, limit):
        return None


class Stays:
    """A store in which nobody was ever noted."""

    async def of_seat(self, seat, limit):
        return ()


class Rooms:
    """The rooms that a test has made: `placed` says whom REST has put in."""

    def __init__(self):
        self.known = {}
        self.users = {}
        self.failure = None

    def make(self, room_id, *placed, **rest):
        self.known[room_id] = Room(APP.uuid, room_id, f"room {room_id}", 0, number=len(self.known) + 1, **rest)
        self.users[room_id] = list(placed)

    async def find(self, app_uuid, room_id):
        if self.failure is not None:
            raise self.failure
        return self.known.get(room_id)

    async def rooms_of(self, app_uuid, user):
        return tuple(room for room_id, room in self.known.items() if user in self.users[room_id])

    async def placed(self, app_uuid, room_id):
        return tuple(self.users[room_id])

    async def tagged(self, app_uuid, room_id):
        return {}

    async def displace(self, app_uuid, room_id, users):
        self.users[room_id] = [user for user in self.users[room_id] if user not in users]


class OneApp:
    """The tenants of a server with one app."""

    apps = Apps((APP,))


class Questions:
    """What clients ask, scripted: `answers` has a command or an exception for a method; all wait for `open`."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.open = asyncio.Event()
        self.open.set()

    async def answer(self, session, ask):
        self.asked.append(ask)
        await self.open.wait()
        answer = self.answers.get(ask.method, Denied(ask.request_id, Denial.METHOD_NOT_FOUND))
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, request_id=ask.request_id)


class Recorder:
    """Notes what becomes of a frame: what was handed, and the reasons of what was lost."""

    def __init__(self):
        self.handed_to = 0
        self.reasons = []

    def handed(self, sessions):
        self.handed_to += sessions

    def lost(self, sessions, reason):
        self.reasons += [reason] * sessions


class NoCampaigns:
    """Nobody has anything in an inbox."""

    async def has_inboxes(self, app_uuid):
        return False


class NoDevices:
    """No device is known, and none is kept."""

    async def any_of(self, app_uuid):
        return False

    async def put(self, device):
        pass


class _Sessions(Sessions):
    """The real ones, and a note of how each ended: user, orderly, restarting."""

    def __init__(self, departures, *services):
        super().__init__(*services)
        self._departures = departures

    def leave(self, session, *, orderly=False, restarting=False):
        if session.seat is not None:
            self._departures.append((session.seat.user, orderly, restarting))
        super().leave(session, orderly=orderly, restarting=restarting)


class GatewayRig(Rig):
    """A gateway with the real services behind it, but for who may log in."""

    def __init__(self, limits=None, capacity=None, *, io_uring=False, **bounds):
        super().__init__(**{"has_room": lambda _: True, **bounds})
        self.io_uring = io_uring
        self.limits = Limits(
            **{
                "login_seconds": 30,
                "ping_seconds": 40,
                "pong_seconds": 60,
                "message_bytes": 65536,
                "outbox_bytes": 1 << 20,
                **(limits or {}),
            }
        )
        capacity = Capacity(
            **{"connections": 100, "handshakes": 100, "slice_writes": 4, "io_uring": io_uring, **(capacity or {})}
        )
        self.people, self.meter, self.roster = People(), PrometheusMeter(), Roster()
        ground = Ground(clock=lambda: 1000, entropy=os.urandom, meter=self.meter)
        codecs = Codecs(envelope, ENCODERS)
        bounds = Bounds(600_000, 1 << 26, 10_000)
        reporting = Reporting(None, None, RoomReporting(None, 7, ground), None, 600_000, ground)
        self.fanout = Fanout(self.roster, Streams(), bounds, bounds, Press.of(codecs, reporting, ground))
        self.ground, self.questions = ground, Questions()
        rules = LoginRules(self.limits.ping_seconds, register=True, window_ms=600_000)
        attending = Attending(Attendance(30_000, 0), Stays(), 60_000, ground)
        self.departures = []
        past = Past(attending, Inboxes(NoCampaigns(), NoDevices(), None, 600_000, ground))
        self.sessions = _Sessions(self.departures, self.people, self.roster, self.fanout, past, rules, ground)
        self.rooms, self.posted = Rooms(), []
        logs = RoomLogs(Halls(), LocalPlaces(EPOCH), bounds, ground)
        belonging = MembershipRules(grace_ms=30_000, missed_limit_bytes=1 << 16)
        self.membership = Membership(self.rooms, logs, self.roster, Voice(FORMS, tell), belonging, ground)
        self.logs = logs
        talk = RoomTalk(self.membership, logs, OneApp(), Speech(said_in_room, self.post), ground)
        self.clients = Clients(self.sessions, self.fanout, self.questions, talk)
        self.gateway = Gateway(
            Entrances(WEBSOCKETS, STREAMS), self.clients, self.limits, capacity, self.wheel, ground
        )
        self.offset = 0

    async def post(self, submission, app, user):
        self.posted.append((submission, app, user))

    @asynccontextmanager
    async def running(self):
        with ring.opened() as sends:
            self.write = writing.writer(sends if self.io_uring else None)
            async with self._taking_clients():
                yield self

    @asynccontextmanager
    async def _taking_clients(self):
        takers = Takers(self.gateway.upgrade, self.gateway.stream, frozenset(STREAMS), self.limits.message_bytes)
        async with self.serving(nothing_here, takers):
            try:
                yield self
            finally:
                self.people.open.set()
                self.questions.open.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(lambda: not len(self.gateway))

    def counted(self, name, **labels):
        return self.meter._registry.get_sample_value(name, labels) or 0

    async def upgraded(self, receive_bytes=None):
        peer = await self.connect(receive_bytes)
        await peer.send(UPGRADE)
        assert (await peer.read_through(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        return peer

    async def logged_in(self, user, receive_bytes=None):
        peer = await self.upgraded(receive_bytes)
        assert "connect" in await peer.log_in(user)
        return peer

    def of(self, user):
        """Give the server's end of a user's connection."""
        (session,) = self.roster.of_user(APP.uuid, user)
        return session.link

    def kept(self, frame):
        """Give a message whose frame is the same in every codec."""
        self.offset += 1
        return Kept(self.offset, self.offset, 1000, len(frame), dict.fromkeys(ENCODERS, frame))

    def delivery(self, frame, sessions=None, progress=None):
        kept = self.kept(frame)
        sessions = list(self.roster) if sessions is None else sessions
        return Delivery(
            STREAM, (kept,), kept.frames, sessions, progress or self.progress(kept, audience=len(sessions))
        )

    def progress(self, *kept, audience):
        return Progress([Tally(one.accepted_at_ms, audience) for one in kept], self.ground)

    def deliver(self, frame, sessions=None):
        """Write one frame to everyone, or to these sessions; tells what became of it at once, and goes on to."""
        told = Recorder()
        delivery = self.delivery(frame, sessions, told)
        self.write(delivery, delivery.sessions)
        return told


def numbered(number, size):
    """Give a text frame of about this size which cannot be taken for another."""
    return text_frame(b"%08d" % number * (size // 8))


async def drained(peer):
    with suppress(OSError):
        return await peer.read_all()
