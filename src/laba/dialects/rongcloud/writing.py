"""Answers and refusals in the vendor's words (vendor-apis.md 1.4, 3.2)."""

from collections.abc import Mapping
from typing import Any, Final

from laba.dialects import groupedids
from laba.dialects.rongcloud import endpoints
from laba.dialects.rongcloud.endpoints import METHOD
from laba.dialects.rongcloud.entities import about_rooms, about_users
from laba.dialects.rongcloud.errors import words_for
from laba.dialects.strictjson import compact
from laba.model.calls import Accepted, Answer, Endpoint, Exchange, Posted, TokenIssued
from laba.model.dispatch import Audience, Dispatch
from laba.model.http import HttpResponse
from laba.model.recordcalls import Recalled
from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import RoomAnswer
from laba.model.usercalls import UserAnswer

MEDIA_TYPE: Final = "application/json; charset=utf-8"  # as in the vendor's samples (seeds/002, seeds/004)
NO_TOKEN: Final = "sender has no token"  # noqa: S105 - P9's words
NO_PROVIDER: Final = "no push provider is configured: nobody is notified"
_PUSHES: Final = frozenset(endpoint.name for endpoint in endpoints.PUSHES)


def write_answer(exchange: Exchange, answer: Answer) -> HttpResponse:
    """Write a success. ValueError for what no endpoint of this dialect can be answered: that is a bug."""
    body = {"code": 200, **_members(exchange, answer)}
    return HttpResponse(200, compact(body), MEDIA_TYPE)


def write_refusal(refusal: Refusal, url: str, feature_off_status: int) -> HttpResponse:
    """Write an error body; `url` is the path that was called."""
    words = words_for(refusal, feature_off_status)
    body = {"url": url, "code": words.code, "errorMessage": words.message}
    return HttpResponse(words.status, compact(body), MEDIA_TYPE, _headers(refusal))


def _headers(refusal: Refusal) -> Mapping[str, str]:
    headers = {}
    if refusal.code is Code.METHOD_WRONG:
        headers["Allow"] = METHOD
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    return headers


def _members(exchange: Exchange, answer: Answer) -> dict[str, Any]:
    """Give what stands beside `code`."""
    endpoint = exchange.claim.endpoint
    match answer:
        case TokenIssued(token=token, user=user) if user is not None:
            return {"userId": user.name, "token": token}
        case Accepted():
            has_providers = exchange.app is not None and bool(exchange.app.policy.providers)
            return _accepted(endpoint, answer, has_providers=has_providers)
        case Posted(ids):
            return {
                "messageUIDs": [{"chatroomId": room, "messageUID": groupedids.written(ids[room])} for room in ids]
            }
        case Recalled():
            return {}
        case _ if isinstance(answer, UserAnswer):
            return about_users(answer)
        case _ if isinstance(answer, RoomAnswer):
            return about_rooms(answer, single=endpoint.name == endpoints.CHECK_MEMBER.name)
        case _:
            raise ValueError(f"another dialect writes {type(answer).__name__}")


def _accepted(endpoint: Endpoint, accepted: Accepted, *, has_providers: bool) -> dict[str, Any]:
    """Name the message. A broadcast to rooms is not named, for it has an id of its own in each."""
    if endpoint.name == endpoints.ROOMS_BROADCAST.name:
        return {}
    if endpoint.name in _PUSHES:
        return _pushed(accepted, has_providers=has_providers)
    uid = groupedids.written(accepted.dispatch.id)
    if endpoint.name == endpoints.SYSTEM_MESSAGE.name:
        return {"messageUIDs": [{"userId": user, "messageUID": uid} for user in _users(accepted.dispatch)]}
    return {"messageUID": uid}


def _pushed(accepted: Accepted, *, has_providers: bool) -> dict[str, Any]:
    """Name a push, and its message where it has one; warn where it shows nobody a name, or anything (P1, P9)."""
    uid = groupedids.written(accepted.dispatch.id)
    if accepted.dispatch.audience is Audience.DEVICES:
        return {"id": uid} if has_providers else {"id": uid, "warning": NO_PROVIDER}
    named = {"id": uid, "messageUID": uid}
    return named if accepted.sender_has_token else {**named, "warning": NO_TOKEN}


def _users(dispatch: Dispatch) -> list[str]:
    targets = dispatch.targets
    return [] if targets is None or targets.users is None else sorted(targets.users)
