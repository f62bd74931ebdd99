import json
from dataclasses import replace

import pytest

from laba.dialects.easemob import cursors
from laba.dialects.easemob.dialect import EasemobDialect
from laba.model.refusal import Code, Refusal
from laba.model.user import Resource, User
from laba.model.usercalls import (
    ResourcesFound,
    StatusesFound,
    StatusFound,
    TagsFound,
    TagsSet,
    UserChanged,
    UserDeleted,
    UserDisconnected,
    UserFound,
    UsersListed,
    UsersRegistered,
)

UUID = "331d42e6-ad85-460f-b6b0-d1fb6fef9f12"
ANN = User(UUID, "ann", "ab-cd", 1600000000000, 1600000000001, epoch=3, password_hash="scrypt")
BOB = replace(ANN, name="bob", nickname="喇叭", activated=False)
ANN_ENTITY = {
    "uuid": "ab-cd",
    "type": "user",
    "created": 1600000000000,
    "modified": 1600000000001,
    "username": "ann",
    "activated": True,
}
BOB_ENTITY = {**ANN_ENTITY, "username": "bob", "activated": False, "nickname": "喇叭"}


def answered(exchange, answer) -> dict:
    response = EasemobDialect().write(exchange, answer)
    assert (response.status, response.media_type) == (200, "application/json")
    return json.loads(response.body)


def refused(exchange, refusal) -> tuple:
    response = EasemobDialect().write(exchange, refusal)
    return response.status, json.loads(response.body)


# S2, vendor-apis.md 3.1
def test_registered_users_are_entities(exchange):
    """A nickname is shown where there is one; a password never."""
    body = answered(exchange("POST", "/users"), UsersRegistered((ANN, BOB)))
    assert body["entities"] == [ANN_ENTITY, BOB_ENTITY]
    assert (body["path"], body["action"], "data" in body) == ("/users", "post", False)
    assert body["organization"] == "easemob-demo"


def test_users_of_a_batch_that_exist_are_listed(exchange):
    """The others are registered all the same, and the status is 200."""
    body = answered(exchange("POST", "/users"), UsersRegistered((ANN,), existing=("bob",)))
    assert body["entities"] == [ANN_ENTITY]
    assert body["data"] == [{"username": "bob", "registerUserFailReason": "the bob already exists"}]


def test_a_found_user_is_one_entity_with_its_count(exchange):
    """The path in the answer is the one that was asked."""
    body = answered(exchange("GET", "/users/ann"), UserFound(ANN))
    assert (body["entities"], body["count"], body["path"], body["action"]) == ([ANN_ENTITY], 1, "/users/ann", "get")
    assert body["uri"] == "https://im.example.com/easemob-demo/wang/users/ann"


def test_a_batch_without_failures_lists_none(exchange):
    """The page's sample shows the empty list; one user alone has no list at all."""
    assert answered(exchange("POST", "/users"), UsersRegistered((ANN,), existing=()))["data"] == []


# S11, vendor-apis.md 3.1 and its page
def test_a_page_of_users_names_its_cursor_and_what_was_asked(exchange):
    """The last page has no cursor, and a query that says nothing has nothing to be given back."""
    asked = replace(exchange("GET", "/users"), query={"limit": "2", "cursor": "dWFubg", "other": "x"})
    body = answered(asked, UsersListed((ANN, BOB), more_after="bob"))
    assert (body["entities"], body["count"], body["action"]) == ([ANN_ENTITY, BOB_ENTITY], 2, "get")
    assert body["params"] == {"limit": ["2"], "cursor": ["dWFubg"]}
    assert cursors.read(body["cursor"]) == "bob"
    last = answered(exchange("GET", "/users"), UsersListed(()))
    assert (last["entities"], last["count"], last["params"], "cursor" in last) == ([], 0, {}, False)


