"""The dialect as one part: claim, read, write, refuse (design.md section 2)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from laba.dialects.easemob import (
    chatfiles,
    claiming,
    endpoints,
    messages,
    roommessages,
    rooms,
    tokens,
    users,
    writing,
)
from laba.dialects.easemob.bodies import DIALECT
from laba.model.app import App
from laba.model.calls import Answer, Call, Claim, Exchange
from laba.model.filecalls import Upload
from laba.model.http import HttpRequest, HttpResponse, RequestHead
from laba.model.refusal import Refusal

READERS: Mapping[str, Callable[[Claim, bytes], Call | Refusal]] = MappingProxyType(
    {
        endpoints.TOKEN.name: tokens.read_token_request,
        endpoints.REGISTER_USERS.name: users.read_registration,
        endpoints.GET_USER.name: users.read_get,
        endpoints.DELETE_USER.name: users.read_delete,
        endpoints.SET_PASSWORD.name: users.read_password,
        endpoints.DEACTIVATE_USER.name: users.read_deactivation,
        endpoints.ACTIVATE_USER.name: users.read_activation,
        endpoints.DISCONNECT_USER.name: users.read_disconnect,
        endpoints.USER_STATUS.name: users.read_status,
        endpoints.USERS_STATUS.name: users.read_statuses,
        endpoints.USER_RESOURCES.name: users.read_resources,
        endpoints.CREATE_ROOM.name: rooms.read_creation,
        endpoints.GET_ROOM.name: rooms.read_get,
        endpoints.CHANGE_ROOM.name: rooms.read_change,
        endpoints.DESTROY_ROOM.name: rooms.read_destruction,
        endpoints.ADD_MEMBER.name: rooms.read_addition,
        endpoints.ADD_MEMBERS.name: rooms.read_additions,
        endpoints.REMOVE_MEMBERS.name: rooms.read_removal,
        endpoints.JOINED_ROOMS.name: rooms.read_joined,
        endpoints.MUTE_MEMBERS.name: rooms.read_mute,
        endpoints.UNMUTE_MEMBERS.name: rooms.read_unmute,
        endpoints.LIST_MUTES.name: rooms.read_mutes,
        endpoints.MUTE_ROOM.name: rooms.read_ban,
        endpoints.UNMUTE_ROOM.name: rooms.read_unban,
        endpoints.USERS_BROADCAST.name: messages.read_users_broadcast,
        endpoints.ALL_USERS_BROADCAST.name: messages.read_all_users_broadcast,
        endpoints.ROOMS_BROADCAST.name: messages.read_rooms_broadcast,
        endpoints.ROOM_MESSAGE.name: roommessages.read_room_message,
        endpoints.DIRECTED_MESSAGE.name: roommessages.read_room_message,
    }
)

# What a list is asked for stands in its query.
QUERY_READERS: Mapping[str, Callable[[Claim, Mapping[str, str]], Call | Refusal]] = MappingProxyType(
    {
        endpoints.LIST_USERS.name: users.read_list,
        endpoints.LIST_ROOMS.name: rooms.read_list,
        endpoints.LIST_MEMBERS.name: rooms.read_members,
    }
)

# What a file is asked for stands in headers, too.
HEAD_READERS: Mapping[str, Callable[[Claim, RequestHead], Call | Refusal]] = MappingProxyType(
    {endpoints.GET_FILE.name: chatfiles.read_get, endpoints.HEAD_FILE.name: chatfiles.read_get}
)


class EasemobDialect:
    """Implements `ports.Dialect` for `/{org}/{app}/...` and `/app-id/{app_id}/...`."""

    name = DIALECT

    def claim(self, head: RequestHead) -> Claim | Refusal | None:
        return claiming.claim(head)

    def read(self, claim: Claim, request: HttpRequest, app: App | None, now_ms: int) -> Call | Refusal:  # noqa: ARG002
        if claim.endpoint.name in HEAD_READERS:
            return HEAD_READERS[claim.endpoint.name](claim, request.head)
        if claim.endpoint.name in QUERY_READERS:
            return QUERY_READERS[claim.endpoint.name](claim, request.head.query)
        return READERS[claim.endpoint.name](claim, request.body)

    def receive(self, claim: Claim, head: RequestHead, app: App | None, now_ms: int) -> Upload | Refusal:  # noqa: ARG002
        return chatfiles.receive(head)

    def write(self, exchange: Exchange, answer: Answer | Refusal) -> HttpResponse:
        if isinstance(answer, Refusal):
            return writing.write_refusal(answer, exchange.now_ms, exchange)
        return writing.write_answer(exchange, answer)

    def refuse(self, refusal: Refusal, now_ms: int) -> HttpResponse:
        return writing.write_refusal(refusal, now_ms)
