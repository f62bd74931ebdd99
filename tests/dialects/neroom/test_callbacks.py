import hashlib
import json

import pytest

from builders import APP_UUID, NOW_MS, app, said
from laba.dialects.neroom.callbacks import DURATION_MAX_SECONDS, write
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Conversation, ConversationType, Message
from laba.model.hook import Hook, Source
from laba.model.letter import Letter
from laba.model.moderation import Decision, Judge, Verdict

HOOK = Hook("main", "http://back.end/copy", "netease")


def copied(message, source=Source.CALLER, **rest):
    call = write(Letter("m1", APP_UUID, "main", message, source, **rest), HOOK, app(), NOW_MS)
    assert call.url == HOOK.url
    assert is_genuine(call, app().keys.app_secret)
    body = json.loads(call.body)
    assert all(isinstance(value, str) for value in body.values()), body
    return body


def is_genuine(call, secret):
    """Judge by the vendor's rule: the body's MD5, and SHA1 of secret, MD5 and CurTime (vendor-apis.md 3.3)."""
    headers = {name.lower(): value for name, value in call.headers.items()}
    digest = hashlib.md5(call.body).hexdigest()
    check = hashlib.sha1((secret + digest + headers["curtime"]).encode()).hexdigest()
    return (headers["md5"], headers["checksum"]) == (digest, check)


def test_a_room_s_message_is_copied_as_the_vendor_does():  # S6, N5
    original = Original("neroom", "0", {"attach": "hi", "ext": '{"k":1}'})
    assert copied(said(7, original=original, client_id="c1", sender="ann"), resent=True) == {
        "eventType": "4",
        "attach": "hi",
        "ext": '{"k":1}',
        "fromAccount": "ann",
        "fromAvator": "",
        "fromClientType": "REST",
        "fromExt": "",
        "fromNick": "",
        "msgTimestamp": str(NOW_MS),
        "msgType": "TEXT",
        "msgidClient": "c1",
        "resendFlag": "1",
        "roleInfoTimetag": "",
        "roomId": "1",
    }


def test_it_is_signed_for_the_app_at_that_time():
    call = write(Letter("m1", APP_UUID, "main", said(7), Source.CALLER), HOOK, app(), NOW_MS)
    assert (call.headers["AppKey"], call.headers["CurTime"]) == (app().keys.app_key, str(NOW_MS))
    assert not is_genuine(call, "another secret")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_type_whoever_sent_it(kind):  # X1
    fields = {
        Kind.TXT: ({"text": "hi"}, "TEXT", "hi"),
        Kind.TIP: ({"text": "hi"}, "TIPS", "hi"),
        Kind.IMG: ({"url": "u", "width": 1}, "PICTURE", '{"url":"u","w":1}'),
        Kind.AUDIO: ({"url": "u", "duration": 1.5}, "AUDIO", '{"url":"u","dur":1500}'),
        Kind.VIDEO: ({"url": "u", "size": 9}, "VIDEO", '{"url":"u","size":9}'),
        Kind.FILE: ({"url": "u", "format": "pdf"}, "FILE", '{"url":"u","ext":"pdf"}'),
        Kind.LOC: ({"latitude": 1, "longitude": 2, "address": "t"}, "LOCATION", '{"lat":1,"lng":2,"title":"t"}'),
        Kind.CMD: ({"action": "run"}, "CUSTOM", '{"action":"run"}'),
        Kind.CUSTOM: ({"event": "e", "exts": {"k": "v"}}, "CUSTOM", '{"event":"e","exts":{"k":"v"}}'),
        Kind.NOTICE: ({"operation": "o"}, "CUSTOM", '{"operation":"o"}'),
    }
    given, name, attach = fields[kind]
    body = copied(said(7, content=Content(kind, given)))
    assert (body["msgType"], body["attach"], body["msgidClient"]) == (name, attach, "7")


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("0", "TEXT"),
        ("1", "PICTURE"),
        ("2", "AUDIO"),
        ("3", "VIDEO"),
        ("4", "LOCATION"),
        ("6", "FILE"),
        ("10", "TIPS"),
        ("100", "CUSTOM"),
    ],
)
def test_every_type_of_the_vendor_s_has_its_word(number, name):
    body = copied(said(7, original=Original("neroom", number, {"attach": "as sent"})))
    assert (body["msgType"], body["attach"]) == (name, "as sent")


def test_a_message_to_every_room_is_told_once_of_room_0():  # unverified, chosen
    message = Message(7, Conversation(ConversationType.ROOM, ""), said(7).dispatch)
    assert copied(message)["roomId"] == "0"
    assert copied(said(7), Source.CLIENT)["fromClientType"] == "WEB"


@pytest.mark.parametrize("kind", [each for each in ConversationType if each is not ConversationType.ROOM])
def test_what_is_for_users_is_in_no_room(kind):
    """Its conversation is named after its sender, which is no room's id."""
    assert copied(Message(7, Conversation(kind, "boss"), said(7).dispatch))["roomId"] == "0"


def test_what_is_no_length_of_time_is_left_out():
    """Another dialect may have let it through; a copy is made all the same."""

    def attached(seconds):
        body = copied(said(7, content=Content(Kind.AUDIO, {"url": "u", "duration": seconds})))
        return json.loads(body["attach"])

    most = DURATION_MAX_SECONDS
    assert [attached(seconds)["dur"] for seconds in (0, 0.0004, most)] == [0, 0, most * 1000]
    for seconds in (-1, most + 1, 1e306, 10**400, float("inf"), float("nan"), "long", None):
        assert attached(seconds) == {"url": "u"}


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (
            Verdict(Decision.REJECTED, Judge.CHECKER, "200 ad"),
            ("true", {"yidunBusType": "0", "action": 2, "labels": ["200 ad"]}),
        ),
        (
            Verdict(Decision.SUSPECT, Judge.CHECKER, "600 abuse"),
            (None, {"yidunBusType": "0", "action": 1, "labels": ["600 abuse"]}),
        ),
        (
            Verdict(Decision.PASSED, Judge.CHECKER, "0"),
            (None, {"yidunBusType": "0", "action": 0, "labels": ["0"]}),
        ),
        (
            Verdict(Decision.SUSPECT, Judge.NOBODY, "no answer"),
            (None, {"yidunBusType": "0", "action": 1, "labels": ["no answer"]}),
        ),
        (Verdict(Decision.REJECTED, Judge.WORDS, "bad"), ("true", None)),
        (None, (None, None)),
    ],
)
def test_what_anti_spam_found_is_told(verdict, told):  # N7
    body = copied(said(7), verdict=verdict)
    result = body.get("yidunRes")
    assert (body.get("antispam"), result and json.loads(result)) == told


def test_what_another_dialect_says_beside_its_content_is_told_as_text():  # X1
    assert copied(said(7, ext={"k": "喇"}))["ext"] == '{"k":"喇"}'
    assert copied(said(7))["ext"] == ""


def test_a_message_without_a_client_id_is_named_by_its_own_and_not_by_its_dispatch_s():  # S6
    message = Message(9, Conversation(ConversationType.ROOM, "1"), said(7).dispatch)
    assert copied(message)["msgidClient"] == "9"
