import json
from dataclasses import replace

import pytest

from laba.model.app import Feature, QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Audience, Level, Submission
from laba.model.flags import Flags
from laba.model.refusal import Code, Refusal

PATH = "/messages/chatrooms"
DIRECTED_PATH = "/messages/chatrooms/users"
ROOM = "185145305923585"
SHOWN = Flags(stored=True, counted=True, pushed=False, updates_last=True)
SILENT = Flags(stored=False, counted=False, pushed=False, updates_last=False)
FILES = "https://XXXX/XXXX/XXXX/chatfiles/"

# The vendor's page, its eight types: the content, and what of it only the original holds.
SAMPLES = {
    "txt": ({"text": "testmessages"}, None),
    "img": (
        {
            "url": FILES + "55f12940-XXXX-XXXX-8a5b-ff2336f03252",
            "filename": "testimg.jpg",
            "secret": "VfXXXXNb_",
            "width": 480,
            "height": 720,
        },
        None,
    ),
    "audio": (
        {
            "url": FILES + "1dfc7f50-XXXX-XXXX-8a07-7d75b8fb3d42",
            "filename": "testaudio.amr",
            "duration": 10,
            "secret": "HfXXXXCjM",
        },
        None,
    ),
    "video": (
        {
            "url": FILES + "671dfe30-XXXX-XXXX-ba67-8fef0d502f46",
            "secret": "VfXXXXNb_",
            "duration": 0,
            "size": 58103,
            "thumbnail_url": FILES + "67279b20-7f69-11e4-8eee-21d3334b3a97",
            "thumbnail_secret": "ZyXXXX2I",
        },
        None,
    ),
    "file": ({"url": FILES + "d7eXXXX7444", "filename": "test.txt", "secret": "1-g0XXXXua"}, None),
    "loc": (
        {"latitude": 39.966, "longitude": 116.322, "address": "中国北京市海淀区中关村"},
        {"lat": "39.966", "lng": "116.322", "addr": "中国北京市海淀区中关村"},
    ),
    "cmd": ({"action": "action1"}, None),
    "custom": ({"event": "custom_event", "exts": {"ext_key1": "ext_value1"}}, None),
}


@pytest.fixture
def submitted(read):
    """Read a message to rooms."""

    def submitted(document: object, path: str = PATH) -> Submission | Refusal:
        return read("POST", path, document if isinstance(document, bytes) else json.dumps(document).encode())

    return submitted


def said(**members: object) -> dict[str, object]:
    whole = {"from": "ann", "to": ["r1"], "type": "txt", "body": {"msg": "hello"}, **members}
    return {name: value for name, value in whole.items() if value is not ...}


# E1, E7
@pytest.mark.parametrize("name", SAMPLES)
def test_the_vendors_sample_is_read_whole(submitted, sample, name):
    """Every member of the page's request stands somewhere in the submission."""
    fields, original = SAMPLES[name]
    body = sample(f"rooms/message_{name}")
    size = len(json.dumps(json.loads(body)["body"], ensure_ascii=False, separators=(",", ":")).encode())
    asked = submitted(body)
    # What a push shows is said in test_pushes.py.
    assert (asked.notification is None) is (name in {"cmd", "custom"})
    assert replace(asked, notification=None) == Submission(
        sender="user1",
        content=Content(Kind(name), fields),
        flags=SILENT if name == "cmd" else SHOWN,
        audience=Audience.ROOMS,
        feature=None,
        quota=QuotaName.ROOM_MESSAGES,
        size_bytes=size,
        size_limit_bytes=5120,
        original=original and Original("easemob", name, original),
        rooms=(ROOM,),
        users=None,
        push_feature=Feature.MESSAGE_PUSH,
    )


# E10
def test_the_vendors_directed_sample_is_directed_at_either_path(submitted, sample):
    """The page posts it to the one and describes it for the other."""
    body = sample("rooms/directed_txt")
    asked = submitted(body)
    assert asked == submitted(body, DIRECTED_PATH)
    assert (asked.rooms, asked.users, asked.quota) == (
        (ROOM,),
        frozenset({"user2", "user3"}),
        QuotaName.DIRECTED_CALLS,
    )


# E1
def test_an_absent_sender_is_admin(submitted):
    """Without `from` the administrator speaks."""
    assert submitted(said(**{"from": ...})).sender == "admin"


# E1
def test_repeated_rooms_count_once(submitted):
    """Eleven names of ten rooms are ten rooms, in the order in which they were named first."""
    ten = [f"r{number}" for number in (3, 1, 2, 4, 5, 6, 7, 8, 9, 10)]
    assert submitted(said(to=[*ten, "r3"])).rooms == tuple(ten)
    assert submitted(said(to=[*ten, "r11"])).code is Code.LIST_SIZE_WRONG


# E10
def test_a_directed_message_has_one_room_and_at_most_twenty_users(submitted):
    """Repeated ones count once, here too."""
    twenty = [f"u{number}" for number in range(20)]
    assert submitted(said(to=["r1", "r1"], users=[*twenty, "u0"])).users == frozenset(twenty)
    too_many = submitted(said(users=[*twenty, "u20"]))
    assert (too_many.code, too_many.field, too_many.subject) == (Code.LIST_SIZE_WRONG, "users", "20")
    for path in (PATH, DIRECTED_PATH):
        rooms = submitted(said(to=["r1", "r2"], users=["bob"]), path)
        assert (rooms.code, rooms.field, rooms.subject) == (Code.LIST_SIZE_WRONG, "to", "1")


# E10
@pytest.mark.parametrize("name", SAMPLES)
def test_every_type_can_be_directed(submitted, sample, name):
    """It is the same body."""
    document = json.loads(sample(f"rooms/message_{name}"))
    asked = submitted(document | {"users": ["bob"]}, DIRECTED_PATH)
    assert (asked.content, asked.users) == (submitted(document).content, frozenset({"bob"}))


