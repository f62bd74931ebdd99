"""Requests for a token (vendor-apis.md 1.1)."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from laba.dialects.easemob.fields import invalid, username_fault
from laba.dialects.easemob.jsontext import parse_object
from laba.model.calls import Claim, Grant, TokenRequest
from laba.model.refusal import Code, Refusal

# Ten digits are three centuries: longer is a mistake, and 0 is how to say for ever.
_TTL = re.compile(r"[0-9]{1,10}")

GRANTS: Mapping[str, Grant] = MappingProxyType(
    {
        "client_credentials": Grant.CLIENT_CREDENTIALS,
        "password": Grant.PASSWORD,
        "inherit": Grant.INHERIT,
        "agora": Grant.EXCHANGE,
    }
)

# What each grant cannot do without; all of it text.
_NEEDS: Mapping[Grant, tuple[str, ...]] = MappingProxyType(
    {
        Grant.CLIENT_CREDENTIALS: ("client_id", "client_secret"),
        Grant.PASSWORD: ("username", "password"),
        Grant.INHERIT: ("username",),
        Grant.EXCHANGE: (),
    }
)


def read_token_request(claim: Claim, body: bytes) -> TokenRequest | Refusal:
    """Read a request for a token. Members that the grant does not know, as a client's `timestamp`, are ignored."""
    document = parse_object(body)
    if isinstance(document, Refusal):
        return document
    grant = _grant(document)
    if isinstance(grant, Refusal):
        return grant
    texts = _texts(document, _NEEDS[grant])
    if isinstance(texts, Refusal):
        return texts
    ttl_seconds = _ttl(document)
    if isinstance(ttl_seconds, Refusal):
        return ttl_seconds
    register = _registers(document, grant)
    if isinstance(register, Refusal):
        return register
    return TokenRequest(
        grant=grant,
        client_id=texts.get("client_id", ""),
        client_secret=texts.get("client_secret", ""),
        username=texts.get("username", "").lower(),
        password=texts.get("password", ""),
        proof=claim.proof,
        ttl_seconds=ttl_seconds,
        register=register,
    )


def _grant(document: Mapping[str, Any]) -> Grant | Refusal:
    name = document.get("grant_type")
    if not isinstance(name, str):
        return invalid("grant_type", "must be a string" if "grant_type" in document else "is missing")
    if name not in GRANTS:
        return Refusal(Code.GRANT_UNKNOWN, f"must be one of {', '.join(GRANTS)}", field="grant_type")
    return GRANTS[name]


def _texts(document: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str] | Refusal:
    for name in names:
        if not isinstance(document.get(name), str):
            return invalid(name, "must be a string" if name in document else "is missing")
    return {name: document[name] for name in names}


def _ttl(document: Mapping[str, Any]) -> int | Refusal | None:
    """Read seconds as a number or as text, both of which the vendor's pages show; 0 is for ever."""
    if "ttl" not in document:
        return None
    ttl = document["ttl"]
    if isinstance(ttl, float) and ttl.is_integer():
        ttl = int(ttl)
    # `str(True)` is no number, so a boolean falls through with the rest.
    if isinstance(ttl, int | str) and _TTL.fullmatch(str(ttl)):
        return int(ttl)
    return invalid("ttl", "must be a whole number of seconds, 0 for a token that never expires")


def _registers(document: Mapping[str, Any], grant: Grant) -> bool | Refusal:
    if grant is not Grant.INHERIT or "autoCreateUser" not in document:
        return False
    register = document["autoCreateUser"]
    if not isinstance(register, bool):
        return invalid("autoCreateUser", "must be true or false")
    fault = username_fault(document["username"], "username") if register else None
    return fault or register
