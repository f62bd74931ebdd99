"""The ASGI application: requests become values for the door, its answers become responses."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from laba.adapters.web import files
from laba.model.filecalls import Arrived
from laba.model.http import HttpResponse, RequestHead
from laba.model.refusal import Code, Refusal
from laba.service.chatfiles import Take
from laba.service.door import Answerer, Door


class RequestBody:
    """Reads a request's body within its bounds."""

    def __init__(self, request: Request, seconds: int) -> None:
        self._request = request
        self._seconds = seconds

    async def read(self, limit_bytes: int) -> bytes | Refusal:
        """Give the whole body; one that says, or turns out, to be larger is refused with the rest unread."""
        too_large = Refusal(Code.BODY_TOO_LARGE, f"a body may have at most {limit_bytes} bytes here", field="body")
        if int(self._request.headers.get("content-length", "0")) > limit_bytes:
            return too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                async for chunk in self._request.stream():
                    body += chunk
                    if len(body) > limit_bytes:
                        return too_large
        except TimeoutError:
            return Refusal(Code.BODY_TIMEOUT, f"the body did not arrive within {self._seconds} s", field="body")
        return bytes(body)

    async def pour(self, part: str, limit_bytes: int, into: Take) -> Arrived | Refusal:
        return await files.pour(self._request, self._seconds, part, limit_bytes, into)


class Api:
    """Bytes on one side, the door on the other; decides nothing."""

    def __init__(self, door: Door, *, body_seconds: int, public_url: str, operator: bool) -> None:
        self._door = door
        self._body_seconds = body_seconds
        self._public_url = public_url
        self._operator = operator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Answer one request; never raises."""
        try:
            answer = await self._door.answer(self.head(request), self.body(request))
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:  # noqa: BLE001 - the outermost loop: one request may fail, the server goes on
            return _failed(request)
        if answer is None:
            return JSONResponse(
                {"error": {"code": Code.ENDPOINT_UNKNOWN, "message": "laba serves nothing here"}}, 404
            )
        return files.written(answer)

    def body(self, request: Request) -> RequestBody:
        return RequestBody(request, self._body_seconds)

    def head(self, request: Request) -> RequestHead:
        return RequestHead(
            method=request.method,
            path=request.scope["path"],
            query=dict(request.query_params),
            headers={name.lower(): value for name, value in request.headers.items()},
            base_url=self._public_url or f"{request.url.scheme}://{request.url.netloc}",
            operator=self._operator,
        )


def _failed(request: Request) -> Response:
    """Answer where a bug of ours was met: the log has it, and the caller gets JSON all the same."""
    structlog.get_logger().exception("request failed", method=request.method, path=request.url.path)
    return JSONResponse({"error": "internal_error", "error_description": "Internal Server Error"}, 500)


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
        request = Request(scope, receive)
        try:
            response = files.written(await self._answer(request))
        except ClientDisconnect:
            response = Response(status_code=400)
        except Exception:  # noqa: BLE001 - the outermost loop: one request may fail, the server goes on
            response = _failed(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> HttpResponse:
        path, method = self._hatch.path, self._hatch.method
        if request.method != method:
            reason = f"{path} takes {method}, not {request.method}"
            return self._refuse(Refusal(Code.METHOD_WRONG, reason, subject=method))
        body = await self._api.body(request).read(self._hatch.body_bytes)
        if isinstance(body, Refusal):
            return self._refuse(body)
        return await self._while_there(request, body)

    async def _while_there(self, request: Request, body: bytes) -> HttpResponse:
        answering = asyncio.ensure_future(self._hatch.answer(self._api.head(request), body))
        # Behind the body nothing comes but the caller's end.
        gone = asyncio.ensure_future(request.receive())
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
) -> Starlette:
    """Put together what HTTP serves: health, readiness, metrics, what clients ask by path, and every dialect."""

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready\n") if is_ready() else PlainTextResponse("not ready\n", 503)

    async def exposed(_: Request) -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", exposed),
            *(Route(path, hatch) for path, hatch in hatches.items()),
            Route("/{path:path}", api),
        ],
        # Browser clients call the REST paths from any origin; their proof is a token, never a cookie.
        middleware=[Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])],
    )
