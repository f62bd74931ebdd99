import pytest

from laba.dialects.easemob.endpoints import (
    ALL_USERS_BROADCAST,
    ENDPOINTS,
    ROOM_MESSAGES,
    ROOMS_BROADCAST,
    TOKEN,
    USERS_BROADCAST,
)
from laba.dialects.easemob.errors import WORDS, field_at_fault, words_for
from laba.model.calls import Endpoint, Right
from laba.model.refusal import Code, Refusal


def test_every_code_has_words():
    """One table, and nothing is missing from it."""
    assert set(WORDS) == set(Code)


# A3, A4, A7, A10, E2, vendor-apis.md 1.1, 1.3, 2, 3.1: where a source gives the words.
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (Code.TOKEN_MISSING, (401, "unauthorized", "Unable to authenticate due to expired access token")),
        (Code.TOKEN_EXPIRED, (401, "unauthorized", "Unable to authenticate due to expired access token")),
        (Code.TOKEN_CORRUPT, (401, "auth_bad_access_token", "Unable to authenticate due to corrupt access token")),
        (Code.TOKEN_UNKNOWN, (401, "auth_bad_access_token", "Unable to authenticate")),
        (Code.TOKEN_MISMATCH, (401, "unauthorized", "token is illegal.")),
        (Code.MEDIA_TYPE_UNSUPPORTED, (415, "web_application", "Unsupported Media Type")),
        (
            Code.FIELD_INVALID,
            (400, "invalid_request_body", "Request body is invalid. Please check body is correct."),
        ),
        (Code.SENDER_EMPTY, (400, "illegal_argument", "from can't be empty")),
        (Code.EXT_INVALID, (400, "illegal_argument", "ext must be JSONObject")),
        (Code.MESSAGE_TOO_LARGE, (400, "message_send_error", "message is too large")),
        (Code.FEATURE_OFF, (403, "forbidden_op", "message broadcast service is unopened")),
        (Code.QUOTA_EXHAUSTED, (429, "reach_limit", "This request has reached api limit")),
        (Code.CLIENT_ID_WRONG, (400, "invalid_grant", "client_id does not match")),
        (Code.CLIENT_SECRET_WRONG, (400, "invalid_grant", "client_secret does not match")),
        (Code.PASSWORD_WRONG, (400, "invalid_grant", "invalid username or password")),
        (Code.ENDPOINT_UNKNOWN, (404, "service_resource_not_found", "Service resource not found")),
        (Code.USERNAME_TOO_LONG, (400, "illegal_argument", "USERNAME_TOO_LONG")),
        (Code.PASSWORD_MISSING, (400, "illegal_argument", "password or pin must provided")),
        (Code.NICKNAME_TOO_LONG, (400, "illegal_argument", "NICKNAME_TOO_LONG")),
    ],
)
def test_the_vendors_words_are_the_vendors(code, words):
    """Status, error and description as the pages give them."""
    assert words_for(Refusal(code, "why"), USERS_BROADCAST) == words
    assert WORDS[code] == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (Code.APP_KEY_MISSING, (401, "unauthorized", "{reason}")),
        (Code.SIGNATURE_MISSING, (401, "unauthorized", "{reason}")),
        (Code.SIGNATURE_WRONG, (401, "unauthorized", "{reason}")),
        (Code.SIGNATURE_STALE, (401, "unauthorized", "{reason}")),
        (Code.SIGNATURE_REUSED, (401, "unauthorized", "{reason}")),
        (Code.AUDIENCE_EMPTY, (400, "illegal_argument", "{reason}")),
        (Code.NOT_RECALLABLE, (403, "forbidden_op", "{reason}")),
        (Code.PROVIDER_UNKNOWN, (404, "service_resource_not_found", "{reason}")),
        (Code.PROVIDERS_TOO_MANY, (403, "exceed_limit", "{reason}")),
        (Code.DEVICE_UNKNOWN, (404, "service_resource_not_found", "{reason}")),
        (Code.PUSH_OVER, (404, "service_resource_not_found", "{reason}")),
    ],
)
def test_what_the_vendor_does_not_know_is_said_in_our_words(code, words):
    """Under the error that the vendor gives to its like."""
    assert words_for(Refusal(code, "why"), USERS_BROADCAST) == words


# A3
@pytest.mark.parametrize(
    ("span_seconds", "status", "error", "description"),
    [
        (60, 429, "reach_limit", "This request has reached api limit"),
        (86399, 429, "reach_limit", "This request has reached api limit"),
        (86400, 403, "forbidden_op", "broadcast message limit exceeded"),
    ],
)
def test_a_full_day_is_another_fault_than_a_full_minute(span_seconds, status, error, description):
    """The minute says come back, the day says no."""
    refusal = Refusal(Code.QUOTA_EXHAUSTED, "full", span_seconds=span_seconds)
    assert words_for(refusal, USERS_BROADCAST) == (status, error, description)


