import base64
import json
from urllib.parse import quote

import pytest

import builders
from laba.dialects.rongcloud.contents import SIZE_LIMIT_BYTES, said
from laba.dialects.rongcloud.types import BUILT_IN, DOCUMENTED
from laba.dialects.unacceptable import Unacceptable
from laba.model.app import AppPolicy
from laba.model.content import FIELDS, Content, Kind, Original
from laba.model.flags import Flags
from laba.model.refusal import Code

APP = builders.app()
USER = {"id": "4242", "name": "Robin", "portrait": "http://example.com/p1.png", "extra": "extra"}

# P10: properties (stored, counted, offline, pushed), what the type is to us, and what its push shows.
TYPES = {
    "RC:TxtMsg": ("scop", Kind.TXT, {"text": "Hello world!"}, "Hello world!"),
    "RC:ImgMsg": (
        "scop",
        Kind.IMG,
        {"url": "http://p1.cdn.com/fds78ruhi.jpg", "thumbnail": "bhZPzJXimRwrtvc="},
        "[图片]",
    ),
    "RC:GIFMsg": (
        "scop",
        Kind.IMG,
        {
            "url": "https://rongcloud-image.cn.ronghub.com/image_jpe64562665566.jpg",
            "width": 263,
            "height": 246,
        },
        "[图片]",
    ),
    "RC:HQVCMsg": ("scop", Kind.AUDIO, {"url": "http://p1.cdn.com/fds78ruhi.aac", "duration": 7}, "[语音]"),
    "RC:FileMsg": (
        "scop",
        Kind.FILE,
        {"url": "http://www.demo.com/am.ind", "filename": "file.txt", "size": 190184, "format": "txt"},
        "[文件] file.txt",
    ),
    "RC:SightMsg": (
        "scop",
        Kind.VIDEO,
        {"url": "http://rongcloud...com/video...", "filename": "video_xx.mp4", "duration": 2, "size": 734320},
        "[小视频]",
    ),
    "RC:LBSMsg": (
        "scop",
        Kind.LOC,
        {"latitude": 39.9139, "longitude": 116.3917, "address": "北京云中融信网络科技有限公司"},
        "[位置]",
    ),
    "RC:InfoNtf": ("s-o-", Kind.TIP, {"text": "请在聊天中注意人身财产安全"}, None),
    "RC:ProfileNtf": (
        "s-o-",
        Kind.NOTICE,
        {"operation": "Update", "data": '{"nickname":"韩梅梅", "hometown":"beijing"}'},
        None,
    ),
    "RC:ContactNtf": (
        "s-o-",
        Kind.NOTICE,
        {
            "operation": "Request",
            "data": {"sourceUserId": "123", "targetUserId": "456", "message": "我是小艾,能加一下好友吗?"},
        },
        None,
    ),
    "RC:CmdMsg": ("--o-", Kind.CMD, {"action": "AtPerson", "data": '{"sourceId":"9527"}'}, None),
}


def flags(columns):
    stored, counted, offline, pushed = (column != "-" for column in columns)
    return Flags(stored=stored, counted=counted, pushed=pushed, updates_last=stored, offline=offline)


def tell(name, content, **rest):
    return said(name, content if isinstance(content, str) else json.dumps(content), APP, **rest)


def fault(name, content, **rest):
    with pytest.raises(Unacceptable) as caught:
        tell(name, content, **rest)
    assert caught.value.refusal.reason
    return (caught.value.refusal.code, caught.value.refusal.field)


@pytest.fixture
def body(sample):
    """Give the content of a type as the vendor's page has it."""
    return lambda name: json.loads(sample(f"{name.replace(':', '_')}.json"))


