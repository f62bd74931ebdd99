import json

import pytest

from laba.dialects.native.dialect import NativeDialect
from laba.model.calls import ChangeApp, Claim, Exchange
from laba.model.content import Kind
from laba.model.http import HttpRequest, RequestHead
from laba.model.priorities import Priorities, PrioritiesChange
from laba.model.refusal import Code, Refusal
from laba.model.room import MAX_MEMBERS, Room
from laba.model.roomcalls import (
    AddMembers,
    ChangeRoom,
    CreateRoom,
    DescribeMembers,
    DestroyRoom,
    GetRoom,
    ListRooms,
    MembersAdded,
    MembersDescribed,
    MembersRemoved,
    MemberTagged,
    Parting,
    RemoveMembers,
    RoomChanged,
    RoomCreated,
    RoomDestroyed,
    RoomShown,
    RoomsListed,
    TagMember,
)

APP = "/v1/apps/acme/chat"
ROOM = Room(
    "uuid",
    "7",
    "live",
    5,
    9,
    "ann",
    "a room",
    "c",
    300,
    active=True,
    priorities=Priorities(frozenset({"txt", "cmd"})),
)
SHOWN = {
    "id": "7",
    "name": "live",
    "owner": "ann",
    "description": "a room",
    "custom": "c",
    "max_members": 300,
    "active": True,
    "muted": False,
    "created_at": 5,
    "high_types": ["cmd", "txt"],
    "high_members": [],
}


def read(method, path, body=None, **query):
    native = NativeDialect()
    head = RequestHead(method, path, query)
    claim = native.claim(head)
    assert isinstance(claim, Claim)
    return native.read(claim, HttpRequest(head, json.dumps(body).encode()), None, 0)


def written(answer):
    native = NativeDialect()
    claim = native.claim(RequestHead("GET", f"{APP}/rooms/7"))
    response = native.write(Exchange(claim, None, "http://localhost", 0, 0), answer)
    return response.status, json.loads(response.body)


# E5
@pytest.mark.parametrize("path", [APP, f"{APP}/rooms/7"])
def test_what_goes_first_is_two_lists(path):
    """In an app and in a room alike; an empty list is a change too, and an absent one is none."""
    for body, change in (
        ({"high_types": ["txt", "custom", "txt"]}, PrioritiesChange(frozenset({Kind.TXT, Kind.CUSTOM}))),
        ({"high_types": [], "high_members": ["vip", "安"]}, PrioritiesChange(frozenset(), frozenset({"vip", "安"}))),
        ({}, PrioritiesChange()),
    ):
        wanted = ChangeApp(priorities=change) if path == APP else ChangeRoom("7", priorities=change)
        assert read("PATCH", path, body) == wanted


@pytest.mark.parametrize("path", [APP, f"{APP}/rooms/7"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"high_types": "txt"}, "high_types"),
        ({"high_types": [1]}, "high_types"),
        ({"high_types": None}, "high_types"),
        ({"high_types": ["txt", "shout"]}, "high_types[1]"),
        ({"high_members": {"vip": 1}}, "high_members"),
        ({"high_members": [""]}, "high_members[0]"),
        ({"high_members": ["a", "b" * 65]}, "high_members[1]"),
        ({"high_members": [f"u{number}" for number in range(1001)]}, "high_members"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_cannot_go_first_is_named(path, body, field):  # G4
    refusal = read("PATCH", path, body)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, field)


def test_an_unknown_kind_is_told_which_there_are():  # E5
    refusal = read("PATCH", APP, {"high_types": ["shout"]})
    assert refusal.reason == f"high_types[0] must be one of {', '.join(Kind)}"


