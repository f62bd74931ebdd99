import json
from dataclasses import replace

import pytest

from laba.dialects.easemob.endpoints import ALL_USERS_BROADCAST
from laba.dialects.easemob.errors import words_for
from laba.model.app import Feature, QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Audience, Level, Submission
from laba.model.flags import Flags
from laba.model.refusal import Code, Refusal

PATH = "/messages/users/broadcast"
SHOWN = Flags(stored=True, counted=True, pushed=False, updates_last=True)
SILENT = Flags(stored=False, counted=False, pushed=False, updates_last=False)
FILES = "https://XXXX/XXXX/XXXX/chatfiles/"

# The vendor's page, its eight types (A5): the content, and what of it only the original holds.
SAMPLES = {
    "txt": (Kind.TXT, {"text": "send broadcast to all online users"}, None),
    "img": (
        Kind.IMG,
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
        Kind.AUDIO,
        {
            "url": FILES + "1dfc7f50-XXXX-XXXX-8a07-7d75b8fb3d42",
            "filename": "testaudio.amr",
            "duration": 10,
            "secret": "HfXXXXCjM",
        },
        None,
    ),
    "video": (
        Kind.VIDEO,
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
    "file": (
        Kind.FILE,
        {"url": FILES + "d7eXXXX7444", "filename": "test.txt", "secret": "1-g0XXXXua"},
        None,
    ),
    "loc": (
        Kind.LOC,
        {"latitude": 39.966, "longitude": 116.322, "address": "中国北京市海淀区中关村"},
        {"lat": "39.966", "lng": "116.322", "addr": "中国北京市海淀区中关村"},
    ),
    "cmd": (Kind.CMD, {"action": "action1"}, None),
    "custom_mended": (Kind.CUSTOM, {"event": "custom_event"}, None),
}


@pytest.fixture
def submitted(read):
    """Read a broadcast."""

    def submitted(document: object) -> Submission | Refusal:
        return read("POST", PATH, document if isinstance(document, bytes) else json.dumps(document).encode())

    return submitted


def said(**members: object) -> dict[str, object]:
    return {"msg": {"type": "txt", "msg": "hello"}, **members}


# A4, A5, E7
@pytest.mark.parametrize("name", SAMPLES)
def test_the_vendors_sample_is_read_whole(submitted, sample, name):
    """Every member of the page's request stands somewhere in the submission."""
    kind, fields, original = SAMPLES[name]
    body = sample(name)
    document = json.loads(body)
    # Counted here by the sentence of E2, apart from the code under test.
    size = sum(
        len(json.dumps(document[part], ensure_ascii=False, separators=(",", ":")).encode()) for part in ("msg", "ext")
    )
    asked = submitted(body)
    # What a push shows is said in test_pushes.py.
    assert (asked.notification is None) is (kind in {Kind.CMD, Kind.CUSTOM})
    assert replace(asked, notification=None) == Submission(
        sender="admin",
        content=Content(kind, fields),
        flags=SILENT if kind is Kind.CMD else SHOWN,
        audience=Audience.ONLINE_USERS,
        feature=Feature.USERS_BROADCAST,
        quota=QuotaName.USERS_BROADCAST,
        size_bytes=size,
        size_limit_bytes=5120,
        original=original and Original("easemob", kind.value, original),
        ext={"extKey": "extValue"},
        level=Level.NORMAL,
        client_id=None,
        push_feature=Feature.MESSAGE_PUSH,
    )


# A7, vendor-apis.md 6 item 3
def test_the_vendors_custom_sample_is_broken_json(submitted, sample):
    """The page's trailing comma makes its request invalid, and the reason says where."""
    refusal = submitted(sample("custom"))
    assert refusal.code is Code.BODY_BROKEN
    assert "line 5" in refusal.reason


# A4
def test_an_absent_sender_is_admin(submitted):
    """Without `from` the administrator speaks, and without `ext` nothing stands in its place."""
    submission = submitted(said())
    assert (submission.sender, submission.ext) == ("admin", None)


# G5
def test_an_unknown_sender_is_accepted(submitted):
    """Nobody looks whether the sender exists; the name is kept as written."""
    assert submitted(said(**{"from": "Nobody 喇叭"})).sender == "Nobody 喇叭"


# G5
def test_members_beside_the_message_are_ignored(submitted):
    """What the API does not know changes nothing."""
    assert submitted(said(sync_device=True, chatroom_msg_level=7)) == submitted(said())


# E2
def test_the_size_is_that_of_msg_and_ext_as_compact_utf8(submitted):
    """Spaces and escapes of the request do not count; `from` and the rest do not either."""
    body = rb'{ "msg" : {"type": "txt", "msg": "\u5587"} , "from":"admin", "ext": { } }'
    assert submitted(body).size_bytes == len('{"type":"txt","msg":"喇"}'.encode()) + len(b"{}")


# E2
def test_a_message_over_the_size_is_read_all_the_same(submitted):
    """Whether it is too large is for admission to say; it has both figures."""
    submission = submitted(said(msg={"type": "txt", "msg": "x" * 6000}))
    assert submission.size_bytes > submission.size_limit_bytes == 5120


# A4, E8
@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"from": ""}, Code.SENDER_EMPTY, "from"),
        ({"from": None}, Code.FIELD_INVALID, "from"),
        ({"from": 5}, Code.FIELD_INVALID, "from"),
        ({"from": ["admin"]}, Code.FIELD_INVALID, "from"),
        ({"from": "喇" * 22}, Code.FIELD_INVALID, "from"),
        ({"ext": None}, Code.EXT_INVALID, "ext"),
        ({"ext": []}, Code.EXT_INVALID, "ext"),
        ({"ext": "{}"}, Code.EXT_INVALID, "ext"),
        ({"ext": False}, Code.EXT_INVALID, "ext"),
        ({"msg": None}, Code.FIELD_INVALID, "msg"),
        ({"msg": "hello"}, Code.FIELD_INVALID, "msg"),
        ({"msg": []}, Code.FIELD_INVALID, "msg"),
        ({"msg": {}}, Code.FIELD_INVALID, "msg.type"),
        ({"msg": {"type": None}}, Code.FIELD_INVALID, "msg.type"),
        ({"msg": {"type": ["txt"]}}, Code.FIELD_INVALID, "msg.type"),
        ({"msg": {"type": "TXT", "msg": "x"}}, Code.FIELD_INVALID, "msg.type"),
        ({"msg": {"type": "tip", "text": "x"}}, Code.FIELD_INVALID, "msg.type"),
        ({"msg": {"type": "txt"}}, Code.FIELD_INVALID, "msg.msg"),
    ],
)
def test_a_fault_is_named_by_its_field(submitted, members, code, field):
    """The caller learns which member to mend."""
    refusal = submitted(said(**members))
    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.reason