# P10
@pytest.mark.parametrize("name", TYPES)
def test_the_vendors_sample_is_read_whole(sample, name):
    """Its content, its properties and its push text are those of its table; the original is all of it (G5)."""
    columns, kind, fields, push_text = TYPES[name]
    text = sample(f"{name.replace(':', '_')}.json").decode()
    told = said(name, text, APP)
    assert told.content == Content(kind, fields)
    assert told.original == Original("rongcloud", name, json.loads(text))
    assert told.flags == flags(columns)
    assert told.push_text == push_text
    assert told.size_bytes == len(text.encode())


def test_every_type_of_the_page_is_there():
    """No more, no fewer; and each knows only fields that we have."""
    assert set(BUILT_IN) == set(TYPES)
    assert not set(BUILT_IN) & set(DOCUMENTED)
    for of_type in BUILT_IN.values():
        named = {member.group or member.field for member in of_type.members} - {None}
        assert named <= FIELDS[of_type.kind]


# P10: the members marked 是, apart from `user` and a GIF's `localPath`.
REQUIRED = {
    "RC:TxtMsg": ["content"],
    "RC:ImgMsg": ["content", "imageUri"],
    "RC:GIFMsg": ["gifDataSize", "remoteUrl", "width", "height"],
    "RC:HQVCMsg": ["remoteUrl", "duration"],
    "RC:FileMsg": ["name", "size", "type", "fileUrl"],
    "RC:SightMsg": ["sightUrl", "content", "duration", "size", "name"],
    "RC:LBSMsg": ["content", "latitude", "longitude", "poi"],
    "RC:InfoNtf": ["message"],
    "RC:ProfileNtf": ["operation", "data"],
    "RC:ContactNtf": ["operation", "sourceUserId", "targetUserId", "message"],
    "RC:CmdMsg": ["name", "data"],
}


# R3, P10
@pytest.mark.parametrize("name", REQUIRED)
def test_a_member_that_is_missing_is_named(body, name):
    """Each of the required ones, and no other."""
    content = body(name)
    for member in REQUIRED[name]:
        without = {key: value for key, value in content.items() if key != member}
        assert fault(name, without) == (Code.FIELD_MISSING, f"content.{member}")
        assert fault(name, {**content, member: None}) == (Code.FIELD_INVALID, f"content.{member}")
        assert fault(name, {**content, member: []}) == (Code.FIELD_INVALID, f"content.{member}")
    least = {key: content[key] for key in REQUIRED[name]}
    assert tell(name, least).original.content == least


# R3, P10: by type, member and value; one past its limit where it has one.
@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("RC:TxtMsg", "content", 5),
        ("RC:TxtMsg", "extra", {}),
        ("RC:TxtMsg", "user", "Robin"),
        ("RC:TxtMsg", "user", {**USER, "id": 4242}),
        ("RC:ImgMsg", "content", base64.b64encode(b"x" * 81_921).decode()),
        ("RC:ImgMsg", "content", "bhZP\nzJXi"),
        ("RC:ImgMsg", "content", "no Base64!"),
        ("RC:ImgMsg", "imageUri", ""),
        ("RC:GIFMsg", "gifDataSize", "34563"),
        ("RC:GIFMsg", "width", -1),
        ("RC:GIFMsg", "localPath", 5),
        ("RC:HQVCMsg", "duration", 61),
        ("RC:HQVCMsg", "duration", "7"),
        ("RC:FileMsg", "size", "big"),
        ("RC:FileMsg", "name", 5),
        ("RC:SightMsg", "content", "/9j/\r\n4AAQ"),
        ("RC:SightMsg", "duration", -1),
        ("RC:SightMsg", "size", []),
        ("RC:LBSMsg", "content", "bhZP\r"),
        ("RC:LBSMsg", "latitude", "north"),
        ("RC:LBSMsg", "longitude", True),
        ("RC:InfoNtf", "message", {}),
        ("RC:ProfileNtf", "data", {"nickname": "韩梅梅"}),
        ("RC:ContactNtf", "operation", 1),
        ("RC:CmdMsg", "data", {"sourceId": "9527"}),
    ],
)
def test_a_member_of_the_wrong_shape_is_named(body, name, member, value):
    """By its path inside the content."""
    assert fault(name, {**body(name), member: value}) == (Code.FIELD_INVALID, f"content.{member}")


