"""Few connections with many calls on each, to each service; where a service speaks no HTTP/2, its own way."""

import asyncio
import re
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from laba.adapters.push.connection import Address, Connection, NoHttp2Error, NotTakenError
from laba.model.http import HttpCall, HttpReply
from laba.ports.letters import Courier, CourierError

# A connection without a call for so long is closed.
IDLE_SECONDS: Final = 300.0
# A service that has not greeted by then is as one that does not listen.
CONNECT_SECONDS: Final = 30.0
# After a connection that could not be made, none is tried for so long.
_AGAIN_SECONDS: Final = 1.0
# How many services are known at once; one that is not called at the moment is forgotten for the next.
_ORIGINS_MAX: Final = 200
# A URL whose host and target are sent as they are written. All others are the fallback's business.
_PLAIN_URL: Final = re.compile(r"https://([0-9A-Za-z.:\[\]-]+)((?:/[!\"$-~]*)?)")
_CLOSED: Final = "no answer: the connection was closed half-way"


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Give how services are trusted: as the system does, and besides by the certificates of a file.

    Raises OSError where the file cannot be read, and ssl.SSLError where it holds none.
    """
    tls = ssl.create_default_context()
    if ca_file is not None:
        tls.load_verify_locations(ca_file)
    return tls


class PushSender:
    """`ports.letters.Courier` over HTTP/2. What cannot be spoken to so goes by `fallback`.

    Bounds: `connections_max` for each origin; calls beyond their streams wait in the order in which they came, until
    their time is over. A call that a service says it has not looked at goes out once more.
    """

    def __init__(self, fallback: Courier, origin: "Callable[[str], _Origin]") -> None:
        self._fallback = fallback
        self._origin = origin
        self._origins: dict[str, _Origin] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        tls: ssl.SSLContext,
        fallback: Courier,
        *,
        connections_max: int = 4,
        connect_seconds: float = CONNECT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> AsyncIterator["PushSender"]:
        """Be ready to call; on leaving all connections are closed.

        `tls` is then asked for HTTP/2 by ALPN, so it is this sender's own: a fallback asks its for HTTP/1.1.
        """
        tls.set_alpn_protocols(["h2", "http/1.1"])
        sender = cls(fallback, lambda host: _Origin(host, tls, connections_max, connect_seconds))
        sweeping = asyncio.create_task(sender._sweep(idle_seconds))
        try:
            yield sender
        finally:
            sweeping.cancel()
            for origin in sender._origins.values():
                origin.close()

    async def send(self, call: HttpCall, timeout_ms: int) -> HttpReply:
        plain = _PLAIN_URL.fullmatch(call.url)
        if plain is None:
            return await self._fallback.send(call, timeout_ms)
        host, target = plain.groups()
        address = Address(host, target or "/")
        origin = self._origins.get(host)
        if origin is None:
            origin = self._known(host)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                reply = await origin.call(address, call)
        except TimeoutError as error:
            origin.leave_mute()
            raise CourierError(f"no answer in {timeout_ms} ms") from error
        except (OSError, ValueError) as error:
            raise CourierError(f"no answer: {_reason(error)}") from error
        return await self._fallback.send(call, timeout_ms) if reply is None else reply

    def connections(self, host: str) -> int:
        """Tell how many connections there are to a service, by its host and port."""
        origin = self._origins.get(host)
        return 0 if origin is None else sum(one.is_open for one in origin.connections)

    def _known(self, host: str) -> "_Origin":
        if len(self._origins) >= _ORIGINS_MAX:
            idle = (host for host, origin in self._origins.items() if not origin.busy)
            self._origins.pop(next(idle, next(iter(self._origins)))).close()
        origin = self._origins[host] = self._origin(host)
        return origin

    async def _sweep(self, idle_seconds: float) -> None:
        """Close what has been idle."""
        while True:
            await asyncio.sleep(idle_seconds / 10)
            before = asyncio.get_running_loop().time() - idle_seconds
            for origin in self._origins.values():
                origin.sweep(before)


class _Origin:
    """The connections to one service."""

    def __init__(self, host: str, tls: ssl.SSLContext, connections_max: int, connect_seconds: float) -> None:
        self._host = host
        self._tls = tls
        self._max = connections_max
        self._connect_seconds = connect_seconds
        self._is_old = False
        self._is_closed = False
        self._connecting: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self.connections: list[Connection] = []

    async def call(self, address: Address, call: HttpCall) -> HttpReply | None:
        """Make a call; None where the service speaks no HTTP/2. Raises CourierError, OSError and ValueError."""
        for _ in range(2):
            if self._is_old:
                return None
            connection = self._roomy()
            if connection is None:
                connection = await self._room()
                if connection is None:
                    return None
                connection.promised -= 1
            try:
                return await connection.call(address, call)
            except NotTakenError:
                continue
        raise CourierError("no answer: it would not take the call, twice")

    @property
    def busy(self) -> bool:
        return bool(self._waiting) or any(one.busy or one.promised for one in self.connections)

    def close(self) -> None:
        """End all now; calls that have no answer yet fail."""
        self._is_closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        for connection in self.connections:
            connection.close()
        self._refuse(CourierError(_CLOSED))

    def leave_mute(self) -> None:
        """Have new calls go elsewhere than to where one had no answer, and nothing else was heard meanwhile."""
        for connection in self.connections:
            if connection.mute and connection.is_open:
                connection.leave()

    def sweep(self, before: float) -> None:
        for connection in self.connections:
            if not connection.busy and not connection.promised and connection.used_at < before:
                connection.close()

    def _roomy(self) -> Connection | None:
        """Give the connection that has most room; None where none has any, or others wait already."""
        if self._waiting:
            return None
        best = max(self.connections, key=lambda one: one.room, default=None)
        return best if best is not None and best.room > 0 else None

    async def _room(self) -> Connection | None:
        """Wait for a connection with room, and have another one made where there may be more."""
        if self._is_closed:
            raise CourierError(_CLOSED)
        waiter: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._connect_if_needed()
        try:
            return await waiter
        except NoHttp2Error:
            return None
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise

    def _give_up(self, waiter: "asyncio.Future[Connection]") -> None:
        """Let the next have what was promised to one that waits no more."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        elif not waiter.cancelled() and waiter.exception() is None:
            waiter.result().promised -= 1
            self._serve()

    def _connect_if_needed(self) -> None:
        self.connections = [one for one in self.connections if one.is_open or one.busy]
        if (
            self._waiting
            and self._connecting is None
            and not self._is_closed
            and sum(one.is_open for one in self.connections) < self._max
        ):
            self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        """Make one connection; where it cannot be made, who waits for it has to wait before another is tried."""
        if not await self._made() and self._waiting:
            await asyncio.sleep(_AGAIN_SECONDS)
        self._connecting = None
        self._connect_if_needed()

    async def _made(self) -> bool:
        """Let whoever waits have a connection, or tell all of them why there is none; tells whether there is."""
        try:
            async with asyncio.timeout(self._connect_seconds):
                await self._connected()
        except TimeoutError:
            self._refuse(CourierError("no answer: it did not greet in time"))
        except (OSError, ValueError, CourierError) as error:
            self._refuse(error)
        except NoHttp2Error as error:
            self._is_old = True
            self._refuse(error)
        else:
            return True
        return False

    async def _connected(self) -> None:
        where = urlsplit(f"//{self._host}")
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._serve), where.hostname or "", where.port or 443, ssl=self._tls
        )
        self.connections.append(connection)
        try:
            await connection.greeted
        except BaseException:
            connection.close()
            raise

    def _serve(self) -> None:
        """Give room to who waits, in the order in which they came; have more made where there is too little."""
        while self._waiting:
            best = max(self.connections, key=lambda one: one.room, default=None)
            if best is None or best.room <= 0:
                self._connect_if_needed()
                return
            self._give(best)

    def _give(self, connection: Connection) -> None:
        waiter = self._waiting.popleft()
        if not waiter.done():
            connection.promised += 1
            waiter.set_result(connection)

    def _refuse(self, error: Exception) -> None:
        if any(one.is_open for one in self.connections):
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(error)


def _reason(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "its host has no address"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return "no secure connection came about"
        # asyncio's own, of several addresses none of which took the connection, has no number.
        case ConnectionError() | OSError(errno=None):
            return "nobody listens there"
        case ValueError():
            return "the URL is none that can be called"
        case _:
            return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
