import hashlib
import json

import pytest

from builders import APP_UUID, NOW_MS, app, said
from laba.dialects.easemob.callbacks import CONTENT_TYPES, write
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Conversation, ConversationType, Message
from laba.model.hook import Hook, Source
from laba.model.letter import Letter
from laba.model.moderation import Decision, Judge, Verdict

HOOK = Hook("main", "http://back.end/told", "easemob", "rule secret")


def told(message, **rest):
    call = write(Letter("m1", APP_UUID, "main", message, Source.CALLER, **rest), HOOK, app(), NOW_MS)
    assert (call.url, call.headers) == (HOOK.url, {"Content-Type": "application/json"})
    return json.loads(call.body)


def is_genuine(body, secret):
    """Judge by the vendor's rule: security = MD5 of callId, the rule's secret and timestamp (vendor-apis.md 3.1)."""
    said = str(body["callId"]) + secret + str(body["timestamp"])
    return body["security"] == hashlib.md5(said.encode()).hexdigest()


def test_a_room_s_message_is_told_as_the_vendor_tells_it():  # S6
    body = told(said(7, ext={"k": "v"}, sender="ann"))
    assert is_genuine(body, "rule secret")
    assert not is_genuine(body, "another")
    security = body.pop("security")
    assert len(security) == 32
    assert body == {
        "callId": "org#app_m1",
        "eventType": "chat",
        "timestamp": NOW_MS,
        "chat_type": "groupchat",
        "group_id": "1",
        "from": "ann",
        "to": "1",
        "msg_id": "7",
        "payload": {"ext": {"k": "v"}, "bodies": [{"type": "txt", "msg": "7"}], "from": "ann", "to": "1"},
        "securityVersion": "1.0.0",
        "appkey": "org#app",
        "host": "laba",
        "content_type": "chat:room:text",
    }


def test_what_is_for_no_room_has_no_group():
    message = said(7)
    body = told(Message(7, Conversation(ConversationType.APP, "admin"), message.dispatch))
    assert "group_id" not in body
    assert (body["chat_type"], body["to"], body["content_type"]) == ("notify", "", "chat:notify:text")


def test_what_anti_spam_rejected_is_told_to_nobody():  # N7
    rejected = Verdict(Decision.REJECTED, Judge.WORDS, "bad")
    letter = Letter("m1", APP_UUID, "main", said(7), Source.CALLER, rejected)
    assert write(letter, HOOK, app(), NOW_MS) is None
    assert told(said(7), verdict=Verdict(Decision.SUSPECT, Judge.CHECKER))


BODIES = {
    Kind.TXT: ({"text": "hi"}, {"type": "txt", "msg": "hi"}),
    Kind.IMG: (
        {"url": "u", "filename": "f", "width": 1, "height": 2},
        {"type": "img", "url": "u", "filename": "f", "size": {"width": 1, "height": 2}},
    ),
    Kind.AUDIO: ({"url": "u", "duration": 3}, {"type": "audio", "url": "u", "length": 3}),
    Kind.VIDEO: (
        {"url": "u", "size": 9, "thumbnail_url": "t"},
        {"type": "video", "url": "u", "file_length": 9, "thumb": "t"},
    ),
    Kind.FILE: ({"url": "u", "filename": "f"}, {"type": "file", "url": "u", "filename": "f"}),
    Kind.LOC: (
        {"latitude": 1.5, "longitude": 2, "address": "a"},
        {"type": "loc", "lat": 1.5, "lng": 2, "addr": "a"},
    ),
    Kind.CMD: ({"action": "run"}, {"type": "cmd", "action": "run"}),
    Kind.CUSTOM: (
        {"event": "e", "exts": {"k": "v"}},
        {"type": "custom", "customEvent": "e", "v2:customExts": {"k": "v"}, "customExts": [{"k": "v"}]},
    ),
    Kind.TIP: ({"text": "t"}, {"type": "txt", "msg": "t"}),
    Kind.NOTICE: ({"operation": "o"}, {"type": "cmd", "action": "o"}),
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_body_whoever_sent_it(kind):  # X1
    fields, body = BODIES[kind]
    shown = told(said(7, content=Content(kind, fields)))
    assert shown["payload"]["bodies"] == [body]
    assert shown["content_type"] == f"chat:room:{CONTENT_TYPES[kind]}"


def test_what_this_vendor_s_api_sent_is_told_as_it_was_sent():
    original = Original("easemob", "txt", {"msg": "hi", "more": 1})
    body = told(said(7, content=Content(Kind.TXT, {"text": "hi"}), original=original))
    assert body["payload"]["bodies"] == [{"type": "txt", "msg": "hi", "more": 1}]