@pytest.mark.parametrize(
    ("method", "rest", "action"),
    [
        ("PUT", "password", "set user password"),
        ("POST", "deactivate", "Deactivate user"),
        ("POST", "activate", "activate user"),
    ],
)
def test_a_changed_user_is_shown_under_the_vendors_name_for_the_change(exchange, method, rest, action):
    """Where the page has a name for it; the rest of the envelope is that of every answer."""
    body = answered(exchange(method, f"/users/bob/{rest}"), UserChanged(BOB))
    assert (body["action"], body["entities"], body["path"]) == (action, [BOB_ENTITY], f"/users/bob/{rest}")
    assert (body["organization"], body["applicationName"], body["application"]) == ("easemob-demo", "wang", UUID)


def test_whereabouts_are_data(exchange):
    """Each in the form that its page shows."""
    online, offline = StatusFound("ann", online=True), StatusFound("a b", online=False)
    one = answered(exchange("GET", "/users/ann/status"), online)
    assert (one["action"], one["data"], one["entities"], one["count"]) == ("get", {"ann": "online"}, [], 0)
    many = answered(exchange("POST", "/users/batch/status"), StatusesFound((offline, online, offline)))
    assert many["action"] == "get batch user status"
    assert many["data"] == [{"a b": "offline"}, {"ann": "online"}, {"a b": "offline"}]
    ended = answered(exchange("GET", "/users/ann/disconnect"), UserDisconnected())
    assert (ended["action"], ended["data"], ended["entities"], ended["count"]) == ("get", {"result": True}, [], 0)


def test_a_device_is_named_by_its_platform_and_itself(exchange):
    """A client that said neither is there all the same."""
    found = ResourcesFound((Resource("7f3a", "ios"), Resource("", "web"), Resource("x", None), Resource("", None)))
    assert answered(exchange("GET", "/users/ann/resources"), found)["data"] == [
        {"res": "ios_7f3a", "device_uuid": "7f3a", "device_name": "ios"},
        {"res": "web", "device_uuid": "", "device_name": "web"},
        {"res": "x", "device_uuid": "x", "device_name": "default"},
        {"res": "default", "device_uuid": "", "device_name": "default"},
    ]


@pytest.mark.parametrize(
    ("method", "path", "refusal", "words"),
    [
        (
            "GET",
            "/users",
            Refusal(Code.FIELD_INVALID, "must be a whole number from 1 to 100", "limit"),
            (400, "illegal_argument", "limit must be a whole number from 1 to 100"),
        ),
        (
            "PUT",
            "/users/eve/password",
            Refusal(Code.USER_UNKNOWN, "no", subject="eve"),
            (404, "entity_not_found", "User eve not found"),
        ),
        (
            "PUT",
            "/users/eve/password",
            Refusal(Code.PASSWORD_MISSING, "no", "newpassword"),
            (400, "illegal_argument", "newpassword is required"),
        ),
        (
            "POST",
            "/users/batch/status",
            Refusal(Code.USERS_TOO_MANY, "no", "usernames"),
            (400, "illegal_argument", "request body exceeds maximum limit, maximum limit is 100"),
        ),
        (
            "GET",
            "/users/eve/status",
            Refusal(Code.USER_UNKNOWN, "no", subject="eve"),
            (404, "service_resource_not_found", "Service resource not found"),
        ),
    ],
)
def test_user_endpoints_refuse_in_their_pages_words(exchange, method, path, refusal, words):
    """And name the field beside them."""
    status, body = refused(exchange(method, path), refusal)
    assert (status, body["error"], body["error_description"]) == words
    assert body.get("field") == refusal.field


def test_a_deleted_user_is_shown_once_more(exchange):
    """The answer holds what was removed."""
    body = answered(exchange("DELETE", "/users/ann"), UserDeleted(ANN))
    assert (body["entities"], body["action"]) == ([ANN_ENTITY], "delete")


@pytest.mark.parametrize("answer", [TagsSet(), TagsFound((("ann", ()),))])
def test_answers_that_only_other_dialects_ask_for_are_a_bug_here(exchange, answer):
    """No endpoint of this vendor sets tags."""
    with pytest.raises(ValueError, match="another dialect"):
        answered(exchange("GET", "/users/ann"), answer)
