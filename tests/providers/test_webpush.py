import json

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from laba.model.http import HttpReply
from laba.model.provider import Account, Fate, Outcome, Provider
from laba.model.push import Push
from laba.providers.signatures import base64url, from_base64url, point_of
from laba.providers.webpush import PLAIN_MAX_BYTES, WebPushForm

NOW_MS = 1_700_000_000_000
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ACCOUNT = Account(PEM, "mailto:ops@example.com")
PROVIDER = Provider("browsers", "webpush", ACCOUNT)
BROWSER = ec.generate_private_key(ec.SECP256R1())
POINT = point_of(BROWSER.public_key())
SECRET = bytes(range(16))
ENTROPY = bytes(range(100, 148))
ENDPOINT = "https://push.example.com/push/abc?x=1"
FORM = WebPushForm()


def subscription(endpoint=ENDPOINT, p256dh=POINT, auth=SECRET, **rest):
    keys = {"p256dh": base64url(p256dh), "auth": base64url(auth)}
    return json.dumps({"endpoint": endpoint, "expirationTime": None, "keys": keys, **rest})


def push(alert="hello", **rest):
    told = {"collapse_id": "77", "expires_at_ms": NOW_MS + 60_000, "message": {"id": "77", "from": "ann"}}
    return Push(alert, **{**told, **rest})


def call(a_push=None, token=None, prepared=b"{}", entropy=ENTROPY):
    return FORM.build(a_push or push(), prepared, token or subscription(), "PROOF", PROVIDER, entropy)


def written(a_push):
    return json.loads(FORM.prepared(a_push, PROVIDER))


def decrypted(body, private=BROWSER):
    return http_ece.decrypt(body, private_key=private, auth_secret=SECRET, version="aes128gcm")


# What is shown


def test_a_page_is_given_what_to_show_and_what_it_is_told():  # P6
    options = {"image": "https://example.com/a.png", "badge": 3, "ttl_seconds": 60}
    assert written(push(title="Ann", extras={"k": [1, "二"]}, options=options)) == {
        "title": "Ann",
        "body": "hello",
        "message": {"id": "77", "from": "ann"},
        "extras": {"k": [1, "二"]},
        "options": {"image": "https://example.com/a.png", "badge": 3},
    }


def test_what_is_not_there_is_not_written():
    assert written(push(options={"ttl_seconds": 60})) == {
        "body": "hello",
        "message": {"id": "77", "from": "ann"},
        "extras": {},
    }


def test_a_silent_push_shows_nothing():  # P6
    assert written(push(title="Ann", silent=True)) == {
        "silent": True,
        "message": {"id": "77", "from": "ann"},
        "extras": {},
    }


# How much


def room():
    return PLAIN_MAX_BYTES - len(FORM.prepared(push(""), PROVIDER))


def test_what_fits_into_4096_bytes_encrypted_is_not_shortened():
    whole = FORM.prepared(push("x" * room()), PROVIDER)
    assert (len(whole), len(call(prepared=whole).body)) == (3993, 4096)
    assert json.loads(decrypted(call(prepared=whole).body))["body"] == "x" * room()


def test_one_byte_more_is_shortened_to_fit():
    short = FORM.prepared(push("x" * (room() + 1)), PROVIDER)
    assert len(short) == 3993
    assert json.loads(short)["body"] == "x" * (room() - 3) + "…"


@pytest.mark.parametrize("shift", range(5))
def test_an_emoji_is_not_cut_in_two(shift):
    shown = written(push("x" * shift + "👍🏽" * 1000))["body"].removesuffix("…").removeprefix("x" * shift)
    assert shown == "👍🏽" * (len(shown) // 2)


def test_what_is_too_large_without_a_word_is_not_written():
    most = room() - len('"k":""')
    assert len(FORM.prepared(push("", extras={"k": "x" * most}), PROVIDER)) == 3993
    assert FORM.prepared(push("", extras={"k": "x" * (most + 1)}), PROVIDER) is None


# Who asks


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://push.example.com/a/b?c#d", "https://push.example.com"),
        ("https://push.example.com", "https://push.example.com"),
        ("HTTPS://Push.Example.com:443/a", "https://push.example.com"),
        ("https://push.example.com:8443/a", "https://push.example.com:8443"),
        ("http://localhost:80/a", "http://localhost"),
        ("http://localhost:443/a", "http://localhost:443"),
        ("http://[::1]:9/a", "http://[::1]:9"),
    ],
)
def test_a_proof_is_for_one_origin(endpoint, origin):  # S8
    assert FORM.scope(subscription(endpoint)) == origin


def test_a_proof_says_to_whom_it_is_and_who_is_behind_it():  # S8
    proof = FORM.prove(ACCOUNT, "https://push.example.com", NOW_MS)
    token, key = proof.value.removeprefix("vapid t=").split(", k=")
    whole = jwt.decode_complete(
        token,
        KEY.public_key(),
        algorithms=["ES256"],
        audience="https://push.example.com",
        options={"verify_exp": False},
    )
    assert whole["header"] == {"alg": "ES256", "typ": "JWT"}
    assert whole["payload"] == {
        "aud": "https://push.example.com",
        "exp": NOW_MS // 1000 + 12 * 3600,
        "sub": "mailto:ops@example.com",
    }
    assert from_base64url(key) == point_of(KEY.public_key())
    assert proof.until_ms == NOW_MS + 11 * 3600 * 1000


@pytest.mark.parametrize("entropy", [ENTROPY, bytes(48), b"\xff" * 48])
def test_a_key_can_be_made(entropy):
    made = Account(FORM.new_key(entropy), "mailto:ops@example.com")
    assert FORM.new_key(entropy) == made.key
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(FORM.public_key(made)))
    token = FORM.prove(made, "https://push.example.com", NOW_MS).value.removeprefix("vapid t=").split(",")[0]
    options = {"verify_exp": False, "verify_aud": False}
    assert jwt.decode(token, public, algorithms=["ES256"], options=options)["sub"] == "mailto:ops@example.com"