def test_a_room_is_changed_by_what_is_named():  # S3
    body = {"name": "new", "description": "d", "max_members": 10_000}
    assert read("PATCH", f"{APP}/rooms/7", body) == ChangeRoom("7", "new", "d", 10_000)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 1}, "name"),
        ({"name": "n" * 513}, "name"),
        ({"description": None}, "description"),
        ({"max_members": 0}, "max_members"),
        ({"max_members": 10_001}, "max_members"),
        ({"max_members": True}, "max_members"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_change_of_a_room_names_the_member_at_fault(body, field):  # G4
    refusal = read("PATCH", f"{APP}/rooms/7", body)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, field)


def test_rooms_are_listed_and_shown_without_a_body():  # S3
    assert read("GET", f"{APP}/rooms/7") == GetRoom("7")
    assert read("GET", f"{APP}/rooms") == ListRooms(20)
    assert read("GET", f"{APP}/rooms", limit="5", cursor="42") == ListRooms(5, 42)
    assert read("GET", f"{APP}/rooms", cursor="x").field == "cursor"


def test_a_room_is_shown_with_what_goes_first_in_it():  # E5
    """With how many are in it, where they were counted."""
    assert written(RoomShown(ROOM, ("ann", "bob"))) == (200, SHOWN | {"members": 2})
    assert written(RoomChanged(ROOM, ChangeRoom("7"))) == (200, SHOWN)
    assert written(RoomsListed(((ROOM, 2),), 9)) == (200, {"rooms": [SHOWN | {"members": 2}], "cursor": "9"})
    assert written(RoomsListed(())) == (200, {"rooms": [], "cursor": None})


# --- making, closing, members and tags (S3) ------------------------------------------------------------------------

ROOMS = "/v1/apps/acme/chat/rooms"


def asked(method, path, body=None, query=None):
    native = NativeDialect()
    head = RequestHead(method, path, query=query or {})
    claim = native.claim(head)
    assert isinstance(claim, Claim), claim
    return native.read(claim, HttpRequest(head, json.dumps(body).encode()), None, 0)


def shown(answer):
    native = NativeDialect()
    claim = native.claim(RequestHead("GET", ROOMS))
    return json.loads(native.write(Exchange(claim, None, "http://localhost", 0, 0), answer).body)


def test_a_room_is_made_and_closed():
    made = asked("POST", ROOMS, {"id": "r1", "name": "Room", "owner": "ann", "description": "d", "max_members": 5})
    assert made == CreateRoom("Room", "ann", description="d", max_members=5, chosen_id="r1")
    assert asked("POST", ROOMS, {"id": "r1"}) == CreateRoom("r1", "", max_members=MAX_MEMBERS, chosen_id="r1")
    assert asked("DELETE", f"{ROOMS}/r1") == DestroyRoom("r1")
    assert shown(RoomDestroyed("r1")) == {"id": "r1"}
    assert shown(RoomCreated(Room("a", "r1", "Room", 5)))["name"] == "Room"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "r" * 65}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "a\x7f"}, "id"),
        ({"id": "喇" * 22}, "id"),
        ({"id": 1}, "id"),
        ({"name": ""}, "name"),
        ({"name": "n" * 513}, "name"),
        ({"description": "d" * 513}, "description"),
        ({"owner": ""}, "owner"),
        ({"owner": "o" * 65}, "owner"),
        ({"max_members": 0}, "max_members"),
        ({"max_members": 10_001}, "max_members"),
    ],
)
def test_what_a_room_cannot_be_is_named(body, field):
    assert asked("POST", ROOMS, body).field == field


def test_a_room_may_be_all_that_it_can_be():
    """An id is counted in bytes, and texts in characters."""
    texts = {"name": "喇" * 512, "description": "叭" * 512, "owner": "o" * 64}
    for room_id, most in (("r" * 64, 10_000), ("喇" * 21, 1)):
        body = {"id": room_id, "max_members": most, **texts}
        assert asked("POST", ROOMS, body) == CreateRoom(**texts, max_members=most, chosen_id=room_id)


