"""The ASGI application: requests become values for the door, its answers become responses."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.applications import Starlette
from starlette.datastructures import URL, QueryParams
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from laba.adapters.web import files
from laba.model.filecalls import Arrived
from laba.model.http import HttpResponse, RequestHead
from laba.model.refusal import Code, Refusal
from laba.service.chatfiles import Take
from laba.service.door import Answerer, Door

# How many names of this server are remembered, as callers wrote them into Host.
_HOSTS_MAX = 64
_NOBODYS = HttpResponse(
    404, b'{"error":{"code":"%b","message":"laba serves nothing here"}}' % Code.ENDPOINT_UNKNOWN.encode()
)
_FAILED = HttpResponse(500, b'{"error":"internal_error","error_description":"Internal Server Error"}')


class RequestBody:
    """Reads a request's body within its bounds."""

    def __init__(self, head: RequestHead, receive: Receive, seconds: int) -> None:
        self._announced_bytes = int(head.headers.get("content-length", "0"))
        self._head = head
        self._receive = receive
        self._seconds = seconds

    async def read(self, limit_bytes: int) -> bytes | Refusal:
        """Give the whole body; one that says, or turns out, to be larger is refused with the rest unread.

        Raises ClientDisconnect where the caller goes before its end.
        """
        if self._announced_bytes > limit_bytes:
            return _too_large(limit_bytes)
        message = _at_once(self._receive)
        body = bytearray() if message is None else bytearray(_piece(message))
        if message is None or message.get("more_body"):
            try:
                async with asyncio.timeout(self._seconds):
                    await self._rest(body, limit_bytes)
            except TimeoutError:
                return Refusal(Code.BODY_TIMEOUT, f"the body did not arrive within {self._seconds} s", field="body")
        return bytes(body) if len(body) <= limit_bytes else _too_large(limit_bytes)

    async def pour(self, part: str, limit_bytes: int, into: Take) -> Arrived | Refusal:
        """Hand a part over as `BodySource` says; raises ClientDisconnect where the caller goes before the end."""
        return await files.pour(files.Source(self._head, self._receive, self._seconds), part, limit_bytes, into)

    async def _rest(self, body: bytearray, limit_bytes: int) -> None:
        """Add what comes, up to the end or past the limit."""
        more = True
        while more and len(body) <= limit_bytes:
            message = await self._receive()
            body += _piece(message)
            more = message.get("more_body", False)


def _at_once(receive: Receive) -> Message | None:
    """Give what has come already; None where it would have to be waited for, and then nothing is lost.

    Most bodies come with their heads. To wait for one takes a timer, which costs more than all other reading.
    """
    asked = receive().__await__()
    try:
        next(asked)
    except StopIteration as answered:
        message: Message = answered.value
        return message
    asked.close()
    return None


