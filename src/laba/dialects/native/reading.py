"""The body of each endpoint, read as one call."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from laba.dialects.native import claiming, contents, conversations, roomreports, rooms
from laba.dialects.native.members import Members, Unacceptable, compact_bytes, decoded, invalid
from laba.model.app import AppName, Feature, QuotaName
from laba.model.calls import Call, ChangeApp, Claim, CreateApp, GetApp, Grant, ListApps, TokenRequest
from laba.model.content import Kind
from laba.model.dispatch import Audience, Flags, Level, Submission
from laba.model.http import HttpRequest
from laba.model.quota import Quota
from laba.model.recordcalls import GetReport
from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import GetRoom
from laba.model.user import USERNAME_MAX_BYTES

# A4: a broadcast without a sender is the administrator's.
DEFAULT_SENDER: Final = "admin"
# E2: content and ext together, as compact JSON in UTF-8.
SIZE_LIMIT_BYTES: Final = 5120
CLIENT_ID_LIMIT: Final = 128
TTL_LIMIT_SECONDS: Final = 2**31 - 1

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_Name = TypeVar("_Name", bound=StrEnum)

# R8: a command has none of the properties, everything else is stored and counted; no push starts by itself.
_PASSING: Final = Flags(stored=False, counted=False, pushed=False, updates_last=False)
_LASTING: Final = Flags(stored=True, counted=True, pushed=False, updates_last=True)


def read(claim: Claim, request: HttpRequest) -> Call | Refusal:
    """Give the call that the endpoint, its query and its body mean; a Refusal names the member at fault."""
    try:
        if claim.endpoint.name in _QUERIES:
            return _QUERIES[claim.endpoint.name](claim, request.head.query)
        return _READERS[claim.endpoint.name](claim, request.body)
    except Unacceptable as fault:
        return fault.refusal


def _create_app(_claim: Claim, body: bytes) -> CreateApp:
    members = decoded(body)
    org, app = members.text("org_name"), members.text("app_name")
    # Each beside a name that is surely right, so that the fault falls on the one that has it.
    for field, parts in (("org_name", (org, "app")), ("app_name", ("org", app))):
        try:
            AppName(*parts)
        except ValueError as error:
            raise invalid(field, f"will not do: {error}") from error
    unlimited = members.flag("unlimited") if "unlimited" in members else False
    return CreateApp(AppName(org, app), _enabled(members), unlimited)


def _enabled(members: Members) -> frozenset[Feature] | None:
    """Read `enable`: features to switch on beside those that every app begins with."""
    if "enable" not in members:
        return None
    named = members.value("enable")
    if named == "all":
        return frozenset(Feature)
    if not isinstance(named, list):
        raise invalid("enable", 'must be a list of features, or "all"')
    return frozenset(_named(Feature, name, f"enable[{index}]") for index, name in enumerate(named))


def _change_app(_claim: Claim, body: bytes) -> ChangeApp:
    members = decoded(body)
    features, quotas = members.members("features"), members.members("quotas")
    return ChangeApp(
        features={_named(Feature, name, features.path(name)): features.flag(name) for name in features},
        quotas={_named(QuotaName, name, quotas.path(name)): _quota(quotas, name) for name in quotas},
        development=members.flag("development") if "development" in members else None,
        priorities=rooms.priorities(members),
    )


def _quota(members: Members, name: str) -> Quota:
    try:
        return Quota.parse(members.text(name))
    except ValueError as error:
        raise invalid(members.path(name), f"will not do: {error}") from error


def _issue_token(claim: Claim, body: bytes) -> TokenRequest:
    members = decoded(body)
    return TokenRequest(
        Grant.DIRECT,
        username=_user_name(members, "user") if "user" in members else "",
        proof=claim.proof,
        ttl_seconds=members.integer("ttl_seconds", 0, TTL_LIMIT_SECONDS) if "ttl_seconds" in members else None,
        register=members.flag("register") if "register" in members else False,
    )


def _user_name(members: Members, name: str) -> str:
    user = members.text(name)
    if len(user.encode()) > USERNAME_MAX_BYTES:
        raise invalid(name, f"may have at most {USERNAME_MAX_BYTES} bytes", Code.USERNAME_TOO_LONG)
    if _CONTROL.search(user):
        raise invalid(name, "may have no control characters", Code.USERNAME_ILLEGAL)
    return user


def said_in_room(data: bytes, room_id: str, user: str) -> Submission | Refusal:
    """Read what a client publishes in a room: a broadcast's body, whose sender is the client's user.

    A `from` is ignored like any unknown member (G5): nobody speaks for another.
    """
    try:
        return replace(
            _submission(decoded(data), user),
            audience=Audience.ROOMS,
            feature=None,
            quota=QuotaName.ROOM_MESSAGES,
            rooms=(room_id,),
        )
    except Unacceptable as fault:
        return fault.refusal


def _broadcast(_claim: Claim, body: bytes) -> Submission:
    members = decoded(body)
    return _submission(members, _sender(members))


def _submission(members: Members, sender: str) -> Submission:
    kind = _named(Kind, members.required("kind"), "kind")
    members.required("content")
    inner = members.members("content")
    ext = _ext(members)
    return Submission(
        sender=sender,
        content=contents.content(kind, inner),
        flags=_PASSING if kind is Kind.CMD else _LASTING,
        audience=Audience.ONLINE_USERS,
        feature=Feature.USERS_BROADCAST,
        quota=QuotaName.USERS_BROADCAST,
        size_bytes=compact_bytes(inner.plain()) + (0 if ext is None else compact_bytes(ext)),
        size_limit_bytes=SIZE_LIMIT_BYTES,
        original=contents.original(kind, inner),
        ext=ext,
        level=_named(Level, members.value("level"), "level") if "level" in members else Level.NORMAL,
        client_id=_client_id(members),
    )


def _get_broadcast(claim: Claim, _query: Mapping[str, str]) -> GetReport:
    return GetReport(conversations.message_id(claim.arguments["id"], "id"))


def _sender(members: Members) -> str:
    if "from" not in members:
        return DEFAULT_SENDER
    if members.value("from") == "":
        raise invalid("from", "can't be empty", Code.SENDER_EMPTY)
    return _user_name(members, "from")


def _ext(members: Members) -> dict[str, Any] | None:
    """Read `ext`: an object or absent, never null (E8)."""
    if "ext" not in members:
        return None
    ext = members.value("ext")
    if not isinstance(ext, dict):
        raise invalid("ext", "must be an object", Code.EXT_INVALID)
    return ext


def _client_id(members: Members) -> str | None:
    client_id = members.optional_text("client_id")
    if client_id is not None and len(client_id) > CLIENT_ID_LIMIT:
        raise invalid("client_id", f"may have at most {CLIENT_ID_LIMIT} characters")
    return client_id


def _named(names: type[_Name], value: Any, path: str) -> _Name:
    try:
        return names(value)
    except ValueError as error:
        raise invalid(path, f"must be one of {', '.join(names)}") from error


_READERS: Final[Mapping[str, Callable[[Claim, bytes], Call]]] = {
    claiming.CREATE_APP.name: _create_app,
    claiming.LIST_APPS.name: lambda _claim, _body: ListApps(),
    claiming.GET_APP.name: lambda _claim, _body: GetApp(),
    claiming.CHANGE_APP.name: _change_app,
    claiming.ISSUE_TOKEN.name: _issue_token,
    claiming.BROADCAST.name: _broadcast,
    claiming.READ_CONVERSATION.name: lambda claim, body: conversations.mark_read(
        decoded(body), claim.arguments["user"]
    ),
    claiming.GET_ROOM.name: lambda claim, _body: GetRoom(claim.arguments["room"]),
    claiming.CHANGE_ROOM.name: lambda claim, body: rooms.change(decoded(body), claim.arguments["room"]),
}
_QUERIES: Final[Mapping[str, Callable[[Claim, Mapping[str, str]], Call]]] = {
    claiming.GET_BROADCAST.name: _get_broadcast,
    claiming.FIND_BROADCAST.name: _get_broadcast,
    claiming.ROOM_REPORT.name: roomreports.read,
    claiming.LIST_CONVERSATIONS.name: lambda claim, query: conversations.list_of(
        conversations.from_query(query), claim.arguments["user"]
    ),
    claiming.HISTORY.name: lambda claim, query: conversations.history(
        conversations.from_query(query), claim.arguments["user"]
    ),
    claiming.LIST_ROOMS.name: lambda _claim, query: rooms.list_of(conversations.from_query(query)),
}
