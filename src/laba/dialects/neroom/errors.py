"""The vendor's words for every reason to refuse: one table for both platforms (N9, vendor-apis.md 1.5)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from laba.model.refusal import Code, Refusal


class Words(NamedTuple):
    """NERoom's code and message, and the IM platform's code, whose text is always the reason.

    {reason} stands for why, after the field at fault where there is one.
    """

    code: int
    message: str
    im_code: int


# Which code goes with what is laba's choice but for 0, 400 and 1004 (seeds/003) and the IM platform's list
# (vendor-apis.md 1.5): the vendor publishes no table for NERoom.
_INVALID: Final = Words(400, "Invalid parameter. {reason}", 414)
_UNAUTHORIZED: Final = Words(401, "Unauthorized. {reason}", 414)
_FORBIDDEN: Final = Words(403, "Forbidden. {reason}", 403)
_NOT_FOUND: Final = Words(404, "Not found. {reason}", 404)
_EXISTS: Final = Words(409, "Already exists. {reason}", 417)
_TOO_OFTEN: Final = Words(429, "Too many requests. {reason}", 416)
_BUSY: Final = Words(503, "Service unavailable. {reason}", 503)

WORDS: Final[Mapping[Code, Words]] = MappingProxyType(
    {
        # No call of this dialect brings a token; a proof that fails is a signature that does.
        Code.TOKEN_MISSING: _UNAUTHORIZED,
        Code.TOKEN_CORRUPT: _UNAUTHORIZED,
        Code.TOKEN_UNKNOWN: _UNAUTHORIZED,
        Code.TOKEN_EXPIRED: _UNAUTHORIZED,
        Code.TOKEN_MISMATCH: _UNAUTHORIZED,
        Code.OPERATOR_ONLY: _FORBIDDEN,
        Code.APP_KEY_MISSING: _UNAUTHORIZED,
        Code.SIGNATURE_MISSING: _UNAUTHORIZED,
        Code.SIGNATURE_WRONG: _UNAUTHORIZED,
        Code.SIGNATURE_STALE: _UNAUTHORIZED,
        Code.SIGNATURE_REUSED: _UNAUTHORIZED,
        Code.APP_UNKNOWN: _UNAUTHORIZED,
        Code.ENDPOINT_UNKNOWN: _NOT_FOUND,
        Code.METHOD_WRONG: Words(405, "Method not allowed. {reason}", 405),
        Code.MEDIA_TYPE_UNSUPPORTED: Words(415, "Unsupported Media Type. {reason}", 414),
        Code.BODY_TOO_LARGE: _INVALID,
        Code.BODY_TIMEOUT: Words(408, "Request timeout. {reason}", 408),
        Code.BODY_BROKEN: _INVALID,
        Code.FIELD_INVALID: _INVALID,
        Code.FIELD_MISSING: _INVALID,
        Code.SENDER_EMPTY: _INVALID,
        Code.EXT_INVALID: _INVALID,
        Code.FIELD_EMPTY: _INVALID,
        Code.LIST_SIZE_WRONG: Words(400, "Invalid parameter. {reason}", 419),
        Code.TARGET_UNKNOWN: _INVALID,
        Code.TARGET_UNSERVED: _INVALID,
        Code.MESSAGE_TOO_LARGE: _INVALID,
        Code.AUDIENCE_EMPTY: _INVALID,
        Code.FEATURE_OFF: _FORBIDDEN,
        Code.QUOTA_EXHAUSTED: _TOO_OFTEN,
        Code.OVERLOADED: _BUSY,
        Code.NOT_A_MEMBER: _FORBIDDEN,
        Code.MUTED: _FORBIDDEN,
        Code.MESSAGE_REJECTED: _FORBIDDEN,
        Code.GRANT_UNKNOWN: _INVALID,
        Code.CLIENT_ID_WRONG: _UNAUTHORIZED,
        Code.CLIENT_SECRET_WRONG: _UNAUTHORIZED,
        Code.PASSWORD_WRONG: _UNAUTHORIZED,
        Code.USER_EXISTS: _EXISTS,
        Code.USER_UNKNOWN: _NOT_FOUND,
        Code.USER_DEACTIVATED: _FORBIDDEN,
        Code.USERNAME_ILLEGAL: _INVALID,
        Code.USERNAME_TOO_LONG: _INVALID,
        Code.PASSWORD_MISSING: _INVALID,
        Code.PASSWORD_TOO_LONG: _INVALID,
        Code.NICKNAME_TOO_LONG: _INVALID,
        Code.USERS_TOO_MANY: _INVALID,
        # The seed's own words, and no more.
        Code.ROOM_UNKNOWN: Words(1004, "Room not found.", 404),
        Code.ROOM_EXISTS: _EXISTS,
        Code.ROOM_FULL: _FORBIDDEN,
        Code.ROOMS_TOO_MANY: Words(403, "Forbidden. {reason}", 419),
        Code.MEMBER_UNKNOWN: _NOT_FOUND,
        Code.OWNER_STAYS: _FORBIDDEN,
        Code.HOOK_UNKNOWN: _NOT_FOUND,
        Code.HOOKS_TOO_MANY: Words(403, "Forbidden. {reason}", 419),
        Code.PROVIDER_UNKNOWN: _NOT_FOUND,
        Code.PROVIDERS_TOO_MANY: Words(403, "Forbidden. {reason}", 419),
        Code.DEVICE_UNKNOWN: _NOT_FOUND,
        Code.PUSH_OVER: _NOT_FOUND,
        Code.BROADCAST_UNKNOWN: _NOT_FOUND,
        Code.NOT_RECALLABLE: _FORBIDDEN,
        Code.FILE_MISSING: _INVALID,
        Code.FILE_TOO_LARGE: _INVALID,
        Code.FILES_FULL: _BUSY,
        Code.FILE_UNKNOWN: _NOT_FOUND,
        Code.FILE_EXPIRED: _NOT_FOUND,
        Code.FILE_SECRET_WRONG: _FORBIDDEN,
        Code.FILE_SECRET_MISSING: _INVALID,
        Code.RANGE_UNSATISFIABLE: _INVALID,
        Code.APP_EXISTS: _EXISTS,
    }
)


def reason_of(refusal: Refusal) -> str:
    """Say why, the field at fault first (G4)."""
    return refusal.reason if refusal.field is None else f"{refusal.field}: {refusal.reason}"
