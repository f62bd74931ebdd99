import base64
import json
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from builders import APP_UUID, NOW_MS, app, said
from laba.dialects.native.callbacks import Told
from laba.model.hook import Hook, Source
from laba.model.letter import Letter
from laba.model.moderation import Decision, Judge, Verdict
from laba.protocols.envelope import envelope

SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()
HOOK = Hook("main", "http://back.end/told", "native", SECRET)


def told(hook=HOOK, **rest):
    letter = Letter("m1", APP_UUID, "main", said(7), Source.CLIENT, **rest)
    return Told(envelope)(letter, hook, app(), time.time_ns() // 1_000_000)


def verified(call, secret=SECRET):
    """Judge by the independent library of the specification, which wants fresh calls."""
    return Webhook(secret).verify(call.body, call.headers)


def test_a_delivery_is_signed_as_standard_webhooks_are():  # S6
    body = verified(told())
    assert body == {
        "type": "message",
        "id": "m1",
        "app": "org/app",
        "source": "client",
        "verdict": None,
        "message": json.loads(envelope(said(7))),
    }


def test_a_delivery_that_was_changed_is_not_genuine():
    call = told()
    with pytest.raises(WebhookVerificationError):
        verified(call, "whsec_" + base64.b64encode(b"another secret of 24 byte").decode())
    for name in ("webhook-id", "webhook-timestamp"):
        said = call.headers[name]
        changed = {**call.headers, name: said[:-1] + ("8" if said.endswith("9") else "9")}
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(call.body, changed)


def test_the_id_stays_the_same_whenever_it_is_delivered():  # S6
    letter = Letter("m1", APP_UUID, "main", said(7), Source.CLIENT)
    calls = [Told(envelope)(letter, HOOK, app(), now_ms) for now_ms in (NOW_MS, NOW_MS + 60_000)]
    assert {call.headers["webhook-id"] for call in calls} == {"m1"}
    assert calls[0].body == calls[1].body
    assert calls[0].headers["webhook-signature"] != calls[1].headers["webhook-signature"]


def test_what_anti_spam_found_is_told():  # N7
    verdict = Verdict(Decision.REJECTED, Judge.WORDS, "bad")
    assert json.loads(told(verdict=verdict).body)["verdict"] == {
        "decision": "rejected",
        "judge": "words",
        "label": "bad",
    }


def test_a_secret_that_is_no_base64_is_taken_as_text():
    call = told(Hook("main", "http://back.end/told", "native", "a plain secret!"))
    assert verified(call, base64.b64encode(b"a plain secret!").decode())


def test_the_secret_is_nowhere_in_the_call():
    call = told()
    assert SECRET.encode() not in call.body
    assert SECRET not in str(dict(call.headers))
