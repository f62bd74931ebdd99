import json
from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from laba.model.http import HttpReply
from laba.model.provider import Account, Fate, Outcome, Proof, Provider
from laba.model.push import Push
from laba.providers.fcm import PAYLOAD_MAX_BYTES, FcmForm

NOW_MS = 1_700_000_000_000
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
EMAIL = "pusher@project-1.iam.gserviceaccount.com"
ACCOUNT = Account(PEM, EMAIL, "project-1")
PROVIDER = Provider("google", "fcm", ACCOUNT)
TOKEN = "abc:APA91b-_"
FORM = FcmForm()


def push(alert="hello", **rest):
    told = {"collapse_id": "77", "expires_at_ms": NOW_MS + 60_000, "message": {"id": "77", "from": "ann"}}
    return Push(alert, **{**told, **rest})


def call(a_push, token=TOKEN, by=PROVIDER):
    return FORM.build(a_push, FORM.prepared(a_push, by), token, "PROOF", by, bytes(48))


def message(a_push, token=TOKEN):
    """Give what is sent, without what is for Apple's devices alone."""
    whole = json.loads(call(a_push, token).body)["message"]
    return {name: part for name, part in whole.items() if name != "apns"}


def for_apple(**rest):
    return json.loads(call(push(**rest)).body)["message"]["apns"]


# What is shown


def test_a_message_has_the_notification_and_what_the_app_is_told():  # P6
    options = {"channel": "news", "sound": "bell", "image": "https://example.com/a.png", "ttl_seconds": 60}
    assert message(push(title="Ann", extras={"k": [1, "二"]}, options=options)) == {
        "token": TOKEN,
        "notification": {"title": "Ann", "body": "hello", "image": "https://example.com/a.png"},
        "data": {"laba": '{"id":"77","from":"ann"}', "extras": '{"k":[1,"二"]}'},
        "android": {
            "collapse_key": "77",
            "ttl": "60s",
            "priority": "HIGH",
            "notification": {"channel_id": "news", "sound": "bell", "tag": "77"},
        },
    }


def test_what_is_not_there_is_not_written():
    assert message(push()) == {
        "token": TOKEN,
        "notification": {"body": "hello"},
        "data": {"laba": '{"id":"77","from":"ann"}'},
        "android": {"collapse_key": "77", "ttl": "604800s", "priority": "HIGH", "notification": {"tag": "77"}},
    }


def test_a_silent_push_is_data_alone():  # P6
    assert message(push(title="Ann", silent=True, options={"channel": "news", "image": "https://a"})) == {
        "token": TOKEN,
        "data": {"laba": '{"id":"77","from":"ann"}'},
        "android": {"collapse_key": "77", "ttl": "604800s", "priority": "NORMAL"},
    }


