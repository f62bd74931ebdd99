"""Answers and refusals in the vendor's words. The HTTP status is 200 whatever happened (N9, vendor-apis.md 0)."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from laba.dialects.neroom.contents import DIALECT
from laba.dialects.neroom.endpoints import Family, family_of
from laba.dialects.neroom.errors import WORDS, reason_of
from laba.dialects.strictjson import compact
from laba.model.calls import Accepted, Answer, Exchange, Posted, Repeated, TokenIssued
from laba.model.dispatch import Dispatch, Level
from laba.model.http import HttpResponse
from laba.model.refusal import Refusal
from laba.model.room import Room
from laba.model.roomcalls import RoomCreated
from laba.model.user import User
from laba.model.usercalls import StatusesFound, UserChanged

MEDIA_TYPE: Final = "application/json; charset=utf-8"
# vendor-apis.md 3.3: as which kind of client what REST sends is shown.
REST_CLIENT: Final = "REST"


def write_answer(exchange: Exchange, answer: Answer) -> HttpResponse:
    """Write a success. ValueError for what no endpoint of this dialect can be answered: that is a bug."""
    match family_of(exchange.claim.path):
        case Family.NEROOM:
            data = _neroom_data(answer)
            return _said({**_envelope(exchange, 0, "Success"), **({} if data is None else {"data": data})})
        case Family.IM:
            return _said({"code": 200, **_im_members(exchange, answer)})
        case _:
            return _said({"code": 200, "msg": "success", "data": _told(answer)})


def write_refusal(refusal: Refusal, path: str, exchange: Exchange | None, now_ms: int) -> HttpResponse:
    """Write an error; `path` decides its shape."""
    words, reason = WORDS[refusal.code], reason_of(refusal)
    match family_of(path):
        case Family.IM:
            return _said({"code": words.im_code, "desc": reason})
        case Family.IM_JSON:
            return _said({"code": words.im_code, "msg": reason, "data": {}})
        case _:
            message = words.message.format(reason=reason)
            if exchange is None:
                return _said(_enveloped(words.code, message, now_ms, _request_id(path, now_ms), 0))
            return _said(_envelope(exchange, words.code, message))


def _said(body: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(200, compact(body), MEDIA_TYPE)


def _envelope(exchange: Exchange, code: int, message: str) -> dict[str, Any]:
    """Give the members that every answer of NERoom's has; `ts` in milliseconds, as in its samples (N9)."""
    signed = exchange.claim.signed
    proof = "" if signed is None else signed.digest
    cost_ms = max(0, exchange.now_ms - exchange.started_at_ms)
    request_id = _request_id(f"{exchange.claim.path}\n{proof}", exchange.started_at_ms)
    return _enveloped(code, message, exchange.now_ms, request_id, cost_ms)


def _enveloped(code: int, message: str, now_ms: int, request_id: str, cost_ms: int) -> dict[str, Any]:
    return {"code": code, "msg": message, "ts": now_ms, "request_id": request_id, "cost": f"{cost_ms}ms"}


def _request_id(about: str, at_ms: int) -> str:
    """Name a call by what it was and when: 32 hex digits, as in the vendor's samples."""
    return hashlib.sha256(f"{about}\n{at_ms}".encode(errors="surrogatepass")).hexdigest()[:32]


def _neroom_data(answer: Answer) -> dict[str, Any] | None:
    match answer:
        case Accepted() | Repeated() | Posted():
            return None
        case TokenIssued(token=token, user=user) if user is not None:
            return _user(user, token)
        case RoomCreated(room):
            return {"room_archive_id": room.id, "room_uuid": room.id}
        case _:
            raise ValueError(f"another dialect writes {type(answer).__name__}")


def _user(user: User, token: str) -> dict[str, Any]:
    """Show a user with its one token, which opens either of the vendor's doors here."""
    return {
        "user_uuid": user.name,
        "user_token": token,
        "user_name": user.nickname or "",
        "icon": user.portrait or "",
        "im_token": token,
    }


def _im_members(exchange: Exchange, answer: Answer) -> dict[str, Any]:
    """Give what stands beside `code` on the IM platform."""
    match answer:
        case Accepted() | Repeated():
            return {"desc": _told(answer)}
        case TokenIssued(token=token, user=user) if user is not None:
            return {"info": {"token": token, "accid": user.name, "name": user.nickname or ""}}
        case RoomCreated(room):
            return {"chatroom": _chatroom(room)}
        case StatusesFound(statuses):
            return {"data": [{"accid": one.name, "status": int(one.online)} for one in statuses]}
        case UserChanged():
            return {"desc": "ok"}
        case _:
            raise ValueError(f"another dialect writes {type(answer).__name__} to {exchange.claim.path}")


def _chatroom(room: Room) -> dict[str, Any]:
    """Show a chatroom; its id is a number for this platform where it is one."""
    return {
        "roomid": int(room.id) if room.id.isascii() and room.id.isdigit() else room.id,
        "valid": True,
        "announcement": room.description,
        "name": room.name,
        "broadcasturl": "",
        "ext": "",
        "creator": room.owner,
    }


def _told(answer: Answer) -> dict[str, Any]:
    """Show what was accepted, in the members that the vendor's SDK reads (vendor-apis.md 3.3)."""
    match answer:
        case Repeated(client_id):
            return {"msgid_client": client_id}
        case Accepted(dispatch=dispatch):
            return _broadcast(dispatch)
        case _:
            raise ValueError(f"another dialect writes {type(answer).__name__}")


def _broadcast(dispatch: Dispatch) -> dict[str, Any]:
    original = dispatch.original
    body = original.content if original is not None and original.dialect == DIALECT else {}
    said: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    return {
        "time": str(dispatch.accepted_at_ms),
        "fromAvator": "",
        "msgid_client": dispatch.client_id or "",
        "fromClientType": REST_CLIENT,
        "roomId": "",
        "fromAccount": dispatch.sender,
        "fromNick": "",
        "attach": said.get("attach", ""),
        "type": "" if original is None else original.type,
        "ext": said.get("ext", ""),
        "highPriorityFlag": str(int(dispatch.level is Level.HIGH)),
        "msgAbandonFlag": "0",
    }
