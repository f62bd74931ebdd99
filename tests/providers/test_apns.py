import inspect
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from laba.model.http import HttpReply
from laba.model.provider import Account, Fate, Outcome, Proof, Provider
from laba.model.push import Push
from laba.ports.pushing import PushForm
from laba.providers.apns import PAYLOAD_MAX_BYTES, PERIOD_MS, ApnsForm
from laba.providers.fcm import FcmForm
from laba.providers.webpush import WebPushForm

NOW_MS = 1_700_000_000_000
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ACCOUNT = Account(PEM, "KEY1234567", "TEAM123456")
TOKEN = "0a" * 32
FORM = ApnsForm()


def provider(account=ACCOUNT, **rest):
    return Provider("apple", "apns", account, **{"package": "com.example.app", **rest})


def push(alert="hello", **rest):
    told = {"collapse_id": "77", "expires_at_ms": NOW_MS + 60_999, "message": {"id": "77", "from": "ann"}}
    return Push(alert, **{**told, **rest})


def payload(a_push):
    return json.loads(FORM.prepared(a_push, provider()))


def call(a_push=None, token=TOKEN, by=None):
    return FORM.build(a_push or push(), b"{}", token, "PROOF", by or provider(), bytes(48))


@pytest.mark.parametrize("form", [ApnsForm, FcmForm, WebPushForm])
@pytest.mark.parametrize("verb", ["prepared", "new_key", "public_key", "scope", "prove", "proven", "build", "read"])
def test_a_form_has_the_port_s_verbs(form, verb):
    def promise(kind):
        return [(each.name, each.annotation) for each in inspect.signature(getattr(kind, verb)).parameters.values()]

    assert promise(form) == promise(PushForm)
    assert not hasattr(form(), "__dict__")


@pytest.mark.parametrize(
    ("form", "platform", "one_by_one"),
    [(ApnsForm(), "ios", False), (FcmForm(), "android", True), (WebPushForm(), "web", False)],
)
def test_a_form_says_how_its_service_is_used(form, platform, one_by_one):
    assert (form.platform, form.one_by_one) == (platform, one_by_one)
    assert not form.probe or form.scope(form.probe) == ""


def test_a_key_is_apple_s_to_give():
    assert FORM.new_key(bytes(48)) is None
    assert FORM.public_key(ACCOUNT) is None


# What is shown


def test_a_payload_has_the_alert_and_what_the_app_is_told():  # P6
    assert payload(push(title="Ann", extras={"k": [1, "二"]})) == {
        "aps": {"alert": {"title": "Ann", "body": "hello"}, "sound": "default"},
        "laba": {"id": "77", "from": "ann"},
        "extras": {"k": [1, "二"]},
    }


def test_what_is_not_there_is_not_written():
    assert payload(push()) == {
        "aps": {"alert": {"body": "hello"}, "sound": "default"},
        "laba": {"id": "77", "from": "ann"},
    }


def test_options_have_apple_s_names():  # P6
    options = {
        "sound": "bell.caf",
        "badge": 0,
        "category": "MESSAGE",
        "thread": "t1",
        "mutable": True,
        "interruption": "time-sensitive",
        "channel": "of another service",
        "ttl_seconds": 60,
    }
    assert payload(push(options=options))["aps"] == {
        "alert": {"body": "hello"},
        "sound": "bell.caf",
        "badge": 0,
        "category": "MESSAGE",
        "thread-id": "t1",
        "mutable-content": 1,
        "interruption-level": "time-sensitive",
    }


@pytest.mark.parametrize("options", [{"sound": None}, {"sound": None, "mutable": False, "badge": None}])
def test_an_option_that_is_nothing_is_left_out(options):
    assert payload(push(options=options))["aps"] == {"alert": {"body": "hello"}}


def test_a_silent_push_wakes_the_app_and_shows_nothing():  # P6
    silent = push(title="Ann", silent=True, options={"badge": 3, "sound": "bell.caf", "mutable": True})
    assert payload(silent) == {"aps": {"content-available": 1}, "laba": {"id": "77", "from": "ann"}}
    headers = call(silent).headers
    assert (headers["apns-push-type"], headers["apns-priority"]) == ("background", "5")


# How much


def room():
    return PAYLOAD_MAX_BYTES - len(FORM.prepared(push(""), provider()))


def test_a_payload_of_4096_bytes_is_not_shortened():
    assert PAYLOAD_MAX_BYTES == 4096
    whole = FORM.prepared(push("x" * room()), provider())
    assert len(whole) == 4096
    assert json.loads(whole)["aps"]["alert"]["body"] == "x" * room()


def test_one_byte_more_is_shortened_to_fit():
    short = FORM.prepared(push("x" * (room() + 1)), provider())
    assert len(short) == 4096
    assert json.loads(short)["aps"]["alert"]["body"] == "x" * (room() - 3) + "…"


