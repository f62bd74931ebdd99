"""The gateway: takes over clients' connections, logs them in, writes deliveries, lets everyone go in the end."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from laba.adapters.gateway import ring, writing
from laba.adapters.gateway.connection import Connection, Limits
from laba.adapters.gateway.eager import begun
from laba.adapters.gateway.entrances import Entrances, agreed, asked_for, head_of, refusal
from laba.adapters.gateway.links import Client, Link
from laba.adapters.gateway.roomwriting import RoomWriter
from laba.adapters.gateway.streaming import StreamConnection
from laba.adapters.gateway.websocket import WebSocketConnection
from laba.core.session import State
from laba.core.wheel import Timed, TimerWheel
from laba.model.closing import Closing
from laba.model.session import Ask, Denial, Denied, Joined, Login, Reply, RoomEvent, Welcome
from laba.ports import StoreBusyError
from laba.protocols.websocket import Upgrade, accept_upgrade
from laba.service.fanout import Delivery, Eviction, Fanout
from laba.service.ground import Ground
from laba.service.outgoing import Piece
from laba.service.questions import Questions
from laba.service.roomdeliveries import RoomDelivery
from laba.service.roomtalk import RoomTalk
from laba.service.sessions import Sessions

_CATCH_UP_BYTES = 65536
# Of rooms so many slices are planned together: a member of several gets what they have for it in one write.
_GATHERED_SLICES = 4
_DRAIN_STEP_SECONDS = 0.05
# How long the last clients may take to answer their close frame before they are cut off.
_LAST_SECONDS = 1.0
# The golden ratio's fraction: consecutive logins get first pings that are spread evenly over the interval.
_SPREAD = 0.6180339887
# As many as nobody guesses; a node's name only tells one process from another.
_HANDLE_BYTES, _NODE_BYTES = 16, 4


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much the gateway takes on. At either bound a new client is asked to come back later (503).

    With `io_uring` a slice of writes is one system call, where the kernel has it.
    """

    connections: int
    handshakes: int
    slice_writes: int
    io_uring: bool


@dataclass(frozen=True, slots=True)
class Clients:
    """The services behind the gateway."""

    sessions: Sessions[Link]
    fanout: Fanout[Link]
    questions: Questions[Link]
    talk: RoomTalk[Link]