# A4
def test_a_missing_message_is_named(submitted):
    """`msg` cannot be left out."""
    assert submitted({"from": "admin"}).field == "msg"


# A7, G4
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"msg"', b"{", b'{"msg":{"type":"txt","msg":"\\ud800"}}'])
def test_what_is_no_json_object_is_broken(submitted, body):
    """The body's own faults are told apart from its members'."""
    assert submitted(body).code is Code.BODY_BROKEN


# A4
@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"from": "", "ext": None, "msg": None}, "from"),
        ({"ext": None, "msg": None}, "ext"),
        ({"msg": {"type": "nothing", "msg": 5}}, "msg.type"),
        ({"msg": {"type": "img", "filename": 5, "size": 5}}, "msg.url"),
    ],
)
def test_of_several_faults_the_first_is_named(submitted, document, field):
    """The order is `from`, `ext`, `msg`, `msg.type`, then the type's members."""
    assert submitted(document).field == field


# --- to all active rooms: A8, E11 -----------------------------------------------------------------------------------

ROOMS_PATH = "/messages/chatrooms/broadcast"


@pytest.fixture
def for_rooms(read):
    """Read a broadcast to all rooms."""

    def for_rooms(document: object) -> Submission | Refusal:
        return read("POST", ROOMS_PATH, document if isinstance(document, bytes) else json.dumps(document).encode())

    return for_rooms


# A8, A5, E11
@pytest.mark.parametrize("page", ["agora_broadcast", "broadcast"])
@pytest.mark.parametrize("name", ["txt", "img", "audio", "video", "file", "loc", "cmd"])
def test_a_sample_to_all_rooms_is_the_one_to_users_but_for_whom_it_is_for(for_rooms, submitted, sample, page, name):
    """Of both pages: the same body, and a level; but what is for all rooms is pushed to nobody."""
    body = sample(f"rooms/{page}_{name}")
    assert for_rooms(body) == replace(
        submitted(body),
        audience=Audience.ACTIVE_ROOMS,
        feature=Feature.CHATROOMS_BROADCAST,
        quota=QuotaName.CHATROOMS_BROADCAST,
        level=Level.LOW,
        notification=None,
    )


