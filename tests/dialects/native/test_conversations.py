import json

import pytest

from laba.dialects.native.conversations import methods, tell
from laba.model.attendance import Seat
from laba.model.calls import AppsListed
from laba.model.device import Address, Device, Registration
from laba.model.dispatch import Conversation, ConversationType
from laba.model.pushcalls import DeviceRemoved, DevicesShown, PutDevice, RemoveDevice
from laba.model.recordcalls import (
    Acknowledge,
    Acknowledged,
    ConversationsListed,
    HistoryRead,
    ListConversations,
    MarkedRead,
    MarkRead,
    ReadHistory,
    Shown,
)
from laba.model.refusal import Code, Refusal

METHODS = methods(frozenset({"webpush", "apns", "fcm"}))
ADMIN = Conversation(ConversationType.APP, "admin")
PHONE = Device(Seat("an app", "ann", "phone"), "ios", "com.acme")
NAMED = {"type": "app", "id": "admin"}


def ask(method, data=None, user="ann"):
    raw = data if isinstance(data, bytes) else json.dumps(data or {}).encode()
    return METHODS[method](raw, user)


def fault(answer):
    assert isinstance(answer, Refusal)
    return (answer.code, answer.field)


# --- what is asked -------------------------------------------------------------------------------------------------


def test_the_methods_are_those_of_the_design():
    """Each acts for the user whose session it is; no data names another."""  # S5
    assert {*METHODS} == {"conversations", "read", "history", "ack", "device.set", "device.delete"}
    assert ask("conversations", {"user": "eve"}).user == "ann"
    assert ask("read", {**NAMED, "user": "eve"}).user == "ann"


@pytest.mark.parametrize("data", [b"", b"{}"])
def test_a_list_needs_no_data(data):
    """Then it is the first page, of twenty."""  # S5
    assert ask("conversations", data) == ListConversations("ann", 20, 0)


def test_a_list_is_asked_for_in_pages():
    # S5
    assert ask("conversations", {"limit": 100, "cursor": "17"}) == ListConversations("ann", 100, 17)


def test_a_conversation_is_read_by_its_type_and_id():
    # S5
    assert ask("read", NAMED) == MarkRead("ann", ADMIN)


def test_history_is_asked_for_in_pages():
    # S5 G2
    assert ask("history", NAMED) == ReadHistory("ann", ADMIN, 20, 0)
    assert ask("history", {**NAMED, "limit": 1, "cursor": "9"}) == ReadHistory("ann", ADMIN, 1, 9)


def test_messages_are_acknowledged_by_their_ids():
    """In words, as they were received; naming one twice is no fault."""  # G3
    assert ask("ack", {"ids": ["7", str(2**63 - 1), "7"]}) == Acknowledge(frozenset({7, 2**63 - 1}))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"limit": True}, "limit"),
        ({"cursor": 5}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "-1"}, "cursor"),
        ({"cursor": "1.5"}, "cursor"),
        ({"cursor": "٣"}, "cursor"),
        ({"cursor": str(2**63)}, "cursor"),
        ({"cursor": "9" * 5_000}, "cursor"),
        ({"cursor": None}, "cursor"),
    ],
)
@pytest.mark.parametrize("method", ["conversations", "history"])
def test_a_page_that_cannot_be_is_refused_by_its_member(method, data, field):
    # G4
    assert fault(ask(method, NAMED | data)) == (Code.FIELD_INVALID, field)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "type"),
        ({"type": "app"}, "id"),
        ({"type": "flock", "id": "a"}, "type"),
        ({"type": "app", "id": ""}, "id"),
        ({"type": "app", "id": 5}, "id"),
        ({"type": "app", "id": "x" * 257}, "id"),
    ],
)
@pytest.mark.parametrize("method", ["read", "history"])
def test_a_conversation_that_cannot_be_is_refused_by_its_member(method, data, field):
    # G4
    assert fault(ask(method, data)) == (Code.FIELD_INVALID, field)


