import json

import pytest

from laba.dialects.easemob import cursors
from laba.dialects.easemob.dialect import EasemobDialect
from laba.model.calls import Claim
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import (
    AddMembers,
    ChangeRoom,
    CreateRoom,
    DestroyRoom,
    GetRoom,
    GiveRoom,
    ListMembers,
    ListMutes,
    ListRooms,
    ListRoomsOf,
    MuteMembers,
    MuteRoom,
    RemoveMembers,
    UnmuteMembers,
)

ROOM = {"name": "live", "description": "a room", "maxusers": 300, "owner": "Ann"}
SIXTY_ONE = [f"u{number}" for number in range(61)]
HUNDRED_ONE = ",".join(f"u{number}" for number in range(101))


@pytest.fixture
def asked(claimed):
    """Read one request, as the app or as a user."""

    def asked(method, path, document=None, actor=None, **query):
        claim = claimed(method, path)
        acting = Claim(claim.endpoint, claim.path, claim.arguments, claim.app, actor=actor)
        body = b"" if document is None else json.dumps(document).encode()
        head = RequestHead(method, f"/easemob-demo/wang{path}", query)
        return EasemobDialect().read(acting, HttpRequest(head, body), None, 0)

    return asked


def fault(answer):
    assert isinstance(answer, Refusal)
    return answer.code, answer.field


# --- rooms ---------------------------------------------------------------------------------------------------------


# S3, vendor-apis.md 3.1
def test_a_new_room_is_what_its_page_shows(asked):
    """User names are known in lower case, and each member once; unknown members of the body are ignored."""
    document = ROOM | {"members": ["Bob", "ann", "bob"], "custom": '{"a":1}', "more": 1}
    assert asked("POST", "/chatrooms", document) == CreateRoom(
        "live", "ann", ("bob", "ann"), "a room", '{"a":1}', max_members=300
    )


def test_a_new_room_needs_a_name_and_an_owner(asked):
    """A thousand members are its bound where nothing is said."""
    assert asked("POST", "/chatrooms", {"name": "live", "owner": "ann"}) == CreateRoom(
        "live", "ann", max_members=1000
    )


def test_a_room_made_with_a_user_s_token_is_the_user_s(asked):  # S1
    """It may be named all the same; whether it may be another is for the service."""
    assert asked("POST", "/chatrooms", {"name": "live"}, "ann") == CreateRoom("live", "ann", actor="ann")
    assert asked("POST", "/chatrooms", ROOM | {"owner": "Bob"}, "ann").owner == "bob"


@pytest.mark.parametrize("absent", ["name", "owner"])
def test_what_must_be_there_is_named(asked, absent):  # G4
    document = {name: value for name, value in ROOM.items() if name != absent}
    assert fault(asked("POST", "/chatrooms", document)) == (Code.FIELD_MISSING, absent)
    assert fault(asked("POST", "/chatrooms", ROOM | {absent: ""})) == (Code.FIELD_MISSING, absent)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"name": 1}, Code.FIELD_INVALID, "name"),
        ({"name": None}, Code.FIELD_INVALID, "name"),
        ({"name": "n" * 129}, Code.FIELD_INVALID, "name"),
        ({"description": []}, Code.FIELD_INVALID, "description"),
        ({"description": "d" * 513}, Code.FIELD_INVALID, "description"),
        ({"custom": {}}, Code.FIELD_INVALID, "custom"),
        ({"custom": "c" * 8193}, Code.FIELD_INVALID, "custom"),
        ({"maxusers": 0}, Code.FIELD_INVALID, "maxusers"),
        ({"maxusers": 10_001}, Code.FIELD_INVALID, "maxusers"),
        ({"maxusers": "300"}, Code.FIELD_INVALID, "maxusers"),
        ({"maxusers": True}, Code.FIELD_INVALID, "maxusers"),
        ({"maxusers": 3.0}, Code.FIELD_INVALID, "maxusers"),
        ({"owner": 1}, Code.FIELD_INVALID, "owner"),
        ({"owner": "a b"}, Code.USERNAME_ILLEGAL, "owner"),
        ({"owner": "a" * 65}, Code.USERNAME_TOO_LONG, "owner"),
        ({"members": "bob"}, Code.FIELD_INVALID, "members"),
        ({"members": ["bob", None]}, Code.FIELD_INVALID, "members[1]"),
        ({"members": ["bob", "喇叭"]}, Code.USERNAME_ILLEGAL, "members[1]"),
    ],
    ids=repr,
)
def test_a_new_room_names_the_member_at_fault(asked, change, code, field):  # G4
    assert fault(asked("POST", "/chatrooms", ROOM | change)) == (code, field)


