import json
from dataclasses import replace

import pytest

from laba.dialects.easemob import cursors
from laba.dialects.easemob.dialect import EasemobDialect
from laba.model.refusal import Code, Refusal
from laba.model.room import Mute, Room
from laba.model.roomcalls import (
    ChangeRoom,
    MembersAdded,
    MembersChecked,
    MembersListed,
    MembersMuted,
    MembersQueried,
    MembersRemoved,
    MembersUnmuted,
    MutesListed,
    Parting,
    RoomChanged,
    RoomCreated,
    RoomDestroyed,
    RoomGiven,
    RoomMuted,
    RoomsClosed,
    RoomsFound,
    RoomShown,
    RoomsListed,
    RoomsOfUserListed,
    RoomsOpened,
)

UUID = "331d42e6-ad85-460f-b6b0-d1fb6fef9f12"
ROOM = Room(UUID, "66213271109633", "live", 1600000000000, 5, "ann", "a room", '{"a":1}', max_members=300, muted=True)
ID = ROOM.id
LISTED = {"id": ID, "name": "live", "owner": "ann", "affiliations_count": 2}


def answered(exchange, answer) -> dict:
    response = EasemobDialect().write(exchange, answer)
    assert (response.status, response.media_type) == (200, "application/json")
    return json.loads(response.body)