@pytest.mark.parametrize(
    "character",
    ["好", "😀", "👨‍👩‍👧‍👦", "👍🏽", "🇩🇪", "❤️", "e\u0301", "1\ufe0f\u20e3", '"', "\n"],
    ids=["chinese", "emoji", "family", "skin", "flag", "heart", "accent", "keycap", "quote", "newline"],
)
@pytest.mark.parametrize("shift", range(5))
def test_no_character_is_cut_in_two(character, shift):
    short = FORM.prepared(push("x" * shift + character * 4000), provider())
    assert len(short) <= 4096
    body = json.loads(short)["aps"]["alert"]["body"]
    shown = body.removesuffix("…").removeprefix("x" * shift)
    assert shown == character * (len(shown) // len(character))
    assert 4096 - len(short) < 2 * len(json.dumps(character, ensure_ascii=False).encode())


def test_where_there_is_no_room_for_a_word_none_is_shown():
    crowd = {"k": "x" * (room() - len(',"extras":{"k":""}') - 2)}
    short = FORM.prepared(push("hello", extras=crowd), provider())
    assert json.loads(short)["aps"]["alert"]["body"] == ""
    assert len(short) == 4094


def test_what_is_too_large_without_a_word_is_not_written():
    most = room() - len(',"extras":{"k":""}')
    assert len(FORM.prepared(push("", extras={"k": "x" * most}), provider())) == 4096
    assert FORM.prepared(push("", extras={"k": "x" * (most + 1)}), provider()) is None
    assert FORM.prepared(push("hello", extras={"k": "x" * (most + 1)}), provider()) is None
    assert FORM.prepared(push(silent=True, extras={"k": "x" * 5000}), provider()) is None


# Who asks


def issued_ms(proof):
    assert isinstance(proof, Proof)
    return jwt.decode(proof.value, options={"verify_signature": False})["iat"] * 1000


def test_a_proof_is_the_team_s_word_signed():  # S8
    proof = FORM.prove(ACCOUNT, FORM.scope(TOKEN), NOW_MS)
    whole = jwt.decode_complete(proof.value, KEY.public_key(), algorithms=["ES256"])
    assert whole["header"] == {"alg": "ES256", "kid": "KEY1234567"}
    assert whole["payload"] == {"iss": "TEAM123456", "iat": PERIOD_MS * (NOW_MS // PERIOD_MS) // 1000}


@given(st.integers(0, 2**42), st.integers(0, 2 * 3_600_000))
def test_two_proofs_are_the_same_or_more_than_twenty_minutes_apart(first_ms, later_ms):
    """So a server that starts again, however often, renews its proof no oftener than Apple lets it."""  # S8
    before, after = (FORM.prove(ACCOUNT, "", moment) for moment in (first_ms, first_ms + later_ms))
    apart_ms = issued_ms(after) - issued_ms(before)
    assert (apart_ms, after) == (0, before) or apart_ms > 20 * 60_000
    assert first_ms < before.again_ms <= before.until_ms < issued_ms(before) + 3_600_000


def test_what_is_no_key_proves_nothing():
    with pytest.raises(ValueError, match="private key"):
        FORM.prove(Account("none", "KEY1234567", "TEAM123456"), "", NOW_MS)


# What is sent


def test_a_call_is_for_one_device():  # S8
    sent = FORM.build(push(), b"prepared", TOKEN, "PROOF", provider(), bytes(48))
    assert sent.url == f"https://api.push.apple.com/3/device/{TOKEN}"
    assert sent.body == b"prepared"
    assert sent.headers == {
        "authorization": "bearer PROOF",
        "content-type": "application/json",
        "apns-topic": "com.example.app",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(NOW_MS // 1000 + 60),
        "apns-collapse-id": "77",
    }


@pytest.mark.parametrize(
    ("by", "origin"),
    [
        (provider(), "https://api.push.apple.com"),
        (provider(sandbox=True), "https://api.sandbox.push.apple.com"),
        (provider(Account(PEM, "K", "T", "http://localhost:9"), sandbox=True), "http://localhost:9"),
    ],
)
def test_the_service_is_where_it_always_is_or_where_it_is_said_to_be(by, origin):
    assert call(by=by).url == f"{origin}/3/device/{TOKEN}"


def test_a_topic_goes_before_the_package():
    assert call(by=provider(topic="com.example.app.voip")).headers["apns-topic"] == "com.example.app.voip"
    assert "apns-topic" not in call(by=provider(package="")).headers


@pytest.mark.parametrize(
    ("collapse_id", "fits"), [("x" * 64, True), ("x" * 65, False), ("", False), ("好", False), ("a\nb", False)]
)
def test_what_a_push_replaces_has_a_name_of_at_most_64_bytes(collapse_id, fits):
    assert ("apns-collapse-id" in call(push(collapse_id=collapse_id)).headers) is fits


@pytest.mark.parametrize("token", ["a" * 8, "A0" * 32, "f" * 200])
def test_a_token_is_hexadecimal(token):
    assert call(token=token).url.endswith("/" + token)


@pytest.mark.parametrize("token", ["", "a" * 7, "a" * 201, "g" * 64, "../" * 8, "a" * 63 + "\n", "٠" * 64])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(ValueError, match="hexadecimal"):
        FORM.scope(token)
    with pytest.raises(ValueError, match="hexadecimal"):
        call(token=token)


# What is answered


def reply(status, reason=None, **rest):
    return HttpReply(status, b"" if reason is None else json.dumps({"reason": reason, **rest}).encode())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply(200), Outcome(Fate.ACCEPTED)),
        (reply(410, "Unregistered", timestamp=NOW_MS), Outcome(Fate.DEAD, "Unregistered", since_ms=NOW_MS)),
        (reply(410, "ExpiredToken", timestamp=NOW_MS), Outcome(Fate.DEAD, "ExpiredToken", since_ms=NOW_MS)),
        (reply(410, "Unregistered"), Outcome(Fate.DEAD, "Unregistered")),
        (reply(410, "Unregistered", timestamp=-1), Outcome(Fate.DEAD, "Unregistered")),
        (reply(410, "Unregistered", timestamp=1 << 53), Outcome(Fate.DEAD, "Unregistered")),
        (reply(410, "Unregistered", timestamp="soon"), Outcome(Fate.DEAD, "410")),
        (reply(410), Outcome(Fate.DEAD, "410")),
        (reply(400, "BadDeviceToken"), Outcome(Fate.DEAD, "BadDeviceToken")),
        (reply(400, "DeviceTokenNotForTopic"), Outcome(Fate.REJECTED, "DeviceTokenNotForTopic")),
        (reply(400, "TopicDisallowed"), Outcome(Fate.UNPROVEN, "TopicDisallowed")),
        (reply(400, "MissingTopic"), Outcome(Fate.UNPROVEN, "MissingTopic")),
        (reply(400, "BadTopic"), Outcome(Fate.UNPROVEN, "BadTopic")),
        (reply(400, "PayloadEmpty"), Outcome(Fate.REJECTED, "PayloadEmpty")),
        (reply(400, "IdleTimeout"), Outcome(Fate.LATER, "IdleTimeout")),
        (reply(400), Outcome(Fate.REJECTED, "400")),
        (reply(403, "ExpiredProviderToken"), Outcome(Fate.UNPROVEN, "ExpiredProviderToken")),
        (reply(403, "InvalidProviderToken"), Outcome(Fate.UNPROVEN, "InvalidProviderToken")),
        (reply(403, "MissingProviderToken"), Outcome(Fate.UNPROVEN, "MissingProviderToken")),
        (reply(403, "Forbidden"), Outcome(Fate.UNPROVEN, "Forbidden")),
        (reply(403), Outcome(Fate.UNPROVEN, "403")),
        (reply(404, "BadPath"), Outcome(Fate.REJECTED, "BadPath")),
        (reply(413, "PayloadTooLarge"), Outcome(Fate.REJECTED, "PayloadTooLarge")),
        (reply(429, "TooManyRequests"), Outcome(Fate.LATER, "TooManyRequests")),
        (
            reply(429, "TooManyProviderTokenUpdates"),
            Outcome(Fate.LATER, "TooManyProviderTokenUpdates", busy=True),
        ),
        (reply(429), Outcome(Fate.LATER, "429", busy=True)),
        (reply(500, "InternalServerError"), Outcome(Fate.LATER, "InternalServerError", busy=True)),
        (reply(503, "Shutdown"), Outcome(Fate.LATER, "Shutdown", busy=True)),
        (reply(204), Outcome(Fate.ACCEPTED)),
        (reply(302), Outcome(Fate.LATER, "302", busy=True)),
        (reply(418, "Teapot"), Outcome(Fate.REJECTED, "Teapot")),
        (reply(421, "Misdirected"), Outcome(Fate.LATER, "Misdirected")),
        (reply(599), Outcome(Fate.LATER, "599", busy=True)),
    ],
    ids=lambda value: getattr(value, "reason", None) or str(getattr(value, "status", "")),
)
def test_an_answer_is_an_outcome(answer, outcome):  # P7
    assert FORM.read(answer) == outcome


@pytest.mark.parametrize(
    ("said", "after_ms"),
    [
        ("7", 7000),
        (" 7 ", 7000),
        ("0", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("-1", 0),
        ("1.5", 0),
        ("9" * 9999, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_is_left_alone_for_as_long_as_it_wants(status, said, after_ms):
    assert FORM.read(HttpReply(status, b"", {"retry-after": said})).after_ms == after_ms


@pytest.mark.parametrize("status", [200, 400, 403, 410, 429, 503])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"7", b"{}", b'{"reason":7}', b'{"reason":null}', b"[" * 60_000, b"\xff\xfe"],
)
def test_nonsense_is_read_by_its_status(status, body):
    assert FORM.read(HttpReply(status, body)) == FORM.read(HttpReply(status))


def test_a_reason_is_short_enough_to_be_counted_by():
    assert FORM.read(reply(400, "x" * 5000)).reason == "x" * 100


def test_nothing_is_asked_for_a_proof():
    assert FORM.proven(HttpReply(400), NOW_MS) == Outcome(Fate.REJECTED, "400")
