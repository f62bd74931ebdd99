import json
from dataclasses import replace

import pytest

from laba.dialects.easemob.dialect import EasemobDialect
from laba.model.app import QuotaName
from laba.model.calls import Accepted, AppsListed, Claim, Exchange, Grant, Posted, TokenIssued
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, Dispatch
from laba.model.flags import Flags
from laba.model.http import RequestHead
from laba.model.refusal import Code, Refusal
from laba.model.user import User
from laba.model.usercalls import UserFound

UUID = "331d42e6-ad85-460f-b6b0-d1fb6fef9f12"
BROADCAST = "/messages/users/broadcast"
DISPATCH = Dispatch(
    id=1173998498812376874,
    app_uuid=UUID,
    accepted_at_ms=1699944653960,
    sender="admin",
    content=Content(Kind.TXT, {"text": "hello"}),
    flags=Flags(stored=True, counted=True, pushed=False, updates_last=True),
    audience=Audience.ONLINE_USERS,
    quota=QuotaName.USERS_BROADCAST,
)
ANN = User(UUID, "ann", "ab-cd", 1600000000000, 1600000000001, epoch=3, password_hash="scrypt")
ANN_ENTITY = {
    "uuid": "ab-cd",
    "type": "user",
    "created": 1600000000000,
    "modified": 1600000000001,
    "username": "ann",
    "activated": True,
}


def answered(exchange, answer) -> dict:
    response = EasemobDialect().write(exchange, answer)
    assert (response.status, response.media_type) == (200, "application/json")
    return json.loads(response.body)


def refused(exchange, refusal) -> tuple:
    response = EasemobDialect().write(exchange, refusal)
    return response.status, json.loads(response.body), dict(response.headers)


# A6
def test_a_broadcast_is_answered_as_the_page_shows(exchange):
    """Every key of the page's sample, and no other; the id is a JSON number."""
    assert answered(exchange("POST", BROADCAST), Accepted(DISPATCH)) == {
        "path": "/messages/users/broadcast",
        "uri": "https://im.example.com/easemob-demo/wang/messages/users/broadcast",
        "timestamp": 1699944653964,
        "organization": "easemob-demo",
        "application": UUID,
        "action": "post",
        "data": {"id": 1173998498812376874},
        "duration": 7,
        "applicationName": "wang",
    }


# A6
def test_a_call_by_app_id_is_answered_with_the_apps_name(exchange, app):
    """Both path forms have one answer."""
    by_id = EasemobDialect().claim(RequestHead("POST", f"/app-id/{app.keys.app_id}{BROADCAST}"))
    by_name = exchange("POST", BROADCAST)
    assert answered(replace(by_name, claim=by_id), Accepted(DISPATCH)) == answered(by_name, Accepted(DISPATCH))


# A6
def test_a_duration_is_never_negative(exchange):
    """A clock that was set back does not show."""
    late = replace(exchange("POST", BROADCAST), started_at_ms=1699944653999)
    assert answered(late, Accepted(DISPATCH))["duration"] == 0


# S1, vendor-apis.md 1.1
@pytest.mark.parametrize(
    ("issued", "body"),
    [
        (
            TokenIssued(Grant.CLIENT_CREDENTIALS, "t", 5184000, 1700000000000),
            {"access_token": "t", "expires_in": 5184000, "application": UUID},
        ),
        (
            TokenIssued(Grant.PASSWORD, "t", 60, 1700000000000, ANN),
            {"access_token": "t", "expires_in": 60, "user": ANN_ENTITY},
        ),
        (
            TokenIssued(Grant.INHERIT, "t", 0, 0, ANN),
            {"access_token": "t", "expires_in": 0, "user": ANN_ENTITY},
        ),
        (
            TokenIssued(Grant.EXCHANGE, "t", 60, 1700000000000, ANN),
            {"access_token": "t", "expire_timestamp": 1700000000000},
        ),
    ],
)
def test_a_token_is_answered_as_its_grant_is(exchange, issued, body):
    """Each grant has its own members, and no envelope."""
    assert answered(exchange("POST", "/token"), issued) == body


