from dataclasses import replace
from urllib.parse import quote

import pytest

from laba.dialects import groupedids
from laba.model.app import Feature, QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Audience, ConversationType, Submission
from laba.model.flags import Flags
from laba.model.notification import Notification, Override
from laba.model.recordcalls import Recall
from laba.model.refusal import Code, Refusal
from laba.model.targets import Targets

ONLINE = "/message/online/broadcast.json"
ALL = "/message/broadcast.json"
SYSTEM = "/message/system/publish.json"
ROOM = "/message/chatroom/publish.json"
ROOMS = "/message/chatroom/broadcast.json"
RECALL = "/message/broadcast/recall.json"
SPOKEN = Flags(stored=True, counted=True, pushed=True, updates_last=True, offline=True)
UID = groupedids.written(1173998498812376874)
CALLS = {
    ONLINE: {},
    ALL: {},
    SYSTEM: {"toUserId": "u1"},
    ROOM: {"toChatroomId": "r1"},
    ROOMS: {},
}


def told(**fields):
    return {"fromUserId": "2191", "objectName": "RC:TxtMsg", "content": '{"content":"hello"}', **fields}


@pytest.fixture
def fault(read):
    """Read a call that is refused."""

    def fault(path, body):
        refusal = read(path, body)
        assert isinstance(refusal, Refusal)
        return (refusal.code, refusal.field)

    return fault


# R1, R2, R4, R8
def test_the_vendors_sample_is_read_whole(read, sample):
    """A text for who is online and who comes soon, in a system conversation; the rate is counted first."""
    content = {"content": "hello", "extra": "helloExtra"}
    assert read(ONLINE, sample("online_broadcast.txt")) == Submission(
        sender="2191",
        content=Content(Kind.TXT, {"text": "hello"}),
        flags=SPOKEN,
        audience=Audience.RECENT_USERS,
        feature=Feature.ONLINE_BROADCAST,
        quota=QuotaName.ONLINE_BROADCAST,
        size_bytes=len('{"content":"hello","extra":"helloExtra"}'),
        size_limit_bytes=131_072,
        counts_call=False,
        original=Original("rongcloud", "RC:TxtMsg", content),
        counts_first=True,
        conversation=ConversationType.SYSTEM,
    )


# R5, R8, V2
@pytest.mark.parametrize(
    ("path", "waiting"), [(ONLINE, Audience.RECENT_USERS), (ALL, Audience.ALL_USERS), (SYSTEM, Audience.TARGETS)]
)
def test_only_what_waits_reaches_who_is_offline(read, path, waiting):
    """By the type's property, which the app sets for its own types."""
    assert read(path, told(**CALLS[path])).audience is waiting
    passing = Audience.TARGETS if path == SYSTEM else Audience.ONLINE_USERS
    for name in ("app:status", "RC:TypSts"):
        assert read(path, told(objectName=name, content="{}", **CALLS[path])).audience is passing


# V2, P2
def test_a_broadcast_to_all_users_shares_the_quota_of_pushes(read):
    """And its switch; it appears in a system conversation."""
    asked = read(ALL, told())
    assert (asked.feature, asked.quota, asked.counts_first) == (Feature.PUSH, QuotaName.PUSH, False)
    assert (asked.conversation, asked.targets) == (ConversationType.SYSTEM, None)


# S11
def test_a_system_message_is_for_users_by_name(read):
    """At most a hundred, each once."""
    asked = read(SYSTEM, told(toUserId=["b", "a", "b"]))
    assert asked.targets == Targets(users=frozenset("ab"))
    assert (asked.feature, asked.quota) == (None, QuotaName.SYSTEM_MESSAGES)
    assert asked.conversation is ConversationType.SYSTEM
    assert len(read(SYSTEM, told(toUserId=[f"u{number}" for number in range(100)])).targets.users) == 100


# S11
def test_a_room_message_is_for_rooms_by_name(read):
    """Each once, in the order in which they were named; its sender gets it only if that is asked for."""
    asked = read(ROOM, told(toChatroomId=["r2", "r1", "r2"]))
    assert (asked.audience, asked.rooms, asked.to_sender) == (Audience.ROOMS, ("r2", "r1"), False)
    assert (asked.feature, asked.quota) == (None, QuotaName.ROOM_MESSAGES)
    assert read(ROOM, told(toChatroomId="r1", isIncludeSender="1")).to_sender is True


