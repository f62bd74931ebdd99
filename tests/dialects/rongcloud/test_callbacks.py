import hashlib
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from builders import APP_UUID, NOW_MS, app, said
from laba.dialects.groupedids import written
from laba.dialects.rongcloud.callbacks import write
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Conversation, ConversationType, Message
from laba.model.hook import Hook, Source
from laba.model.letter import Letter
from laba.model.moderation import Decision, Judge, Verdict

HOOK = Hook("main", "http://back.end/told?a=b", "rongcloud")


def letter(message, source=Source.CALLER, verdict=None):
    return Letter("m1", APP_UUID, "main", message, source, verdict)


def told(message, hook=HOOK, **rest):
    call = write(letter(message, **rest), hook, app(), NOW_MS)
    assert call.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    return call.url, dict(parse_qsl(call.body.decode(), keep_blank_values=True, strict_parsing=True))


def is_genuine(url, secret):
    """Judge by the vendor's rule: signature = SHA1 of secret, nonce and signTimestamp (vendor-apis.md 3.2)."""
    asked = dict(parse_qsl(urlsplit(url).query))
    said = secret + asked["nonce"] + asked["signTimestamp"]
    return asked["signature"] == hashlib.sha1(said.encode()).hexdigest()


def test_a_room_s_message_is_routed_as_the_vendor_does():  # S6
    url, form = told(said(7, sender="ann"))
    assert form == {
        "fromUserId": "ann",
        "toUserId": "1",
        "objectName": "RC:TxtMsg",
        "content": '{"content":"7"}',
        "channelType": "TEMPGROUP",
        "msgTimestamp": str(NOW_MS),
        "msgUID": written(7),
        "source": "Server",
    }
    assert is_genuine(url, app().keys.app_secret)
    assert not is_genuine(url, "another")


def test_what_the_url_asks_already_is_still_asked():
    url, _ = told(said(7))
    assert dict(parse_qsl(urlsplit(url).query))["a"] == "b"
    plain, _ = told(said(7), Hook("main", "http://back.end", "rongcloud"))
    assert is_genuine(plain, app().keys.app_secret)


def test_what_is_for_no_room_is_a_person_s():
    message = Message(7, Conversation(ConversationType.SYSTEM, "boss"), said(7).dispatch)
    _, form = told(message, source=Source.CLIENT)
    assert (form["channelType"], form["toUserId"], form["source"]) == ("PERSON", "", "")


def test_what_anti_spam_rejected_is_told_to_nobody():  # N7
    rejected = Verdict(Decision.REJECTED, Judge.WORDS, "bad")
    assert write(letter(said(7), verdict=rejected), HOOK, app(), NOW_MS) is None


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_type_whoever_sent_it(kind):  # X1
    fields = {Kind.TXT: {"text": "hi"}, Kind.LOC: {"latitude": 1, "longitude": 2, "address": "there"}}
    _, form = told(said(7, content=Content(kind, fields.get(kind, {}))))
    assert form["objectName"].startswith(("RC:", "laba:"))
    content = json.loads(form["content"])
    if kind is Kind.LOC:
        assert content == {"latitude": 1, "longitude": 2, "poi": "there"}


@pytest.mark.parametrize(
    ("original", "content"),
    [
        (Original("rongcloud", "RC:TxtMsg", {"content": "hi", "extra": "x"}), '{"content":"hi","extra":"x"}'),
        (Original("rongcloud", "app:gift", "no JSON at all"), "no JSON at all"),
    ],
)
def test_what_this_vendor_s_api_sent_is_told_as_it_was_sent(original, content):
    _, form = told(said(7, original=original))
    assert (form["objectName"], form["content"]) == (original.type, content)
