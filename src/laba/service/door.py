"""One HTTP call, from its head to its response: claim, proof, body, call, answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from laba.model.app import App
from laba.model.calls import (
    Answer,
    Call,
    ChangeApp,
    Claim,
    CreateApp,
    Exchange,
    GetApp,
    ListApps,
    Right,
    TokenRequest,
)
from laba.model.dispatch import Submission
from laba.model.filecalls import Arrived, GetFile, Upload
from laba.model.hookcalls import HookCall
from laba.model.http import HttpRequest, HttpResponse, RequestHead
from laba.model.pushcalls import PushCall
from laba.model.recordcalls import GetReport, GetRoomReport, ListConversations, MarkRead, ReadHistory, Recall
from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import RoomCall
from laba.model.usercalls import UserCall
from laba.ports import Dialect, StoreBusyError
from laba.service.access import Access
from laba.service.chatfiles import ChatFiles, Take
from laba.service.conversations import Reader
from laba.service.ground import Ground
from laba.service.hookdesk import HookDesk
from laba.service.pushdesk import PushDesk
from laba.service.recalling import Recalling
from laba.service.reporting import Reporting
from laba.service.roomdesk import RoomDesk
from laba.service.sending import Sending
from laba.service.tenants import Tenants
from laba.service.userdesk import UserDesk


class BodySource(Protocol):
    """A request's body, not read yet."""

    async def read(self, limit_bytes: int) -> bytes | Refusal:
        """Give the whole body; refuse one over the limit without reading it whole, and one that is too slow."""

    async def pour(self, part: str, limit_bytes: int, into: Take) -> Arrived | Refusal:
        """Hand over one part of a multipart body piece by piece, and wait for each to be taken.

        Refuses a part over the limit, a body that stands still for too long, one that is broken, and one that has
        the part never or twice; and it refuses what `into` refuses.
        """


# Where the operator is nobody in particular: these are the vendors' endpoints, for apps and their users.
_OF_APPS = frozenset({Right.APP, Right.USER_LEVEL})


@dataclass(frozen=True, slots=True)
class Desks:
    """The desks that answer calls of one kind each."""

    users: UserDesk
    rooms: RoomDesk
    recalling: Recalling
    hooks: HookDesk
    pushes: PushDesk


class Desk:
    """Answers calls: which service does what."""

    def __init__(
        self,
        tenants: Tenants,
        access: Access,
        desks: Desks,
        sending: Sending,
        reader: Reader,
        reporting: Reporting,
    ) -> None:
        self._tenants = tenants
        self._desks = desks
        self._reporting = reporting
        self._of_app: Mapping[type[Any], Callable[[Any, App], Awaitable[Answer | Refusal]]] = {
            Submission: sending.accept,
            TokenRequest: access.issue,
            ChangeApp: tenants.change,
            GetApp: tenants.show,
            ListConversations: reader.list,
            MarkRead: reader.mark_read,
            ReadHistory: reader.history,
            GetRoomReport: reporting.rooms.show,
            Recall: desks.recalling.recall,
        }

    async def serve(self, call: Call, app: App | None) -> Answer | Refusal:
        match call:
            case CreateApp():
                return await self._tenants.create(call)
            case ListApps():
                return await self._tenants.list()
            case GetReport():
                return await self._reporting.show(call, app)
        if app is None:
            raise TypeError(f"{type(call).__name__} is about an app, and its endpoint names none")
        if isinstance(call, UserCall):
            return await self._desks.users.serve(call, app)
        if isinstance(call, RoomCall):
            return await self._desks.rooms.serve(call, app)
        if isinstance(call, HookCall):
            return await self._desks.hooks.serve(call, app)
        if isinstance(call, PushCall):
            return await self._desks.pushes.serve(call, app)
        served = self._of_app.get(type(call))
        if served is None:
            raise TypeError(f"no service for {type(call).__name__}")
        return await served(call, app)


