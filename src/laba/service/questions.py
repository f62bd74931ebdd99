"""What a client asks by rpc, and what it is answered: the native dialect's words, for the session's own user."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from laba.core.session import Session
from laba.model.calls import Answer, Call
from laba.model.pushcalls import PutDevice, RemoveDevice
from laba.model.recordcalls import Acknowledge, Acknowledged, ListConversations, MarkRead, ReadHistory
from laba.model.refusal import Refusal
from laba.model.session import Ask, Denial, Denied, Told
from laba.service.conversations import Reader
from laba.service.pushdesk import PushDesk
from laba.service.sessions import Sessions
from laba.service.tenants import Tenants

Link = TypeVar("Link")

# (data as it came, the user who asks) -> the call it means
Asked = Callable[[bytes, str], Call | Refusal]


class Questions(Generic[Link]):
    """Answers the rpc methods of a session's user; `methods` reads their data, `write` their answers."""

    def __init__(
        self,
        methods: Mapping[str, Asked],
        write: Callable[[Answer], bytes],
        tenants: Tenants,
        answerers: tuple[Reader, PushDesk],
        sessions: Sessions[Link],
    ) -> None:
        self._methods = methods
        self._write = write
        self._tenants = tenants
        self._reader, self._pushes = answerers
        self._sessions = sessions

    async def answer(self, session: Session[Link], ask: Ask) -> Told | Denied:
        """Answer one question. Raises what the store raises."""
        method = self._methods.get(ask.method)
        if method is None or session.seat is None:
            return Denied(ask.request_id, Denial.METHOD_NOT_FOUND)
        call = method(ask.data, session.seat.user)
        answer = call if isinstance(call, Refusal) else await self._served(session, call)
        if isinstance(answer, Refusal):
            return Denied(ask.request_id, Denial.BAD_REQUEST, answer.reason)
        return Told(ask.request_id, self._write(answer))

    async def _served(self, session: Session[Link], call: Call) -> Answer | Refusal:
        if isinstance(call, Acknowledge):
            self._sessions.acknowledge(session, call.message_ids)
            return Acknowledged()
        seat = session.seat
        app = None if seat is None else self._tenants.apps.with_uuid(seat.app_uuid)
        if seat is None or app is None:
            raise LookupError("a session's app is never removed")
        match call:
            case ListConversations():
                return await self._reader.list(call, app)
            case MarkRead():
                return await self._reader.mark_read(call, app)
            case ReadHistory():
                return await self._reader.history(call, app)
            case PutDevice() | RemoveDevice():
                return await self._pushes.serve(replace(call, device=seat.device), app)
        raise TypeError(f"no rpc leads to {type(call).__name__}")