def test_other_entropy_makes_another_key():
    assert len({FORM.new_key(bytes([number]) * 48) for number in range(20)}) == 20


def test_what_is_no_key_proves_nothing():
    with pytest.raises(ValueError, match="private key"):
        FORM.prove(Account("none", "mailto:ops@example.com"), "https://push.example.com", NOW_MS)


# What is sent


def test_a_call_is_for_one_browser():  # S8
    sent = call(push(options={"ttl_seconds": 60}))
    assert sent.url == ENDPOINT
    assert sent.headers == {
        "authorization": "PROOF",
        "content-type": "application/octet-stream",
        "content-encoding": "aes128gcm",
        "ttl": "60",
        "urgency": "high",
        "topic": "77",
    }


def test_a_silent_push_is_in_no_hurry():
    assert call(push(silent=True)).headers["urgency"] == "low"


def test_a_push_is_kept_for_a_week_unless_it_is_said_how_long():
    assert call().headers["ttl"] == "604800"


@pytest.mark.parametrize(
    ("collapse_id", "fits"),
    [("x" * 32, True), ("aZ09-_", True), ("x" * 33, False), ("", False), ("a.b", False), ("a\n", False)],
)
def test_a_topic_is_at_most_32_characters_of_base64url(collapse_id, fits):
    assert ("topic" in call(push(collapse_id=collapse_id)).headers) is fits


def test_only_the_browser_reads_it():
    body = call(prepared=b"for you alone").body
    assert b"alone" not in body
    assert decrypted(body) == b"for you alone"
    with pytest.raises(http_ece.ECEException):
        decrypted(body, ec.generate_private_key(ec.SECP256R1()))


def test_other_entropy_gives_another_key_and_another_salt():
    one, other = call().body, call(entropy=ENTROPY[::-1]).body
    assert one == call().body
    assert one[:16] == ENTROPY[32:]
    assert one[21:86] != other[21:86]


@pytest.mark.parametrize("entropy", [bytes(48), b"\xff" * 48])
def test_any_entropy_gives_a_key(entropy):
    assert decrypted(call(entropy=entropy, prepared=b"hello").body) == b"hello"


def test_the_example_of_the_standard():
    """RFC 8291 appendix A, to the last byte."""
    private = int.from_bytes(from_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    entropy = (private - 1).to_bytes(32) + from_base64url("DGv6ra1nlYgDCS1FRnbzlw")
    browser = from_base64url(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    token = subscription(p256dh=browser, auth=from_base64url("BTBZMqHH6r4Tts7J_aSIgg"))
    assert base64url(call(None, token, b"When I grow up, I want to be a watermelon", entropy).body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
        "u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "[]",
        "{}",
        "[" * 60_000,
        '{"endpoint":"https://push.example.com/a"}',
        '{"endpoint":7,"keys":{"p256dh":"","auth":""}}',
        subscription(""),
        subscription("push.example.com/a"),
        subscription("ftp://push.example.com/a"),
        subscription("https://"),
        subscription("https:///a"),
        subscription("https://?a"),
        subscription("https://:443/a"),
        subscription("https://push.example.com:99999/a"),
        subscription("https://me:pass@push.example.com/a"),
        subscription("https://push.example.com/a b"),
        subscription("https://push.example.com/a\r\nb"),
        subscription("https://[::1/a"),
    ],
)
def test_what_is_no_subscription_is_refused(token):
    with pytest.raises(ValueError):
        FORM.scope(token)
    with pytest.raises(ValueError):
        call(token=token)


@pytest.mark.parametrize(
    "token",
    [
        subscription(p256dh=b"\4" + bytes(64)),
        subscription(p256dh=b"\4" + bytes(63)),
        subscription(p256dh=POINT + b"\0"),
        subscription(p256dh=b""),
        subscription(auth=bytes(15)),
        subscription(auth=bytes(17)),
        subscription(keys={"p256dh": "+/", "auth": "AAAA"}),
    ],
)
def test_keys_that_are_none_are_refused(token):
    with pytest.raises(ValueError):
        FORM.scope(token)
    with pytest.raises(ValueError):
        call(token=token)


# What is answered


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome(Fate.ACCEPTED)),
        (201, Outcome(Fate.ACCEPTED)),
        (202, Outcome(Fate.ACCEPTED)),
        (302, Outcome(Fate.LATER, "302", 7000, busy=True)),
        (400, Outcome(Fate.REJECTED, "400")),
        (401, Outcome(Fate.DOUBTED, "401")),
        (403, Outcome(Fate.DOUBTED, "403")),
        (404, Outcome(Fate.DEAD, "404")),
        (410, Outcome(Fate.DEAD, "410")),
        (413, Outcome(Fate.REJECTED, "413")),
        (408, Outcome(Fate.LATER, "408", 7000)),
        (418, Outcome(Fate.REJECTED, "418")),
        (425, Outcome(Fate.LATER, "425", 7000)),
        (429, Outcome(Fate.LATER, "429", 7000, busy=True)),
        (500, Outcome(Fate.LATER, "500", 7000, busy=True)),
        (503, Outcome(Fate.LATER, "503", 7000, busy=True)),
    ],
)
def test_an_answer_is_an_outcome(status, outcome):  # P7
    assert FORM.read(HttpReply(status, b"<html>", {"retry-after": "7"})) == outcome


def test_nothing_is_asked_for_a_proof():
    assert FORM.proven(HttpReply(503), NOW_MS) == Outcome(Fate.LATER, "503", busy=True)
