import base64
import hashlib
import hmac
import struct
import zlib

import pytest

from laba.dialects.easemob.accesstoken2 import (
    APP,
    CONTENT_MAX_BYTES,
    TEXT_MAX,
    USER,
    AccessToken2Reader,
    Terms,
    build_app_token,
    build_user_token,
    parse,
)
from laba.model.app import Apps
from laba.model.identity import Identity
from laba.model.refusal import Code

APP_ID = "970CA35de60c44645bbae8a215061b33"
CERTIFICATE = "5CFd2fd1755d40ecb72977518be15d3b"
TERMS = Terms(APP_ID, issued_at=1111111, expire_seconds=600, salt=1)
# vendor-apis.md 1.2: what the vendor's own builders give for these inputs.
USER_VECTOR = (
    "007eJxTYPB9cqRE8Ni/X84LI+31X7189fKa/j2zR2cz1l4vcNkdb8mkwGBpbuDsaGyakmpmkGxiYmZimpSUmGqRaGRoamBmmGRs7P5FgCGC"
    "iYGBkQGEWYGYEcznZChJLS6JLy1OLQIAOicgtQ=="
)
APP_VECTOR = (
    "007eJxTYNDNaz3snC8huEfHWdz6s98qltq4zqy9fl99Uh0FDvy6F6DAYGlu4OxobJqSamaQbGJiZmKalJSYapFoZGhqYGaYZGzs/kWAIYKJ"
    "gYGRAYRZgZgJzGdgAACt8hhr"
)
DURING_MS = 1111700 * 1000


def content(token: str) -> bytes:
    """Two zlibs may pack one content differently; what counts is inside."""
    return zlib.decompress(base64.b64decode(token.removeprefix("007")))


def packed(*parts: bytes) -> str:
    return "007" + base64.b64encode(zlib.compress(b"".join(parts))).decode()


def counted(text: bytes) -> bytes:
    return struct.pack("<H", len(text)) + text


def signed_by_hand(services: bytes, issued_at: int = 1111111, expire: int = 600) -> str:
    """Sign any services with the app's certificate, as the vendor's formula says."""

    def sign(key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, hashlib.sha256).digest()

    info = counted(APP_ID.encode()) + struct.pack("<III", issued_at, expire, 1) + services
    key = sign(struct.pack("<I", 1), sign(struct.pack("<I", issued_at), CERTIFICATE.encode()))
    return packed(counted(sign(key, info)), info)


def chat(user_id: bytes, privileges: dict[int, int]) -> bytes:
    held = b"".join(struct.pack("<HI", privilege, seconds) for privilege, seconds in privileges.items())
    return struct.pack("<HHH", 1, 5, len(privileges)) + held + counted(user_id)


@pytest.fixture
def judged(app):
    """What the reader makes of a token at a time."""
    return lambda token, now_ms=DURING_MS: AccessToken2Reader().recognise(token, Apps((app,)), now_ms)


# --- building and parsing: vendor-apis.md 1.2, S1 ---


def test_the_user_vector_is_built_byte_for_byte():
    """Our user token holds exactly what the vendor's builder puts into its own."""
    assert content(build_user_token(TERMS, CERTIFICATE, "test_user")) == content(USER_VECTOR)


def test_the_app_vector_is_built_byte_for_byte():
    """Our app token holds exactly what the vendor's builder puts into its own."""
    assert content(build_app_token(TERMS, CERTIFICATE)) == content(APP_VECTOR)


def test_the_user_vector_is_read():
    """Every member of the vendor's user token is found."""
    token = parse(USER_VECTOR)
    assert (token.terms, token.privileges, token.user_id) == (TERMS, {USER: 600}, "test_user")
    assert token.genuine(CERTIFICATE)
    assert token.expires_at(USER) == 1111711


def test_the_app_vector_is_read():
    """Every member of the vendor's app token is found."""
    token = parse(APP_VECTOR)
    assert (token.terms, token.privileges, token.user_id) == (TERMS, {APP: 600}, "")
    assert token.genuine(CERTIFICATE)


def test_another_certificate_is_not_the_signer():
    """Only the certificate that signed makes a token genuine."""
    assert not parse(APP_VECTOR).genuine(CERTIFICATE[::-1])


@pytest.mark.parametrize("at", [2, 33, 40, 70, 75, 79, 90])
def test_one_changed_bit_is_not_genuine(at):
    """The signature covers all of the content, and is itself compared whole."""
    changed = bytearray(content(USER_VECTOR))
    changed[at] ^= 1
    token = parse(packed(bytes(changed)))
    assert token is None or not token.genuine(CERTIFICATE)


def test_the_signature_stays_out_of_logs():
    """A token's repr cannot be used as a token."""
    assert "signature" not in repr(parse(APP_VECTOR))


