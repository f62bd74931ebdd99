"""Users as callers write them (S1, S2, S11, vendor-apis.md 3.3)."""

import hashlib
from typing import Final

from laba.dialects.neroom.faults import invalid
from laba.dialects.neroom.fields import Fields, from_form, from_json
from laba.model.calls import Claim, Grant, TokenRequest
from laba.model.user import USERNAME_MAX_BYTES
from laba.model.usercalls import GetStatuses, SetActivation

# From memory of the vendor's pages, unverified.
NICKNAME_MAX_CHARS: Final = 64
ICON_MAX_CHARS: Final = 1024
TOKEN_MAX_CHARS: Final = 128
STATUSES_MAX: Final = 100
# The vendor's tokens hold until they are replaced.
NEVER_SECONDS: Final = 0


def create(body: bytes, claim: Claim) -> TokenRequest:
    """Read a user to be registered. Without a `user_uuid` it gets one, made from what signs the call.

    The tokens that a caller may choose are judged and not used: laba's own are in the answer.
    """
    fields = Fields(from_json(body))
    for token in ("user_token", "im_token"):
        fields.optional(token, TOKEN_MAX_CHARS)
    given = fields.optional("user_uuid", USERNAME_MAX_BYTES)
    name = fields.identifier("user_uuid", USERNAME_MAX_BYTES) if given else _made(claim)
    return _registered(
        name, fields.optional("user_name", NICKNAME_MAX_CHARS), fields.optional("icon", ICON_MAX_CHARS)
    )


def im_create(body: bytes, _claim: Claim) -> TokenRequest:
    fields = _form(body)
    fields.optional("token", TOKEN_MAX_CHARS)
    name = fields.identifier("accid", USERNAME_MAX_BYTES)
    return _registered(name, fields.optional("name", NICKNAME_MAX_CHARS), fields.optional("icon", ICON_MAX_CHARS))


def im_refresh_token(body: bytes, _claim: Claim) -> TokenRequest:
    """Read whose token is wanted anew. Who is not registered is refused; earlier tokens hold on."""
    name = _form(body).identifier("accid", USERNAME_MAX_BYTES)
    return TokenRequest(Grant.DIRECT, username=name, ttl_seconds=NEVER_SECONDS)


def im_block(body: bytes, _claim: Claim) -> SetActivation:
    return SetActivation(_form(body).identifier("accid", USERNAME_MAX_BYTES), active=False)


def im_unblock(body: bytes, _claim: Claim) -> SetActivation:
    return SetActivation(_form(body).identifier("accid", USERNAME_MAX_BYTES), active=True)


def im_online(body: bytes, _claim: Claim) -> GetStatuses:
    """Read of whom it is asked, as a JSON array of names."""
    names = _form(body).json("accids", STATUSES_MAX * (USERNAME_MAX_BYTES + 3))
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise invalid("accids", "must be a JSON array of names, as text")
    if len(names) > STATUSES_MAX:
        raise invalid("accids", f"must hold at most {STATUSES_MAX} names")
    return GetStatuses(tuple(dict.fromkeys(names)))


def _registered(name: str, nickname: str | None, icon: str | None) -> TokenRequest:
    return TokenRequest(
        Grant.DIRECT,
        username=name,
        ttl_seconds=NEVER_SECONDS,
        register=True,
        nickname=nickname or None,
        portrait=icon or None,
    )


def _made(claim: Claim) -> str:
    """Make a name from a signature: no two calls have one in common."""
    signed = claim.signed
    said = "" if signed is None else f"{signed.nonce}\n{signed.stamp}\n{signed.digest}"
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:32]


def _form(body: bytes) -> Fields:
    return Fields(from_form(body), worded=True)