@pytest.mark.parametrize(
    ("ids", "field"),
    [
        (None, "ids"),
        ([], "ids"),
        ("7", "ids"),
        (["7"] * 101, "ids"),
        (["7", 8], "ids[1]"),
        (["7", "8", "x"], "ids[2]"),
        ([str(2**63)], "ids[0]"),
        ([""], "ids[0]"),
    ],
)
def test_ids_that_cannot_be_are_refused_by_their_place(ids, field):
    """At most a hundred at a time."""  # G4
    assert fault(ask("ack", {"ids": ids})) == (Code.FIELD_INVALID, field)
    assert fault(ask("ack", {})) == (Code.FIELD_INVALID, "ids")


def test_a_device_is_set_and_deleted_by_its_own_session():
    """Which is the device: no data names another, or another's user."""  # S2 S8
    given = {"provider": "apns", "token": "ab" * 32, "sandbox": True, "locale": "zh-CN", "time_zone": "Asia/Shanghai"}
    address = Address("apns", "ab" * 32, sandbox=True)
    whole = PutDevice("ann", None, None, None, address, "zh-CN", "Asia/Shanghai")
    assert ask("device.set", given) == whole
    assert ask("device.set", given | {"user": "eve", "device": "another"}) == whole
    assert ask("device.set", {"platform": "ios", "package": "com.acme"}) == PutDevice("ann", None, "ios", "com.acme")
    assert ask("device.set", b"") == PutDevice("ann", None)
    assert ask("device.delete", {"user": "eve", "device": "another"}) == RemoveDevice("ann", None)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"provider": "apns"}, "token"),
        ({"token": "ab"}, "provider"),
        ({"provider": "pigeon", "token": "ab"}, "provider"),
        ({"provider": "apns", "token": None}, "token"),
        ({"provider": "apns", "token": ""}, "token"),
        ({"provider": "webpush", "token": ["x"]}, "token"),
        ({"sandbox": "yes"}, "sandbox"),
        ({"platform": 5}, "platform"),
        ({"locale": "zh CN"}, "locale"),
        ({"time_zone": ""}, "time_zone"),
    ],
)
def test_a_device_that_cannot_be_is_refused_by_the_member(data, field):  # G4
    assert fault(ask("device.set", data)) == (Code.FIELD_INVALID, field)


def test_only_what_laba_can_push_by_is_a_provider():  # S8
    method = methods(frozenset({"webpush"}))["device.set"]
    assert fault(method(b'{"provider":"apns","token":"ab"}', "ann")) == (Code.FIELD_INVALID, "provider")


@pytest.mark.parametrize("data", [b"{", b"[]", b"null", b"[" * 100_000])
@pytest.mark.parametrize("method", sorted(METHODS))
def test_data_that_is_no_object_is_refused(method, data):
    # G4
    assert fault(ask(method, data)) == (Code.BODY_BROKEN, None)


# --- what is answered ----------------------------------------------------------------------------------------------


def test_a_list_is_told_with_its_messages_as_they_were_written():
    """Each with the cursor of what follows it; nothing is encoded a second time."""  # S5
    shown = Shown(ADMIN, 3, b'{"id":"7",  "kind":"txt"}', 99, 12)
    empty = Shown(Conversation(ConversationType.APP, "bob"), 0, None, 98, 11)
    assert tell(ConversationsListed((shown, empty), 11)) == (
        b'[{"type":"app","id":"admin","unread":3,"last_message":{"id":"7",  "kind":"txt"},'
        b'"updated_at":99,"cursor":"12"},'
        b'{"type":"app","id":"bob","unread":0,"last_message":null,"updated_at":98,"cursor":"11"}]'
    )


def test_history_is_told_with_its_cursor():
    """None at the end; and whether the app keeps any."""  # S5 G2
    assert json.loads(tell(HistoryRead((b'{"id":"7"}', b'{"id":"6"}'), 6, roaming=True))) == {
        "messages": [{"id": "7"}, {"id": "6"}],
        "cursor": "6",
        "roaming": True,
    }
    assert json.loads(tell(HistoryRead((), 0, roaming=False))) == {"messages": [], "cursor": None, "roaming": False}


@pytest.mark.parametrize(
    "answer", [MarkedRead(ADMIN), Acknowledged(), DevicesShown((Registration(PHONE),)), DeviceRemoved("phone")]
)
def test_what_was_noted_is_answered_with_an_empty_object(answer):
    # S5
    assert tell(answer) == b"{}"


def test_an_answer_that_no_method_leads_to_is_a_bug():
    with pytest.raises(TypeError, match="AppsListed"):
        tell(AppsListed(()))
