import hashlib
import json
from urllib.parse import parse_qsl

import pytest

from laba.model.http import HttpReply
from laba.model.moderation import Decision, Judge, Matter, Verdict
from laba.providers.yidun import PIECE_MAX_CHARS, Account, build, pieces, read, signature

ACCOUNT = Account("http://checker.example/v5/text/check", "id", "key", "business")
NOW_MS = 1_700_000_000_000


def form_of(matter):
    call = build(matter, ACCOUNT, NOW_MS, 7)
    assert call.headers == {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True))


def matter(text="hello 你好", **rest):
    return Matter("m1", "app-1", "ann", text, **rest)


def test_a_check_says_who_asks_about_what():  # N7
    form = form_of(matter())
    assert form.pop("signature")
    assert form == {
        "secretId": "id",
        "businessId": "business",
        "version": "v5.2",
        "timestamp": str(NOW_MS),
        "nonce": "7",
        "dataId": "m1",
        "content": "hello 你好",
        "account": "ann",
    }


def test_a_signature_is_taken_over_sorted_names_and_values_and_the_key():
    """Against a digest that was made with `printf ... | md5sum`, not by our own code."""
    assert signature({"b": "2", "a": "1"}, "key") == hashlib.md5(b"a1b2key").hexdigest()
    assert signature({"b": "2", "a": "1"}, "key") == "c5a47bab03810e857ee630e2e29efaf3"
    form = form_of(matter())
    signed = form.pop("signature")
    text = "".join(name + form[name] for name in sorted(form)) + "key"
    assert signed == hashlib.md5(text.encode()).hexdigest()


def test_the_message_s_own_business_goes_before_the_configured_one():  # N7: bid
    assert form_of(matter(business_id="other"))["businessId"] == "other"


def test_what_goes_along_cannot_take_the_place_of_what_is_said():  # N7: yidun_anti_cheating
    extras = {
        "deviceId": "d1",
        "content": "innocent",
        "secretId": "another",
        "signature": "x",
        "signatureMethod": "SM3",
    }
    form = form_of(matter(extras=extras))
    assert (form["deviceId"], form["content"], form["secretId"]) == ("d1", "hello 你好", "id")
    assert "signatureMethod" not in form
    assert form["signature"] != "x"


def test_what_utf_8_cannot_carry_is_asked_about_all_the_same():
    form = form_of(matter("a\ud800b"))
    assert form["content"] == "a?b"
    signed = form.pop("signature")
    assert signed == signature(form, "key")


def test_the_key_is_shown_by_nothing():
    assert "key" not in repr(ACCOUNT).replace("secret_key", "")
    assert b"key" not in build(matter(), ACCOUNT, NOW_MS, 7).body


@pytest.mark.parametrize(("length", "lengths"), [(0, []), (1, [1]), (5000, [5000]), (5001, [5000, 1])])
def test_what_is_too_long_for_one_check_is_cut(length, lengths):
    assert PIECE_MAX_CHARS == 5000
    assert [len(piece) for piece in pieces("x" * length)] == lengths


def reply(result, code=200):
    return HttpReply(200, json.dumps({"code": code, "msg": "ok", "result": result}).encode())


@pytest.mark.parametrize(
    ("number", "decision"), [(0, Decision.PASSED), (1, Decision.SUSPECT), (2, Decision.REJECTED)]
)
def test_a_suggestion_is_a_decision(number, decision):
    """In the words of version 5, and of 3.1."""
    found = {"label": 200, "labels": [{"label": 200}]}
    verdict = Verdict(decision, Judge.CHECKER, "200 ad")
    assert read(reply({"antispam": {"suggestion": number, **found}})) == verdict
    assert read(reply({"action": number, "labels": [{"label": 200}]})) == verdict


def test_a_label_that_nobody_knows_is_shown_by_its_number():
    assert read(reply({"antispam": {"suggestion": 2, "label": 4242}})).label == "4242"
    assert read(reply({"antispam": {"suggestion": 0, "label": 0, "labels": []}})).label == ""


@pytest.mark.parametrize(
    "answer",
    [
        HttpReply(500, b"{}"),
        HttpReply(302, b""),
        HttpReply(200, b""),
        HttpReply(200, b"<html>"),
        HttpReply(200, b"[]"),
        HttpReply(200, b"[" * 60_000),
        HttpReply(200, b"{}"),
        HttpReply(200, b'{"code":401,"msg":"signature failure"}'),
        HttpReply(200, b'{"code":200,"result":{}}'),
        HttpReply(200, b'{"code":200,"result":{"antispam":{"suggestion":3}}}'),
        HttpReply(200, b'{"code":200,"result":{"antispam":{"suggestion":[]}}}'),
        HttpReply(200, b'{"code":200,"result":7}'),
        HttpReply(200, b'{"code":200,"result":{"action":2,"labels":[{}]}}'),
    ],
)
def test_what_is_no_verdict_is_a_failure(answer):
    with pytest.raises(ValueError, match="answer"):
        read(answer)