# S11
def test_a_room_message_may_be_kept_out_of_what_is_stored(read):
    """`isPersisted` 0, whatever the type is."""
    assert read(ROOM, told(toChatroomId="r1", isPersisted="1")).flags == SPOKEN
    passing = replace(SPOKEN, stored=False, updates_last=False)
    assert read(ROOM, told(toChatroomId="r1", isPersisted="0")).flags == passing


# S11
def test_a_message_to_every_room_has_its_own_quota(read):
    """It goes to rooms with anybody in them, spoken in before or not."""
    asked = read(ROOMS, told(isIncludeSender="true"))
    assert (asked.audience, asked.rooms, asked.to_sender) == (Audience.OPEN_ROOMS, (), True)
    assert (asked.feature, asked.quota) == (Feature.CHATROOMS_BROADCAST, QuotaName.ROOM_NOTICES)


# R6
@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("name", "content", "said", "updates"),
    [
        ("RC:TxtMsg", '{"content":"x"}', "false", True),
        ("RC:TxtMsg", '{"content":"x"}', "", True),
        ("RC:TxtMsg", '{"content":"x"}', "true", False),
        ("RC:TxtMsg", '{"content":"x"}', "1", False),
        ("app:mine", "x", "True", False),
        ("RC:CmdMsg", '{"name":"n","data":""}', "false", False),
        ("RC:CmdMsg", '{"name":"n","data":""}', "true", False),
    ],
)
def test_the_last_message_may_be_left_as_it_was(read, path, name, content, said, updates):
    """Unread still counts; what is not stored never is the last."""
    asked = read(path, told(objectName=name, content=content, disableUpdateLastMsg=said, **CALLS[path]))
    plain = read(path, told(objectName=name, content=content, **CALLS[path]))
    assert asked.flags == replace(plain.flags, updates_last=updates)


# R1, R3, G4
@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"fromUserId": []}, Code.FIELD_MISSING, "fromUserId"),
        ({"fromUserId": ""}, Code.FIELD_EMPTY, "fromUserId"),
        ({"fromUserId": "喇" * 21 + "xx"}, Code.FIELD_INVALID, "fromUserId"),
        ({"fromUserId": ["a", "b"]}, Code.FIELD_INVALID, "fromUserId"),
        ({"objectName": []}, Code.FIELD_MISSING, "objectName"),
        ({"objectName": ""}, Code.FIELD_EMPTY, "objectName"),
        ({"objectName": "RC:Mine"}, Code.FIELD_INVALID, "objectName"),
        ({"objectName": "x" * 33}, Code.FIELD_INVALID, "objectName"),
        ({"content": []}, Code.FIELD_MISSING, "content"),
        ({"content": ""}, Code.FIELD_EMPTY, "content"),
        ({"content": "hello"}, Code.FIELD_INVALID, "content"),
        ({"content": "{}"}, Code.FIELD_MISSING, "content.content"),
        ({"content": "x" * 131_073}, Code.MESSAGE_TOO_LARGE, "content"),
        ({"disableUpdateLastMsg": "maybe"}, Code.FIELD_INVALID, "disableUpdateLastMsg"),
    ],
)
def test_a_fault_is_named_by_its_field(fault, path, fields, code, field):
    """In every message alike."""
    assert fault(path, told(**CALLS[path]) | fields) == (code, field)


