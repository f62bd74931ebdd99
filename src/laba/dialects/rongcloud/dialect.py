"""The dialect as one part: claim, read, write, refuse (design.md section 2)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from laba.dialects.rongcloud import claiming, endpoints, messages, pushes, rooms, users, writing
from laba.dialects.rongcloud.contents import DIALECT
from laba.dialects.unacceptable import Unacceptable
from laba.model.app import App
from laba.model.calls import Answer, Call, Claim, Exchange
from laba.model.filecalls import Upload
from laba.model.http import HttpRequest, HttpResponse, RequestHead
from laba.model.refusal import Refusal

READERS: Final[Mapping[str, Callable[[bytes, App], Call]]] = MappingProxyType(
    {
        endpoints.GET_TOKEN.name: users.get_token,
        endpoints.REFRESH_USER.name: users.refresh,
        endpoints.USER_INFO.name: users.info,
        endpoints.CHECK_ONLINE.name: users.check_online,
        endpoints.SET_TAGS.name: users.set_tags,
        endpoints.SET_TAGS_OF_MANY.name: users.set_tags_of_many,
        endpoints.GET_TAGS.name: users.get_tags,
        endpoints.CREATE_ROOMS.name: rooms.create,
        endpoints.CREATE_ROOM.name: rooms.create_new,
        endpoints.DESTROY_ROOMS.name: rooms.destroy,
        endpoints.QUERY_ROOMS.name: rooms.query,
        endpoints.QUERY_MEMBERS.name: rooms.query_members,
        endpoints.CHECK_MEMBER.name: rooms.check_member,
        endpoints.CHECK_MEMBERS.name: rooms.check_members,
        endpoints.ROOM_MESSAGE.name: messages.room_message,
        endpoints.ROOMS_BROADCAST.name: messages.rooms_broadcast,
        endpoints.ONLINE_BROADCAST.name: messages.online_broadcast,
        endpoints.ALL_USERS_BROADCAST.name: messages.all_users_broadcast,
        endpoints.RECALL_BROADCAST.name: messages.recall,
        endpoints.SYSTEM_MESSAGE.name: messages.system_message,
        endpoints.PUSH.name: pushes.push,
        endpoints.PUSH_TO_USERS.name: pushes.push_to_users,
        endpoints.PUSH_TO_DEVICES.name: pushes.push_to_devices,
    }
)


class RongCloudDialect:
    """Implements `ports.Dialect`. `feature_off_status` goes with code 1009, service not enabled (R2)."""

    __slots__ = ("_feature_off_status",)

    def __init__(self, feature_off_status: int = 403) -> None:
        self._feature_off_status = feature_off_status

    @property
    def name(self) -> str:
        return DIALECT

    def claim(self, head: RequestHead) -> Claim | Refusal | None:
        return claiming.claim(head)

    def read(self, claim: Claim, request: HttpRequest, app: App | None, now_ms: int) -> Call | Refusal:  # noqa: ARG002
        """Read a body as the endpoint's call. Media type and length are the endpoint's row, judged before."""
        if app is None:
            raise ValueError("every endpoint of this dialect belongs to an app")
        try:
            return READERS[claim.endpoint.name](request.body, app)
        except Unacceptable as fault:
            return fault.refusal

    def receive(self, claim: Claim, head: RequestHead, app: App | None, now_ms: int) -> Upload | Refusal:  # noqa: ARG002
        """Raise ValueError, a bug: no endpoint of this dialect takes a file."""
        raise ValueError(f"{claim.endpoint.name} takes no file")

    def write(self, exchange: Exchange, answer: Answer | Refusal) -> HttpResponse:
        if isinstance(answer, Refusal):
            return writing.write_refusal(answer, exchange.claim.path, self._feature_off_status)
        return writing.write_answer(exchange, answer)

    def refuse(self, refusal: Refusal, now_ms: int) -> HttpResponse:  # noqa: ARG002
        """Write a refusal of `claim`, whose subject is the path that was called."""
        return writing.write_refusal(refusal, refusal.subject or "", self._feature_off_status)