def test_answers_of_other_dialects_are_a_bug(exchange):
    """Nothing here can list apps, and nothing is answered outside an app."""
    with pytest.raises(ValueError):
        EasemobDialect().write(exchange("POST", "/users"), AppsListed(()))
    with pytest.raises(ValueError):
        EasemobDialect().write(replace(exchange("POST", "/users"), app=None), UserFound(ANN))


# A10, vendor-apis.md 1.3
def test_a_refused_token_has_the_pages_shape(exchange):
    """Every key of the page's sample, and no other."""
    status, body, headers = refused(exchange("POST", BROADCAST), Refusal(Code.TOKEN_CORRUPT, "unreadable"))
    assert status == 401
    assert body == {
        "error": "auth_bad_access_token",
        "exception": "org.apache.usergrid.rest.exceptions.SecurityException",
        "timestamp": 1699944653964,
        "duration": 7,
        "error_description": "Unable to authenticate due to corrupt access token",
    }
    assert headers == {"WWW-Authenticate": "Bearer"}


# G4
def test_the_field_at_fault_is_named_beside_the_vendors_words(exchange):
    """laba adds two members; the vendor's stay as they are."""
    refusal = Refusal(Code.FIELD_INVALID, "must be a number, 0 or more", field="msg.size.width")
    status, body, headers = refused(exchange("POST", BROADCAST), refusal)
    assert (status, body["error"], headers) == (400, "invalid_request_body", {})
    assert (body["field"], body["detail"]) == ("msg.size.width", "must be a number, 0 or more")


# A7, vendor-apis.md 2
def test_broken_json_says_where(exchange):
    """On a broadcast beside A7's words, elsewhere within the words too."""
    refusal = Refusal(Code.BODY_BROKEN, "Expecting value: line 5 column 5")
    _, on_broadcast, _ = refused(exchange("POST", BROADCAST), refusal)
    _, on_token, _ = refused(exchange("POST", "/token"), refusal)
    assert on_broadcast["error_description"] == "Request body is invalid. Please check body is correct."
    assert on_broadcast["detail"] == refusal.reason
    assert "field" not in on_broadcast
    assert on_token["error"] == "json_parse"
    assert on_token["error_description"] == "Unexpected character: Expecting value: line 5 column 5"


# A3
def test_a_full_quota_says_when_to_come_back(exchange):
    """RFC 9110 section 10.2.3."""
    refusal = Refusal(Code.QUOTA_EXHAUSTED, "full", span_seconds=60, retry_after_seconds=17)
    status, body, headers = refused(exchange("POST", BROADCAST), refusal)
    assert (status, body["error"], headers) == (429, "reach_limit", {"Retry-After": "17"})
    assert "detail" not in body


# vendor-apis.md 3.1
def test_an_existing_user_is_described_with_the_application(exchange):
    """The vendor's sentence names the app's uuid and the value."""
    refusal = Refusal(Code.USER_EXISTS, "exists", field="username", subject="{ann}")
    status, body, _ = refused(exchange("POST", "/users"), refusal)
    assert (status, body["error"]) == (400, "duplicate_unique_property_exists")
    assert body["error_description"] == (
        f"Application {UUID} Entity user requires that property named username be unique, value of {{ann}} exists"
    )


# vendor-apis.md 3.1
def test_an_illegal_name_is_described_with_the_name(exchange):
    """The vendor's sentence names the value."""
    _, body, _ = refused(exchange("POST", "/users"), Refusal(Code.USERNAME_ILLEGAL, "no", subject="a b"))
    assert body["error_description"] == "username a b is not legal"


# vendor-apis.md 1.1
@pytest.mark.parametrize(
    ("path", "subject", "uri"),
    [
        ("/no/such/token", "no/such", "no/such/token"),
        ("/app-id/0123/token", "0123", "app-id/0123/token"),
    ],
)
def test_an_unknown_app_is_named(path, subject, uri):
    """The vendor's sentence names the app and the path that was called."""
    claim = EasemobDialect().claim(RequestHead("POST", path))
    assert isinstance(claim, Claim)
    exchange = Exchange(claim, None, "https://im.example.com", 5, 5)
    status, body, _ = refused(exchange, Refusal(Code.APP_UNKNOWN, "no app", subject=subject))
    assert (status, body["error"]) == (404, "organization_application_not_found")
    assert body["error_description"] == f"Could not find application for {subject} from URI: {uri}"


