"""The message copy (抄送) as NetEase makes it: JSON, with MD5 and CheckSum in the head (vendor-apis.md 3.3)."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from laba.dialects.neroom.contents import DIALECT
from laba.dialects.strictjson import compact
from laba.model.app import App
from laba.model.content import Content, Kind
from laba.model.dispatch import Conversation, ConversationType, Dispatch
from laba.model.hook import Hook, Source
from laba.model.http import HttpCall
from laba.model.letter import Letter
from laba.model.moderation import Decision, Judge, Verdict

# A message in a chatroom.
EVENT_TYPE: Final = "4"
# Unverified: which room is told of where a message is for every room or for none, and what a client of no known
# platform is called.
NO_ROOM: Final = "0"
CLIENT_TYPES: Final[Mapping[Source, str]] = MappingProxyType({Source.CALLER: "REST", Source.CLIENT: "WEB"})
BUSINESS_TEXT: Final = "0"
# Every receiver can hold it as a whole number of milliseconds.
DURATION_MAX_SECONDS: Final = 2**53 // 1000

_BY_NUMBER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "0": "TEXT",
        "1": "PICTURE",
        "2": "AUDIO",
        "3": "VIDEO",
        "4": "LOCATION",
        "6": "FILE",
        "10": "TIPS",
        "100": "CUSTOM",
    }
)
# What other dialects say, and which of its fields are which of the vendor's.
_BY_KIND: Final[Mapping[Kind, tuple[str, Mapping[str, str]]]] = MappingProxyType(
    {
        Kind.TXT: ("TEXT", {}),
        Kind.TIP: ("TIPS", {}),
        Kind.IMG: ("PICTURE", {"url": "url", "filename": "name", "width": "w", "height": "h"}),
        Kind.AUDIO: ("AUDIO", {"url": "url", "filename": "name", "duration": "dur"}),
        Kind.VIDEO: ("VIDEO", {"url": "url", "filename": "name", "duration": "dur", "size": "size"}),
        Kind.FILE: ("FILE", {"url": "url", "filename": "name", "size": "size", "format": "ext"}),
        Kind.LOC: ("LOCATION", {"latitude": "lat", "longitude": "lng", "address": "title"}),
        Kind.CMD: ("CUSTOM", {"action": "action", "data": "data"}),
        Kind.CUSTOM: ("CUSTOM", {"event": "event", "exts": "exts"}),
        Kind.NOTICE: ("CUSTOM", {"operation": "operation", "data": "data"}),
    }
)
_ACTIONS: Final[Mapping[Decision, int]] = MappingProxyType(
    {Decision.PASSED: 0, Decision.SUSPECT: 1, Decision.REJECTED: 2}
)


def write(letter: Letter, hook: Hook, app: App, now_ms: int) -> HttpCall:
    """Tell of a message; of a rejected one, too, with what anti-spam found. All values are text."""
    dispatch, original = letter.message.dispatch, letter.message.dispatch.original
    said: Mapping[str, Any] = {}
    if original is not None and original.dialect == DIALECT and isinstance(original.content, Mapping):
        said = original.content
    name, attach = _attached(dispatch, said)
    told = {
        "eventType": EVENT_TYPE,
        "attach": attach,
        "ext": said.get("ext") or ("" if dispatch.ext is None else compact(dict(dispatch.ext)).decode()),
        "fromAccount": dispatch.sender,
        "fromAvator": "",
        "fromClientType": CLIENT_TYPES[letter.source],
        "fromExt": "",
        "fromNick": "",
        "msgTimestamp": str(dispatch.accepted_at_ms),
        "msgType": name,
        "msgidClient": dispatch.client_id or str(letter.message.id),
        "resendFlag": str(int(letter.resent)),
        "roleInfoTimetag": "",
        "roomId": _room(letter.message.conversation),
        **_found(letter.verdict),
    }
    body = compact(told)
    return HttpCall(hook.url, body, _signed(body, app, str(now_ms)))


def _signed(body: bytes, app: App, stamp: str) -> dict[str, str]:
    """Sign as the vendor does: MD5 of the body as it is sent, SHA-1 of secret, MD5 and time, in hex."""
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    check = hashlib.sha1(f"{app.keys.app_secret}{digest}{stamp}".encode(), usedforsecurity=False).hexdigest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "AppKey": app.keys.app_key,
        "CurTime": stamp,
        "MD5": digest,
        "CheckSum": check,
    }


def _room(conversation: Conversation) -> str:
    """Name the room; what is for users is in none, whoever its conversation is named after."""
    return (conversation.id if conversation.type is ConversationType.ROOM else "") or NO_ROOM


def _attached(dispatch: Dispatch, said: Mapping[str, Any]) -> tuple[str, str]:
    """Give a message's type and its body as text: exactly as it was sent, where this vendor's API sent it."""
    original, content = dispatch.original, dispatch.content
    if original is not None and original.dialect == DIALECT:
        return _BY_NUMBER[original.type], str(said.get("attach", ""))
    name, members = _BY_KIND[content.kind]
    if content.kind in (Kind.TXT, Kind.TIP):
        return name, str(content.fields.get("text", ""))
    return name, compact(_members(content, members)).decode()


def _members(content: Content, members: Mapping[str, str]) -> dict[str, Any]:
    """Give a body's members; lengths of time are milliseconds there."""
    body = {theirs: content.fields[ours] for ours, theirs in members.items() if ours in content.fields}
    duration = body.pop("dur", None)
    # One that is no length is left out: a callback has nobody to tell of a fault.
    if isinstance(duration, int | float) and 0 <= duration <= DURATION_MAX_SECONDS:
        body["dur"] = round(duration * 1000)
    return body


def _found(verdict: Verdict | None) -> dict[str, str]:
    """Tell what anti-spam found (N7)."""
    if verdict is None:
        return {}
    result = {"yidunBusType": BUSINESS_TEXT, "action": _ACTIONS[verdict.decision], "labels": [verdict.label]}
    found = {"antispam": "true"} if verdict.rejects else {}
    return found if verdict.judge is Judge.WORDS else {**found, "yidunRes": compact(result).decode()}
