"""The dialect as one part: claim, read, write, refuse (design.md section 2)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from laba.dialects.neroom import claiming, endpoints, messages, rooms, users, writing
from laba.dialects.neroom.contents import DIALECT
from laba.dialects.unacceptable import Unacceptable
from laba.model.app import App
from laba.model.calls import Answer, Call, Claim, Exchange
from laba.model.filecalls import Upload
from laba.model.http import HttpRequest, HttpResponse, RequestHead
from laba.model.refusal import Refusal

READERS: Final[Mapping[str, Callable[[bytes, Claim], Call]]] = MappingProxyType(
    {
        endpoints.BROADCAST.name: messages.broadcast,
        endpoints.CREATE_USER.name: users.create,
        endpoints.CREATE_ROOM.name: rooms.create,
        endpoints.ROOM_MESSAGE.name: messages.room_message,
        endpoints.IM_BROADCAST.name: messages.im_broadcast,
        endpoints.IM_CREATE_ROOM.name: rooms.im_create,
        endpoints.IM_CREATE_USER.name: users.im_create,
        endpoints.IM_REFRESH_TOKEN.name: users.im_refresh_token,
        endpoints.IM_BLOCK.name: users.im_block,
        endpoints.IM_UNBLOCK.name: users.im_unblock,
        endpoints.IM_ONLINE.name: users.im_online,
        endpoints.IM_JSON_BROADCAST.name: messages.im_json_broadcast,
        endpoints.IM_JSON_BROADCAST_V2.name: messages.im_json_broadcast,
    }
)


class NeroomDialect:
    """Implements `ports.Dialect`."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return DIALECT

    def claim(self, head: RequestHead) -> Claim | Refusal | None:
        return claiming.claim(head)

    def read(self, claim: Claim, request: HttpRequest, app: App | None, now_ms: int) -> Call | Refusal:  # noqa: ARG002
        """Read a body as the endpoint's call. Media type and length are the endpoint's row, judged before."""
        try:
            return READERS[claim.endpoint.name](request.body, claim)
        except Unacceptable as fault:
            return fault.refusal

    def receive(self, claim: Claim, head: RequestHead, app: App | None, now_ms: int) -> Upload | Refusal:  # noqa: ARG002
        """Raise ValueError, a bug: no endpoint of this dialect takes a file."""
        raise ValueError(f"{claim.endpoint.name} takes no file")

    def write(self, exchange: Exchange, answer: Answer | Refusal) -> HttpResponse:
        if isinstance(answer, Refusal):
            return writing.write_refusal(answer, exchange.claim.path, exchange, exchange.now_ms)
        return writing.write_answer(exchange, answer)

    def refuse(self, refusal: Refusal, now_ms: int) -> HttpResponse:
        """Write a refusal of `claim`, whose subject is the path that was called."""
        return writing.write_refusal(refusal, refusal.subject or "", None, now_ms)