def test_a_path_that_serves_nothing_is_refused_without_a_claim():
    """The refusal has the vendor's shape all the same."""
    dialect = EasemobDialect()
    refusal = dialect.claim(RequestHead("GET", "/o/a/nothing"))
    response = dialect.refuse(refusal, 1699944653964)
    assert response.status == 404
    assert json.loads(response.body) == {
        "error": "service_resource_not_found",
        "exception": "laba.endpoint_unknown",
        "timestamp": 1699944653964,
        "duration": 0,
        "error_description": "Service resource not found",
    }


def test_a_wrong_method_is_told_the_right_ones():
    """RFC 9110 section 15.5.6: a 405 carries Allow."""
    dialect = EasemobDialect()
    response = dialect.refuse(dialect.claim(RequestHead("PUT", "/o/a/users/ann")), 0)
    assert (response.status, response.headers["Allow"]) == (405, "GET, DELETE")


@pytest.mark.parametrize("code", Code)
def test_every_refusal_can_be_written(exchange, code):
    """With a claim or without, whatever the caller's text holds; no placeholder stays behind."""
    refusal = Refusal(code, "why {x} \udcff", field="f", subject="{0} %s", span_seconds=1, retry_after_seconds=1)
    for response in (
        EasemobDialect().write(exchange("POST", "/users"), refusal),
        EasemobDialect().refuse(refusal, 0),
    ):
        assert 400 <= response.status <= 503
        described = json.loads(response.body)["error_description"]
        assert not any(name in described for name in ("{subject}", "{reason}", "{field}", "{application}", "{uri}"))


# A6, A8
def test_a_broadcast_to_all_rooms_is_answered_with_the_same_keys(exchange):
    """Its id is a JSON number."""
    answer = answered(exchange("POST", "/messages/chatrooms/broadcast"), Accepted(DISPATCH))
    assert answer.keys() == answered(exchange("POST", BROADCAST), Accepted(DISPATCH)).keys()
    assert (answer["path"], answer["data"]) == ("/messages/chatrooms/broadcast", {"id": 1173998498812376874})


# E9
@pytest.mark.parametrize("path", ["/messages/chatrooms", "/messages/chatrooms/users"])
def test_messages_to_rooms_are_answered_as_the_page_shows(exchange, path):
    """Each room with the id of its message, a decimal string; all else is A6's."""
    posted = Posted({"185145305923585": 1029545553039460728, "r2": 2**63 - 1})
    assert answered(exchange("POST", path), posted) == {
        "path": path,
        "uri": f"https://im.example.com/easemob-demo/wang{path}",
        "timestamp": 1699944653964,
        "organization": "easemob-demo",
        "application": UUID,
        "action": "post",
        "data": {"185145305923585": "1029545553039460728", "r2": "9223372036854775807"},
        "duration": 7,
        "applicationName": "wang",
    }


# E1, E10
@pytest.mark.parametrize(
    ("refusal", "described"),
    [
        (Refusal(Code.FIELD_EMPTY, "is missing", field="to"), "param to can't be empty"),
        (Refusal(Code.FIELD_EMPTY, "is missing", field="type"), "param type can't be empty"),
        (Refusal(Code.FIELD_EMPTY, "is missing", field="body"), "param body can't be empty"),
        (Refusal(Code.FIELD_EMPTY, "is missing", field="users"), "param users can't be empty"),
        (Refusal(Code.LIST_SIZE_WRONG, "", field="to", subject="10"), "params to's size can't exceed limit 10"),
        (Refusal(Code.LIST_SIZE_WRONG, "", field="to", subject="1"), "params to's size can't exceed limit 1"),
        (Refusal(Code.LIST_SIZE_WRONG, "", field="users", subject="20"), "params users's size can't exceed limit 20"),
    ],
)
def test_faults_of_messages_to_rooms_are_told_in_the_vendors_words(exchange, refusal, described):
    """With the member's name in them."""
    status, body, _ = refused(exchange("POST", "/messages/chatrooms"), refusal)
    assert (status, body["error"], body["error_description"]) == (400, "message_send_error", described)
    assert body["field"] == refusal.field
