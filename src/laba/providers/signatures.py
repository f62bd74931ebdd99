"""Signed proofs in the compact form of JWS (RFC 7515), for services that take no passwords."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_COORDINATE_BYTES: Final = 32
# How many keys there are on P-256, and one: the order of its group (SP 800-186 section 3.2.1.3).
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def base64url(data: bytes) -> str:
    """Write bytes in base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Read base64url, padded or not. ValueError where it is none."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("it is not in base64url")
    bare = text.rstrip("=")
    if len(bare) % 4 == 1:
        raise ValueError("it is broken off: no base64url is of that length")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def es256(claims: Mapping[str, Any], pem: str, header: Mapping[str, str]) -> str:
    """Sign claims with a P-256 key (RFC 7518 section 3.4); the same claims are always signed the same (RFC 6979).

    The header is the algorithm's name and what is given. ValueError where the key is none; it does not show it.
    """
    said = _said({"alg": "ES256", **header}, claims)
    der = _p256(pem).sign(said, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    raw = b"".join(number.to_bytes(_COORDINATE_BYTES) for number in decode_dss_signature(der))
    return f"{said.decode()}.{base64url(raw)}"


def rs256(claims: Mapping[str, Any], pem: str) -> str:
    """Sign claims with an RSA key, by PKCS #1 version 1.5 (RFC 7518 section 3.3). ValueError as for `es256`."""
    said = _said({"alg": "RS256", "typ": "JWT"}, claims)
    return f"{said.decode()}.{base64url(_rsa(pem).sign(said, padding.PKCS1v15(), hashes.SHA256()))}"


def p256_from(entropy: bytes) -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key of at least 32 random bytes; any are a key (FIPS 186-5 appendix A.2.1)."""
    return ec.derive_private_key(int.from_bytes(entropy) % (_ORDER - 1) + 1, ec.SECP256R1())


def pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Write a private key in PEM, without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_point(pem: str) -> bytes:
    """Give the public half of a P-256 key: 65 bytes, uncompressed (X9.62). ValueError as for `es256`."""
    return point_of(_p256(pem).public_key())


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """Write a public key as its uncompressed point (X9.62)."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _said(header: Mapping[str, str], claims: Mapping[str, Any]) -> bytes:
    """Write what is signed (RFC 7515 section 5.1)."""
    return ".".join(base64url(msgspec.json.encode(part)) for part in (header, claims)).encode()


def _p256(pem: str) -> ec.EllipticCurvePrivateKey:
    match _private(pem):
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()) as key:
            return key
    raise ValueError("the private key is not on the curve P-256, as ES256 asks for")


def _rsa(pem: str) -> rsa.RSAPrivateKey:
    match _private(pem):
        case rsa.RSAPrivateKey() as key:
            return key
    raise ValueError("the private key is not an RSA key, as RS256 asks for")


def _private(pem: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What was raised may quote the key.
        raise ValueError("the private key is not one in PEM without a password") from None