def test_on_apple_s_devices_a_push_is_what_it_is_by_apple_s_own_service():  # P6
    """Google adds the alert, which is the notification's, and the topic."""
    options = {"sound": "bell", "badge": 3, "category": "c", "thread": "t", "mutable": True, "channel": "news"}
    headers = {
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(NOW_MS // 1000 + 60),
        "apns-collapse-id": "77",
    }
    aps = {"sound": "bell", "badge": 3, "category": "c", "thread-id": "t", "mutable-content": 1}
    assert for_apple(options=options) == {"headers": headers, "payload": {"aps": aps}}
    assert for_apple()["payload"] == {"aps": {"sound": "default"}}
    assert for_apple(options={"sound": None})["payload"] == {"aps": {}}


def test_on_apple_s_devices_a_silent_push_wakes_the_app():  # P6
    told = for_apple(silent=True, options={"sound": "bell"})
    assert told["payload"] == {"aps": {"content-available": 1}}
    assert (told["headers"]["apns-push-type"], told["headers"]["apns-priority"]) == ("background", "5")


def test_a_name_that_apple_s_header_cannot_carry_is_not_in_it():
    assert "apns-collapse-id" not in for_apple(collapse_id="x" * 65)["headers"]


def test_an_option_that_is_no_text_is_left_out():
    """Google refuses a whole message for one value of another type."""
    odd = {"channel": 7, "sound": {"name": "bell"}, "image": None}
    assert message(push(options=odd)) == message(push())


@pytest.mark.parametrize(
    ("said", "ttl"),
    [(0, "0s"), (60, "60s"), (2_419_200, "2419200s"), (2_419_201, "2419200s"), (-1, "0s"), ("60", "604800s")],
)
def test_a_push_is_kept_for_four_weeks_at_most(said, ttl):
    assert message(push(options={"ttl_seconds": said}))["android"]["ttl"] == ttl


# How much


def size(said):
    return sum(len(json.dumps(said[part], ensure_ascii=False, separators=(",", ":")).encode()) for part in said)


def payload(a_push):
    """Give what is measured: what is shown and what the app is told, on Apple's devices too."""
    whole = json.loads(call(a_push).body)["message"]
    shown = {name: whole[name] for name in ("notification", "data") if name in whole}
    return shown | {"aps": whole["apns"]["payload"]["aps"]}


def room():
    return PAYLOAD_MAX_BYTES - size(payload(push("")))


def test_notification_and_data_of_4096_bytes_are_not_shortened():
    assert PAYLOAD_MAX_BYTES == 4096
    assert size(payload(push("x" * room()))) == 4096
    assert payload(push("x" * room()))["notification"]["body"] == "x" * room()


def test_one_byte_more_is_shortened_to_fit():
    short = payload(push("x" * (room() + 1)))
    assert size(short) == 4096
    assert short["notification"]["body"] == "x" * (room() - 3) + "…"


@pytest.mark.parametrize("shift", range(5))
def test_an_emoji_is_not_cut_in_two(shift):
    short = payload(push("x" * shift + "👨‍👩‍👧" * 500))
    assert size(short) <= 4096
    shown = short["notification"]["body"].removesuffix("…").removeprefix("x" * shift)
    assert shown == "👨‍👩‍👧" * (len(shown) // 5)


@pytest.mark.parametrize("silent", [False, True])
def test_what_is_too_large_without_a_word_is_not_written(silent):
    def written(length):
        return FORM.prepared(push("", silent=silent, extras={"k": "x" * length}), PROVIDER)

    most = PAYLOAD_MAX_BYTES - size(payload(push("", silent=silent, extras={"k": ""})))
    assert written(most) is not None
    assert written(most + 1) is None


# Who asks


@pytest.mark.parametrize(
    ("account", "url"),
    [
        (ACCOUNT, "https://oauth2.googleapis.com/token"),
        (Account(PEM, EMAIL, "project-1", token_url="http://localhost:9/token"), "http://localhost:9/token"),
    ],
)
def test_an_access_token_is_asked_for_with_a_signed_assertion(account, url):  # S8
    asked = FORM.prove(account, FORM.scope(TOKEN), NOW_MS)
    assert asked.url == url
    assert asked.headers == {"content-type": "application/x-www-form-urlencoded"}
    form = dict(parse_qsl(asked.body.decode(), strict_parsing=True))
    claims = jwt.decode(
        form.pop("assertion"), KEY.public_key(), algorithms=["RS256"], audience=url, options={"verify_exp": False}
    )
    assert form == {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
    assert claims == {
        "iss": EMAIL,
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": url,
        "iat": NOW_MS // 1000,
        "exp": NOW_MS // 1000 + 3600,
    }


def test_a_key_is_google_s_to_give():
    assert FORM.new_key(bytes(48)) is None
    assert FORM.public_key(ACCOUNT) is None


def test_what_is_no_key_asks_for_nothing():
    with pytest.raises(ValueError, match="private key"):
        FORM.prove(Account("none", EMAIL), "", NOW_MS)


def reply(status, said=None, headers=None):
    return HttpReply(status, b"" if said is None else json.dumps(said).encode(), headers or {})


@pytest.mark.parametrize(("expires_in", "good_for"), [(3599, 3299), (600, 300), (300, 150), (1, 1)])
def test_an_access_token_is_used_until_shortly_before_it_ends(expires_in, good_for):
    granted = {"access_token": "ya29.x", "expires_in": expires_in, "token_type": "Bearer"}
    assert FORM.proven(reply(200, granted), NOW_MS) == Proof("ya29.x", NOW_MS + good_for * 1000)


GRANT = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply(400, GRANT), Outcome(Fate.UNPROVEN, "invalid_grant: Invalid JWT Signature.")),
        (reply(401, {"error": "invalid_client"}), Outcome(Fate.UNPROVEN, "invalid_client")),
        (reply(403), Outcome(Fate.UNPROVEN, "403")),
        (reply(404), Outcome(Fate.UNPROVEN, "404")),
        (reply(429, None, {"retry-after": "3"}), Outcome(Fate.LATER, "429", 3000, busy=True)),
        (reply(500), Outcome(Fate.LATER, "500", busy=True)),
        (reply(503, None, {"retry-after": "3"}), Outcome(Fate.LATER, "503", 3000, busy=True)),
        (reply(302), Outcome(Fate.LATER, "302", busy=True)),
        (reply(200), Outcome(Fate.LATER, "the answer holds none", busy=True)),
        (reply(200, {"access_token": "x"}), Outcome(Fate.LATER, "the answer holds none", busy=True)),
        (reply(200, {"access_token": 7, "expires_in": 9}), Outcome(Fate.LATER, "the answer holds none", busy=True)),
        (HttpReply(200, b"<html>"), Outcome(Fate.LATER, "the answer holds none", busy=True)),
    ],
)
def test_where_there_is_no_access_token_it_is_said_why(answer, outcome):
    assert FORM.proven(answer, NOW_MS) == outcome


# What is sent


