import json

import pytest

from laba.dialects.native.dialect import NativeDialect
from laba.model.app import AppName, Feature, QuotaName
from laba.model.calls import ChangeApp, Claim, CreateApp, GetApp, Grant, ListApps, TokenRequest
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Audience, Conversation, ConversationType, Level, Submission
from laba.model.flags import Flags
from laba.model.http import HttpRequest, RequestHead
from laba.model.push import JobState
from laba.model.pushcalls import SetPush
from laba.model.quota import UNLIMITED, Quota
from laba.model.recordcalls import GetReport, ListConversations, MarkRead, ReadHistory, Recall
from laba.model.refusal import Code, Refusal

APPS, APP = "/v1/apps", "/v1/apps/acme/chat"
HELLO = {"kind": "txt", "content": {"text": "hello"}}


def read(method, path, body=None, query=None):
    native = NativeDialect()
    head = RequestHead(method, path, query=query or {}, headers={"authorization": "Bearer proof"})
    claim = native.claim(head)
    assert isinstance(claim, Claim)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return native.read(claim, HttpRequest(head, raw), None, 0)


def fault(answer):
    assert isinstance(answer, Refusal)
    return (answer.code, answer.field)


# --- apps ----------------------------------------------------------------------------------------------------------


def test_a_new_app_begins_with_what_was_enabled():
    # G2
    call = read("POST", APPS, {"org_name": "acme", "app_name": "chat", "enable": ["push"], "unlimited": True})
    assert call == CreateApp(AppName("acme", "chat"), frozenset({Feature.PUSH}), unlimited=True)


def test_all_enables_every_feature():
    # G2
    call = read("POST", APPS, {"org_name": "acme", "app_name": "chat", "enable": "all"})
    assert call.features == frozenset(Feature)


def test_a_new_app_needs_only_its_names():
    assert read("POST", APPS, {"org_name": "acme", "app_name": "chat"}) == CreateApp(AppName("acme", "chat"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"org_name": None}, "org_name"),
        ({"org_name": "v1"}, "org_name"),
        ({"app_name": "a b"}, "app_name"),
        ({"enable": ["push", "fly"]}, "enable[1]"),
        ({"enable": [["push"]]}, "enable[0]"),
        ({"enable": "push"}, "enable"),
        ({"unlimited": 1}, "unlimited"),
    ],
)
def test_a_new_app_names_the_member_at_fault(change, field):
    # G4
    answer = read("POST", APPS, {"org_name": "acme", "app_name": "chat", **change})
    assert fault(answer) == (Code.FIELD_INVALID, field)


def test_apps_are_listed_and_shown_without_a_body():
    assert read("GET", APPS, b"") == ListApps()
    assert read("GET", APP, b"") == GetApp()


def test_a_change_says_only_what_changes():
    # G1, G2, S9
    call = read(
        "PATCH",
        APP,
        {"features": {"push": False}, "quotas": {"push": "1/minute,50/day", "room_calls": "unlimited"}},
    )
    assert call == ChangeApp(
        {Feature.PUSH: False}, {QuotaName.PUSH: Quota.parse("1/minute,50/day"), QuotaName.ROOM_CALLS: UNLIMITED}
    )
    assert read("PATCH", APP, {"development": True}) == ChangeApp(development=True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"features": {"fly": True}}, "features.fly"),
        ({"features": {"push": "on"}}, "features.push"),
        ({"features": ["push"]}, "features"),
        ({"quotas": {"roaming": "1/day"}}, "quotas.roaming"),
        ({"quotas": {"push": "often"}}, "quotas.push"),
        ({"quotas": {"push": 5}}, "quotas.push"),
        ({"development": None}, "development"),
    ],
)
def test_a_change_names_the_member_at_fault(body, field):
    # G4, S9
    assert fault(read("PATCH", APP, body)) == (Code.FIELD_INVALID, field)


# --- tokens --------------------------------------------------------------------------------------------------------


def test_an_app_token_needs_nothing():
    # S1
    assert read("POST", f"{APP}/tokens", {}) == TokenRequest(Grant.DIRECT, proof="proof")


def test_a_user_token_names_its_user():
    # S1
    call = read("POST", f"{APP}/tokens", {"user": "ann", "ttl_seconds": 0, "register": True})
    assert call == TokenRequest(Grant.DIRECT, username="ann", proof="proof", ttl_seconds=0, register=True)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"user": ""}, Code.FIELD_INVALID, "user"),
        ({"user": 7}, Code.FIELD_INVALID, "user"),
        ({"user": "喇" * 22}, Code.USERNAME_TOO_LONG, "user"),
        ({"user": "an\0n"}, Code.USERNAME_ILLEGAL, "user"),
        ({"ttl_seconds": -1}, Code.FIELD_INVALID, "ttl_seconds"),
        ({"ttl_seconds": 2**31}, Code.FIELD_INVALID, "ttl_seconds"),
        ({"ttl_seconds": True}, Code.FIELD_INVALID, "ttl_seconds"),
        ({"ttl_seconds": "60"}, Code.FIELD_INVALID, "ttl_seconds"),
        ({"register": "yes"}, Code.FIELD_INVALID, "register"),
    ],
)
def test_a_token_request_names_the_member_at_fault(body, code, field):
    # G4
    assert fault(read("POST", f"{APP}/tokens", body)) == (code, field)


