"""The body of each endpoint, read as one call."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from laba.dialects import groupedids
from laba.dialects.native import (
    claiming,
    conversations,
    devices,
    hooks,
    providers,
    pushes,
    roomreports,
    rooms,
    sending,
    types,
)
from laba.dialects.native.members import Members, decoded, invalid, named, user_name
from laba.dialects.unacceptable import Unacceptable
from laba.model.app import App, AppName, Feature, QuotaName
from laba.model.calls import Call, ChangeApp, Claim, CreateApp, GetApp, Grant, ListApps, TokenRequest
from laba.model.dispatch import Audience
from laba.model.hookcalls import GetWords, ListHooks, RemoveHook
from laba.model.http import HttpRequest
from laba.model.pushcalls import CheckProvider, ListDevices, ListProviders, RemoveProvider, SetPush
from laba.model.quota import Quota
from laba.model.recordcalls import GetReport, Recall
from laba.model.refusal import Refusal
from laba.model.roomcalls import DestroyRoom, GetRoom, RemoveMembers

TTL_LIMIT_SECONDS: Final = 2**31 - 1

# X3: what is in users' conversations can be withdrawn from them.
_RECALLABLE: Final = frozenset({Audience.ONLINE_USERS, Audience.RECENT_USERS, Audience.ALL_USERS, Audience.TARGETS})


@dataclass(frozen=True, slots=True)
class Offers:
    """What assembly put into this server: the forms in which hooks are told, the kinds of push providers."""

    forms: AbstractSet[str]
    kinds: AbstractSet[str]


def read(claim: Claim, request: HttpRequest, app: App | None, offers: Offers) -> Call | Refusal:
    """Give the call that the endpoint, its query and its body mean; a Refusal names the member at fault."""
    try:
        if claim.endpoint.name == claiming.CHANGE_APP.name:
            return _change_app(request.body, app)
        if claim.endpoint.name == claiming.PUT_HOOK.name:
            return hooks.put(decoded(request.body), claim.arguments["hook"], offers.forms)
        if claim.endpoint.name in _OFFERED:
            return _OFFERED[claim.endpoint.name](claim, request.body, offers.kinds)
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
    unlimited = members.optional_flag("unlimited")
    return CreateApp(AppName(org, app), _enabled(members), unlimited)


def _enabled(members: Members) -> frozenset[Feature] | None:
    """Read `enable`: features to switch on beside those that every app begins with."""
    if "enable" not in members:
        return None
    asked = members.value("enable")
    if asked == "all":
        return frozenset(Feature)
    if not isinstance(asked, list):
        raise invalid("enable", 'must be a list of features, or "all"')
    return frozenset(named(Feature, name, f"enable[{index}]") for index, name in enumerate(asked))


def _change_app(body: bytes, app: App | None) -> ChangeApp:
    members = decoded(body)
    features, quotas = members.members("features"), members.members("quotas")
    return ChangeApp(
        features={named(Feature, name, features.path(name)): features.flag(name) for name in features},
        quotas={named(QuotaName, name, quotas.path(name)): _quota(quotas, name) for name in quotas},
        development=members.flag("development") if "development" in members else None,
        priorities=rooms.priorities(members),
        types=types.read(members, app),
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
        username=user_name(members, "user") if "user" in members else "",
        proof=claim.proof,
        ttl_seconds=members.integer("ttl_seconds", 0, TTL_LIMIT_SECONDS) if "ttl_seconds" in members else None,
        register=members.optional_flag("register"),
    )


def _broadcast(claim: Claim) -> int:
    """Take the broadcast's id from the path, in whichever form a caller was given it (G3, R7)."""
    text = claim.arguments["id"]
    number = groupedids.read(text)
    return conversations.message_id(text, "id") if number is None else number


def _get_broadcast(claim: Claim, _query: Mapping[str, str]) -> GetReport:
    return GetReport(_broadcast(claim))


