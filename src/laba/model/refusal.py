"""A caller's fault, as a value. Each dialect maps the codes to its vendor's words in one table."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Every reason for which laba says no. All of them stand in docs/reference/errors.md."""

    # Who is calling (A10, vendor-apis.md 1.3)
    TOKEN_MISSING = "token_missing"
    TOKEN_CORRUPT = "token_corrupt"
    TOKEN_UNKNOWN = "token_unknown"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_MISMATCH = "token_mismatch"
    OPERATOR_ONLY = "operator_only"
    # Signed calls (R1, S10, vendor-apis.md 1.4)
    APP_KEY_MISSING = "app_key_missing"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_WRONG = "signature_wrong"
    SIGNATURE_STALE = "signature_stale"
    SIGNATURE_REUSED = "signature_reused"
    # What is asked for
    APP_UNKNOWN = "app_unknown"
    ENDPOINT_UNKNOWN = "endpoint_unknown"
    METHOD_WRONG = "method_wrong"
    # How it is written (A4, A7, A10, G4)
    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TIMEOUT = "body_timeout"
    BODY_BROKEN = "body_broken"
    FIELD_INVALID = "field_invalid"
    FIELD_MISSING = "field_missing"
    SENDER_EMPTY = "sender_empty"
    EXT_INVALID = "ext_invalid"
    FIELD_EMPTY = "field_empty"
    LIST_SIZE_WRONG = "list_size_wrong"
    TARGET_UNKNOWN = "target_unknown"
    TARGET_UNSERVED = "target_unserved"
    MESSAGE_TOO_LARGE = "message_too_large"
    AUDIENCE_EMPTY = "audience_empty"
    # Whether it may be done now (A3, A7, G1, G2)
    FEATURE_OFF = "feature_off"
    QUOTA_EXHAUSTED = "quota_exhausted"
    OVERLOADED = "overloaded"
    NOT_A_MEMBER = "not_a_member"
    MUTED = "muted"
    MESSAGE_REJECTED = "message_rejected"
    # Tokens (vendor-apis.md 1.1)
    GRANT_UNKNOWN = "grant_unknown"
    CLIENT_ID_WRONG = "client_id_wrong"
    CLIENT_SECRET_WRONG = "client_secret_wrong"
    PASSWORD_WRONG = "password_wrong"
    # Users (vendor-apis.md 3.1)
    USER_EXISTS = "user_exists"
    USER_UNKNOWN = "user_unknown"
    USER_DEACTIVATED = "user_deactivated"
    USERNAME_ILLEGAL = "username_illegal"
    USERNAME_TOO_LONG = "username_too_long"
    PASSWORD_MISSING = "password_missing"
    PASSWORD_TOO_LONG = "password_too_long"
    NICKNAME_TOO_LONG = "nickname_too_long"
    USERS_TOO_MANY = "users_too_many"
    # Rooms (S3, vendor-apis.md 3.1)
    ROOM_UNKNOWN = "room_unknown"
    ROOM_EXISTS = "room_exists"
    ROOM_FULL = "room_full"
    ROOMS_TOO_MANY = "rooms_too_many"
    MEMBER_UNKNOWN = "member_unknown"
    OWNER_STAYS = "owner_stays"
    # What an app is told by callbacks, S6
    HOOK_UNKNOWN = "hook_unknown"
    HOOKS_TOO_MANY = "hooks_too_many"
    # What devices are pushed to by, and what is pushed: S8
    PROVIDER_UNKNOWN = "provider_unknown"
    PROVIDERS_TOO_MANY = "providers_too_many"
    DEVICE_UNKNOWN = "device_unknown"
    PUSH_OVER = "push_over"
    # What was sent: X2, X3
    BROADCAST_UNKNOWN = "broadcast_unknown"
    NOT_RECALLABLE = "not_recallable"
    # Files (E12, vendor-apis.md 3.1)
    FILE_MISSING = "file_missing"
    FILE_TOO_LARGE = "file_too_large"
    FILES_FULL = "files_full"
    FILE_UNKNOWN = "file_unknown"
    FILE_EXPIRED = "file_expired"
    FILE_SECRET_WRONG = "file_secret_wrong"
    FILE_SECRET_MISSING = "file_secret_missing"
    RANGE_UNSATISFIABLE = "range_unsatisfiable"
    # Apps
    APP_EXISTS = "app_exists"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call was not done. Nothing of it happened, and no quota was touched.

    `reason` is a sentence for the caller, `field` the path of the member at fault (`msg.size.width`), `subject`
    the thing a vendor's wording names (a user name, an app, a quota, a limit), `span_seconds` the shortest quota span
    that was full, `retry_after_seconds` when the same call could succeed.
    """

    code: Code
    reason: str
    field: str | None = None
    subject: str | None = None
    span_seconds: int | None = None
    retry_after_seconds: int | None = None
