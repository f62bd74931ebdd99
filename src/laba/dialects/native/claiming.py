"""The endpoints under /v1, and which of them a request is for."""

from collections.abc import Mapping
from typing import Final

from laba.model.calls import Claim, Endpoint, Right
from laba.model.http import RequestHead
from laba.model.refusal import Refusal
from laba.model.routing import Found, Routes

PREFIX: Final = "/v1"
JSON: Final = ("application/json",)

CREATE_APP: Final = Endpoint("create app", "POST", "/v1/apps", Right.OPERATOR, JSON)
LIST_APPS: Final = Endpoint("list apps", "GET", "/v1/apps", Right.OPERATOR)
GET_APP: Final = Endpoint("get app", "GET", "/v1/apps/{org}/{app}", Right.APP_OR_OPERATOR)
CHANGE_APP: Final = Endpoint("change app", "PATCH", "/v1/apps/{org}/{app}", Right.OPERATOR, JSON)
ISSUE_TOKEN: Final = Endpoint("issue token", "POST", "/v1/apps/{org}/{app}/tokens", Right.APP_OR_OPERATOR, JSON)
BROADCAST: Final = Endpoint("broadcast", "POST", "/v1/apps/{org}/{app}/broadcasts", Right.APP_OR_OPERATOR, JSON)
SEND: Final = Endpoint("send to rooms", "POST", "/v1/apps/{org}/{app}/messages", Right.APP_OR_OPERATOR, JSON)
GET_BROADCAST: Final = Endpoint("get broadcast", "GET", "/v1/apps/{org}/{app}/broadcasts/{id}", Right.APP_OR_OPERATOR)
FIND_BROADCAST: Final = Endpoint("find broadcast", "GET", "/v1/broadcasts/{id}", Right.OPERATOR)
RECALL: Final = Endpoint("recall", "POST", "/v1/apps/{org}/{app}/broadcasts/{id}/recall", Right.APP_OR_OPERATOR)
ROOM_REPORT: Final = Endpoint("room report", "GET", "/v1/apps/{org}/{app}/rooms/{room}/report", Right.APP_OR_OPERATOR)
_OF_USER: Final = "/v1/apps/{org}/{app}/users/{user}"
LIST_CONVERSATIONS: Final = Endpoint("list conversations", "GET", f"{_OF_USER}/conversations", Right.USER_OR_APP)
READ_CONVERSATION: Final = Endpoint(
    "read conversation", "POST", f"{_OF_USER}/conversations/read", Right.USER_OR_APP, JSON
)
HISTORY: Final = Endpoint("history", "GET", f"{_OF_USER}/history", Right.USER_OR_APP)
LIST_ROOMS: Final = Endpoint("list rooms", "GET", "/v1/apps/{org}/{app}/rooms", Right.APP_OR_OPERATOR)
GET_ROOM: Final = Endpoint("get room", "GET", "/v1/apps/{org}/{app}/rooms/{room}", Right.APP_OR_OPERATOR)
CHANGE_ROOM: Final = Endpoint(
    "change room", "PATCH", "/v1/apps/{org}/{app}/rooms/{room}", Right.APP_OR_OPERATOR, JSON
)
_OF_ROOM: Final = "/v1/apps/{org}/{app}/rooms/{room}"
CREATE_ROOM: Final = Endpoint("create room", "POST", "/v1/apps/{org}/{app}/rooms", Right.APP_OR_OPERATOR, JSON)
CLOSE_ROOM: Final = Endpoint("close room", "DELETE", _OF_ROOM, Right.APP_OR_OPERATOR)
LIST_MEMBERS: Final = Endpoint("list members", "GET", f"{_OF_ROOM}/members", Right.APP_OR_OPERATOR)
ADD_MEMBERS: Final = Endpoint("add members", "POST", f"{_OF_ROOM}/members", Right.APP_OR_OPERATOR, JSON)
REMOVE_MEMBER: Final = Endpoint("remove member", "DELETE", f"{_OF_ROOM}/members/{{user}}", Right.APP_OR_OPERATOR)
TAG_MEMBER: Final = Endpoint("tag member", "PUT", f"{_OF_ROOM}/members/{{user}}/tags", Right.APP_OR_OPERATOR, JSON)
_HOOKS: Final = "/v1/apps/{org}/{app}/callbacks"
LIST_HOOKS: Final = Endpoint("list callbacks", "GET", _HOOKS, Right.APP_OR_OPERATOR)
PUT_HOOK: Final = Endpoint("put callback", "PUT", f"{_HOOKS}/{{hook}}", Right.APP_OR_OPERATOR, JSON)
REMOVE_HOOK: Final = Endpoint("remove callback", "DELETE", f"{_HOOKS}/{{hook}}", Right.APP_OR_OPERATOR)
LIST_DEAD: Final = Endpoint("list dead letters", "GET", f"{_HOOKS}/{{hook}}/dead", Right.APP_OR_OPERATOR)
RESEND_DEAD: Final = Endpoint(
    "resend dead letters", "POST", f"{_HOOKS}/{{hook}}/dead/resend", Right.APP_OR_OPERATOR, JSON
)
_PROVIDERS: Final = "/v1/apps/{org}/{app}/providers"
LIST_PROVIDERS: Final = Endpoint("list push providers", "GET", _PROVIDERS, Right.APP_OR_OPERATOR)
PUT_PROVIDER: Final = Endpoint("put push provider", "PUT", f"{_PROVIDERS}/{{provider}}", Right.APP_OR_OPERATOR, JSON)
REMOVE_PROVIDER: Final = Endpoint(
    "remove push provider", "DELETE", f"{_PROVIDERS}/{{provider}}", Right.APP_OR_OPERATOR
)
CHECK_PROVIDER: Final = Endpoint(
    "check push provider", "POST", f"{_PROVIDERS}/{{provider}}/check", Right.APP_OR_OPERATOR
)
LIST_DEVICES: Final = Endpoint("list devices", "GET", f"{_OF_USER}/devices", Right.USER_OR_APP)
PUT_DEVICE: Final = Endpoint("put device", "PUT", f"{_OF_USER}/devices/{{device}}", Right.USER_OR_APP, JSON)
REMOVE_DEVICE: Final = Endpoint("remove device", "DELETE", f"{_OF_USER}/devices/{{device}}", Right.USER_OR_APP)
PUSH: Final = Endpoint("push", "POST", "/v1/apps/{org}/{app}/pushes", Right.APP_OR_OPERATOR, JSON)
SET_PUSH: Final = Endpoint(
    "pause, resume or cancel push",
    "POST",
    "/v1/apps/{org}/{app}/broadcasts/{id}/push/{action}",
    Right.APP_OR_OPERATOR,
)
GET_WORDS: Final = Endpoint("get words", "GET", "/v1/apps/{org}/{app}/words", Right.APP_OR_OPERATOR)
# Twenty thousand words of 64 characters, in the longest form that JSON has for them.
PUT_WORDS: Final = Endpoint(
    "put words", "PUT", "/v1/apps/{org}/{app}/words", Right.APP_OR_OPERATOR, JSON, body_limit_bytes=16 * 1024 * 1024
)
ENDPOINTS: Final = (
    CREATE_APP,
    LIST_APPS,
    GET_APP,
    CHANGE_APP,
    ISSUE_TOKEN,
    BROADCAST,
    SEND,
    GET_BROADCAST,
    FIND_BROADCAST,
    RECALL,
    ROOM_REPORT,
    LIST_CONVERSATIONS,
    READ_CONVERSATION,
    HISTORY,
    LIST_ROOMS,
    GET_ROOM,
    CHANGE_ROOM,
    CREATE_ROOM,
    CLOSE_ROOM,
    LIST_MEMBERS,
    ADD_MEMBERS,
    REMOVE_MEMBER,
    TAG_MEMBER,
    LIST_HOOKS,
    PUT_HOOK,
    REMOVE_HOOK,
    LIST_DEAD,
    RESEND_DEAD,
    LIST_PROVIDERS,
    PUT_PROVIDER,
    REMOVE_PROVIDER,
    CHECK_PROVIDER,
    LIST_DEVICES,
    PUT_DEVICE,
    REMOVE_DEVICE,
    PUSH,
    SET_PUSH,
    GET_WORDS,
    PUT_WORDS,
)
_ROUTES: Final = Routes(ENDPOINTS)


def claim(head: RequestHead) -> Claim | Refusal | None:
    """Say which endpoint is meant; None for a path outside /v1."""
    if head.path != PREFIX and not head.path.startswith(f"{PREFIX}/"):
        return None
    found = _ROUTES.find(head.method, head.path)
    if not isinstance(found, Found):
        return found
    return Claim(found.endpoint, head.path, found.arguments, _app(found.arguments), proof=head.bearer)


def _app(arguments: Mapping[str, str]) -> tuple[str, str] | None:
    return (arguments["org"], arguments["app"]) if "org" in arguments else None
