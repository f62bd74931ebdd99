import base64

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from laba.providers.signatures import base64url, es256, from_base64url, public_point, rs256

CLAIMS = {"iss": "TEAM", "iat": 1_700_000_000}
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def test_es256_is_what_another_s_library_verifies():  # S8
    signed = es256(CLAIMS, pem(P256), {"kid": "KEY"})
    whole = jwt.decode_complete(signed, P256.public_key(), algorithms=["ES256"])
    assert whole["payload"] == CLAIMS
    assert whole["header"] == {"alg": "ES256", "kid": "KEY"}
    assert len(whole["signature"]) == 64


def test_rs256_is_what_another_s_library_verifies():  # S8
    whole = jwt.decode_complete(rs256(CLAIMS, pem(RSA)), RSA.public_key(), algorithms=["RS256"])
    assert whole["payload"] == CLAIMS
    assert whole["header"] == {"alg": "RS256", "typ": "JWT"}


def test_another_s_key_verifies_nothing():
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(
            es256(CLAIMS, pem(P256), {}),
            ec.generate_private_key(ec.SECP256R1()).public_key(),
            algorithms=["ES256"],
        )


def test_the_same_claims_are_signed_the_same():
    """No dice: RFC 6979. Numbers with leading zeros keep their 32 bytes, as some of these hundred have them."""
    assert es256(CLAIMS, pem(P256), {}) == es256(CLAIMS, pem(P256), {})
    for number in range(100):
        signed = es256({"n": number}, pem(P256), {})
        assert jwt.decode(signed, P256.public_key(), algorithms=["ES256"]) == {"n": number}


def test_a_public_key_is_its_uncompressed_point():
    point = public_point(pem(P256))
    assert point == P256.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert (len(point), point[0]) == (65, 4)


def test_an_older_pem_is_a_key_too():
    """SEC 1 for elliptic curves, PKCS #1 for RSA."""
    old = [key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()) for key in (P256, RSA)]
    assert es256(CLAIMS, old[0].decode(), {}) == es256(CLAIMS, pem(P256), {})
    assert rs256(CLAIMS, old[1].decode()) == rs256(CLAIMS, pem(RSA))


BROKEN = pem(P256).replace("\nM", "\nX", 1)


@pytest.mark.parametrize(
    ("sign", "key", "sentence"),
    [
        (es256, "", "PEM"),
        (es256, "secret", "PEM"),
        (es256, BROKEN, "PEM"),
        (es256, pem(P256, BestAvailableEncryption(b"secret")), "password"),
        (es256, pem(RSA), "P-256"),
        (es256, pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (es256, pem(ed25519.Ed25519PrivateKey.generate()), "P-256"),
        (rs256, "secret", "PEM"),
        (rs256, pem(P256), "RSA"),
    ],
)
def test_what_is_no_key_is_named_without_being_shown(sign, key, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        sign(CLAIMS, key, {}) if sign is es256 else sign(CLAIMS, key)
    assert "secret" not in str(caught.value)
    assert not [line for line in key.splitlines() if line and line in str(caught.value)]
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_base64url_has_no_padding_and_is_read_with_and_without(data):
    text = base64url(data)
    assert "=" not in text
    assert from_base64url(text) == data
    assert from_base64url(base64.urlsafe_b64encode(data).decode()) == data


@pytest.mark.parametrize("text", ["a", "a+b/", "a b", "ab=c", "ab\n", "é"])
def test_what_is_not_base64url_is_refused(text):
    with pytest.raises(ValueError):
        from_base64url(text)
