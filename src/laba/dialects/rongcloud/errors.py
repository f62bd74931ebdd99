"""The vendor's words for every reason to refuse: one table (vendor-apis.md 1.4)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from laba.model.refusal import Code, Refusal


class Words(NamedTuple):
    """Status, `code` and `errorMessage`. {reason} in it is why, after the field at fault where there is one."""

    status: int
    code: int
    message: str = "{reason}"


# Which status goes with which code is laba's choice where the vendor's texts leave it open (vendor-apis.md 1.4, 7).
_BAD_PARAMETER: Final = Words(400, 1002)
_TOO_LONG: Final = Words(400, 1005)
_TOO_MANY: Final = Words(400, 1502)
_BAD_SIGNATURE: Final = Words(401, 1004)
_BAD_KEY: Final = Words(400, 1002, "invalid App-Key.")
_RESTRICTED: Final = Words(403, 1007)
_NO_USER: Final = Words(400, 400)
_NOTHING_THERE: Final = Words(404, 404)

WORDS: Final[Mapping[Code, Words]] = MappingProxyType(
    {
        # No call of this dialect brings a token; a proof that fails is a signature that does.
        Code.TOKEN_MISSING: _BAD_SIGNATURE,
        Code.TOKEN_CORRUPT: _BAD_SIGNATURE,
        Code.TOKEN_UNKNOWN: _BAD_SIGNATURE,
        Code.TOKEN_EXPIRED: _BAD_SIGNATURE,
        Code.TOKEN_MISMATCH: _BAD_SIGNATURE,
        Code.OPERATOR_ONLY: _RESTRICTED,
        Code.APP_KEY_MISSING: _BAD_KEY,
        Code.SIGNATURE_MISSING: _BAD_SIGNATURE,
        Code.SIGNATURE_WRONG: _BAD_SIGNATURE,
        Code.SIGNATURE_STALE: _BAD_SIGNATURE,
        Code.SIGNATURE_REUSED: _BAD_SIGNATURE,
        Code.APP_UNKNOWN: _BAD_KEY,
        Code.ENDPOINT_UNKNOWN: _NOTHING_THERE,
        Code.METHOD_WRONG: Words(405, 404),
        Code.MEDIA_TYPE_UNSUPPORTED: Words(415, 1002),
        # 1508 is the vendor's word for a body that is too large, whatever is in it.
        Code.BODY_TOO_LARGE: Words(413, 1508),
        Code.BODY_TIMEOUT: Words(408, 1003),
        Code.BODY_BROKEN: _BAD_PARAMETER,
        Code.FIELD_INVALID: _BAD_PARAMETER,
        Code.FIELD_MISSING: _BAD_PARAMETER,
        Code.SENDER_EMPTY: _BAD_PARAMETER,
        Code.EXT_INVALID: _BAD_PARAMETER,
        Code.FIELD_EMPTY: _BAD_PARAMETER,
        Code.LIST_SIZE_WRONG: _TOO_MANY,
        Code.TARGET_UNKNOWN: _BAD_PARAMETER,
        Code.TARGET_UNSERVED: _BAD_PARAMETER,
        Code.MESSAGE_TOO_LARGE: _TOO_LONG,
        Code.AUDIENCE_EMPTY: _BAD_PARAMETER,
        # The status is the operator's choice (R2): `words_for`.
        Code.FEATURE_OFF: Words(403, 1009),
        Code.QUOTA_EXHAUSTED: Words(429, 1008),
        Code.OVERLOADED: Words(503, 1000),
        Code.NOT_A_MEMBER: _RESTRICTED,
        Code.MUTED: _RESTRICTED,
        Code.MESSAGE_REJECTED: _RESTRICTED,
        Code.GRANT_UNKNOWN: _BAD_PARAMETER,
        Code.CLIENT_ID_WRONG: _BAD_KEY,
        Code.CLIENT_SECRET_WRONG: Words(401, 1001),
        Code.PASSWORD_WRONG: _BAD_PARAMETER,
        Code.USER_EXISTS: _BAD_PARAMETER,
        Code.USER_UNKNOWN: _NO_USER,
        Code.USER_DEACTIVATED: _RESTRICTED,
        Code.USERNAME_ILLEGAL: _BAD_PARAMETER,
        Code.USERNAME_TOO_LONG: _BAD_PARAMETER,
        Code.PASSWORD_MISSING: _BAD_PARAMETER,
        Code.PASSWORD_TOO_LONG: _BAD_PARAMETER,
        Code.NICKNAME_TOO_LONG: _BAD_PARAMETER,
        Code.USERS_TOO_MANY: _TOO_MANY,
        Code.ROOM_UNKNOWN: _BAD_PARAMETER,
        Code.ROOM_EXISTS: _BAD_PARAMETER,
        Code.ROOM_FULL: _RESTRICTED,
        Code.ROOMS_TOO_MANY: _TOO_MANY,
        Code.MEMBER_UNKNOWN: _BAD_PARAMETER,
        Code.OWNER_STAYS: _BAD_PARAMETER,
        Code.HOOK_UNKNOWN: _NOTHING_THERE,
        Code.HOOKS_TOO_MANY: _TOO_MANY,
        Code.PROVIDER_UNKNOWN: _NOTHING_THERE,
        Code.PROVIDERS_TOO_MANY: _TOO_MANY,
        Code.DEVICE_UNKNOWN: _NOTHING_THERE,
        Code.PUSH_OVER: _NOTHING_THERE,
        # R9
        Code.BROADCAST_UNKNOWN: _BAD_PARAMETER,
        Code.NOT_RECALLABLE: _BAD_PARAMETER,
        Code.FILE_MISSING: _BAD_PARAMETER,
        Code.FILE_TOO_LARGE: Words(413, 1508),
        Code.FILES_FULL: Words(429, 1008),
        Code.FILE_UNKNOWN: _NOTHING_THERE,
        Code.FILE_EXPIRED: _NOTHING_THERE,
        Code.FILE_SECRET_WRONG: _RESTRICTED,
        Code.FILE_SECRET_MISSING: _BAD_PARAMETER,
        Code.RANGE_UNSATISFIABLE: Words(416, 1002),
        Code.APP_EXISTS: _BAD_PARAMETER,
    }
)


def words_for(refusal: Refusal, feature_off_status: int) -> Words:
    """Choose the words for a refusal; of a feature that is off the status is configured (R2)."""
    words = WORDS[refusal.code]
    status = feature_off_status if refusal.code is Code.FEATURE_OFF else words.status
    reason = refusal.reason if refusal.field is None else f"{refusal.field}: {refusal.reason}"
    return Words(status, words.code, words.message.format(reason=reason))