def test_a_room_without_a_chosen_id_is_numbered():
    assert asked("POST", ROOMS, {"name": "Room"}) == CreateRoom("Room", "", max_members=MAX_MEMBERS)


def test_members_are_asked_for_page_by_page():
    assert asked("GET", f"{ROOMS}/r1/members") == DescribeMembers("r1", 100)
    assert asked("GET", f"{ROOMS}/r1/members", query={"limit": "7", "after": "ann"}) == DescribeMembers(
        "r1", 7, "ann"
    )
    assert asked("GET", f"{ROOMS}/r1/members", query={"limit": "1000"}).limit == 1000
    for limit in ("0", "1001", "x"):
        assert asked("GET", f"{ROOMS}/r1/members", query={"limit": limit}).field == "limit"
    page = MembersDescribed("r1", (("ann", ("vip",)), ("bob", ())), "bob")
    assert shown(page) == {
        "members": [{"user": "ann", "tags": ["vip"]}, {"user": "bob", "tags": []}],
        "after": "bob",
    }
    assert shown(MembersDescribed("r1", ()))["after"] is None


def test_users_are_put_into_a_room_and_taken_out():  # S3
    path = f"{ROOMS}/r1/members"
    assert asked("POST", path, {"users": ["bob", "ann", "bob"]}) == AddMembers("r1", ("bob", "ann"), single=False)
    assert shown(MembersAdded("r1", ("bob", "ann"), ("ann",), single=False)) == {
        "users": ["bob", "ann"],
        "new": ["ann"],
    }
    assert asked("DELETE", f"{path}/ann") == RemoveMembers("r1", ("ann",), single=True)
    assert shown(MembersRemoved("r1", (Parting("ann"),), single=True)) == {"user": "ann"}


def test_a_hundred_users_at_once_are_put_into_a_room():  # S3
    hundred = [f"u{number}" for number in range(99)] + ["喇" * 21 + "x"]
    assert asked("POST", f"{ROOMS}/r1/members", {"users": hundred}).users == tuple(hundred)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, Code.FIELD_INVALID, "users"),
        ({"users": None}, Code.FIELD_INVALID, "users"),
        ({"users": "ann"}, Code.FIELD_INVALID, "users"),
        ({"users": ["ann", 1]}, Code.FIELD_INVALID, "users"),
        ({"users": []}, Code.LIST_SIZE_WRONG, "users"),
        ({"users": [f"u{number}" for number in range(101)]}, Code.LIST_SIZE_WRONG, "users"),
        ({"users": ["ann", ""]}, Code.FIELD_INVALID, "users[1]"),
        ({"users": ["ann", "b" * 65]}, Code.FIELD_INVALID, "users[1]"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_who_cannot_be_put_into_a_room_is_named(body, code, field):  # S3
    refusal = asked("POST", f"{ROOMS}/r1/members", body)
    assert (refusal.code, refusal.field) == (code, field)


def test_a_member_has_at_most_ten_tags_of_32_characters():
    path = f"{ROOMS}/r1/members/ann/tags"
    assert asked("PUT", path, {"tags": ["b", "a", "b"]}) == TagMember("r1", "ann", ("b", "a"))
    assert asked("PUT", path, {"tags": []}) == TagMember("r1", "ann", ())
    edge = [str(number) + "喇" * 31 for number in range(10)]
    assert asked("PUT", path, {"tags": edge}).tags == tuple(edge)
    assert asked("PUT", path, {"tags": [*edge, "one more"]}).field == "tags"
    assert asked("PUT", path, {"tags": ["x" * 33]}).field == "tags[0]"
    assert asked("PUT", path, {"tags": [""]}).field == "tags[0]"
    for wrong in ({}, {"tags": None}, {"tags": "vip"}, {"tags": [1]}):
        assert asked("PUT", path, wrong).field == "tags"
    assert shown(MemberTagged("r1", "ann", ("vip",))) == {"user": "ann", "tags": ["vip"]}