# --- broadcasts ----------------------------------------------------------------------------------------------------


def broadcast(**members):
    return read("POST", f"{APP}/broadcasts", {**HELLO, **members})


def test_a_broadcast_goes_to_everyone_online():
    """From the administrator where no sender is named."""  # A1, A4
    assert broadcast() == Submission(
        sender="admin",
        content=Content(Kind.TXT, {"text": "hello"}),
        flags=Flags(stored=True, counted=True, pushed=False, updates_last=True),
        audience=Audience.ONLINE_USERS,
        feature=Feature.USERS_BROADCAST,
        quota=QuotaName.USERS_BROADCAST,
        size_bytes=len('{"text":"hello"}'),
        size_limit_bytes=5120,
    )


def test_a_broadcast_carries_what_the_caller_adds():
    call = broadcast(**{"from": "ann", "ext": {"k": 1}, "level": "high", "client_id": "c-1"})
    assert (call.sender, call.ext, call.level, call.client_id) == ("ann", {"k": 1}, Level.HIGH, "c-1")


def test_a_broadcast_is_recalled_by_its_id_without_a_body():
    """X3: whoever of the users it was for; a room's messages stay."""
    users = {Audience.ONLINE_USERS, Audience.RECENT_USERS, Audience.ALL_USERS, Audience.TARGETS}
    path = f"{APP}/broadcasts/{2**63 - 1}/recall"
    assert read("POST", path, b"") == read("POST", path, b"{") == Recall(2**63 - 1, frozenset(users))
    for wrong in (str(2**63), "x", "-1", "1.5", "0000-8X3N-QGUP", "0001-Y2P0-IJ32-E8E8"):
        assert fault(read("POST", f"{APP}/broadcasts/{wrong}/recall", b"")) == (Code.FIELD_INVALID, "id")


@pytest.mark.parametrize("text", ["1173998498812376874", "0000-8X3N-QGUP-WOX6"])
def test_a_broadcast_is_named_in_either_form_that_a_caller_may_have_been_given(text):  # G3, R7
    one, path = 1173998498812376874, f"{APP}/broadcasts/{text}"
    assert read("GET", path) == GetReport(one)
    assert read("POST", f"{path}/recall", b"").dispatch_id == one
    assert read("POST", f"{path}/push/pause") == SetPush(one, JobState.PAUSED)


def test_the_size_is_content_and_ext_as_compact_utf8():
    # E2
    call = broadcast(content={"text": "喇叭"}, ext={"k": "v"})
    assert call.size_bytes == len('{"text":"喇叭"}'.encode()) + len('{"k":"v"}')


def test_a_command_is_neither_stored_nor_counted():
    # R8
    call = broadcast(kind="cmd", content={"action": "refresh"})
    assert call.flags == Flags(stored=False, counted=False, pushed=False, updates_last=False)


def test_unknown_members_of_the_content_are_delivered():
    # G5
    call = broadcast(content={"text": "hello", "tone": "warm"}, colour="red")
    assert call.content == Content(Kind.TXT, {"text": "hello"})
    assert call.original == Original("native", "txt", {"text": "hello", "tone": "warm"})


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("img", {"url": "u", "filename": "f", "secret": "s", "width": 1, "height": 2.5, "thumbnail": "t"}),
        ("audio", {"url": "u", "duration": 3}),
        ("video", {"url": "u", "duration": 3, "size": 4, "thumbnail_url": "t", "thumbnail_secret": "s"}),
        ("file", {"url": "u", "size": 0, "format": "pdf"}),
        ("loc", {"latitude": 31.2, "longitude": "121.47", "address": "上海"}),
        ("cmd", {"action": "refresh", "data": [1, None]}),
        ("custom", {"event": "gift", "exts": {"n": "1"}}),
        ("tip", {"text": ""}),
        ("notice", {"operation": "mute", "data": {"until": 1}}),
    ],
)
def test_every_kind_is_taken_with_its_neutral_fields(kind, content):
    # A5
    assert broadcast(kind=kind, content=content).content == Content(Kind(kind), content)