# A7, vendor-apis.md 6 item 3
@pytest.mark.parametrize("page", ["agora_broadcast", "broadcast"])
def test_the_pages_custom_samples_to_rooms_are_broken_json_until_their_comma_is_gone(for_rooms, sample, page):
    """Then they are read like the rest."""
    body = sample(f"rooms/{page}_custom")
    assert for_rooms(body).code is Code.BODY_BROKEN
    mended = body.replace(b'"custom_event",', b'"custom_event"')
    assert for_rooms(mended).content == Content(Kind.CUSTOM, {"event": "custom_event"})


# E4
def test_without_a_level_a_broadcast_to_rooms_is_normal(for_rooms):
    """And any but the three is refused, after `ext` and before `msg`."""
    assert for_rooms(said()).level is Level.NORMAL
    assert for_rooms(said(chatroom_msg_level="high")).level is Level.HIGH
    for level in ("", "urgent", None, 2):
        refusal = for_rooms(said(chatroom_msg_level=level, msg=None))
        assert (refusal.code, refusal.field) == (Code.FIELD_INVALID, "chatroom_msg_level")
    assert for_rooms(said(chatroom_msg_level=2, ext=None)).field == "ext"


# A4, A8
@pytest.mark.parametrize(
    ("members", "code"),
    [({"from": ""}, Code.SENDER_EMPTY), ({"ext": None}, Code.EXT_INVALID), ({"msg": {}}, Code.FIELD_INVALID)],
)
def test_the_faults_of_a_broadcast_to_rooms_are_those_of_one_to_users(for_rooms, submitted, members, code):
    """The same codes for the same members."""
    assert for_rooms(said(**members)) == submitted(said(**members))
    assert for_rooms(said(**members)).code is code


# --- to all users ---------------------------------------------------------------------------------------------------

TO_ALL = "/messages/broadcast"


@pytest.fixture
def submitted_to_all(read):
    """Read a broadcast to all users."""

    def submitted(document: object) -> Submission | Refusal:
        return read("POST", TO_ALL, json.dumps(document).encode())

    return submitted


# V1
@pytest.mark.parametrize("more", [{}, {"appkey": "org#app"}])
def test_a_broadcast_to_all_users_is_one_to_who_is_online_with_another_audience(submitted, submitted_to_all, more):
    """Its switch and its quota are its own, and it is pushed by itself (E13); unknown members are ignored (G5)."""
    online = submitted(said(ext={"k": "v"}))
    assert submitted_to_all(said(target_type="users", ext={"k": "v"}, **more)) == replace(
        online,
        audience=Audience.ALL_USERS,
        feature=Feature.ALL_USERS_BROADCAST,
        quota=QuotaName.ALL_USERS_BROADCAST,
        push_feature=None,
    )


# V1, vendor-apis.md section 2
@pytest.mark.parametrize("target", ["", "Users", "user", "everyone", 5, None, ["users"], True])
def test_a_target_that_the_vendor_does_not_know_is_refused_in_its_words(submitted_to_all, target):
    """So is one that is missing."""
    for document in (said(target_type=target), said()):
        refusal = submitted_to_all(document)
        assert (refusal.code, refusal.field) == (Code.TARGET_UNKNOWN, "target_type")
    words = words_for(refusal, ALL_USERS_BROADCAST)
    assert words == (400, "illegal_argument", "target_type can only be 'users' or 'chatgroups' or 'chatrooms'")


# V1
@pytest.mark.parametrize("target", ["chatgroups", "chatrooms"])
def test_a_target_that_is_not_served_here_is_refused_with_the_reason(submitted_to_all, target):
    """Rooms have a path of their own, and the refusal names it."""
    refusal = submitted_to_all(said(target_type=target))
    assert (refusal.code, refusal.field) == (Code.TARGET_UNSERVED, "target_type")
    assert "/messages/chatrooms/broadcast" in refusal.reason
    assert words_for(refusal, ALL_USERS_BROADCAST)[:2] == (400, "illegal_argument")


# V1, A4
@pytest.mark.parametrize(
    ("document", "code"),
    [
        (said(target_type="users", **{"from": ""}), Code.SENDER_EMPTY),
        (said(target_type="users", ext=None), Code.EXT_INVALID),
        ({"target_type": "users"}, Code.FIELD_INVALID),
        (said(target_type="rooms", ext=None), Code.TARGET_UNKNOWN),
    ],
)
def test_its_other_members_are_judged_as_a_broadcast_s(submitted_to_all, document, code):
    """The target is judged first."""
    assert submitted_to_all(document).code is code