class Door:
    """The one way in for every dialect: nobody has a private door."""

    def __init__(
        self,
        dialects: Sequence[Dialect],
        tenants: Tenants,
        access: Access,
        desk: Desk,
        files: ChatFiles,
        ground: Ground,
    ) -> None:
        self._files = files
        self._dialects = dialects
        self._tenants = tenants
        self._access = access
        self._desk = desk
        self._ground = ground

    async def answer(self, head: RequestHead, body: BodySource) -> HttpResponse | None:
        """Answer a request in its dialect's words; None if no dialect knows the path. Refuses, never raises."""
        for dialect in self._dialects:
            claim = dialect.claim(head)
            if isinstance(claim, Refusal):
                self._count(dialect, claim)
                return dialect.refuse(claim, self._ground.clock())
            if claim is not None:
                return await self._handle(dialect, claim, head, body)
        return None

    async def _handle(self, dialect: Dialect, claim: Claim, head: RequestHead, body: BodySource) -> HttpResponse:
        started_at_ms = self._ground.clock()
        app = self._app(claim)
        if isinstance(app, Refusal):
            answer: Answer | Refusal = app
        else:
            answer = await self._served(dialect, claim, app, head, body)
        if isinstance(answer, Refusal):
            self._count(dialect, answer)
        known = app if isinstance(app, App) else None
        exchange = Exchange(claim, known, head.base_url, started_at_ms, self._ground.clock(), head.query)
        return dialect.write(exchange, answer)

    async def _served(
        self, dialect: Dialect, claim: Claim, app: App | None, head: RequestHead, body: BodySource
    ) -> Answer | Refusal:
        admitted = await self._admitted(claim, app, head)
        if isinstance(admitted, Refusal):
            return admitted
        call = await self._call(dialect, admitted, app, head, body)
        if isinstance(call, Refusal):
            return call
        try:
            return await self._done(call, app, body)
        except StoreBusyError:
            return Refusal(Code.OVERLOADED, "too many writes are waiting for the disk", retry_after_seconds=1)
        except OSError:
            self._ground.meter.count("laba_store_failures_total")
            return Refusal(Code.OVERLOADED, "the disk cannot be written at the moment", retry_after_seconds=5)

    async def _call(
        self, dialect: Dialect, claim: Claim, app: App | None, head: RequestHead, body: BodySource
    ) -> Call | Refusal:
        endpoint = claim.endpoint
        if endpoint.streamed:
            return dialect.receive(claim, head, app, self._ground.clock())
        content = await body.read(endpoint.body_limit_bytes) if endpoint.media_types else b""
        if isinstance(content, Refusal):
            return content
        return dialect.read(claim, HttpRequest(head, content), app, self._ground.clock())

    async def _done(self, call: Call, app: App | None, body: BodySource) -> Answer | Refusal:
        """Do what is asked. A file's bytes never lie on the desk: they pass from the body to the disk, and back."""
        if app is not None and isinstance(call, Upload):
            return await self._files.take(call, app, body)
        if app is not None and isinstance(call, GetFile):
            return await self._files.give(call, app)
        return await self._desk.serve(call, app)

    def _app(self, claim: Claim) -> App | Refusal | None:
        """Find the app a claim names; None for an endpoint outside any app."""
        apps = self._tenants.apps
        if claim.app is not None:
            app, subject = apps.named(*claim.app), "/".join(claim.app)
        elif claim.app_id is not None:
            app, subject = apps.with_app_id(claim.app_id), claim.app_id
        elif claim.app_key is not None:
            app, subject = apps.with_app_key(claim.app_key), claim.app_key
        else:
            return None
        return app or Refusal(Code.APP_UNKNOWN, f"there is no app {subject}", subject=subject)

    async def _admitted(self, claim: Claim, app: App | None, head: RequestHead) -> Claim | Refusal:
        """Let the caller in, or say why not: first who it is (A10), then how it speaks."""
        actor = await self._actor(claim, app, head)
        if isinstance(actor, Refusal):
            return actor
        if claim.endpoint.media_types and (
            head.media_type not in claim.endpoint.media_types
            or head.headers.get("content-encoding", "identity") != "identity"
        ):
            expected = " or ".join(claim.endpoint.media_types)
            return Refusal(
                Code.MEDIA_TYPE_UNSUPPORTED,
                f"send the body as {expected}, without a Content-Encoding; this was {head.media_type or 'not said'}",
                field="Content-Type",
            )
        return claim if actor is None else replace(claim, actor=actor)

    async def _actor(self, claim: Claim, app: App | None, head: RequestHead) -> str | Refusal | None:
        """Give the user who acts at an endpoint for all users; None for whoever else may call the endpoint."""
        right = claim.endpoint.right
        if right is Right.ANYONE or (head.operator and right not in _OF_APPS):
            return None
        if right is Right.OPERATOR or app is None:
            return Refusal(
                Code.OPERATOR_ONLY, "only the operator can do this, with laba's own commands on the server"
            )
        if right is Right.APP and claim.app_key is not None:
            return self._access.objection_to_signature(claim.signed, app)
        if right is Right.USER_OR_APP:
            return await self._access.objection_to_user(claim.proof, app, claim.arguments["user"])
        if right is Right.USER_LEVEL:
            return await self._access.actor(claim.proof, app)
        if right is Right.ANY_USER_OR_APP:
            return await self._access.objection_to_any_user(claim.proof, app)
        return self._access.objection(claim.proof, app)

    def _count(self, dialect: Dialect, refusal: Refusal) -> None:
        self._ground.meter.count("laba_refusals_total", dialect=dialect.name, code=refusal.code)


Answerer = Callable[[RequestHead, bytes], Awaitable[HttpResponse]]