# A7, vendor-apis.md 2
def test_broken_json_has_two_wordings():
    """A broadcast's body is invalid; everywhere else the JSON is."""
    refusal = Refusal(Code.BODY_BROKEN, "why")
    assert words_for(refusal, USERS_BROADCAST).error == "invalid_request_body"
    assert words_for(refusal, TOKEN).error == "json_parse"
    assert words_for(refusal, None).error == "json_parse"


# vendor-apis.md 1.3
@pytest.mark.parametrize("code", [Code.TOKEN_MISSING, Code.TOKEN_EXPIRED])
def test_user_and_room_endpoints_have_their_own_wording_for_no_token(code):
    """The OAuth wording is that of these alone."""
    oauth = (401, "unauthorized", "Unable to authenticate (OAuth)")
    with_it = {each.name for each in ENDPOINTS if words_for(Refusal(code, "why"), each) == oauth}
    assert with_it == {each.name for each in ENDPOINTS if each.pattern.startswith(("/users", "/chatrooms"))}


# E1, E2, E8, E10, vendor-apis.md 2
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal(Code.SENDER_EMPTY, "why"), (400, "message_send_error", "param from can't be empty")),
        (Refusal(Code.EXT_INVALID, "why"), (400, "message_send_error", "param ext must be JSONObject")),
        (
            Refusal(Code.BODY_BROKEN, "why"),
            (400, "invalid_request_body", "Request body is invalid. Please check body is correct."),
        ),
        (Refusal(Code.MESSAGE_TOO_LARGE, "why"), (400, "message_send_error", "message is too large")),
    ],
)
def test_messages_to_rooms_have_words_of_their_own(refusal, words):
    """Both endpoints; a broadcast to all rooms has those of a broadcast to users."""
    assert [words_for(refusal, endpoint) for endpoint in ROOM_MESSAGES] == [words, words]
    assert words_for(refusal, ROOMS_BROADCAST) == words_for(refusal, USERS_BROADCAST)


# E3, E10
@pytest.mark.parametrize("span_seconds", [1, 60, 86400])
def test_too_many_messages_are_another_fault_than_too_many_calls(span_seconds):
    """However long the span is."""

    def words(quota):
        return words_for(Refusal(Code.QUOTA_EXHAUSTED, "full", subject=quota, span_seconds=span_seconds), None)

    assert words("room_messages") == (403, "message_send_error", "message send reach limit")
    assert (
        words("room_calls") == words("directed_calls") == (429, "reach_limit", "This request has reached api limit")
    )


# E12, vendor-apis.md 3.1
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (Code.FILE_MISSING, (400, "illegal_argument", "file must be provided.")),
        (Code.FILE_TOO_LARGE, (413, "request_entity_too_large", "file exceeding maximum limit")),
        (Code.FILE_UNKNOWN, (404, "entity_not_found", "file may not exists")),
        (Code.FILE_EXPIRED, (404, "file_expired", "file {subject} is expired")),
    ],
)
def test_files_are_refused_in_the_vendors_words(code, words):
    """As its page of files gives them."""
    assert WORDS[code] == words


# E7
@pytest.mark.parametrize(
    ("pattern", "lacks", "field"),
    [
        ("/messages/users/broadcast", "secret", "msg.secret"),
        ("/messages/users/broadcast", "thumbnail_secret", "msg.thumb_secret"),
        ("/messages/chatrooms", "secret", "body.secret"),
        ("/messages/chatrooms/users", "thumbnail_secret", "body.thumb_secret"),
    ],
)
def test_a_missing_secret_is_named_where_the_caller_would_write_it(pattern, lacks, field):
    """A broadcast has its content in `msg`, what is for rooms in `body`."""
    refusal = Refusal(Code.FILE_SECRET_MISSING, "is needed", field=lacks)
    endpoint = Endpoint("any", "POST", pattern, Right.APP)
    assert field_at_fault(refusal, endpoint) == field
    assert words_for(refusal, endpoint).error == "invalid_request_body"


# V1
@pytest.mark.parametrize(("span_seconds", "status"), [(1800, 429), (86400, 403)])
def test_a_full_half_hour_is_another_fault_than_a_full_day(span_seconds, status):
    """The words are those of the broadcast to who is online."""
    refusal = Refusal(Code.QUOTA_EXHAUSTED, "full", subject="all_users_broadcast", span_seconds=span_seconds)
    assert words_for(refusal, ALL_USERS_BROADCAST).status == status