# E4
@pytest.mark.parametrize("level", Level)
def test_the_level_is_the_one_that_was_asked_for(submitted, level):
    """One of three."""
    assert submitted(said(chatroom_msg_level=level.value)).level is level


# E4
def test_without_a_level_it_is_normal(submitted):
    """The vendor's default."""
    assert submitted(said()).level is Level.NORMAL


# E4
@pytest.mark.parametrize("level", ["", "HIGH", "urgent", None, 1, True, ["high"], {}])
def test_any_other_level_is_refused(submitted, level):
    """It is named as the member at fault."""
    refusal = submitted(said(chatroom_msg_level=level))
    assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "chatroom_msg_level")


# E2
def test_the_size_is_that_of_body_and_ext_as_compact_utf8(submitted):
    """Neither the rooms nor the users count, nor `type`."""
    body = rb'{"to": ["r1"], "type":"txt", "users":["bob"], "body": {"msg": "\u5587"}, "ext": { "k" : 1 } }'
    assert submitted(body).size_bytes == len('{"msg":"喇"}'.encode()) + len(b'{"k":1}')


# E8, E13
def test_ext_is_kept_as_it_is(submitted):
    """Push keys, too: they are for the provider, and clients see them unchanged."""
    ext = {"em_apns_ext": {"em_push_title": "t"}, "em_ignore_notification": True, "em_push_ext": {"a": [1, None]}}
    assert submitted(said(ext=ext)).ext == ext
    assert submitted(said()).ext is None


# G5
def test_members_that_are_not_known_are_ignored(submitted):
    """What the API does not know changes nothing."""
    assert submitted(said(sync_device=True, routetype="ROUTE_ONLINE")) == submitted(said())


# E1, E4, E8, E10
@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"from": ""}, Code.SENDER_EMPTY, "from"),
        ({"from": None}, Code.FIELD_INVALID, "from"),
        ({"to": ...}, Code.FIELD_EMPTY, "to"),
        ({"to": []}, Code.LIST_SIZE_WRONG, "to"),
        ({"to": [f"r{number}" for number in range(11)]}, Code.LIST_SIZE_WRONG, "to"),
        ({"to": None}, Code.FIELD_INVALID, "to"),
        ({"to": "r1"}, Code.FIELD_INVALID, "to"),
        ({"to": {"r1": 1}}, Code.FIELD_INVALID, "to"),
        ({"to": ["r1", 5]}, Code.FIELD_INVALID, "to[1]"),
        ({"to": [""]}, Code.FIELD_INVALID, "to[0]"),
        ({"to": [["r1"]]}, Code.FIELD_INVALID, "to[0]"),
        ({"type": ...}, Code.FIELD_EMPTY, "type"),
        ({"type": ""}, Code.FIELD_EMPTY, "type"),
        ({"type": "tip"}, Code.FIELD_INVALID, "type"),
        ({"type": 5}, Code.FIELD_INVALID, "type"),
        ({"type": ["txt"]}, Code.FIELD_INVALID, "type"),
        ({"body": ...}, Code.FIELD_EMPTY, "body"),
        ({"body": None}, Code.FIELD_INVALID, "body"),
        ({"body": "hello"}, Code.FIELD_INVALID, "body"),
        ({"body": {}}, Code.FIELD_INVALID, "body.msg"),
        ({"body": {"msg": 5}}, Code.FIELD_INVALID, "body.msg"),
        ({"ext": None}, Code.EXT_INVALID, "ext"),
        ({"ext": "{}"}, Code.EXT_INVALID, "ext"),
        ({"users": []}, Code.FIELD_EMPTY, "users"),
        ({"users": None}, Code.FIELD_INVALID, "users"),
        ({"users": "bob"}, Code.FIELD_INVALID, "users"),
        ({"users": [5]}, Code.FIELD_INVALID, "users[0]"),
    ],
)
def test_a_fault_is_named_by_its_field(submitted, members, code, field):
    """The caller learns which member to mend."""
    refusal = submitted(said(**members))
    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.reason


# E10
def test_a_directed_message_names_its_users(submitted):
    """At its own path they cannot be left out."""
    refusal = submitted(said(), DIRECTED_PATH)
    assert (refusal.code, refusal.field) == (Code.FIELD_EMPTY, "users")


# G4
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"to":["r1"],"to":["r2"]}'])
def test_what_is_no_json_object_is_broken(submitted, body):
    """The body's own faults are told apart from its members'."""
    assert submitted(body).code is Code.BODY_BROKEN


# E1
@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"from": "", "to": 5, "type": 5, "body": 5, "ext": 5, "users": 5, "chatroom_msg_level": 5}, "from"),
        ({"to": 5, "type": 5, "body": 5, "ext": 5, "users": 5, "chatroom_msg_level": 5}, "to"),
        ({"type": 5, "body": 5, "ext": 5, "users": 5, "chatroom_msg_level": 5}, "type"),
        ({"body": 5, "ext": 5, "users": 5, "chatroom_msg_level": 5}, "body"),
        ({"body": {}, "ext": 5, "users": 5, "chatroom_msg_level": 5}, "ext"),
        ({"body": {}, "users": 5, "chatroom_msg_level": 5}, "users"),
        ({"body": {}, "chatroom_msg_level": 5}, "chatroom_msg_level"),
        ({"type": "img", "body": {"filename": 5, "size": 5}}, "body.url"),
    ],
)
def test_of_several_faults_the_first_is_named(submitted, members, field):
    """The order is that of the page's table, then the type's members."""
    assert submitted(said(**members)).field == field