def test_the_longest_texts_are_accepted(asked):
    longest = {"name": "喇" * 128, "description": "叭" * 512, "custom": "c" * 8192, "maxusers": 10_000}
    call = asked("POST", "/chatrooms", ROOM | longest)
    assert (call.name, call.description, call.custom, call.max_members) == tuple(longest.values())


def test_rooms_are_listed_from_a_cursor_on(asked):  # S11
    """Ten where nothing is said; an empty cursor is none."""
    assert asked("GET", "/chatrooms") == asked("GET", "/chatrooms", cursor="") == ListRooms(10)
    cursor = cursors.written_number(42)
    assert asked("GET", "/chatrooms", limit="100", cursor=cursor, actor="ann") == ListRooms(100, 42, "ann")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/chatrooms", {"limit": "0"}),
        ("/chatrooms", {"limit": "101"}),
        ("/chatrooms", {"limit": "ten"}),
        ("/chatrooms", {"cursor": "x"}),
        ("/chatrooms", {"cursor": cursors.written("ann")}),
        ("/chatrooms/7/users", {"pagenum": "0"}),
        ("/chatrooms/7/users", {"pagenum": "-1"}),
        ("/chatrooms/7/users", {"pagenum": "9" * 30}),
        ("/chatrooms/7/users", {"pagesize": "1001"}),
        ("/chatrooms/7/users", {"pagesize": ""}),
    ],
    ids=repr,
)
def test_a_query_names_what_is_at_fault(asked, path, query):  # G4
    assert fault(asked("GET", path, **query)) == (Code.FIELD_INVALID, *query)


def test_a_room_is_shown_changed_given_and_destroyed(asked):  # S3
    assert asked("GET", "/chatrooms/7", actor="ann") == GetRoom("7", "ann")
    assert asked("DELETE", "/chatrooms/7", actor="ann") == DestroyRoom("7", "ann")
    assert asked("PUT", "/chatrooms/7", {"newowner": "Bob"}, "ann") == GiveRoom("7", "bob", "ann")
    change = {"name": "new", "description": "", "maxusers": 5}
    assert asked("PUT", "/chatrooms/7", change, "ann") == ChangeRoom("7", "new", "", 5, actor="ann")
    assert asked("PUT", "/chatrooms/7", {"maxusers": 5}) == ChangeRoom("7", max_members=5)


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        ({}, Code.FIELD_MISSING, "name"),
        ({"groupname": "new"}, Code.FIELD_MISSING, "name"),
        ({"name": ""}, Code.FIELD_MISSING, "name"),
        ({"name": 1}, Code.FIELD_INVALID, "name"),
        ({"maxusers": -1}, Code.FIELD_INVALID, "maxusers"),
        ({"newowner": ""}, Code.FIELD_MISSING, "newowner"),
        ({"newowner": ["bob"]}, Code.FIELD_INVALID, "newowner"),
        ({"newowner": "bob", "name": "new"}, Code.FIELD_INVALID, "newowner"),
    ],
    ids=repr,
)
def test_a_change_names_the_member_at_fault(asked, document, code, field):  # G4
    assert fault(asked("PUT", "/chatrooms/7", document)) == (code, field)


# --- members -------------------------------------------------------------------------------------------------------


def test_one_member_is_in_the_path_and_many_are_in_the_body(asked):  # S3
    """The answer has another form for each; sixty are the most."""
    assert asked("POST", "/chatrooms/7/users/Bob", actor="bob") == AddMembers("7", ("bob",), single=True, actor="bob")
    many = {"usernames": ["Bob", "cid", "BOB"]}
    assert asked("POST", "/chatrooms/7/users", many) == AddMembers("7", ("bob", "cid"), single=False)
    assert len(asked("POST", "/chatrooms/7/users", {"usernames": SIXTY_ONE[:60]}).users) == 60