@pytest.mark.parametrize(
    ("path", "fields", "code", "field"),
    [
        (SYSTEM, {}, Code.FIELD_MISSING, "toUserId"),
        (SYSTEM, {"toUserId": ["a", ""]}, Code.FIELD_EMPTY, "toUserId"),
        (SYSTEM, {"toUserId": "x" * 65}, Code.FIELD_INVALID, "toUserId"),
        (SYSTEM, {"toUserId": [f"u{number}" for number in range(101)]}, Code.LIST_SIZE_WRONG, "toUserId"),
        (ROOM, {}, Code.FIELD_MISSING, "toChatroomId"),
        (ROOM, {"toChatroomId": "x" * 65}, Code.FIELD_INVALID, "toChatroomId"),
        (ROOM, {"toChatroomId": [f"r{number}" for number in range(101)]}, Code.LIST_SIZE_WRONG, "toChatroomId"),
        (ROOM, {"toChatroomId": "r1", "isPersisted": "2"}, Code.FIELD_INVALID, "isPersisted"),
        (ROOM, {"toChatroomId": "r1", "isIncludeSender": "x"}, Code.FIELD_INVALID, "isIncludeSender"),
        (ROOMS, {"isIncludeSender": "x"}, Code.FIELD_INVALID, "isIncludeSender"),
        (ALL, {"contentAvailable": "x"}, Code.FIELD_INVALID, "contentAvailable"),
        (RECALL, {}, Code.FIELD_MISSING, "messageUID"),
        (RECALL, {"messageUID": "XXXX-JJJJ-KKK-LLLL"}, Code.FIELD_INVALID, "messageUID"),
    ],
)
def test_whom_it_is_for_is_judged(fault, path, fields, code, field):
    """After what is said."""
    assert fault(path, told(**fields)) == (code, field)


# R2, G5
def test_newer_fields_are_accepted(read):
    """And mean nothing to us; what only a push would show means nothing where none is."""
    assert read(ONLINE, told(msgRandom="981", pushData="x", another="x")) == read(ONLINE, told())
    assert read(ALL, told(pushExt="{}", os="iOS", another="x")) == read(ALL, told())


def shown(alert, *, silent=False, **extras):
    return Notification(
        alert,
        platforms={
            "ios": Override(extras=extras, silent=silent),
            "android": Override(extras=extras),
            "web": Override(extras=extras),
        },
    )


# R8, P10
@pytest.mark.parametrize("path", [ALL, SYSTEM])
def test_a_push_shows_the_callers_text_or_the_types(read, path):
    """Where neither says anything, or the type is not pushed, there is none."""

    def notification(**fields):
        return read(path, told(**CALLS[path]) | fields).notification

    assert notification() == shown("hello")
    assert notification(pushContent="look") == shown("look")
    assert notification(pushContent="look", contentAvailable="1") == shown("look", silent=True)
    assert notification(pushContent="", pushData="") == shown("hello")
    assert notification(objectName="app:mine", content="x") is None
    assert notification(objectName="app:mine", content="x", pushContent="look") == shown("look")
    assert notification(objectName="RC:InfoNtf", content='{"message":"x"}', pushContent="look") is None


# P6
@pytest.mark.parametrize("path", [ALL, SYSTEM])
def test_push_data_travels_with_the_push(read, fault, path):
    """As the text that it is, to all platforms; as long as a message may be."""
    told_more = told(**CALLS[path]) | {"pushContent": "look", "pushData": '{"id":"1"}'}
    assert read(path, told_more).notification == shown("look", pushData='{"id":"1"}')
    assert fault(path, told_more | {"pushData": "x" * 131_073}) == (Code.FIELD_INVALID, "pushData")


# R8
@pytest.mark.parametrize("path", [ONLINE, ROOM, ROOMS])
def test_the_others_start_no_push(read, path):
    """Their messages are for who is there; the type's properties travel with them all the same."""
    asked = read(path, told(pushContent="look", **CALLS[path]))
    assert (asked.notification, asked.flags) == (None, SPOKEN)


# P11
def test_content_that_an_sdk_encoded_is_opened(read):
    """In forms, too."""
    text = '"{\\"content\\":\\"hello\\"}"'
    for content in (text, quote(text)):
        assert read(ONLINE, told(content=content)).content == Content(Kind.TXT, {"text": "hello"})


# G5
def test_a_sender_need_not_exist(read):
    """It has 1 to 64 bytes of anything."""
    assert read(ONLINE, told(fromUserId="喇" * 21 + "x")).sender == "喇" * 21 + "x"


# V2, R9
def test_a_broadcast_is_recalled_by_who_sent_it(read):
    """Only what went to all users, or as a push: what went to who is online cannot be recalled so."""
    fields = {"fromUserId": "2191", "messageUID": UID, "sentTime": "1", "isAdmin": "0", "isDelete": "1", "extra": ""}
    assert read(RECALL, fields) == Recall(
        1173998498812376874, frozenset({Audience.ALL_USERS, Audience.TARGETS}), "2191"
    )
