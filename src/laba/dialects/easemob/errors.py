"""The vendor's words for every reason to refuse: one table (vendor-apis.md 1.1, 1.3, 2, 3.1)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from laba.dialects.easemob import endpoints
from laba.model.app import QuotaName
from laba.model.calls import Endpoint
from laba.model.refusal import Code, Refusal

_DAY_SECONDS = 86400


class Words(NamedTuple):
    """Status, `error` and `error_description`.

    A description may name {subject}, {reason}, {field}, {application} (its uuid) and {uri}.
    """

    status: int
    error: str
    description: str


_EXPIRED = Words(401, "unauthorized", "Unable to authenticate due to expired access token")
_OAUTH = Words(401, "unauthorized", "Unable to authenticate (OAuth)")
_INVALID_BODY = Words(400, "invalid_request_body", "Request body is invalid. Please check body is correct.")
_CALLS_FULL = Words(429, "reach_limit", "This request has reached api limit")
_NOTHING_THERE = Words(404, "service_resource_not_found", "Service resource not found")
_NOT_UNIQUE = (
    "Application {application} Entity user requires that property named username be unique, value of {subject} exists"
)
_NO_GROUP = Words(404, "service_resource_not_found", "do not find this group:{subject}")
_OF_ROOMS: Mapping[Code, Words] = MappingProxyType(
    {
        Code.FIELD_INVALID: Words(400, "invalid_parameter", "{field} {reason}"),
        Code.USER_UNKNOWN: Words(404, "resource_not_found", "username {subject} doesn't exist!"),
    }
)

WORDS: Mapping[Code, Words] = MappingProxyType(
    {
        Code.TOKEN_MISSING: _EXPIRED,
        Code.TOKEN_EXPIRED: _EXPIRED,
        Code.TOKEN_CORRUPT: Words(401, "auth_bad_access_token", "Unable to authenticate due to corrupt access token"),
        Code.TOKEN_UNKNOWN: Words(401, "auth_bad_access_token", "Unable to authenticate"),
        Code.TOKEN_MISMATCH: Words(401, "unauthorized", "token is illegal."),
        Code.OPERATOR_ONLY: Words(403, "forbidden_op", "only the operator may do this"),
        # No call of this dialect is signed, or goes to chosen users, or is recalled.
        **{
            code: Words(401, "unauthorized", "{reason}")
            for code in (
                Code.APP_KEY_MISSING,
                Code.SIGNATURE_MISSING,
                Code.SIGNATURE_WRONG,
                Code.SIGNATURE_STALE,
                Code.SIGNATURE_REUSED,
            )
        },
        Code.AUDIENCE_EMPTY: Words(400, "illegal_argument", "{reason}"),
        Code.NOT_RECALLABLE: Words(403, "forbidden_op", "{reason}"),
        Code.APP_UNKNOWN: Words(
            404,
            "organization_application_not_found",
            "Could not find application for {subject} from URI: {uri}",
        ),
        Code.ENDPOINT_UNKNOWN: _NOTHING_THERE,
        Code.METHOD_WRONG: Words(405, "method_not_allowed", "Method Not Allowed"),
        Code.MEDIA_TYPE_UNSUPPORTED: Words(415, "web_application", "Unsupported Media Type"),
        Code.BODY_TOO_LARGE: Words(413, "request_entity_too_large", "Request Entity Too Large"),
        Code.BODY_TIMEOUT: Words(408, "request_timeout", "Request Timeout"),
        Code.BODY_BROKEN: Words(400, "json_parse", "Unexpected character: {reason}"),
        Code.FIELD_INVALID: _INVALID_BODY,
        Code.FIELD_MISSING: Words(400, "invalid_parameter", "{field} must be provided"),
        Code.SENDER_EMPTY: Words(400, "illegal_argument", "from can't be empty"),
        Code.EXT_INVALID: Words(400, "illegal_argument", "ext must be JSONObject"),
        Code.FIELD_EMPTY: Words(400, "message_send_error", "param {field} can't be empty"),
        Code.LIST_SIZE_WRONG: Words(400, "message_send_error", "params {field}'s size can't exceed limit {subject}"),
        Code.MESSAGE_TOO_LARGE: Words(400, "message_send_error", "message is too large"),
        Code.TARGET_UNKNOWN: Words(
            400, "illegal_argument", "target_type can only be 'users' or 'chatgroups' or 'chatrooms'"
        ),
        Code.TARGET_UNSERVED: Words(400, "illegal_argument", "{field} {reason}"),
        Code.FEATURE_OFF: Words(403, "forbidden_op", "message broadcast service is unopened"),
        Code.QUOTA_EXHAUSTED: _CALLS_FULL,
        Code.OVERLOADED: Words(503, "service_unavailable", "Service is busy, please try again later"),
        Code.NOT_A_MEMBER: Words(403, "forbidden_op", "{reason}"),
        Code.MUTED: Words(403, "forbidden_op", "{reason}"),
        Code.MESSAGE_REJECTED: Words(403, "forbidden_op", "{reason}"),
        Code.GRANT_UNKNOWN: Words(400, "unsupported_grant_type", "grant_type {reason}"),
        Code.CLIENT_ID_WRONG: Words(400, "invalid_grant", "client_id does not match"),
        Code.CLIENT_SECRET_WRONG: Words(400, "invalid_grant", "client_secret does not match"),
        Code.PASSWORD_WRONG: Words(400, "invalid_grant", "invalid username or password"),
        Code.USER_EXISTS: Words(400, "duplicate_unique_property_exists", _NOT_UNIQUE),
        Code.USER_UNKNOWN: _NOTHING_THERE,
        Code.USER_DEACTIVATED: Words(400, "invalid_grant", "user {subject} is deactivated"),
        Code.USERNAME_ILLEGAL: Words(400, "illegal_argument", "username {subject} is not legal"),
        Code.USERNAME_TOO_LONG: Words(400, "illegal_argument", "USERNAME_TOO_LONG"),
        Code.PASSWORD_MISSING: Words(400, "illegal_argument", "password or pin must provided"),
        Code.PASSWORD_TOO_LONG: Words(400, "illegal_argument", "PASSWORD_TOO_LONG"),
        Code.NICKNAME_TOO_LONG: Words(400, "illegal_argument", "NICKNAME_TOO_LONG"),
        Code.USERS_TOO_MANY: Words(400, "illegal_argument", "{reason}"),
        Code.ROOM_UNKNOWN: Words(404, "resource_not_found", "grpID {subject} does not exist!"),
        Code.ROOM_EXISTS: Words(400, "duplicate_unique_property_exists", "chatroom {subject} exists"),
        Code.ROOM_FULL: Words(403, "forbidden_op", "can not join this group, reason:{reason}"),
        Code.ROOMS_TOO_MANY: Words(403, "forbidden_op", "{reason}"),
        Code.MEMBER_UNKNOWN: Words(400, "forbidden_op", "users [{subject}] are not members of this group!"),
        Code.OWNER_STAYS: Words(403, "forbidden_op", "{reason}"),
        Code.HOOK_UNKNOWN: Words(404, "service_resource_not_found", "{reason}"),
        Code.HOOKS_TOO_MANY: Words(403, "exceed_limit", "{reason}"),
        Code.PROVIDER_UNKNOWN: Words(404, "service_resource_not_found", "{reason}"),
        Code.PROVIDERS_TOO_MANY: Words(403, "exceed_limit", "{reason}"),
        Code.DEVICE_UNKNOWN: Words(404, "service_resource_not_found", "{reason}"),
        Code.PUSH_OVER: Words(404, "service_resource_not_found", "{reason}"),
        Code.BROADCAST_UNKNOWN: _NOTHING_THERE,
        Code.FILE_MISSING: Words(400, "illegal_argument", "file must be provided."),
        Code.FILE_TOO_LARGE: Words(413, "request_entity_too_large", "file exceeding maximum limit"),
        Code.FILES_FULL: Words(429, "resource_limited", "You have exceeded the limit of {subject}"),
        Code.FILE_UNKNOWN: Words(404, "entity_not_found", "file may not exists"),
        Code.FILE_EXPIRED: Words(404, "file_expired", "file {subject} is expired"),
        Code.FILE_SECRET_WRONG: Words(403, "forbidden_op", "share-secret does not match"),
        Code.FILE_SECRET_MISSING: _INVALID_BODY,
        Code.RANGE_UNSATISFIABLE: Words(416, "range_not_satisfiable", "Range Not Satisfiable"),
        Code.APP_EXISTS: Words(400, "duplicate_unique_property_exists", "application {subject} exists"),
    }
)

# Where an endpoint has words of its own: A7 for a broadcast's broken JSON, vendor-apis.md 2 for messages to rooms,
# 1.3 for users and rooms, 3.1 for rooms, and the vendor's page of the user endpoints (SW account_system.md).
OF_ENDPOINT: Mapping[tuple[str, Code], Words] = MappingProxyType(
    {
        (endpoints.USERS_BROADCAST.name, Code.BODY_BROKEN): _INVALID_BODY,
        (endpoints.ALL_USERS_BROADCAST.name, Code.BODY_BROKEN): _INVALID_BODY,
        (endpoints.ROOMS_BROADCAST.name, Code.BODY_BROKEN): _INVALID_BODY,
        **{
            (endpoint.name, code): words
            for endpoint in endpoints.ROOM_MESSAGES
            for code, words in (
                (Code.BODY_BROKEN, _INVALID_BODY),
                (Code.SENDER_EMPTY, Words(400, "message_send_error", "param from can't be empty")),
                (Code.EXT_INVALID, Words(400, "message_send_error", "param ext must be JSONObject")),
            )
        },
        **{
            (endpoint.name, code): _OAUTH
            for endpoint in (*endpoints.USERS, *endpoints.ROOMS)
            for code in (Code.TOKEN_MISSING, Code.TOKEN_EXPIRED)
        },
        **{(endpoint.name, code): words for endpoint in endpoints.ROOMS for code, words in _OF_ROOMS.items()},
        (endpoints.GET_ROOM.name, Code.ROOM_UNKNOWN): _NO_GROUP,
        (endpoints.LIST_MEMBERS.name, Code.ROOM_UNKNOWN): _NO_GROUP,
        # Whoever the token names is no user any more, or not yet.
        (endpoints.UPLOAD_FILE.name, Code.USER_UNKNOWN): Words(401, "unauthorized", "token is illegal."),
        (endpoints.UPLOAD_FILE.name, Code.BODY_BROKEN): Words(400, "illegal_argument", "this is an invalid request."),
        **{
            (endpoint.name, Code.FIELD_INVALID): Words(400, "illegal_argument", "{field} {reason}")
            for endpoint in endpoints.FILES
        },
        (endpoints.LIST_USERS.name, Code.FIELD_INVALID): Words(400, "illegal_argument", "{field} {reason}"),
        (endpoints.SET_PASSWORD.name, Code.USER_UNKNOWN): Words(404, "entity_not_found", "User {subject} not found"),
        (endpoints.SET_PASSWORD.name, Code.PASSWORD_MISSING): Words(
            400, "illegal_argument", "newpassword is required"
        ),
        (endpoints.USERS_STATUS.name, Code.USERS_TOO_MANY): Words(
            400, "illegal_argument", "request body exceeds maximum limit, maximum limit is 100"
        ),
    }
)

# A3, V1: a full day is another fault than a full minute.
DAY_FULL = Words(403, "forbidden_op", "broadcast message limit exceeded")
# E3: so are too many messages than too many calls, however long the span is.
MESSAGES_FULL = Words(403, "message_send_error", "message send reach limit")
_OF_QUOTA: Mapping[str, Words] = MappingProxyType(
    {
        QuotaName.ROOM_MESSAGES: MESSAGES_FULL,
        QuotaName.ROOM_CALLS: _CALLS_FULL,
        QuotaName.DIRECTED_CALLS: _CALLS_FULL,
    }
)


def words_for(refusal: Refusal, endpoint: Endpoint | None) -> Words:
    """Choose the words for a refusal; `endpoint` is None where no claim was made."""
    if refusal.code is Code.QUOTA_EXHAUSTED:
        of_span = DAY_FULL if (refusal.span_seconds or 0) >= _DAY_SECONDS else _CALLS_FULL
        return _OF_QUOTA.get(refusal.subject or "", of_span)
    name = endpoint.name if endpoint else ""
    return OF_ENDPOINT.get((name, refusal.code), WORDS[refusal.code])


# How the vendor calls what a content lacks: E7.
_SECRETS: Mapping[str, str] = MappingProxyType({"secret": "secret", "thumbnail_secret": "thumb_secret"})


def field_at_fault(refusal: Refusal, endpoint: Endpoint | None) -> str | None:
    """Give the path of the member at fault. What a content lacks lies in `msg` of a broadcast, else in `body`."""
    if refusal.code is not Code.FILE_SECRET_MISSING or refusal.field is None:
        return refusal.field
    home = "msg" if endpoint is not None and endpoint.pattern.endswith("/broadcast") else "body"
    return f"{home}.{_SECRETS.get(refusal.field, refusal.field)}"
