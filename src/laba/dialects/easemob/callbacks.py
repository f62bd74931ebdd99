"""The post-send callback as Easemob and Agora Chat make it (vendor-apis.md 3.1)."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from laba.dialects.easemob.bodies import DIALECT, MEMBERS
from laba.dialects.strictjson import compact
from laba.model.app import App
from laba.model.content import Content, Kind
from laba.model.dispatch import ConversationType, Dispatch
from laba.model.hook import Hook
from laba.model.http import HttpCall
from laba.model.letter import Letter

VERSION: Final = "1.0.0"
# What a message is called in `content_type`; kinds that this vendor does not have are told as texts.
CONTENT_TYPES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.TXT: "text",
        Kind.IMG: "image",
        Kind.AUDIO: "voice",
        Kind.VIDEO: "video",
        Kind.FILE: "file",
        Kind.LOC: "location",
        Kind.CMD: "command",
        Kind.CUSTOM: "custom",
        Kind.TIP: "text",
        Kind.NOTICE: "command",
    }
)


def write(letter: Letter, hook: Hook, app: App, now_ms: int) -> HttpCall | None:
    """Tell of a message that was sent; of a rejected one there is nothing to tell.

    A room's message is told as one of a group, as the vendor does. What is for no room is told as `notify`, and where
    it is for everybody to nobody by name: both unverified.
    """
    if letter.verdict is not None and letter.verdict.rejects:
        return None
    dispatch, conversation = letter.message.dispatch, letter.message.conversation
    in_room = conversation.type is ConversationType.ROOM
    call_id = f"{app.name.org}#{app.name.app}_{letter.id}"
    to = conversation.id if in_room else ""
    told: dict[str, Any] = {
        "callId": call_id,
        "eventType": "chat",
        "timestamp": now_ms,
        "chat_type": "groupchat" if in_room else "notify",
        "from": dispatch.sender,
        "to": to,
        "msg_id": str(letter.message.id),
        "payload": {
            "ext": dispatch.ext or {},
            "bodies": [_body(dispatch)],
            "from": dispatch.sender,
            "to": to,
        },
        "securityVersion": VERSION,
        "security": security(call_id, hook.secret, now_ms),
        "appkey": f"{app.name.org}#{app.name.app}",
        "host": "laba",
        "content_type": f"chat:{'room' if in_room else 'notify'}:{CONTENT_TYPES[dispatch.content.kind]}",
    }
    if in_room:
        told["group_id"] = conversation.id
    return HttpCall(hook.url, compact(told), {"Content-Type": "application/json"})


def security(call_id: str, secret: str, now_ms: int) -> str:
    """Sign as the vendor does: MD5 of call, secret and time, in hex."""
    said = f"{call_id}{secret}{now_ms}".encode(errors="surrogatepass")
    return hashlib.md5(said, usedforsecurity=False).hexdigest()


def _body(dispatch: Dispatch) -> dict[str, Any]:
    """Give the body as this vendor's clients send it: exactly, where it came from one."""
    content, original = dispatch.content, dispatch.original
    if original is not None and original.dialect == DIALECT and isinstance(original.content, Mapping):
        return {"type": original.type, **original.content}
    match content.kind:
        case Kind.CUSTOM:
            return _custom(content)
        case Kind.TIP:
            return {"type": "txt", "msg": content.fields.get("text", "")}
        case Kind.NOTICE:
            return {"type": "cmd", "action": content.fields.get("operation", "")}
    return {"type": content.kind.value, **_members(content)}


def _members(content: Content) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for member in MEMBERS[content.kind]:
        if member.field in content.fields and not member.alias:
            home = body if member.group is None else body.setdefault(member.group, {})
            home[member.name] = content.fields[member.field]
    return body


def _custom(content: Content) -> dict[str, Any]:
    """Give the map, and the older list of maps of one member each."""
    exts = content.fields.get("exts")
    named = exts if isinstance(exts, Mapping) else {}
    return {
        "type": "custom",
        "customEvent": content.fields.get("event", ""),
        "v2:customExts": named,
        "customExts": [{name: value} for name, value in named.items()],
    }