def _recall(claim: Claim, _body: bytes) -> Recall:
    return Recall(_broadcast(claim), _RECALLABLE)


def _set_push(claim: Claim, _body: bytes) -> SetPush:
    state = pushes.PUSH_ACTIONS.get(claim.arguments["action"])
    if state is None:
        raise invalid("action", f"must be one of {', '.join(pushes.PUSH_ACTIONS)}")
    return SetPush(_broadcast(claim), state)


_OFFERED: Final[Mapping[str, Callable[[Claim, bytes, AbstractSet[str]], Call]]] = {
    claiming.PUT_PROVIDER.name: lambda claim, body, kinds: providers.put(
        decoded(body), claim.arguments["provider"], kinds
    ),
    claiming.PUT_DEVICE.name: lambda claim, body, kinds: devices.put(
        decoded(body), claim.arguments["user"], claim.arguments["device"], kinds
    ),
}
_READERS: Final[Mapping[str, Callable[[Claim, bytes], Call]]] = {
    claiming.CREATE_APP.name: _create_app,
    claiming.LIST_APPS.name: lambda _claim, _body: ListApps(),
    claiming.GET_APP.name: lambda _claim, _body: GetApp(),
    claiming.ISSUE_TOKEN.name: _issue_token,
    claiming.BROADCAST.name: sending.broadcast,
    claiming.SEND.name: sending.to_rooms,
    claiming.RECALL.name: _recall,
    claiming.READ_CONVERSATION.name: lambda claim, body: conversations.mark_read(
        decoded(body), claim.arguments["user"]
    ),
    claiming.GET_ROOM.name: lambda claim, _body: GetRoom(claim.arguments["room"]),
    claiming.CHANGE_ROOM.name: lambda claim, body: rooms.change(decoded(body), claim.arguments["room"]),
    claiming.CREATE_ROOM.name: lambda _claim, body: rooms.create(decoded(body)),
    claiming.CLOSE_ROOM.name: lambda claim, _body: DestroyRoom(claim.arguments["room"]),
    claiming.ADD_MEMBERS.name: lambda claim, body: rooms.additions(decoded(body), claim.arguments["room"]),
    claiming.REMOVE_MEMBER.name: lambda claim, _body: RemoveMembers(
        claim.arguments["room"], (claim.arguments["user"],), single=True
    ),
    claiming.TAG_MEMBER.name: lambda claim, body: rooms.tags(
        decoded(body), claim.arguments["room"], claim.arguments["user"]
    ),
    claiming.LIST_HOOKS.name: lambda _claim, _body: ListHooks(),
    claiming.REMOVE_HOOK.name: lambda claim, _body: RemoveHook(claim.arguments["hook"]),
    claiming.RESEND_DEAD.name: lambda claim, body: hooks.resend(decoded(body), claim.arguments["hook"]),
    claiming.LIST_PROVIDERS.name: lambda _claim, _body: ListProviders(),
    claiming.REMOVE_PROVIDER.name: lambda claim, _body: RemoveProvider(claim.arguments["provider"]),
    claiming.CHECK_PROVIDER.name: lambda claim, _body: CheckProvider(claim.arguments["provider"]),
    claiming.LIST_DEVICES.name: lambda claim, _body: ListDevices(claim.arguments["user"]),
    claiming.REMOVE_DEVICE.name: lambda claim, _body: devices.remove(
        claim.arguments["user"], claim.arguments["device"]
    ),
    claiming.PUSH.name: sending.push,
    claiming.SET_PUSH.name: _set_push,
    claiming.GET_WORDS.name: lambda _claim, _body: GetWords(),
    claiming.PUT_WORDS.name: lambda _claim, body: hooks.words(decoded(body)),
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
    claiming.LIST_MEMBERS.name: lambda claim, query: rooms.members_of(
        conversations.from_query(query), claim.arguments["room"]
    ),
    claiming.LIST_DEAD.name: lambda claim, query: hooks.dead(
        conversations.from_query(query), claim.arguments["hook"]
    ),
}