def test_every_shortened_content_is_no_token():
    """A content cut anywhere is refused, never an exception."""
    whole = content(USER_VECTOR)
    assert all(parse(packed(whole[:length])) is None for length in range(len(whole)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "007",
        "006" + USER_VECTOR[3:],
        "007!!!!",
        "007" + "A" * 8,
        "007喇叭",
        USER_VECTOR[:-8],
        USER_VECTOR[:-1],
        "007" + base64.b64encode(zlib.compress(content(USER_VECTOR)) + b"more").decode(),
        packed(counted(b"s"), counted(b"\xff" * 32), struct.pack("<IIIH", 1, 1, 1, 0)),
        packed(counted(b"s"), counted(b"a"), struct.pack("<III", 1, 1, 1), chat(b"\xff", {1: 1})),
    ],
)
def test_what_is_no_token_is_none(text):
    """Wrong version, base64, zlib or encoding: no token."""
    assert parse(text) is None


def test_a_long_text_is_not_even_decoded():
    """The bound on the text holds before any work is done."""
    text = "007" + base64.b64encode(zlib.compress(content(USER_VECTOR), 0)).decode()
    assert parse(text) is not None
    assert parse(text + "A" * (TEXT_MAX + 1 - len(text))) is None


def test_a_bomb_is_not_inflated():
    """A small text that grows beyond the bound is refused."""
    fits = content(USER_VECTOR) + bytes(CONTENT_MAX_BYTES - 200)
    bomb = content(USER_VECTOR) + bytes(1_000_000)
    assert len(packed(bomb)) < TEXT_MAX
    assert parse(packed(fits)) is not None
    assert parse(packed(bomb)) is None


# --- judging: A10, S1 ---


def test_an_app_token_names_the_app(judged, app):
    """Privilege 2 is the app's right, until the token ends."""
    assert judged(APP_VECTOR) == Identity(app.uuid, expires_at_ms=1111711000)


def test_a_user_token_names_a_user_who_is_registered_at_first_sight(judged, app):
    """Privilege 1 and a user id are a login; names are known in lower case."""
    token = build_user_token(TERMS, CERTIFICATE, "Test_User")
    assert judged(token) == Identity(app.uuid, "test_user", registers=True, expires_at_ms=1111711000)


def test_another_kind_of_token_is_left_to_others(judged):
    """Only texts that begin with 007 are judged."""
    assert judged("YWMtabc") is None


def test_garbage_is_corrupt(judged):
    """What begins with 007 and cannot be read is corrupt."""
    assert judged("007garbage").code is Code.TOKEN_CORRUPT


def test_an_unknown_app_id_is_unknown(judged):
    """A token of an app that this server does not have was not issued by this system."""
    token = build_app_token(Terms("0" * 32, 1111111, 600, 1), CERTIFICATE)
    assert judged(token).code is Code.TOKEN_UNKNOWN


def test_a_forged_signature_is_unknown(judged):
    """A token that another certificate signed was not issued by this system."""
    assert judged(build_app_token(TERMS, "f" * 32)).code is Code.TOKEN_UNKNOWN


def test_a_token_ends_with_its_last_second(judged):
    """A token holds while now is before issue + life."""
    assert isinstance(judged(APP_VECTOR, 1111711 * 1000 - 1), Identity)
    assert judged(APP_VECTOR, 1111711 * 1000).code is Code.TOKEN_EXPIRED


@pytest.mark.parametrize(("expire", "privilege"), [(600, 60), (60, 600)])
def test_the_shorter_of_both_lives_binds(judged, expire, privilege):
    """The token's life and the privilege's life both count."""
    token = signed_by_hand(chat(b"", {APP: privilege}), expire=expire)
    assert isinstance(judged(token, 1111171 * 1000 - 1), Identity)
    assert judged(token, 1111171 * 1000).code is Code.TOKEN_EXPIRED


def test_a_privilege_of_no_life_is_over_at_once(judged):
    """0 does not mean for ever."""
    assert judged(signed_by_hand(chat(b"", {APP: 0})), 1111111 * 1000).code is Code.TOKEN_EXPIRED


def test_a_token_from_the_future_is_not_accepted(judged):
    """More than a day ahead of our clock is no clock error any more."""
    assert isinstance(judged(APP_VECTOR, (1111111 - 86400) * 1000), Identity)
    assert judged(APP_VECTOR, (1111111 - 86400) * 1000 - 1).code is Code.TOKEN_UNKNOWN


@pytest.mark.parametrize("user_id", [b"", b"a b", "喇叭".encode(), b"u" * 65, b"u\n"])
def test_an_impossible_user_is_corrupt(judged, user_id):
    """A user token must name somebody who can exist."""
    assert judged(signed_by_hand(chat(user_id, {USER: 600}))).code is Code.TOKEN_CORRUPT


def test_the_app_privilege_wins_over_the_user_privilege(judged, app):
    """A token that carries both may do what the app may."""
    assert judged(signed_by_hand(chat(b"ann", {USER: 600, APP: 600}))).user is None


@pytest.mark.parametrize(
    "services",
    [
        struct.pack("<H", 0),
        struct.pack("<HHH", 1, 1, 1) + struct.pack("<HI", 1, 600) + counted(b"channel") + counted(b"uid"),
        chat(b"ann", {3: 600}),
    ],
)
def test_a_genuine_token_for_something_else_does_not_match(judged, services):
    """Another service, of whatever payload, or another privilege gives no right here."""
    assert judged(signed_by_hand(services)).code is Code.TOKEN_MISMATCH