# P10: at the limit, and in the forms that the vendor's page and its SDKs have.
@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("RC:TxtMsg", "content", ""),
        ("RC:TxtMsg", "user", None),
        ("RC:TxtMsg", "user", {"id": "4242", "icon": "x"}),
        ("RC:ImgMsg", "content", base64.b64encode(b"x" * 81_920).decode()),
        ("RC:HQVCMsg", "duration", 60),
        ("RC:FileMsg", "size", "190184"),
        ("RC:SightMsg", "duration", 0),
        ("RC:SightMsg", "size", "734320"),
        ("RC:LBSMsg", "latitude", "39.9139"),
        ("RC:LBSMsg", "longitude", "-116"),
    ],
)
def test_what_is_just_right_is_taken(body, name, member, value):
    """And stays what it was in the original (G5)."""
    assert tell(name, {**body(name), member: value}).original.content[member] == value


def test_numbers_in_strings_become_numbers(body):
    """For clients that know nothing of the vendor."""
    told = tell("RC:FileMsg", {**body("RC:FileMsg"), "size": "190184"})
    assert told.content.fields["size"] == 190184
    told = tell("RC:LBSMsg", {**body("RC:LBSMsg"), "latitude": "39.9139", "longitude": "116"})
    assert (told.content.fields["latitude"], told.content.fields["longitude"]) == (39.9139, 116)


# G5
def test_unknown_members_are_kept():
    """Where the content is delivered."""
    content = {"content": "hi", "mentionedInfo": {"type": 1}}
    assert tell("RC:TxtMsg", content).original.content == content


# R3
@pytest.mark.parametrize("name", DOCUMENTED)
def test_other_documented_types_take_any_object(name):
    """Their members are not judged."""
    told = tell(name, {"any": ["thing"]})
    assert told.content == Content(Kind.CUSTOM, {"event": name, "exts": {"any": ["thing"]}})
    assert (told.original, told.push_text) == (Original("rongcloud", name, {"any": ["thing"]}), None)
    assert told.flags.updates_last is told.flags.stored
    assert fault(name, "no JSON") == (Code.FIELD_INVALID, "content")
    assert fault(name, [1]) == (Code.FIELD_INVALID, "content")


# R3
@pytest.mark.parametrize("name", ["RC:", "RC:txtMsg", "RC:TxtMsg ", "RC:Mine", "RC:TxtMsg2"])
def test_nobody_else_may_take_the_vendors_prefix(name):
    """Whatever the content is."""
    assert fault(name, {"content": "hi"}) == (Code.FIELD_INVALID, "objectName")


# R3
def test_a_name_has_at_most_32_characters():
    """Characters, not bytes; the prefix counts only as it is written."""
    assert tell("喇" * 32, "x").content.fields["event"] == "喇" * 32
    assert tell("rc:TxtMsg", "x").original.type == "rc:TxtMsg"
    assert fault("x" * 33, "x") == (Code.FIELD_INVALID, "objectName")
    assert fault("x" * 33, "x", at="message.") == (Code.FIELD_INVALID, "message.objectName")


# R3, R8
@pytest.mark.parametrize(
    ("text", "exts"),
    [
        ("any text", None),
        ("%7B%22a%22%3A1%7D", None),
        ('"{\\"a\\":1}"', None),
        ("[1]", None),
        ("5", None),
        ('{"a":1,"a":2}', None),
        ('{"a":{"b":[1]}}', {"a": {"b": [1]}}),
    ],
)
def test_custom_types_pass_through_unread(text, exts):
    """The original is the text itself, never decoded (P11); an object is shown to other clients, too."""
    told = tell("app:mine", text)
    assert told.content == Content(Kind.CUSTOM, {"event": "app:mine", **({} if exts is None else {"exts": exts})})
    assert told.original == Original("rongcloud", "app:mine", text)
    assert (told.flags, told.push_text) == (flags("scop"), None)