def _piece(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    piece: bytes = message.get("body", b"")
    return piece


def _too_large(limit_bytes: int) -> Refusal:
    return Refusal(Code.BODY_TOO_LARGE, f"a body may have at most {limit_bytes} bytes here", field="body")


class Api:
    """Bytes on one side, the door on the other; decides nothing."""

    def __init__(self, door: Door, *, body_seconds: int, public_url: str, operator: bool) -> None:
        self._door = door
        self._body_seconds = body_seconds
        self._public_url = public_url
        self._operator = operator
        self._base_urls: dict[tuple[object, ...], str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; never raises."""
        try:
            head = self.head(scope)
            answer = await self._door.answer(head, self.body(head, receive)) or _NOBODYS
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001 - the outermost loop: one request may fail, the server goes on
            answer = _failed(scope)
        await _respond(answer, receive, send)

    def body(self, head: RequestHead, receive: Receive) -> RequestBody:
        return RequestBody(head, receive, self._body_seconds)

    def head(self, scope: Scope) -> RequestHead:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return RequestHead(
            method=scope["method"],
            path=scope["path"],
            query=dict(QueryParams(scope["query_string"])) if scope["query_string"] else {},
            headers=headers,
            base_url=self._public_url or self._base_url(scope, headers.get("host")),
            operator=self._operator,
        )

    def _base_url(self, scope: Scope, host: str | None) -> str:
        """Say where the caller found us. Few names are meant by all who call, and to judge one takes its time."""
        asked = (host, scope["scheme"], scope["server"])
        known = self._base_urls.get(asked)
        if known is None:
            # Nothing else of the request may enter what others are given for the same host.
            names = [] if host is None else [(b"host", host.encode("latin-1"))]
            url = URL(scope={"scheme": scope["scheme"], "server": scope["server"], "path": "/", "headers": names})
            known = f"{url.scheme}://{url.netloc}"
            if len(self._base_urls) >= _HOSTS_MAX:
                self._base_urls.clear()
            self._base_urls[asked] = known
        return known


def _failed(scope: Scope) -> HttpResponse:
    """Answer where a bug of ours was met: the log has it, and the caller gets JSON all the same."""
    structlog.get_logger().exception("request failed", method=scope["method"], path=scope["path"])
    return _FAILED


async def _respond(answer: HttpResponse, receive: Receive, send: Send) -> None:
    """Send an answer that any browser may read: callers prove themselves by a token, never by a cookie."""
    headers = [(b"access-control-allow-origin", b"*")]
    if answer.status not in {204, 304}:  # RFC 9110 sections 8.6 and 15.4.5
        headers.append((b"content-type", answer.media_type.encode("latin-1")))
        if "Content-Length" not in answer.headers:
            headers.append((b"content-length", b"%d" % len(answer.body)))
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    head = {"type": "http.response.start", "status": answer.status, "headers": headers}
    if answer.content is None:
        await send(head)
        await send({"type": "http.response.body", "body": answer.body})
    else:
        await files.give(head, answer.content, receive, send)


@dataclass(frozen=True, slots=True)
class Hatch:
    """A path that is no dialect's: what clients say by a request, and are answered."""

    path: str
    method: str
    body_bytes: int
    answer: Answerer


class HatchApp:
    """Reads the requests for one hatch, and has each answered for as long as its caller is there."""

    def __init__(self, api: Api, refuse: Callable[[Refusal], HttpResponse], hatch: Hatch) -> None:
        self._api = api
        self._refuse = refuse
        self._hatch = hatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001 - the outermost loop: one request may fail, the server goes on
            answer = _failed(scope)
        await _respond(answer, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> HttpResponse:
        path, method = self._hatch.path, self._hatch.method
        head = self._api.head(scope)
        if head.method != method:
            reason = f"{path} takes {method}, not {head.method}"
            return self._refuse(Refusal(Code.METHOD_WRONG, reason, subject=method))
        body = await self._api.body(head, receive).read(self._hatch.body_bytes)
        if isinstance(body, Refusal):
            return self._refuse(body)
        return await self._while_there(head, body, receive)

    async def _while_there(self, head: RequestHead, body: bytes, receive: Receive) -> HttpResponse:
        answering = asyncio.ensure_future(self._hatch.answer(head, body))
        # Behind the body nothing comes but the caller's end.
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise ClientDisconnect
            return answering.result()
        finally:
            gone.cancel()
            answering.cancel()


def application(
    api: Api, *, is_ready: Callable[[], bool], metrics: Callable[[], bytes], hatches: Mapping[str, HatchApp]
) -> ASGIApp:
    """Put together what HTTP serves: health, readiness, metrics, what clients ask by path, and every dialect.

    Nearly all that is asked is for a dialect, and comes to `api` with nothing in between.
    """

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready\n") if is_ready() else PlainTextResponse("not ready\n", 503)

    async def exposed(_: Request) -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    routes = [
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", exposed),
        *(Route(path, hatch) for path, hatch in hatches.items()),
    ]
    site = Starlette(
        routes=[*routes, Route("/{path:path}", api)],
        # Browser clients call from any origin, and ask first whether they may.
        middleware=[Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])],
    )
    paths = frozenset(route.path for route in routes)

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        called = site if scope["method"] == "OPTIONS" or scope["path"] in paths else api
        await called(scope, receive, send)

    return served
