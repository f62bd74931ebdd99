import json
from dataclasses import replace

import pytest

import builders
from laba.dialects import groupedids
from laba.dialects.rongcloud.dialect import RongCloudDialect
from laba.dialects.rongcloud.endpoints import ENDPOINTS
from laba.model.app import AppPolicy
from laba.model.calls import Accepted, AppsListed, Grant, Posted, TokenIssued
from laba.model.dispatch import Audience, Dispatch
from laba.model.provider import Account, Provider
from laba.model.recordcalls import Recalled
from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import MembersChecked, MembersQueried, RoomGiven, RoomsClosed, RoomsFound, RoomsOpened
from laba.model.targets import Targets
from laba.model.user import User
from laba.model.usercalls import (
    StatusesFound,
    StatusFound,
    TagsFound,
    TagsSet,
    UserChanged,
    UserDeleted,
    UserFound,
)

ID = 1173998498812376874
UID = "0000-8X3N-QGUP-WOX6"
JSON = "application/json; charset=utf-8"
USER = User(builders.APP_UUID, "u1", "uuid", builders.NOW_MS, builders.NOW_MS, 0, "Ann", portrait="http://x/y")


def dispatch(**rest):
    return Dispatch.admitted(
        builders.submission(**rest), dispatch_id=ID, app_uuid=builders.APP_UUID, now_ms=builders.NOW_MS
    )


@pytest.fixture
def written(exchange):
    """Write an answer to a call, which is a success."""

    def written(path, answer):
        response = RongCloudDialect().write(exchange(path), answer)
        assert (response.status, response.media_type) == (200, JSON)
        body = json.loads(response.body)
        assert body.pop("code") == 200
        return body

    return written


# R7, V2
@pytest.mark.parametrize("path", ["/message/online/broadcast.json", "/message/broadcast.json"])
def test_a_broadcast_is_named_by_its_id(written, path):
    """In the vendor's form."""
    assert written(path, Accepted(dispatch())) == {"messageUID": UID}
    assert groupedids.read(UID) == ID


# S11
def test_messages_are_named_for_whom_they_are(written):
    """For each room its own id, for each user the same; a broadcast to all rooms has none to tell."""
    assert written("/message/chatroom/publish.json", Posted({"r1": ID, "r2": 36})) == {
        "messageUIDs": [
            {"chatroomId": "r1", "messageUID": UID},
            {"chatroomId": "r2", "messageUID": "0000-0000-0000-0010"},
        ]
    }
    to_users = dispatch(audience=Audience.TARGETS, targets=Targets(users=frozenset("ba")))
    assert written("/message/system/publish.json", Accepted(to_users)) == {
        "messageUIDs": [{"userId": "a", "messageUID": UID}, {"userId": "b", "messageUID": UID}]
    }
    assert written("/message/chatroom/broadcast.json", Accepted(dispatch())) == {}
    assert written("/message/broadcast/recall.json", Recalled(ID)) == {}


# P1, P9
def test_a_push_is_named_and_warns_of_a_sender_without_token(written):
    """The warning stands beside code and id."""
    assert written("/push.json", Accepted(dispatch())) == {"id": UID, "messageUID": UID}
    assert written("/push.json", Accepted(dispatch(), sender_has_token=False)) == {
        "id": UID,
        "messageUID": UID,
        "warning": "sender has no token",
    }


# P11, V2
@pytest.mark.parametrize("path", ["/push.json", "/push/user.json", "/push/custom.json"])
def test_a_notification_alone_has_no_message(written, path):
    """And the caller learns that nobody shows it, as long as the app has no provider."""
    accepted = Accepted(dispatch(audience=Audience.DEVICES, sender=""), sender_has_token=False)
    assert written(path, accepted) == {
        "id": UID,
        "warning": "no push provider is configured: nobody is notified",
    }


# P11, S8
@pytest.mark.parametrize("path", ["/push.json", "/push/user.json", "/push/custom.json"])
def test_where_the_app_has_a_provider_nobody_is_warned(exchange, path):
    """But of a message's sender without a token, who has no name to show (P9)."""
    asked = exchange(path)
    provider = Provider("web", "webpush", Account("key", "mailto:ops@example.com"))
    asked = replace(asked, app=asked.app.with_policy(AppPolicy(providers=(provider,))))

    def body(dispatched):
        answer = Accepted(dispatched, sender_has_token=False)
        return json.loads(RongCloudDialect().write(asked, answer).body)

    assert body(dispatch(audience=Audience.DEVICES, sender="")) == {"code": 200, "id": UID}
    assert body(dispatch()) == {"code": 200, "id": UID, "messageUID": UID, "warning": "sender has no token"}


# S1, S2, S11
@pytest.mark.parametrize(
    ("path", "answer", "body"),
    [
        ("getToken", TokenIssued(Grant.DIRECT, "t", 0, 0, USER), {"userId": "u1", "token": "t"}),
        ("refresh", UserChanged(USER), {}),
        (
            "info",
            UserFound(USER),
            {"userName": "Ann", "userPortrait": "http://x/y", "createTime": "2023-11-14 22:13:20"},
        ),
        ("checkOnline", StatusesFound((StatusFound("u1", online=True),)), {"status": "1"}),
        ("checkOnline", StatusesFound((StatusFound("u1", online=False),)), {"status": "0"}),
        ("tag/set", TagsSet(), {}),
        ("tag/batch/set", TagsSet(), {}),
        ("tags/get", TagsFound((("u1", ()), ("u2", ("a", "b")))), {"result": {"u1": [], "u2": ["a", "b"]}}),
    ],
)
def test_answers_about_users(written, path, answer, body):
    """In the vendor's members; presence is text, times are UTC."""
    assert written(f"/user/{path}.json", answer) == body