# R8
def test_the_properties_of_a_custom_type_are_the_apps():
    """All four by default; those of the vendor's types are nobody's to change."""
    nothing = flags("----")
    app = builders.app(policy=AppPolicy(types={"app:status": nothing, "RC:TxtMsg": nothing}))
    assert said("app:status", "x", app).flags == nothing
    assert said("app:other", "x", app).flags == flags("scop")
    assert said("RC:TxtMsg", '{"content":"x"}', app).flags == flags("scop")


# P11
PLAIN = '{"content":"100% 喇叭"}'


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        quote(PLAIN),
        quote(PLAIN, safe=""),
        json.dumps(PLAIN, ensure_ascii=False),
        # The official Python SDK: JSON in JSON, percent-encoded.
        quote(json.dumps(PLAIN, ensure_ascii=False)),
    ],
)
def test_the_sdks_variants_of_content_are_opened(text):
    """Once each: the JSON inside is what is said, and what is measured."""
    told = tell("RC:TxtMsg", text)
    assert told.content.fields == {"text": "100% 喇叭"}
    assert told.original.content == {"content": "100% 喇叭"}
    assert told.size_bytes == len(PLAIN.encode())


# P11
def test_what_the_python_sdk_sent_is_read():
    """As it was seen on the wire."""
    text = "%22%7B%5C%22content%5C%22%3A%5C%22100%25%20%5Cu4f60%5Cu597d%5C%22%7D%22"
    assert tell("RC:TxtMsg", text).content.fields == {"text": "100% 你好"}


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "null", "5", '"x"', "{", "%", "%FF", quote(quote(PLAIN)), json.dumps(json.dumps(PLAIN))],
)
def test_nothing_else_is_content_of_the_vendors_types(text):
    """Twice encoded is not what any SDK sends."""
    assert fault("RC:TxtMsg", text) == (Code.FIELD_INVALID, "content")


def test_an_object_needs_no_text():
    """A JSON body may hold the content itself."""
    told = said("RC:TxtMsg", {"content": "喇"}, APP)
    assert (told.content.fields, told.size_bytes) == ({"text": "喇"}, len('{"content":"喇"}'.encode()))
    assert said("app:mine", {"a": 1}, APP).original == Original("rongcloud", "app:mine", {"a": 1})


# R3
def test_content_has_at_most_128_kibibytes():
    """Of UTF-8, as they are when they are opened; too much is too much whatever the shape."""
    fits = json.dumps({"content": "喇" * 43_685 + "xxx"}, ensure_ascii=False, separators=(",", ":"))
    assert len(fits.encode()) == SIZE_LIMIT_BYTES
    for text in (fits, quote(json.dumps(fits))):
        assert tell("RC:TxtMsg", text).size_bytes == SIZE_LIMIT_BYTES
    past = json.dumps({"content": "x" * SIZE_LIMIT_BYTES})
    for name in ("RC:TxtMsg", "RC:VcMsg", "app:mine"):
        assert fault(name, past) == (Code.MESSAGE_TOO_LARGE, "content")
    assert fault("RC:TxtMsg", json.dumps({"wrong": "x" * SIZE_LIMIT_BYTES})) == (Code.MESSAGE_TOO_LARGE, "content")
    assert fault("RC:TxtMsg", "x" * (SIZE_LIMIT_BYTES + 1)) == (Code.MESSAGE_TOO_LARGE, "content")
    assert tell("app:mine", "x" * SIZE_LIMIT_BYTES).size_bytes == SIZE_LIMIT_BYTES
    assert fault("app:mine", "x" * (SIZE_LIMIT_BYTES + 1)) == (Code.MESSAGE_TOO_LARGE, "content")
