"""The gateway: takes over upgraded connections, logs clients in, writes deliveries, lets everyone go in the end."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs

from laba.adapters.gateway import writing
from laba.adapters.gateway.connection import Connection, Limits, Wire
from laba.adapters.gateway.eager import begun
from laba.core.session import State
from laba.core.wheel import Timed, TimerWheel
from laba.model.closing import Closing
from laba.model.session import Denied, Login, Welcome
from laba.ports import Meter, StoreBusyError
from laba.protocols.websocket import Upgrade, accept_upgrade
from laba.service.fanout import Delivery, Eviction, Fanout
from laba.service.sessions import Sessions

_CATCH_UP_BYTES = 65536
_DRAIN_STEP_SECONDS = 0.05
# How long the last clients may take to answer their close frame before they are cut off.
_LAST_SECONDS = 1.0
# The golden ratio's fraction: consecutive logins get first pings that are spread evenly over the interval.
_SPREAD = 0.6180339887


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much the gateway takes on. At either bound a new client is asked to come back later (503).

    With `io_uring` a slice of writes is one system call, where the kernel has it.
    """

    connections: int
    handshakes: int
    slice_writes: int
    io_uring: bool


class Gateway:
    """Every WebSocket connection of this process."""

    def __init__(
        self,
        wires: Mapping[str, Sequence[Wire]],
        clients: "Clients",
        limits: Limits,
        capacity: Capacity,
        wheel: TimerWheel[Timed],
        meter: Meter,
    ) -> None:
        self.limits = limits
        self._wires = wires
        self._clients = clients
        self._capacity = capacity
        self._wheel = wheel
        self._meter = meter
        self._connections: set[Connection] = set()
        self._logging_in: set[asyncio.Task[None]] = set()
        self._strangers = 0
        self._logins = 0
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._connections)

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
        path, _, query = target.partition("?")
        wires = self._wires.get(path, ())
        refusal = self._no_room() if wires else _response(404, "there is no WebSocket here")
        outcome = accept_upgrade(method, headers, [wire.subprotocol for wire in wires])
        if refusal is not None or not isinstance(outcome, Upgrade):
            transport.write(refusal if refusal is not None else outcome.response)
            transport.close()
            return
        wire = _chosen(wires, outcome.subprotocol, parse_qs(query).get("format", []))
        connection = Connection(self, wire, transport)
        self._connections.add(connection)
        self._empty.clear()
        self._strangers += 1
        self._wheel.arm(connection, self.limits.login_seconds)
        transport.set_protocol(connection)
        connection.write(outcome.response)
        if rest:
            connection.data_received(rest)

    def _no_room(self) -> bytes | None:
        if self._draining or len(self._connections) >= self._capacity.connections:
            return _response(503, "the server is full or stopping")
        if self._strangers >= self._capacity.handshakes:
            return _response(503, "too many clients are logging in")
        return None

    # --- what a connection asks of its host ------------------------------------------------------------------------

    def arm(self, connection: Connection, seconds: float) -> None:
        self._wheel.arm(connection, seconds)

    def log_in(self, connection: Connection, login: Login) -> None:
        task = begun(self._log_in(connection, login))
        if task is not None:
            connection.pause()
            self._logging_in.add(task)
            task.add_done_callback(self._logging_in.discard)

    def left(self, connection: Connection, closing: Closing) -> None:
        if connection.session.state in (State.NEW, State.LOGGING_IN):
            self._strangers -= 1
        self._clients.sessions.leave(connection.session)
        self._meter.count("laba_sessions_closed_total", reason=closing.name.lower())

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
        elif missed:
            connection.write(missed)
        if session.state is State.CATCHING_UP and connection.outbox is None:
            # The rest after everybody else has had a turn.
            asyncio.get_running_loop().call_soon(self.caught_up, connection)

    async def _log_in(self, connection: Connection, login: Login) -> None:
        try:
            answer = await self._clients.sessions.login(connection.session, login)
        except (StoreBusyError, OSError):
            self._meter.count("laba_store_failures_total")
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
                connection.session.state = State.NEW
                connection.send(answer)
            case Welcome():
                self._strangers -= 1
                self._logins += 1
                connection.send(answer)
                spread = 0.5 + 0.5 * ((self._logins * _SPREAD) % 1.0)
                connection.start_pings(self._wheel.now, self.limits.ping_seconds * spread)
                self.caught_up(connection)
        connection.resume()

    # --- delivering ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what the fan-out brings, in slices, until cancelled."""
        outgoing = self._clients.fanout.outgoing
        with writing.opened(io_uring=self._capacity.io_uring) as write:
            while True:
                match await outgoing.get():
                    case Eviction(sessions, closing):
                        for session in sessions:
                            session.link.close(closing)
                    case Delivery() as delivery:
                        await self._deliver(delivery, write)
                outgoing.task_done()

    async def _deliver(self, delivery: Delivery[Connection], write: writing.Writer) -> None:
        sessions, written = delivery.sessions, 0
        for start in range(0, len(sessions), self._capacity.slice_writes):
            written += write(delivery, sessions[start : start + self._capacity.slice_writes])
            await asyncio.sleep(0)
        self._meter.count("laba_deliveries_total", written * len(delivery.kept))

    # --- the end ---------------------------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        """Close every connection, spread evenly over `seconds`, and wait until they are gone. None is taken on."""
        self._draining = True
        # What is on the bus already still goes out.
        await asyncio.sleep(_DRAIN_STEP_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._clients.fanout.outgoing.join()
        for share in _shares(list(self._connections), max(1, int(seconds / _DRAIN_STEP_SECONDS))):
            for connection in share:
                connection.close(Closing.SHUTDOWN)
            await asyncio.sleep(_DRAIN_STEP_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._empty.wait()
        for connection in list(self._connections):
            connection.abort()
        for task in self._logging_in:
            task.cancel()


@dataclass(frozen=True, slots=True)
class Clients:
    """The services behind the gateway."""

    sessions: Sessions[Connection]
    fanout: Fanout[Connection]


def _chosen(wires: Sequence[Wire], subprotocol: str | None, forms: Sequence[str]) -> Wire:
    """Choose the form that was agreed in the handshake, or that the address asks for, or else the first."""
    agreed = (wire for wire in wires if wire.subprotocol == subprotocol)
    asked = (wire for wire in wires if wire.form in forms)
    return next(agreed, None) or next(asked, wires[0])


def _shares(connections: list[Connection], count: int) -> Iterator[list[Connection]]:
    size = -(-len(connections) // count)
    for start in range(0, len(connections), max(1, size)):
        yield connections[start : start + size]


def _response(status: int, reason: str) -> bytes:
    phrase = {404: "Not Found", 503: "Service Unavailable"}[status]
    retry = "retry-after: 5\r\n" if status == 503 else ""
    return (
        f"HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain\r\n{retry}"
        f"content-length: {len(reason)}\r\nconnection: close\r\n\r\n{reason}"
    ).encode()
