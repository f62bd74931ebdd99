import json

import pytest

from laba.dialects.native.dialect import NativeDialect
from laba.dialects.native.sending import said_in_room
from laba.model.app import Feature, QuotaName
from laba.model.calls import Claim
from laba.model.dispatch import Audience, ConversationType, Level
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Code, Refusal

APP = "/v1/apps/acme/chat"
HELLO = {"kind": "txt", "content": {"text": "hello"}}


def read(path, body):
    native = NativeDialect()
    head = RequestHead("POST", f"{APP}{path}", headers={"authorization": "Bearer proof"})
    claim = native.claim(head)
    assert isinstance(claim, Claim)
    return native.read(claim, HttpRequest(head, json.dumps(body).encode()), None, 0)


def sent(**members):
    """Read a message to rooms."""
    return read("/messages", {**HELLO, "rooms": ["r1"], **members})


def fault(answer):
    assert isinstance(answer, Refusal)
    return (answer.code, answer.field)


def test_a_message_goes_to_the_rooms_it_names():
    """Each once, in the order in which they were named; what is said is a broadcast's."""
    # E1, E4
    asked = sent(rooms=["r2", "r1", "r2"], level="high", ext={"k": "v"}, **{"from": "ann"})
    assert (asked.audience, asked.rooms, asked.users) == (Audience.ROOMS, ("r2", "r1"), None)
    assert (asked.feature, asked.quota) == (None, QuotaName.ROOM_MESSAGES)
    assert (asked.sender, asked.level, asked.ext) == ("ann", Level.HIGH, {"k": "v"})
    assert asked.content == read("/broadcasts", HELLO).content


def test_a_message_that_names_users_is_for_them_alone():
    """It has its own quota and its own bounds."""
    # E10
    asked = sent(users=["bob", "ann", "bob"])
    assert (asked.rooms, asked.users, asked.quota) == (
        ("r1",),
        frozenset({"ann", "bob"}),
        QuotaName.DIRECTED_CALLS,
    )
    assert fault(sent(rooms=["r1", "r2"], users=["bob"])) == (Code.LIST_SIZE_WRONG, "rooms")
    assert fault(sent(users=[f"u{number}" for number in range(21)])) == (Code.LIST_SIZE_WRONG, "users")


@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"rooms": []}, Code.LIST_SIZE_WRONG, "rooms"),
        ({"rooms": [f"r{number}" for number in range(11)]}, Code.LIST_SIZE_WRONG, "rooms"),
        ({"rooms": "r1"}, Code.FIELD_INVALID, "rooms"),
        ({"rooms": None}, Code.FIELD_INVALID, "rooms"),
        ({"rooms": ["r1", 5]}, Code.FIELD_INVALID, "rooms[1]"),
        ({"rooms": [""]}, Code.FIELD_INVALID, "rooms[0]"),
        ({"users": []}, Code.LIST_SIZE_WRONG, "users"),
        ({"users": [None]}, Code.FIELD_INVALID, "users[0]"),
        ({"level": "urgent"}, Code.FIELD_INVALID, "level"),
        ({"from": ""}, Code.SENDER_EMPTY, "from"),
        ({"ext": None}, Code.EXT_INVALID, "ext"),
    ],
)
def test_a_fault_is_named_by_its_field(members, code, field):
    """The caller learns which member to mend."""
    # E1, E4, E8, E10, G4
    assert fault(sent(**members)) == (code, field)


def test_rooms_cannot_be_left_out():
    """A broadcast is another endpoint."""
    # E1
    assert fault(read("/messages", HELLO)) == (Code.FIELD_INVALID, "rooms")


def test_a_broadcast_is_for_users_or_by_its_audience_for_rooms():
    """Each with its own switch and quota."""
    # A8, E11
    to_users, to_rooms = (read("/broadcasts", {**HELLO, **more}) for more in ({}, {"audience": "active_rooms"}))
    assert to_users == read("/broadcasts", {**HELLO, "audience": "online_users"})
    assert (to_users.audience, to_users.feature, to_users.quota) == (
        Audience.ONLINE_USERS,
        Feature.USERS_BROADCAST,
        QuotaName.USERS_BROADCAST,
    )
    assert (to_rooms.audience, to_rooms.feature, to_rooms.quota) == (
        Audience.ACTIVE_ROOMS,
        Feature.CHATROOMS_BROADCAST,
        QuotaName.CHATROOMS_BROADCAST,
    )


