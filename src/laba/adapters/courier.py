"""HTTP out, by httpx2: connections are kept, redirects not followed, and everything has its bound."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import httpx2

from laba.model.http import HttpCall, HttpReply
from laba.ports.letters import CourierError

BODY_LIMIT_BYTES: Final = 64 * 1024
# The last two are for what it does not judge before: a header beyond ASCII, a port beyond all.
_FAULTS: Final = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    OSError,
    ValueError,
    ExceptionGroup,
)
_CONNECTIONS = httpx2.Limits(max_connections=512, max_keepalive_connections=128, keepalive_expiry=30.0)


class HttpCourier:
    """`ports.letters.Courier`."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def open(cls, tls: ssl.SSLContext | None = None) -> AsyncIterator["HttpCourier"]:
        """Be ready to call; on leaving all connections are closed. `tls` says how others are trusted."""
        client = httpx2.AsyncClient(
            limits=_CONNECTIONS, timeout=None, trust_env=False, follow_redirects=False, verify=tls or True
        )
        async with client:
            yield cls(client)

    async def send(self, call: HttpCall, timeout_ms: int) -> HttpReply:
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._sent(call)
        except TimeoutError as error:
            raise CourierError(f"no answer in {timeout_ms} ms") from error
        except _FAULTS as error:
            raise CourierError(f"no answer: {_reason(error)}") from error

    async def _sent(self, call: HttpCall) -> HttpReply:
        # What is compressed may be a thousand times as long as it looks: it is not asked for, and taken as it is.
        headers = {"User-Agent": "laba", "Accept-Encoding": "identity", **call.headers}
        async with self._client.stream("POST", call.url, content=call.body, headers=headers) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > BODY_LIMIT_BYTES:
                    raise CourierError(f"its answer is longer than {BODY_LIMIT_BYTES} bytes")
            return HttpReply(response.status_code, bytes(body), dict(response.headers))


def _reason(error: Exception) -> str:
    """Say what went wrong without the URL, which may hold what is nobody's business."""
    words: dict[type[BaseException], str] = {
        socket.gaierror: "its host has no address",
        ssl.SSLError: "no secure connection came about",
        httpx2.ConnectError: "nobody listens there",
        httpx2.RemoteProtocolError: "the connection was closed half-way",
        httpx2.UnsupportedProtocol: "the URL is none that can be called",
        httpx2.InvalidURL: "the URL is none that can be called",
        ExceptionGroup: "the URL is none that can be called",
    }
    causes = list(_causes(error))
    said = (sentence for kind, sentence in words.items() if any(isinstance(cause, kind) for cause in causes))
    return next(said, type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
