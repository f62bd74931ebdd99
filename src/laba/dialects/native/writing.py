"""Each answer as JSON, and each refusal as `{"error": {...}}` with its status."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from laba.dialects.native import hooks, pushes, roomreports, rooms, types
from laba.dialects.native.conversations import cursor, told
from laba.model.app import App, Feature, QuotaName
from laba.model.calls import Accepted, Answer, AppShown, AppsListed, Posted, TokenIssued
from laba.model.hookcalls import HookAnswer
from laba.model.http import HttpResponse
from laba.model.pushcalls import PushAnswer
from laba.model.recordcalls import (
    ConversationsListed,
    HistoryRead,
    MarkedRead,
    Recalled,
    ReportShown,
    RoomReportShown,
)
from laba.model.refusal import Code, Refusal
from laba.model.report import KeptReport, Stage
from laba.model.roomcalls import RoomAnswer

# laba's own words for every refusal; the statuses are those of RFC 9110 section 15 by their meaning.
STATUS: Final[Mapping[Code, int]] = {
    Code.TOKEN_MISSING: 401,
    Code.TOKEN_CORRUPT: 401,
    Code.TOKEN_UNKNOWN: 401,
    Code.TOKEN_EXPIRED: 401,
    Code.TOKEN_MISMATCH: 401,
    Code.OPERATOR_ONLY: 403,
    Code.APP_KEY_MISSING: 401,
    Code.SIGNATURE_MISSING: 401,
    Code.SIGNATURE_WRONG: 401,
    Code.SIGNATURE_STALE: 401,
    Code.SIGNATURE_REUSED: 401,
    Code.APP_UNKNOWN: 404,
    Code.ENDPOINT_UNKNOWN: 404,
    Code.METHOD_WRONG: 405,
    Code.MEDIA_TYPE_UNSUPPORTED: 415,
    Code.BODY_TOO_LARGE: 413,
    Code.BODY_TIMEOUT: 408,
    Code.BODY_BROKEN: 400,
    Code.FIELD_INVALID: 400,
    Code.FIELD_MISSING: 400,
    Code.SENDER_EMPTY: 400,
    Code.EXT_INVALID: 400,
    Code.FIELD_EMPTY: 400,
    Code.LIST_SIZE_WRONG: 400,
    Code.MESSAGE_TOO_LARGE: 413,
    Code.TARGET_UNKNOWN: 400,
    Code.TARGET_UNSERVED: 400,
    Code.AUDIENCE_EMPTY: 400,
    Code.FEATURE_OFF: 403,
    Code.QUOTA_EXHAUSTED: 429,
    Code.OVERLOADED: 503,
    Code.NOT_A_MEMBER: 403,
    Code.MUTED: 403,
    Code.MESSAGE_REJECTED: 403,
    Code.HOOK_UNKNOWN: 404,
    Code.HOOKS_TOO_MANY: 403,
    Code.PROVIDER_UNKNOWN: 404,
    Code.PROVIDERS_TOO_MANY: 403,
    Code.DEVICE_UNKNOWN: 404,
    Code.PUSH_OVER: 409,
    Code.GRANT_UNKNOWN: 400,
    Code.CLIENT_ID_WRONG: 401,
    Code.CLIENT_SECRET_WRONG: 401,
    Code.PASSWORD_WRONG: 401,
    Code.USER_EXISTS: 409,
    Code.USER_UNKNOWN: 404,
    Code.USER_DEACTIVATED: 403,
    Code.USERNAME_ILLEGAL: 400,
    Code.USERNAME_TOO_LONG: 400,
    Code.PASSWORD_MISSING: 400,
    Code.PASSWORD_TOO_LONG: 400,
    Code.NICKNAME_TOO_LONG: 400,
    Code.USERS_TOO_MANY: 400,
    Code.ROOM_UNKNOWN: 404,
    Code.ROOM_EXISTS: 409,
    Code.ROOM_FULL: 403,
    Code.ROOMS_TOO_MANY: 403,
    Code.MEMBER_UNKNOWN: 400,
    Code.OWNER_STAYS: 403,
    Code.BROADCAST_UNKNOWN: 404,
    Code.NOT_RECALLABLE: 409,
    Code.FILE_MISSING: 400,
    Code.FILE_TOO_LARGE: 413,
    Code.FILES_FULL: 507,
    Code.FILE_UNKNOWN: 404,
    Code.FILE_EXPIRED: 404,
    Code.FILE_SECRET_WRONG: 403,
    Code.FILE_SECRET_MISSING: 400,
    Code.RANGE_UNSATISFIABLE: 416,
    Code.APP_EXISTS: 409,
}


def write(answer: Answer) -> HttpResponse:
    """Write an answer; TypeError for one that no call of this dialect leads to."""
    return _json(201 if isinstance(answer, AppShown) and answer.created else 200, _document(answer))


def _document(answer: Answer) -> Any:
    match answer:
        case AppShown() | AppsListed():
            return _app(answer.app) if isinstance(answer, AppShown) else {"apps": [_app(app) for app in answer.apps]}
        case TokenIssued():
            return _token(answer)
        case Accepted() | Posted() | Recalled():
            return _sent(answer)
        case ConversationsListed():
            return {"conversations": told(answer), "cursor": cursor(answer.next)}
        case MarkedRead() | HistoryRead():
            return told(answer)
        case ReportShown(kept):
            return _report(kept) | _muster(kept) | pushes.shown_pushes(kept.pushes)
        case _ if isinstance(answer, RoomReportShown | RoomAnswer):
            return roomreports.told(answer) if isinstance(answer, RoomReportShown) else rooms.told(answer)
        case _ if isinstance(answer, HookAnswer | PushAnswer):
            return hooks.told(answer) if isinstance(answer, HookAnswer) else pushes.told(answer)
        case _:
            raise TypeError(f"the native dialect asks for no {type(answer).__name__}")


def _sent(answer: Accepted | Posted | Recalled) -> dict[str, Any]:
    match answer:
        case Accepted(dispatch):
            sent = {"id": str(dispatch.id), "accepted_at": dispatch.accepted_at_ms}
            return sent | hooks.shown_verdict(dispatch.verdict)
        case Posted(ids, verdict):
            return {"ids": {room: str(number) for room, number in ids.items()}} | hooks.shown_verdict(verdict)
        case Recalled(dispatch_id):
            return {"id": str(dispatch_id)}


def refuse(refusal: Refusal) -> HttpResponse:
    """Write a refusal, with the headers that RFC 9110 wants beside 401, 405, 429 and 503."""
    error = {"code": refusal.code.value, "message": refusal.reason}
    if refusal.field is not None:
        lacks = refusal.code is Code.FILE_SECRET_MISSING
        error["field"] = f"content.{refusal.field}" if lacks else refusal.field
    status = STATUS[refusal.code]
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.code is Code.METHOD_WRONG and refusal.subject:
        headers["Allow"] = refusal.subject
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    return _json(status, {"error": error}, headers)


def _report(kept: KeptReport) -> dict[str, Any]:
    """Write a report (X2). One that was never kept has no counts: the server stopped too soon after it sent."""
    dispatch, report = kept.dispatch, kept.report
    shown: dict[str, Any] = {
        "id": str(dispatch.id),
        "status": kept.stage,
        "accepted_at": dispatch.accepted_at_ms,
        "from": dispatch.sender,
        "kind": dispatch.content.kind,
        "level": dispatch.level,
        **hooks.shown_verdict(dispatch.verdict),
    }
    if report is None:
        return shown
    return shown | {
        "audience": report.audience,
        "reached": report.reached,
        "confirmed": report.confirmed,
        "pending": report.pending if kept.stage is Stage.SENDING else 0,
        "dropped": dict(report.lost),
        "reached_after_ms": {
            "50%": report.half_after_ms,
            "99%": report.most_after_ms,
            "100%": report.all_after_ms,
        },
    }


def _muster(kept: KeptReport) -> dict[str, Any]:
    """Write what is so of some dispatches only: users who are counted one by one (P5), and a recall (X3)."""
    shown: dict[str, Any] = {"recalled": True} if kept.recalled else {}
    if kept.muster is not None:
        shown["targets"] = {
            "targeted": kept.muster.targeted,
            "delivered": kept.muster.delivered,
            "expired": kept.muster.expired,
            "walking": kept.muster.walking,
        }
    return shown


def _app(app: App) -> dict[str, Any]:
    return {
        "org_name": app.name.org,
        "app_name": app.name.app,
        "app_id": app.keys.app_id,
        "app_certificate": app.keys.app_certificate,
        "app_key": app.keys.app_key,
        "app_secret": app.keys.app_secret,
        "client_id": app.keys.client_id,
        "client_secret": app.keys.client_secret,
        "application": app.uuid,
        "created_at": app.created_at_ms,
        "features": {feature.value: app.policy.has(feature) for feature in Feature},
        "quotas": {name.value: str(app.policy.quota(name)) for name in QuotaName},
        "development": app.policy.development,
        **rooms.shown_priorities(app.policy.priorities),
        "types": types.shown(app.policy.types),
    }


def _token(issued: TokenIssued) -> dict[str, Any]:
    token = {
        "token": issued.token,
        "expires_in_seconds": issued.expires_in_seconds,
        "expires_at_ms": issued.expires_at_ms,
    }
    return token if issued.user is None else {**token, "user": issued.user.name}


def _json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(status, msgspec.json.encode(value), headers=headers or {})