def test_a_broadcast_may_be_for_all_users():
    """Offline ones included; again with its own switch and quota."""
    # V1
    submission = read("/broadcasts", {**HELLO, "audience": "all_users"})
    assert (submission.audience, submission.feature, submission.quota) == (
        Audience.ALL_USERS,
        Feature.ALL_USERS_BROADCAST,
        QuotaName.ALL_USERS_BROADCAST,
    )


@pytest.mark.parametrize(
    "audience", ["", "rooms", "open_rooms", "targets", "devices", "everybody", None, 5, ["active_rooms"]]
)
def test_any_other_audience_is_refused(audience):
    """Rooms that are named have their own endpoint."""
    # A8
    assert fault(read("/broadcasts", {**HELLO, "audience": audience})) == (Code.FIELD_INVALID, "audience")


def test_a_client_speaks_for_itself_in_one_room():
    """Whatever its body says of a sender, of rooms or of users."""
    # S3, G5
    body = {**HELLO, "from": "somebody else", "rooms": ["r2"], "users": ["bob"], "level": "low"}
    asked = said_in_room(json.dumps(body).encode(), "r1", "ann")
    assert (asked.sender, asked.rooms, asked.users, asked.level) == ("ann", ("r1",), None, Level.LOW)
    assert asked.audience is Audience.ROOMS
    assert fault(said_in_room(b"{", "r1", "ann")) == (Code.BODY_BROKEN, None)


# --- what a client publishes in a room -----------------------------------------------------------------------------


def test_what_a_client_publishes_is_a_message_of_its_user_to_its_room():
    """A broadcast's body; nobody speaks for another, and no quota of the app's back end is touched."""  # S3, E7
    data = b'{"kind":"txt","content":{"text":"hi"},"ext":{"k":1},"level":"low","client_id":"c1","from":""}'
    said = said_in_room(data, "7", "ann")
    assert (said.sender, said.audience, said.rooms, said.users) == ("ann", Audience.ROOMS, ("7",), None)
    assert (said.content.fields, said.ext, said.level, said.client_id) == ({"text": "hi"}, {"k": 1}, "low", "c1")
    assert (said.feature, said.size_bytes, said.size_limit_bytes) == (None, 20, 5120)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", None),
        (b"[1]", None),
        (b"{}", "kind"),
        (b'{"kind":"txt"}', "content"),
        (b'{"kind":"txt","content":{"text":7}}', "content.text"),
        (b'{"kind":"txt","content":{"text":""},"level":"urgent"}', "level"),
    ],
)
def test_what_is_no_message_names_the_member_at_fault(data, field):
    """As for a caller."""  # G4
    refusal = said_in_room(data, "7", "ann")
    assert isinstance(refusal, Refusal)
    assert refusal.field == field


@pytest.mark.parametrize(
    ("named", "audience", "feature", "quota"),
    [
        (None, Audience.ONLINE_USERS, Feature.USERS_BROADCAST, QuotaName.USERS_BROADCAST),
        ("online_users", Audience.ONLINE_USERS, Feature.USERS_BROADCAST, QuotaName.USERS_BROADCAST),
        ("recent_users", Audience.RECENT_USERS, Feature.ONLINE_BROADCAST, QuotaName.ONLINE_BROADCAST),
        ("all_users", Audience.ALL_USERS, Feature.ALL_USERS_BROADCAST, QuotaName.ALL_USERS_BROADCAST),
    ],
)
def test_a_broadcast_to_users_may_be_in_the_app_s_conversation_or_in_the_system_s(named, audience, feature, quota):
    """A1, R4, R5, V1: what switches it on and counts it goes by the audience, not by the conversation."""
    whom = {} if named is None else {"audience": named}
    for where, conversation in (
        ({}, ConversationType.APP),
        ({"conversation": "app"}, ConversationType.APP),
        ({"conversation": "system"}, ConversationType.SYSTEM),
    ):
        asked = read("/broadcasts", {**HELLO, **whom, **where})
        assert (asked.audience, asked.feature, asked.quota) == (audience, feature, quota)
        assert asked.conversation is conversation


@pytest.mark.parametrize(
    "members",
    [
        {"conversation": "room"},
        {"conversation": "chat"},
        {"conversation": None},
        {"conversation": ["app"]},
        {"audience": "active_rooms", "conversation": "system"},
        {"audience": "active_rooms", "conversation": "app"},
    ],
)
def test_it_is_in_no_other(members):
    """G4: and what is for rooms is in the rooms'."""
    assert fault(read("/broadcasts", {**HELLO, **members})) == (Code.FIELD_INVALID, "conversation")
