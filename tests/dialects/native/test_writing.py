import json

import pytest

from laba.dialects.native.dialect import NativeDialect
from laba.dialects.native.writing import STATUS
from laba.model.app import App, AppKeys, AppName, AppPolicy, Feature, QuotaName
from laba.model.calls import Accepted, AppShown, AppsListed, Claim, Exchange, Grant, Posted, TokenIssued
from laba.model.campaign import Muster
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, Conversation, ConversationType, Dispatch
from laba.model.flags import Flags
from laba.model.http import RequestHead
from laba.model.quota import Quota
from laba.model.recordcalls import ConversationsListed, HistoryRead, MarkedRead, Recalled, ReportShown, Shown
from laba.model.refusal import Code, Refusal
from laba.model.report import KeptReport, Report, Stage
from laba.model.user import User
from laba.model.usercalls import UserDeleted

KEYS = AppKeys("id", "key", "cid", "cert", "secret", "csecret", b"token key")
POLICY = AppPolicy(frozenset({Feature.PUSH}), {QuotaName.PUSH: Quota.parse("9/day")})
APP = App("uuid-1", AppName("acme", "chat"), KEYS, 1700000000000, POLICY)
ANN = User("uuid-1", "ann", "uuid-2", 1, 1, 0)


def write(answer):
    native = NativeDialect()
    claim = native.claim(RequestHead("GET", "/v1/apps/acme/chat"))
    assert isinstance(claim, Claim)
    response = native.write(Exchange(claim, APP, "http://localhost", 0, 0), answer)
    return response, json.loads(response.body)


def test_an_app_is_shown_with_its_names_keys_and_policy():
    """Every feature and every quota, also those that have their defaults."""  # G1, G2
    response, body = write(AppShown(APP))
    assert response.status == 200
    assert body == {
        "org_name": "acme",
        "app_name": "chat",
        "app_id": "id",
        "app_certificate": "cert",
        "app_key": "key",
        "app_secret": "secret",
        "client_id": "cid",
        "client_secret": "csecret",
        "application": "uuid-1",
        "created_at": 1700000000000,
        "features": {
            "users_broadcast": False,
            "all_users_broadcast": False,
            "chatrooms_broadcast": False,
            "online_broadcast": False,
            "push": True,
            "neroom_broadcast": False,
            "roaming": False,
            "room_cap": False,
            "signature_time": False,
            "signature_once": False,
            "word_filter": False,
            "text_check": False,
            "message_push": False,
        },
        "quotas": {
            "users_broadcast": "1/minute,50/day",
            "all_users_broadcast": "1/30minutes,3/day",
            "chatrooms_broadcast": "10/minute,100/day",
            "online_broadcast": "60/minute",
            "push": "9/day",
            "neroom_broadcast": "unlimited",
            "nim_broadcast": "10/minute",
            "room_messages": "100/second",
            "room_calls": "20/second",
            "directed_calls": "100/second",
            "room_notices": "1/second",
            "system_messages": "100/second",
            "recalls": "100/second",
        },
        "development": False,
        "high_types": [],
        "high_members": [],
        "types": {},
    }


def test_an_app_is_shown_with_its_own_types():
    # R8
    gift = Flags(stored=True, counted=False, pushed=False, updates_last=True, offline=True)
    _, body = write(AppShown(APP.with_policy(AppPolicy(types={"app:gift": gift}))))
    assert body["types"] == {"app:gift": {"stored": True, "counted": False, "offline": True, "pushed": False}}


def test_a_new_app_is_answered_201():
    response, _ = write(AppShown(APP, created=True))
    assert response.status == 201


def test_apps_are_listed_in_one_object():
    _, body = write(AppsListed((APP,)))
    assert [app["app_id"] for app in body["apps"]] == ["id"]


def test_a_token_is_answered_with_its_life():
    # S1
    _, body = write(TokenIssued(Grant.DIRECT, "t", 60, 61000))
    assert body == {"token": "t", "expires_in_seconds": 60, "expires_at_ms": 61000}


def test_a_user_token_names_its_user():
    # S1
    _, body = write(TokenIssued(Grant.DIRECT, "t", 0, 0, ANN))
    assert body["user"] == "ann"


def test_a_broadcast_is_answered_with_its_id_in_words():
    """64 bits are more than a JSON number can carry to every reader."""  # G3
    flags = Flags(stored=True, counted=True, pushed=False, updates_last=True)
    content = Content(Kind.TXT, {"text": "hi"})
    sent = Dispatch(2**63 - 1, "u", 5, "admin", content, flags, Audience.ONLINE_USERS, QuotaName.USERS_BROADCAST)
    response, body = write(Accepted(sent))
    assert response.status == 200
    assert body == {"id": "9223372036854775807", "accepted_at": 5}


ADMIN = Conversation(ConversationType.APP, "admin")
SENT = Dispatch(
    2**63 - 1,
    "u",
    5,
    "admin",
    Content(Kind.TXT, {"text": "hi"}),
    Flags(stored=True, counted=True, pushed=False, updates_last=True),
    Audience.ONLINE_USERS,
    QuotaName.USERS_BROADCAST,
)


def test_conversations_are_listed_with_the_cursor_of_the_next_page():
    """None on the last one."""  # S5
    shown = Shown(ADMIN, 3, b'{"id":"7"}', 99, 12)
    response, body = write(ConversationsListed((shown,), 12))
    assert response.status == 200
    assert body["cursor"] == "12"
    assert body["conversations"] == [
        {"type": "app", "id": "admin", "unread": 3, "last_message": {"id": "7"}, "updated_at": 99, "cursor": "12"}
    ]
    assert write(ConversationsListed(()))[1] == {"conversations": [], "cursor": None}


