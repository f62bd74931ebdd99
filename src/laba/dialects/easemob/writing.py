"""Answers and refusals in the vendor's words (A6, vendor-apis.md 1.1, 1.3, 3.1)."""

from typing import Any
from urllib.parse import quote

from laba.dialects.easemob import chatfiles, endpoints, entities, roomentities
from laba.dialects.easemob.errors import field_at_fault, words_for
from laba.dialects.strictjson import compact
from laba.model.app import App
from laba.model.calls import Accepted, Answer, Claim, Exchange, Grant, Posted, TokenIssued
from laba.model.filecalls import FileGiven, FileKept, FileUnchanged
from laba.model.http import HttpResponse
from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import RoomAnswer
from laba.model.usercalls import UserAnswer


def write_answer(exchange: Exchange, answer: Answer) -> HttpResponse:
    """Write a success. ValueError for what no endpoint of this dialect can be answered: that is a bug."""
    app = exchange.app
    if app is None:
        raise ValueError("every endpoint of this dialect belongs to an app")
    members: dict[str, Any]
    match answer:
        case TokenIssued():
            return HttpResponse(200, compact(_token(app, answer)))
        case FileGiven():
            return chatfiles.write_given(answer)
        case FileUnchanged():
            return chatfiles.write_unchanged(answer)
        case FileKept(file):
            members = {"entities": [chatfiles.entity(file)]}
        case Accepted(dispatch):
            members = {"data": {"id": dispatch.id}}
        case Posted(ids):
            members = {"data": {room: str(message_id) for room, message_id in ids.items()}}
        case _ if isinstance(answer, UserAnswer):
            members = entities.members(answer)
        case _ if isinstance(answer, RoomAnswer):
            members = roomentities.members(answer)
        case _:
            raise ValueError(f"another dialect writes {type(answer).__name__}")
    return HttpResponse(200, compact(_envelope(exchange, app) | members))


def write_refusal(refusal: Refusal, now_ms: int, exchange: Exchange | None = None) -> HttpResponse:
    """Write an error body. `field` and `detail` are laba's own, beside the vendor's members (G4)."""
    endpoint = exchange.claim.endpoint if exchange else None
    words, at_fault = words_for(refusal, endpoint), field_at_fault(refusal, endpoint)
    described = words.description.format(
        subject=refusal.subject or "",
        reason=refusal.reason,
        field=at_fault or "",
        application=exchange.app.uuid if exchange and exchange.app else "",
        uri=_called(exchange.claim) if exchange else "",
    )
    body: dict[str, Any] = {
        "error": words.error,
        "exception": _exception(words.status, refusal.code),
        "timestamp": now_ms,
        "duration": _duration(exchange) if exchange else 0,
        "error_description": described,
    }
    if at_fault is not None:
        body["field"] = at_fault
    if at_fault is not None or refusal.code is Code.BODY_BROKEN:
        body["detail"] = refusal.reason
    return HttpResponse(words.status, compact(body), headers=_headers(words.status, refusal))


def _envelope(exchange: Exchange, app: App) -> dict[str, Any]:
    """Write what every success has. Both path forms name the app: A6's samples do (vendor-apis.md 6, item 12)."""
    path, endpoint = exchange.claim.path, exchange.claim.endpoint
    envelope: dict[str, Any] = {
        "path": path,
        "uri": f"{exchange.base_url}/{app.name}{quote(path, errors='replace')}",
        "timestamp": exchange.now_ms,
        "organization": app.name.org,
        "application": app.uuid,
        "applicationName": app.name.app,
        "action": endpoints.ACTIONS.get(endpoint.name, endpoint.method.lower()),
        "duration": _duration(exchange),
    }
    if endpoint.name in endpoints.PARAMETERS:
        asked = exchange.query
        envelope["params"] = {name: [asked[name]] for name in endpoints.PARAMETERS[endpoint.name] if name in asked}
    return envelope


def _token(app: App, issued: TokenIssued) -> dict[str, Any]:
    if issued.grant is Grant.EXCHANGE:
        return {"access_token": issued.token, "expire_timestamp": issued.expires_at_ms}
    body: dict[str, Any] = {"access_token": issued.token, "expires_in": issued.expires_in_seconds}
    if issued.user is None:
        return body | {"application": app.uuid}
    return body | {"user": entities.entity(issued.user)}


def _duration(exchange: Exchange) -> int:
    # A clock may be set back while a call is served.
    return max(0, exchange.now_ms - exchange.started_at_ms)


def _called(claim: Claim) -> str:
    prefix = "/".join(claim.app) if claim.app else f"app-id/{claim.app_id}"
    return prefix + claim.path


def _exception(status: int, code: Code) -> str:
    """Name the class that the pages document for 401; for the rest none is known, and laba names its own code."""
    return "org.apache.usergrid.rest.exceptions.SecurityException" if status == 401 else f"laba.{code}"


def _headers(status: int, refusal: Refusal) -> dict[str, str]:
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.code is Code.METHOD_WRONG and refusal.subject:
        headers["Allow"] = refusal.subject
    if refusal.code is Code.RANGE_UNSATISFIABLE:
        # RFC 9110 section 14.4
        headers["Content-Range"] = f"bytes */{refusal.subject}"
    if refusal.retry_after_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_after_seconds)
    return headers
