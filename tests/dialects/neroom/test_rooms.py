import pytest

from laba.model.refusal import Refusal
from laba.model.room import MAX_MEMBERS
from laba.model.roomcalls import CreateRoom

ROOMS, CHATROOM = "/neroom/v4/rooms", "/nimserver/chatroom/create.action"
LEAST = {"template_id": 40}


def test_a_room_may_be_called_as_its_caller_likes(read):  # S3, S11
    call = read(ROOMS, {**LEAST, "room_uuid": "r1", "room_name": "Room", "host_user_uuid": "ann", "type": 2})
    assert call == CreateRoom("Room", "ann", max_members=MAX_MEMBERS, chosen_id="r1")
    assert read(ROOMS, {**LEAST, "room_uuid": "r1"}) == CreateRoom("r1", "", max_members=MAX_MEMBERS, chosen_id="r1")
    assert read(ROOMS, LEAST) == CreateRoom("room", "", max_members=MAX_MEMBERS)


def test_a_chatroom_has_an_owner_and_a_name(read):
    call = read(CHATROOM, {"creator": "ann", "name": "hall", "announcement": "hi", "ext": "x"})
    assert call == CreateRoom("hall", "ann", description="hi", max_members=MAX_MEMBERS)


@pytest.mark.parametrize(
    ("name", "within", "past"),
    [
        ("template_id", 0, -1),
        ("template_id", 2**31 - 1, 2**31),
        ("room_uuid", "r" * 64, "r" * 65),
        ("room_name", "n" * 64, "n" * 65),
        ("host_user_uuid", "h" * 64, "h" * 65),
        ("type", 1, 0),
        ("type", 2, 3),
    ],
)
def test_every_limit_holds(read, name, within, past):
    assert not isinstance(read(ROOMS, {**LEAST, name: within}), Refusal)
    assert read(ROOMS, {**LEAST, name: past}).field == name


def test_what_is_required_is_missed(read):
    assert read(ROOMS, {}).field == "template_id"
    assert read(CHATROOM, {"name": "hall"}).field == "creator"
    assert read(CHATROOM, {"creator": "ann"}).field == "name"


@pytest.mark.parametrize(
    ("name", "most"), [("creator", 64), ("name", 128), ("announcement", 4096), ("broadcasturl", 4096), ("ext", 4096)]
)
def test_every_limit_of_a_chatroom_holds_to_the_last_character(read, name, most):  # S11
    least = {"creator": "ann", "name": "hall"}
    assert not isinstance(read(CHATROOM, {**least, name: "x" * most}), Refusal)
    assert read(CHATROOM, {**least, name: "x" * (most + 1)}).field == name