@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"kind": "smell"}, Code.FIELD_INVALID, "kind"),
        ({"kind": {}}, Code.FIELD_INVALID, "kind"),
        ({"content": None}, Code.FIELD_INVALID, "content"),
        ({"content": {}}, Code.FIELD_INVALID, "content.text"),
        ({"content": {"text": 1}}, Code.FIELD_INVALID, "content.text"),
        ({"kind": "img", "content": {"url": ""}}, Code.FIELD_INVALID, "content.url"),
        ({"kind": "img", "content": {"url": "u", "width": -1}}, Code.FIELD_INVALID, "content.width"),
        ({"kind": "img", "content": {"url": "u", "width": True}}, Code.FIELD_INVALID, "content.width"),
        (
            {"kind": "loc", "content": {"latitude": "north", "longitude": 1, "address": ""}},
            Code.FIELD_INVALID,
            "content.latitude",
        ),
        ({"kind": "custom", "content": {"event": "e", "exts": {"n": 1}}}, Code.FIELD_INVALID, "content.exts"),
        (
            {"kind": "custom", "content": {"event": "e", "exts": {str(n): "" for n in range(17)}}},
            Code.FIELD_INVALID,
            "content.exts",
        ),
        ({"from": ""}, Code.SENDER_EMPTY, "from"),
        ({"from": None}, Code.FIELD_INVALID, "from"),
        ({"ext": None}, Code.EXT_INVALID, "ext"),
        ({"ext": "x"}, Code.EXT_INVALID, "ext"),
        ({"level": "urgent"}, Code.FIELD_INVALID, "level"),
        ({"client_id": ""}, Code.FIELD_INVALID, "client_id"),
        ({"client_id": "c" * 129}, Code.FIELD_INVALID, "client_id"),
    ],
)
def test_a_broadcast_names_the_member_at_fault(members, code, field):
    # A4, G4
    assert fault(broadcast(**members)) == (code, field)


@pytest.mark.parametrize("missing", ["kind", "content"])
def test_a_broadcast_needs_kind_and_content(missing):
    # A4
    body = {name: value for name, value in HELLO.items() if name != missing}
    assert fault(read("POST", f"{APP}/broadcasts", body)) == (Code.FIELD_INVALID, missing)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff",
        b'{"a":NaN}',
        b'{"a":1e999}',
        rb'{"a":"\ud800"}',
        b"[" * 60000,
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
    ],
)
def test_a_body_that_is_no_json_object_is_broken(body):
    """Nor is one so deep that a later step would stumble."""  # A7, G4
    answer = read("POST", f"{APP}/broadcasts", body)
    assert fault(answer) == (Code.BODY_BROKEN, None)


def test_a_deep_body_within_the_limit_is_taken():
    # G4
    assert read("POST", f"{APP}/tokens", b'{"a":' + b"[" * 63 + b"]" * 63 + b"}").grant is Grant.DIRECT


# --- conversations and reports -------------------------------------------------------------------------------------


ANN = f"{APP}/users/ann"
ADMIN = Conversation(ConversationType.APP, "admin")


def test_conversations_are_those_of_the_user_in_the_path():
    """A page is twenty where nothing is said; a query's numbers are digits."""  # S5
    assert read("GET", f"{ANN}/conversations") == ListConversations("ann", 20, 0)
    call = read("GET", f"{ANN}/conversations", query={"limit": "100", "cursor": "17", "user": "eve"})
    assert call == ListConversations("ann", 100, 17)


def test_history_is_of_the_conversation_in_the_query():
    # S5 G2
    call = read("GET", f"{ANN}/history", query={"type": "app", "id": "admin", "limit": "5", "cursor": "9"})
    assert call == ReadHistory("ann", ADMIN, 5, 9)


def test_a_conversation_is_marked_read_by_a_body():
    # S5
    assert read("POST", f"{ANN}/conversations/read", {"type": "app", "id": "admin"}) == MarkRead("ann", ADMIN)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "9" * 5_000}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": str(2**63)}, "cursor"),
        ({"type": "flock"}, "type"),
        ({"id": ""}, "id"),
    ],
)
def test_a_query_that_cannot_be_is_refused_by_its_member(query, field):
    # G4
    assert fault(read("GET", f"{ANN}/history", query={"type": "app", "id": "admin"} | query)) == (
        Code.FIELD_INVALID,
        field,
    )


@pytest.mark.parametrize("path", [f"{APP}/broadcasts", "/v1/broadcasts"])
def test_a_report_is_asked_for_by_the_broadcasts_id(path):
    """In the decimal form in which it was given; whatever is no such id names no broadcast."""  # X2 G3
    assert read("GET", f"{path}/{2**63 - 1}") == GetReport(2**63 - 1)
    for text in ("x", "-1", "1.0", str(2**63), "٣"):
        assert fault(read("GET", f"{path}/{text}")) == (Code.FIELD_INVALID, "id")