def test_a_call_is_for_one_device():  # S8
    sent = call(push())
    assert sent.url == "https://fcm.googleapis.com/v1/projects/project-1/messages:send"
    assert sent.headers == {"authorization": "Bearer PROOF", "content-type": "application/json"}
    elsewhere = Provider("google", "fcm", Account(PEM, EMAIL, "project-1", "http://localhost:9"))
    assert call(push(), by=elsewhere).url == "http://localhost:9/v1/projects/project-1/messages:send"


def test_a_token_is_put_into_what_is_prepared():
    prepared = FORM.prepared(push("hello"), PROVIDER)
    assert call(push("hello")).body == prepared.replace(b'{"message":{', b'{"message":{"token":"abc:APA91b-_",', 1)


@pytest.mark.parametrize("token", ['a","topic":"all', "a\\", "x" * 4096])
def test_a_token_cannot_say_more_than_a_token(token):
    assert message(push(), token) == {**message(push()), "token": token}


@pytest.mark.parametrize("token", ["", "x" * 4097, "a b", "a\n", "好", "\ud800", "{}", '{"endpoint":"https://x"}'])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(ValueError, match="token"):
        FORM.scope(token)
    with pytest.raises(ValueError, match="token"):
        call(push(), token)


# What is answered


def error(code, status, *details):
    return reply(code, {"error": {"code": code, "message": "m", "status": status, "details": list(details)}})


def fcm(code):
    return {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}


def violation(*fields):
    found = [{"field": each, "description": "d"} for each in fields]
    return {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": found}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply(200, {"name": "projects/project-1/messages/1"}), Outcome(Fate.ACCEPTED)),
        (error(404, "NOT_FOUND", fcm("UNREGISTERED")), Outcome(Fate.DEAD, "UNREGISTERED")),
        (error(404, "NOT_FOUND"), Outcome(Fate.REJECTED, "NOT_FOUND")),
        (
            error(403, "PERMISSION_DENIED", fcm("SENDER_ID_MISMATCH")),
            Outcome(Fate.DEAD, "SENDER_ID_MISMATCH"),
        ),
        (
            error(400, "INVALID_ARGUMENT", fcm("INVALID_ARGUMENT"), violation("message.token")),
            Outcome(Fate.DEAD, "INVALID_ARGUMENT"),
        ),
        (
            error(400, "INVALID_ARGUMENT", violation("message.data", "message.token")),
            Outcome(Fate.DEAD, "INVALID_ARGUMENT"),
        ),
        (
            error(400, "INVALID_ARGUMENT", violation("message.android.ttl")),
            Outcome(Fate.REJECTED, "INVALID_ARGUMENT"),
        ),
        (error(400, "INVALID_ARGUMENT", fcm("INVALID_ARGUMENT")), Outcome(Fate.REJECTED, "INVALID_ARGUMENT")),
        (error(401, "UNAUTHENTICATED"), Outcome(Fate.UNPROVEN, "UNAUTHENTICATED")),
        (
            error(401, "UNAUTHENTICATED", fcm("THIRD_PARTY_AUTH_ERROR")),
            Outcome(Fate.REJECTED, "THIRD_PARTY_AUTH_ERROR"),
        ),
        (error(403, "PERMISSION_DENIED"), Outcome(Fate.UNPROVEN, "PERMISSION_DENIED")),
        (
            error(429, "RESOURCE_EXHAUSTED", fcm("QUOTA_EXCEEDED")),
            Outcome(Fate.LATER, "QUOTA_EXCEEDED", 60_000, busy=True),
        ),
        (reply(429), Outcome(Fate.LATER, "429", 60_000, busy=True)),
        (reply(429, None, {"retry-after": "7"}), Outcome(Fate.LATER, "429", 7000, busy=True)),
        (error(500, "INTERNAL", fcm("INTERNAL")), Outcome(Fate.LATER, "INTERNAL", busy=True)),
        (error(503, "UNAVAILABLE", fcm("UNAVAILABLE")), Outcome(Fate.LATER, "UNAVAILABLE", busy=True)),
        (reply(503, None, {"retry-after": "7"}), Outcome(Fate.LATER, "503", 7000, busy=True)),
        (reply(302), Outcome(Fate.LATER, "302", busy=True)),
        (reply(413), Outcome(Fate.REJECTED, "413")),
    ],
)
def test_an_answer_is_an_outcome(answer, outcome):  # P7
    assert FORM.read(answer) == outcome


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 503])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html>",
        b"[]",
        b"null",
        b'{"error":7}',
        b'{"error":{"status":7}}',
        b'{"error":{"details":{}}}',
        b'{"error":{"details":[7]}}',
        b"[" * 60_000,
        b"\xff\xfe",
    ],
)
def test_nonsense_is_read_by_its_status(status, body):
    assert FORM.read(HttpReply(status, body)) == FORM.read(HttpReply(status))
