"""Full message routing as RongCloud does it: a signed form (vendor-apis.md 3.2)."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from laba.dialects import groupedids
from laba.dialects.rongcloud.contents import DIALECT
from laba.dialects.strictjson import compact
from laba.model.app import App
from laba.model.content import Content, Kind
from laba.model.dispatch import ConversationType, Dispatch
from laba.model.hook import Hook, Source
from laba.model.http import HttpCall
from laba.model.letter import Letter

FORM: Final = "application/x-www-form-urlencoded"
# How messages of other dialects are called here, and which of their fields are which of the vendor's. What this
# vendor has no type for is told as a custom type of laba's.
_TYPES: Final[Mapping[Kind, tuple[str, Mapping[str, str]]]] = MappingProxyType(
    {
        Kind.TXT: ("RC:TxtMsg", {"text": "content"}),
        Kind.TIP: ("RC:InfoNtf", {"text": "message"}),
        Kind.IMG: ("RC:ImgMsg", {"url": "imageUri", "thumbnail": "content"}),
        Kind.AUDIO: ("RC:HQVCMsg", {"url": "remoteUrl", "duration": "duration"}),
        Kind.VIDEO: ("RC:SightMsg", {"url": "sightUrl", "duration": "duration", "size": "size", "filename": "name"}),
        Kind.FILE: ("RC:FileMsg", {"url": "fileUrl", "filename": "name", "size": "size", "format": "type"}),
        Kind.LOC: ("RC:LBSMsg", {"latitude": "latitude", "longitude": "longitude", "address": "poi"}),
        Kind.CMD: ("RC:CmdMsg", {"action": "name", "data": "data"}),
        Kind.CUSTOM: ("laba:custom", {"event": "event", "exts": "exts"}),
        Kind.NOTICE: ("laba:notice", {"operation": "operation", "data": "data"}),
    }
)


def write(letter: Letter, hook: Hook, app: App, now_ms: int) -> HttpCall | None:
    """Tell of a message that was sent; of a rejected one there is nothing to tell.

    Unverified: that the body is a form, and how messages to more than one room or user are told.
    """
    if letter.verdict is not None and letter.verdict.rejects:
        return None
    dispatch, conversation = letter.message.dispatch, letter.message.conversation
    name, content = _said(dispatch)
    form = {
        "fromUserId": dispatch.sender,
        "toUserId": conversation.id if conversation.type is ConversationType.ROOM else "",
        "objectName": name,
        "content": content,
        "channelType": "TEMPGROUP" if conversation.type is ConversationType.ROOM else "PERSON",
        "msgTimestamp": str(dispatch.accepted_at_ms),
        "msgUID": groupedids.written(letter.message.id),
        "source": "Server" if letter.source is Source.CALLER else "",
    }
    body = urlencode(form, errors="replace").encode()
    return HttpCall(_signed(hook.url, app.keys.app_secret, letter.id, str(now_ms)), body, {"Content-Type": FORM})


def _signed(url: str, secret: str, nonce: str, stamp: str) -> str:
    """Add the three parameters of a signed call to whatever the URL asks already."""
    digest = hashlib.sha1(f"{secret}{nonce}{stamp}".encode(), usedforsecurity=False).hexdigest()
    asked = urlencode({"nonce": nonce, "signTimestamp": stamp, "signature": digest})
    return f"{url}{'&' if '?' in url else '?'}{asked}"


def _said(dispatch: Dispatch) -> tuple[str, str]:
    """Give a message's type and its content as text: exactly as it was sent, where this vendor's API sent it."""
    original = dispatch.original
    if original is not None and original.dialect == DIALECT:
        body = original.content
        return original.type, body if isinstance(body, str) else compact(dict(body)).decode()
    name, members = _TYPES[dispatch.content.kind]
    return name, compact(_members(dispatch.content, members)).decode()


def _members(content: Content, members: Mapping[str, str]) -> dict[str, Any]:
    return {theirs: content.fields[ours] for ours, theirs in members.items() if ours in content.fields}