# S3, S11, vendor-apis.md 3.1; those of mutes are unverified
@pytest.mark.parametrize(
    ("method", "path", "answer", "data"),
    [
        ("POST", "/chatrooms", RoomCreated(ROOM), {"id": ID}),
        ("GET", "/chatrooms", RoomsListed(((ROOM, 2),)), [LISTED]),
        (
            "PUT",
            f"/chatrooms/{ID}",
            RoomChanged(ROOM, ChangeRoom(ID, "live", "", 300)),
            {"groupname": True, "description": True, "maxusers": True},
        ),
        ("PUT", f"/chatrooms/{ID}", RoomChanged(ROOM, ChangeRoom(ID, max_members=300)), {"maxusers": True}),
        ("PUT", f"/chatrooms/{ID}", RoomGiven(ROOM), {"newowner": True}),
        ("DELETE", f"/chatrooms/{ID}", RoomDestroyed(ID), {"success": True, "id": ID}),
        (
            "POST",
            f"/chatrooms/{ID}/users/bob",
            MembersAdded(ID, ("bob",), (), single=True),
            {"result": True, "action": "add_member", "id": ID, "user": "bob"},
        ),
        (
            "POST",
            f"/chatrooms/{ID}/users",
            MembersAdded(ID, ("bob", "cid"), ("cid",), single=False),
            {"newmembers": ["cid"], "action": "add_member", "id": ID},
        ),
        (
            "DELETE",
            f"/chatrooms/{ID}/users/bob",
            MembersRemoved(ID, (Parting("bob"),), single=True),
            {"result": True, "action": "remove_member", "user": "bob", "id": ID},
        ),
        (
            "DELETE",
            f"/chatrooms/{ID}/users/bob,eve",
            MembersRemoved(ID, (Parting("bob"), Parting("eve", "why")), single=False),
            [
                {"result": True, "action": "remove_member", "user": "bob", "id": ID},
                {"result": False, "action": "remove_member", "reason": "why", "user": "eve", "id": ID},
            ],
        ),
        (
            "GET",
            f"/chatrooms/{ID}/users",
            MembersListed(ROOM, ("ann", "bob")),
            [{"owner": "ann"}, {"member": "bob"}],
        ),
        ("GET", "/users/ann/joined_chatrooms", RoomsOfUserListed((ROOM,)), [{"id": ID, "name": "live"}]),
        (
            "POST",
            f"/chatrooms/{ID}/mute",
            MembersMuted((Mute("bob", 5), Mute("cid", 6))),
            [{"result": True, "expire": 5, "user": "bob"}, {"result": True, "expire": 6, "user": "cid"}],
        ),
        ("DELETE", f"/chatrooms/{ID}/mute/bob", MembersUnmuted(("bob",)), [{"result": True, "user": "bob"}]),
        ("GET", f"/chatrooms/{ID}/mute", MutesListed((Mute("bob", 5),)), [{"expire": 5, "user": "bob"}]),
        ("POST", f"/chatrooms/{ID}/ban", RoomMuted(muted=True), {"mute": True}),
        ("DELETE", f"/chatrooms/{ID}/ban", RoomMuted(muted=False), {"mute": False}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_each_answer_has_the_data_of_its_page(exchange, method, path, answer, data):
    """In the envelope of every answer."""
    body = answered(exchange(method, path), answer)
    assert body["data"] == data
    assert (body["action"], body["path"], body["applicationName"]) == (method.lower(), path, "wang")
    assert body["uri"] == f"https://im.example.com/easemob-demo/wang{path.replace(',', '%2C')}"


def test_a_room_is_shown_with_everybody_in_it(exchange):
    """A list of one, as the page has it."""
    [shown] = answered(exchange("GET", f"/chatrooms/{ID}"), RoomShown(ROOM, ("ann", "bob")))["data"]
    assert shown == LISTED | {
        "description": "a room",
        "membersonly": False,
        "allowinvites": False,
        "maxusers": 300,
        "created": 1600000000000,
        "custom": '{"a":1}',
        "mute": True,
        "affiliations": [{"owner": "ann"}, {"member": "bob"}],
        "public": True,
    }


def test_a_page_of_rooms_names_its_cursor_and_what_was_asked(exchange):
    """The last page has no cursor."""
    asked = replace(exchange("GET", "/chatrooms"), query={"limit": "1", "other": "x"})
    body = answered(asked, RoomsListed(((ROOM, 2),), more_after=5))
    assert (body["count"], body["params"], cursors.read_number(body["cursor"])) == (1, {"limit": ["1"]}, 5)
    assert "cursor" not in answered(asked, RoomsListed(()))


def test_a_page_of_members_says_how_many_and_what_was_asked(exchange):
    asked = replace(exchange("GET", f"/chatrooms/{ID}/users"), query={"pagesize": "2", "pagenum": "2"})
    body = answered(asked, MembersListed(ROOM, ("bob",)))
    assert (body["count"], body["params"]) == (1, {"pagesize": ["2"], "pagenum": ["2"]})


# vendor-apis.md 1.3, 3.1
@pytest.mark.parametrize(
    ("method", "path", "refusal", "words"),
    [
        (
            "GET",
            "/chatrooms/7",
            Refusal(Code.ROOM_UNKNOWN, "why", subject="7"),
            (404, "service_resource_not_found", "do not find this group:7"),
        ),
        (
            "GET",
            "/chatrooms/7/users",
            Refusal(Code.ROOM_UNKNOWN, "why", subject="7"),
            (404, "service_resource_not_found", "do not find this group:7"),
        ),
        (
            "DELETE",
            "/chatrooms/7",
            Refusal(Code.ROOM_UNKNOWN, "why", subject="7"),
            (404, "resource_not_found", "grpID 7 does not exist!"),
        ),
        (
            "POST",
            "/chatrooms/7/users/eve",
            Refusal(Code.USER_UNKNOWN, "why", subject="eve"),
            (404, "resource_not_found", "username eve doesn't exist!"),
        ),
        (
            "POST",
            "/chatrooms/7/users/eve",
            Refusal(Code.ROOM_FULL, "full up"),
            (403, "forbidden_op", "can not join this group, reason:full up"),
        ),
        (
            "DELETE",
            "/chatrooms/7/users/eve",
            Refusal(Code.MEMBER_UNKNOWN, "why", subject="eve"),
            (400, "forbidden_op", "users [eve] are not members of this group!"),
        ),
        (
            "POST",
            "/chatrooms",
            Refusal(Code.FIELD_MISSING, "is missing", "owner"),
            (400, "invalid_parameter", "owner must be provided"),
        ),
        (
            "POST",
            "/chatrooms",
            Refusal(Code.TOKEN_MISMATCH, "why"),
            (401, "unauthorized", "token is illegal."),
        ),
        (
            "POST",
            "/chatrooms",
            Refusal(Code.TOKEN_MISSING, "why"),
            (401, "unauthorized", "Unable to authenticate (OAuth)"),
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Refusal) else None,
)
def test_refusals_have_the_vendors_words(exchange, method, path, refusal, words):
    response = EasemobDialect().write(exchange(method, path), refusal)
    body = json.loads(response.body)
    assert (response.status, body["error"], body["error_description"]) == words


@pytest.mark.parametrize(
    "answer", [RoomsOpened(), RoomsClosed(), RoomsFound((ROOM,)), MembersQueried(0, ()), MembersChecked(())]
)
def test_answers_that_only_other_dialects_ask_for_are_a_bug_here(exchange, answer):
    """No endpoint of this vendor opens rooms under chosen ids."""
    with pytest.raises(ValueError, match="another dialect"):
        answered(exchange("GET", "/chatrooms"), answer)