def test_what_nobody_said_of_a_user_is_empty(written):
    """A name and a portrait are always there."""
    nameless = User(builders.APP_UUID, "u1", "uuid", 0, 0, 0)
    assert written("/user/info.json", UserFound(nameless)) == {
        "userName": "",
        "userPortrait": "",
        "createTime": "1970-01-01 00:00:00",
    }


# S3, S11
@pytest.mark.parametrize(
    ("path", "answer", "body"),
    [
        ("create", RoomsOpened(), {}),
        ("create_new", RoomsOpened(), {}),
        ("destroy", RoomsClosed(), {}),
        (
            "query",
            RoomsFound((builders.room("r1", name="one"),)),
            {"chatRooms": [{"chrmId": "r1", "chatroomId": "r1", "name": "one", "time": "2023-11-14 22:13:20"}]},
        ),
        (
            "user/query",
            MembersQueried(7, (("u1", builders.NOW_MS), ("put in", 0))),
            {"total": 7, "users": [{"id": "u1", "time": "2023-11-14 22:13:20"}, {"id": "put in", "time": ""}]},
        ),
        ("user/exist", MembersChecked((("u1", True),)), {"isInChrm": True}),
        ("user/exist", MembersChecked((("u1", False),)), {"isInChrm": False}),
        (
            "users/exist",
            MembersChecked((("u1", True), ("u2", False))),
            {
                "result": [
                    {"userid": "u1", "userId": "u1", "isInChrm": 1},
                    {"userid": "u2", "userId": "u2", "isInChrm": 0},
                ]
            },
        ),
    ],
)
def test_answers_about_rooms(written, path, answer, body):
    """A room's id stands under both of the names that the vendor's pages have."""
    assert written(f"/chatroom/{path}.json", answer) == body


@pytest.mark.parametrize(
    "answer",
    [
        AppsListed(()),
        UserDeleted(USER),
        RoomGiven(builders.room()),
        TokenIssued(Grant.DIRECT, "t", 0, 0),
    ],
)
def test_what_no_call_here_is_answered_is_a_bug(exchange, answer):
    """Another dialect writes it."""
    with pytest.raises(ValueError, match="another dialect"):
        RongCloudDialect().write(exchange("/user/info.json"), answer)


# R2, G4, vendor-apis.md 1.4
def test_a_refusal_tells_the_path_the_code_and_why(exchange):
    """The reason is a sentence."""
    refusal = Refusal(Code.FIELD_MISSING, "is missing", field="fromUserId")
    response = RongCloudDialect().write(exchange("/message/online/broadcast.json"), refusal)
    assert (response.status, response.media_type, dict(response.headers)) == (400, JSON, {})
    assert json.loads(response.body) == {
        "url": "/message/online/broadcast.json",
        "code": 1002,
        "errorMessage": "fromUserId: is missing",
    }


# R2
def test_a_full_quota_says_when_to_come_back(exchange):
    """Where there is such a time."""
    refusal = Refusal(Code.QUOTA_EXHAUSTED, "full", subject="push", span_seconds=3600, retry_after_seconds=7)
    response = RongCloudDialect().write(exchange("/push.json"), refusal)
    assert (response.status, dict(response.headers)) == (429, {"Retry-After": "7"})
    never = RongCloudDialect().write(exchange("/push.json"), Refusal(Code.QUOTA_EXHAUSTED, "full"))
    assert dict(never.headers) == {}


# R2
def test_a_feature_that_is_off_has_the_operators_status(exchange):
    """403, or what is configured."""
    refusal = Refusal(Code.FEATURE_OFF, "off")
    for dialect, status in ((RongCloudDialect(), 403), (RongCloudDialect(430), 430)):
        response = dialect.write(exchange("/push.json"), refusal)
        assert (response.status, json.loads(response.body)["code"]) == (status, 1009)


def test_a_refusal_without_a_claim_tells_the_path_too():
    """It is the refusal's subject; and how to call is told where the method was wrong."""
    response = RongCloudDialect().refuse(Refusal(Code.METHOD_WRONG, "takes POST", subject="/push.json"), 0)
    assert (response.status, dict(response.headers)) == (405, {"Allow": "POST"})
    assert json.loads(response.body)["url"] == "/push.json"
    assert json.loads(RongCloudDialect().refuse(Refusal(Code.APP_KEY_MISSING, "why"), 0).body)["url"] == ""


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_code_is_written_everywhere(exchange, endpoint):
    """Whatever refuses, the caller can read it."""
    for code in Code:
        response = RongCloudDialect().write(exchange(endpoint.pattern), Refusal(code, "喇 \udcff {x}", "f\udcff"))
        assert set(json.loads(response.body)) == {"url", "code", "errorMessage"}
        assert 400 <= response.status < 600