class Gateway:
    """Every client of this process."""

    def __init__(
        self,
        entrances: Entrances,
        clients: Clients,
        limits: Limits,
        capacity: Capacity,
        wheel: TimerWheel[Timed],
        ground: Ground,
    ) -> None:
        self.limits = limits
        self._entrances = entrances
        self._clients = clients
        self._capacity = capacity
        self._wheel = wheel
        self._ground = ground
        self._node = ground.entropy(_NODE_BYTES).hex()
        self._connections: set[Connection] = set()
        # Clients that wait for the answer to one request, on a connection that is not ours.
        self._guests: set[Client] = set()
        self._by_handle: dict[str, StreamConnection] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._strangers = 0
        self._logins = 0
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._connections) + len(self._guests)

    # --- opening ---------------------------------------------------------------------------------------------------

    def upgrade(
        self,
        transport: asyncio.Transport,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]],
        rest: bytes,
    ) -> None:
        """Take over a connection that asks for WebSocket; `rest` came behind its request."""
        head = head_of(method, target, headers)
        wires = self._entrances.websockets.get(head.path, ())
        obstacle = self._crowded() if wires else refusal(404, "there is no WebSocket here")
        outcome = accept_upgrade(method, headers, [wire.subprotocol for wire in wires])
        if obstacle is not None or not isinstance(outcome, Upgrade):
            _end(transport, obstacle if obstacle is not None else outcome.response)
            return
        wire = agreed(wires, outcome.subprotocol, head)
        connection = WebSocketConnection(self, wire, transport)
        self._take_on(connection, transport, outcome.response)
        if rest:
            connection.data_received(rest)

    def stream(
        self,
        transport: asyncio.Transport,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> None:
        """Take over a connection whose request asks for a response that does not end; `body` is the request's."""
        head = head_of(method, target, headers)
        methods = self._entrances.streams.get(head.path, {})
        wires = methods.get(method, ())
        obstacle = self._crowded() if wires else refusal(405, "a stream is not opened like this", tuple(methods))
        if obstacle is not None:
            _end(transport, obstacle)
            return
        connection = StreamConnection(self, asked_for(wires, head), transport)
        self._take_on(connection, transport, connection.wire.head)
        connection.hear(connection.wire.open(head, body))

    def _take_on(self, connection: Connection, transport: asyncio.Transport, response: bytes) -> None:
        self._connections.add(connection)
        self._empty.clear()
        self._strangers += 1
        self._wheel.arm(connection, self.limits.login_seconds)
        transport.set_protocol(connection)
        connection.write(response)

    def _crowded(self) -> bytes | None:
        reason = self.no_room()
        return refusal(503, reason) if reason else None

    def no_room(self) -> str:
        """Say why nobody more can be taken on now; empty where one can."""
        if self._draining or len(self) >= self._capacity.connections:
            return "the server is full or stopping"
        return "too many clients are logging in" if self._strangers >= self._capacity.handshakes else ""

    def receive(self, guest: Client) -> None:
        """Count a client that waits for one answer, until it has `left`."""
        self._guests.add(guest)
        self._strangers += 1

    def with_handle(self, node: str, handle: str) -> StreamConnection | None:
        """Find the stream whose client has this handle; None where there is none here, or no more."""
        return self._by_handle.get(handle) if node == self._node else None

    # --- what a connection asks of its host ------------------------------------------------------------------------

    def arm(self, connection: Connection, seconds: float) -> None:
        self._wheel.arm(connection, seconds)

    def log_in(self, connection: Connection, login: Login) -> None:
        self._start(connection, self._log_in(connection, login))

    def ask(self, connection: Connection, ask: Ask) -> None:
        answering = self._clients.questions.answer(connection.session, ask)
        self._start(connection, self._answer(connection, ask.request_id, answering))

    def talk(self, connection: Connection, event: RoomEvent) -> None:
        answering = self._clients.talk.answer(connection.session, event)
        self._start(connection, self._answer(connection, event.request_id, answering))

    def confirm(self, connection: Connection) -> None:
        self._clients.sessions.confirm(connection.session)

    def register(self, connection: Connection) -> tuple[str, str]:
        """Give a stream the handle under which what its client says by other requests finds it, and this node."""
        handle = self._ground.entropy(_HANDLE_BYTES).hex()
        if isinstance(connection, StreamConnection):
            self._by_handle[handle] = connection
        return handle, self._node

    def welcomed(self) -> int:
        """Note that a stranger has logged in; gives its number."""
        self._strangers -= 1
        self._logins += 1
        return self._logins

    def left(self, client: Client, closing: Closing, *, orderly: bool = False) -> None:
        if client.session.state in (State.NEW, State.LOGGING_IN):
            self._strangers -= 1
        if isinstance(client, StreamConnection):
            self._by_handle.pop(client.handle, None)
        self._guests.discard(client)
        self._clients.talk.dropped(client.session)
        self._clients.sessions.leave(client.session, orderly=orderly, restarting=closing is Closing.SHUTDOWN)
        self._ground.meter.count("laba_sessions_closed_total", reason=closing.name.lower())

    def lost(self, connection: Connection) -> None:
        self._wheel.disarm(connection)
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    def caught_up(self, connection: Connection) -> None:
        """Write a returning client what it is owed, a portion at a time, as fast as its socket takes it."""
        session = connection.session
        if session.state is not State.CATCHING_UP or connection.outbox is not None or connection.fd < 0:
            return
        # Half the outbox at most: else a client that returns to much would at once count as slow.
        missed = self._clients.fanout.missed(session, min(_CATCH_UP_BYTES, self.limits.outbox_bytes // 2))
        if missed is None:
            connection.close(Closing.SLOW)
        elif missed.frames:
            connection.write(missed.frames, missed.progress)
        if session.state is State.CATCHING_UP and connection.outbox is None:
            # The rest after everybody else has had a turn.
            asyncio.get_running_loop().call_soon(self.caught_up, connection)

    def _start(self, connection: Connection, work: Coroutine[Any, Any, None]) -> None:
        """Do what a client asked for. If that takes time, its connection is not read meanwhile."""
        task = begun(work)
        if task is not None:
            connection.pause()
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _log_in(self, connection: Connection, login: Login) -> None:
        try:
            answer = await self._admitted(connection, login)
        except (StoreBusyError, OSError):
            self._ground.meter.count("laba_store_failures_total")
            connection.close(Closing.SERVER_ERROR)
            return
        except BaseException:
            connection.close(Closing.SERVER_ERROR)
            raise
        if connection.fd < 0:
            return
        match answer:
            case Closing():
                connection.close(answer)
            case Denied():
                connection.turn_away(answer)
            case Welcome():
                spread = 0.5 + 0.5 * ((self._logins * _SPREAD) % 1.0)
                connection.greet(answer)
                if answer.missed:
                    connection.write(answer.missed)
                connection.start_pings(self._wheel.now, self.limits.ping_seconds * spread)
                self.caught_up(connection)
        connection.resume()

    async def _admitted(self, connection: Connection, login: Login) -> Welcome | Denied | Closing:
        answer = await self._clients.sessions.login(connection.session, login)
        if not isinstance(answer, Welcome):
            return answer
        self.welcomed()
        return await self._clients.talk.arrived(connection.session, login, answer)

    async def _answer(self, connection: Connection, request_id: int, answering: Awaitable[Reply]) -> None:
        try:
            answer = await answering
        except (StoreBusyError, OSError):
            self._ground.meter.count("laba_store_failures_total")
            answer = Denied(request_id, Denial.INTERNAL_ERROR)
        except BaseException:
            connection.close(Closing.SERVER_ERROR)
            raise
        missed = answer.missed if isinstance(answer, Joined) else b""
        connection.write(connection.wire.frame(answer) + missed)
        connection.resume()

    # --- delivering ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what the fan-out brings, in slices, until cancelled."""
        outgoing, most, loop = self._clients.fanout.outgoing, self._capacity.slice_writes, asyncio.get_running_loop()
        with ring.opened() if self._capacity.io_uring else nullcontext() as sends:
            write, rooms = writing.writer(sends), RoomWriter(most, sends)
            while True:
                pieces = await outgoing.take(most, most * _GATHERED_SLICES)
                began = loop.time()
                for writes in _slices(pieces, write, rooms):
                    outgoing.strain.wrote(writes, began, loop.time())
                    await asyncio.sleep(0)
                    began = loop.time()

    # --- the end ---------------------------------------------------------------------------------------------------

    def stop_waiting(self) -> None:
        """Take nobody on any more, and let those go who only wait for an answer."""
        self._draining = True
        for guest in list(self._guests):
            guest.close(Closing.SHUTDOWN)

    async def drain(self, seconds: float) -> None:
        """Close every connection, spread evenly over `seconds`, and wait until they are gone. None is taken on."""
        self.stop_waiting()
        # What is on the bus already still goes out.
        await asyncio.sleep(_DRAIN_STEP_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._clients.fanout.outgoing.emptied()
        for share in _shares(list(self._connections), max(1, int(seconds / _DRAIN_STEP_SECONDS))):
            for connection in share:
                connection.close(Closing.SHUTDOWN)
            await asyncio.sleep(_DRAIN_STEP_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._empty.wait()
        for connection in list(self._connections):
            connection.abort()
        for task in self._answering:
            task.cancel()


def _slices(pieces: Sequence[Piece[Any]], write: writing.Writer, rooms: RoomWriter) -> Iterator[int]:
    """Do what was taken to be done, and give the number of writes after each slice of it."""
    match pieces[0]:
        case Piece(Eviction(closing=closing) as eviction, begin, end):
            for session in eviction.sessions[begin:end]:
                session.link.close(closing)
        case Piece(Delivery() as delivery, begin, end):
            write(delivery, delivery.sessions[begin:end])
            yield end - begin
        case Piece(RoomDelivery()):
            yield from rooms.slices(pieces)


def _shares(connections: list[Connection], count: int) -> Iterator[list[Connection]]:
    size = -(-len(connections) // count)
    for start in range(0, len(connections), max(1, size)):
        yield connections[start : start + size]


def _end(transport: asyncio.Transport, response: bytes) -> None:
    transport.write(response)
    transport.close()