@pytest.mark.parametrize("path", ["/chatrooms/7/users", "/chatrooms/7/mute"])
@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        ({}, Code.FIELD_MISSING, "usernames"),
        ({"usernames": []}, Code.FIELD_MISSING, "usernames"),
        ({"usernames": "bob"}, Code.FIELD_INVALID, "usernames"),
        ({"usernames": {"bob": 1}}, Code.FIELD_INVALID, "usernames"),
        ({"usernames": ["bob", 1]}, Code.FIELD_INVALID, "usernames[1]"),
        ({"usernames": ["bob", ""]}, Code.FIELD_MISSING, "usernames[1]"),
        ({"usernames": ["a,b"]}, Code.USERNAME_ILLEGAL, "usernames[0]"),
        ({"usernames": SIXTY_ONE}, Code.USERS_TOO_MANY, "usernames"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_many_names_are_judged_one_by_one(asked, path, document, code, field):  # G4
    assert fault(asked("POST", path, document | {"mute_duration": 1000})) == (code, field)


def test_who_is_removed_is_in_the_path(asked):  # S3
    """One, or many with commas between them: a comma in the path, or %2C, which is the same once it is decoded."""
    assert asked("DELETE", "/chatrooms/7/users/Bob", actor="bob") == RemoveMembers("7", ("bob",), True, "bob")
    many = asked("DELETE", "/chatrooms/7/users/bob,CID,bob")
    assert many == RemoveMembers("7", ("bob", "cid"), single=False)
    assert fault(asked("DELETE", "/chatrooms/7/users/bob,")) == (Code.FIELD_MISSING, "usernames")
    assert fault(asked("DELETE", f"/chatrooms/7/users/{HUNDRED_ONE}")) == (Code.USERS_TOO_MANY, "usernames")
    assert len(asked("DELETE", f"/chatrooms/7/users/{HUNDRED_ONE.removesuffix(',u100')}").users) == 100


def test_members_are_listed_by_page(asked):  # S3
    assert asked("GET", "/chatrooms/7/users") == ListMembers("7", 1, 10)
    found = asked("GET", "/chatrooms/7/users", actor="ann", pagenum="2", pagesize="1000")
    assert found == ListMembers("7", 2, 1000, "ann")


def test_a_user_s_rooms_are_asked_by_its_name(asked):  # S11
    """A name that nobody can have is nobody's."""
    assert asked("GET", "/users/Ann/joined_chatrooms", actor="ann") == ListRoomsOf("ann", "ann")
    for method, path in (("GET", "/users/a b/joined_chatrooms"), ("POST", "/chatrooms/7/users/\udc80")):
        assert asked(method, path).code is Code.USER_UNKNOWN


# --- mutes ---------------------------------------------------------------------------------------------------------


def test_members_are_muted_for_a_while_or_for_ever(asked):  # S3
    document = {"mute_duration": 1000, "usernames": ["Bob", "cid"]}
    assert asked("POST", "/chatrooms/7/mute", document, "ann") == MuteMembers("7", ("bob", "cid"), 1000, "ann")
    assert asked("POST", "/chatrooms/7/mute", document | {"mute_duration": -1}).duration_ms is None


@pytest.mark.parametrize("duration", [0, -2, 1.5, "1000", None, True, 10**13 + 1])
def test_a_duration_is_a_whole_number_of_milliseconds(asked, duration):  # G4
    document = {"mute_duration": duration, "usernames": ["bob"]}
    assert fault(asked("POST", "/chatrooms/7/mute", document)) == (Code.FIELD_INVALID, "mute_duration")


def test_a_duration_must_be_there(asked):  # G4
    found = asked("POST", "/chatrooms/7/mute", {"usernames": ["bob"]})
    assert fault(found) == (Code.FIELD_MISSING, "mute_duration")


def test_mutes_are_ended_and_listed(asked):  # S3
    assert asked("DELETE", "/chatrooms/7/mute/Bob,cid", actor="ann") == UnmuteMembers("7", ("bob", "cid"), "ann")
    assert asked("DELETE", "/chatrooms/7/mute/bob,\udc80").code is Code.USER_UNKNOWN
    assert asked("GET", "/chatrooms/7/mute", actor="ann") == ListMutes("7", "ann")


def test_a_whole_room_is_muted_and_unmuted(asked):  # S3
    assert asked("POST", "/chatrooms/7/ban", actor="ann") == MuteRoom("7", muted=True, actor="ann")
    assert asked("DELETE", "/chatrooms/7/ban") == MuteRoom("7", muted=False)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/chatrooms"), ("PUT", "/chatrooms/7"), ("POST", "/chatrooms/7/users"), ("POST", "/chatrooms/7/mute")],
)
def test_a_body_that_is_no_object_is_broken(asked, method, path):  # G4
    assert fault(asked(method, path, ["bob"])) == (Code.BODY_BROKEN, None)