def test_history_and_a_read_mark_are_told_as_by_rpc():
    # S5 G2
    _, body = write(HistoryRead((b'{"id":"7"}',), 0, roaming=True))
    assert body == {"messages": [{"id": "7"}], "cursor": None, "roaming": True}
    assert write(MarkedRead(ADMIN))[1] == {}


def test_a_report_tells_the_broadcast_and_every_count():
    """What was lost by its reason, times where a share was reached."""  # X2
    report = Report(SENT.id, 100, 60, 50, {"slow": 3, "closed": 1}, 12, 90, None)
    response, body = write(ReportShown(KeptReport(SENT, Stage.SENDING, report)))
    assert response.status == 200
    assert body == {
        "id": "9223372036854775807",
        "status": "sending",
        "accepted_at": 5,
        "from": "admin",
        "kind": "txt",
        "level": "normal",
        "audience": 100,
        "reached": 60,
        "confirmed": 50,
        "pending": 36,
        "dropped": {"slow": 3, "closed": 1},
        "reached_after_ms": {"50%": 12, "99%": 90, "100%": None},
    }


@pytest.mark.parametrize("stage", list(Stage))
def test_a_report_of_chosen_users_counts_them(stage):
    """Also where no session was counted yet; of a recall it says so."""  # P5 X3
    kept = KeptReport(SENT, stage, None, Muster(10, 6, 1, walking=True), recalled=True)
    _, body = write(ReportShown(kept))
    assert body["targets"] == {"targeted": 10, "delivered": 6, "expired": 1, "walking": True}
    assert body["recalled"] is True
    plain = write(ReportShown(KeptReport(SENT, stage, Report(SENT.id, 1, 1))))[1]
    assert not {"targets", "recalled"} & {*plain}


def test_a_recall_is_answered_with_what_was_recalled():
    # X3, G3
    response, body = write(Recalled(2**63 - 1))
    assert (response.status, body) == (200, {"id": "9223372036854775807"})


def test_nothing_is_under_way_of_a_broadcast_that_was_sent():
    """A server that was killed meanwhile leaves counts that do not add up."""  # X2
    kept = KeptReport(SENT, Stage.SENT, Report(SENT.id, 100, 60))
    assert write(ReportShown(kept))[1]["pending"] == 0


@pytest.mark.parametrize("stage", list(Stage))
def test_a_broadcast_without_a_report_says_only_how_far_it_is(stage):
    # X2
    _, body = write(ReportShown(KeptReport(SENT, stage, None)))
    assert body["status"] == stage.value
    assert not {"audience", "reached", "pending"} & {*body}


def test_an_answer_to_a_call_it_never_makes_is_a_bug():
    with pytest.raises(TypeError, match="UserDeleted"):
        write(UserDeleted(ANN))


def test_every_refusal_has_a_status():
    assert set(STATUS) == set(Code)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.APP_KEY_MISSING, 401),
        (Code.SIGNATURE_MISSING, 401),
        (Code.SIGNATURE_WRONG, 401),
        (Code.SIGNATURE_STALE, 401),
        (Code.SIGNATURE_REUSED, 401),
        (Code.AUDIENCE_EMPTY, 400),
        (Code.NOT_RECALLABLE, 409),
    ],
)
def test_signatures_and_recalls_are_refused_by_their_meaning(code, status):
    """RFC 9110 section 15.5."""  # S10 X3
    assert write(Refusal(code, "why"))[0].status == status


def test_a_refusal_names_code_sentence_and_field():
    # G4
    response, body = write(Refusal(Code.FIELD_INVALID, "kind is missing", field="kind"))
    assert response.status == 400
    assert body == {"error": {"code": "field_invalid", "message": "kind is missing", "field": "kind"}}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.PROVIDER_UNKNOWN, 404),
        (Code.PROVIDERS_TOO_MANY, 403),
        (Code.DEVICE_UNKNOWN, 404),
        (Code.PUSH_OVER, 409),
    ],
)
def test_what_cannot_be_done_about_pushes_has_a_status_of_its_like(code, status):
    # S2 S8
    response, body = write(Refusal(code, "why", subject="x"))
    assert (response.status, body) == (status, {"error": {"code": code.value, "message": "why"}})


def test_a_full_quota_says_when_to_come_back():
    # G1
    response, body = write(Refusal(Code.QUOTA_EXHAUSTED, "full", retry_after_seconds=7))
    assert (response.status, response.headers["Retry-After"]) == (429, "7")
    assert "field" not in body["error"]


def test_a_missing_token_is_asked_for():
    """RFC 9110 section 15.5.2 wants the header."""
    response = NativeDialect().refuse(Refusal(Code.TOKEN_MISSING, "none"), 0)
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_wrong_method_is_answered_with_the_right_ones():
    """RFC 9110 section 15.5.6 wants the header."""
    response = NativeDialect().refuse(Refusal(Code.METHOD_WRONG, "no", subject="GET, PATCH"), 0)
    assert (response.status, response.headers["Allow"]) == (405, "GET, PATCH")


def test_messages_to_rooms_are_answered_with_their_ids():
    """As decimal strings, which no client rounds."""  # E9, G3
    response, body = write(Posted({"r1": 2**63 - 1, "r2": 7}))
    assert (response.status, body) == (200, {"ids": {"r1": "9223372036854775807", "r2": "7"}})
