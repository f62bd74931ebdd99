import json

import msgspec
import pytest

from hostile import NO_LIST, NO_OBJECT, NO_STRING
from laba.dialects.easemob.pushes import notification
from laba.model.app import Feature
from laba.model.content import Content, Kind
from laba.model.notification import Notification, Override

HELLO = Content(Kind.TXT, {"text": "hello"})
PATHS = {
    "online users": "/messages/users/broadcast",
    "all users": "/messages/broadcast",
    "all rooms": "/messages/chatrooms/broadcast",
    "rooms": "/messages/chatrooms",
}


@pytest.fixture
def sent(read):
    """Read a text with this `ext`."""

    def sent(path, ext=None):
        said = {"msg": {"type": "txt", "msg": "hello"}, "target_type": "users"}
        if path == PATHS["rooms"]:
            said = {"from": "ann", "to": ["r1"], "type": "txt", "body": {"msg": "hello"}}
        return read("POST", path, json.dumps(said if ext is None else said | {"ext": ext}).encode())

    return sent


def ios(**own):
    return notification(HELLO, {"em_apns_ext": own}).platforms["ios"]


# E13
@pytest.mark.parametrize(
    ("name", "feature"),
    [("online users", Feature.MESSAGE_PUSH), ("all users", None), ("rooms", Feature.MESSAGE_PUSH)],
)
def test_a_message_has_a_push_that_the_app_may_have_to_turn_on(sent, name, feature):
    """One to all users is pushed by itself; the others reach who is there, so that the app must want it."""
    asked = sent(PATHS[name])
    assert (asked.notification.alert, asked.push_feature) == ("hello", feature)


# E13
def test_a_broadcast_to_all_rooms_starts_no_push(sent):
    """Nobody is a member of all of them."""
    assert sent(PATHS["all rooms"], {"em_push_ext": {"content": "look"}}).notification is None


# E13
@pytest.mark.parametrize("name", PATHS)
def test_clients_receive_ext_as_it_is(sent, name):
    """Whatever a push is made of it."""
    ext = {
        "em_apns_ext": {"em_push_title": "t", "k": [1]},
        "em_push_ext": 5,
        "em_ignore_notification": True,
        "k": "v",
    }
    assert sent(PATHS[name], ext).ext == ext


# E13, P10
@pytest.mark.parametrize(
    ("content", "alert"),
    [
        (HELLO, "hello"),
        (Content(Kind.IMG, {"url": "u"}), "[图片]"),
        (Content(Kind.AUDIO, {"url": "u"}), "[语音]"),
        (Content(Kind.VIDEO, {"url": "u"}), "[小视频]"),
        (Content(Kind.LOC, {"latitude": 1, "longitude": 1, "address": "a"}), "[位置]"),
        (Content(Kind.FILE, {"url": "u"}), "[文件]"),
    ],
)
def test_without_push_keys_a_push_shows_the_text_or_what_it_is(content, alert):
    """On all platforms the same."""
    shown = Notification(alert, platforms={"ios": Override(), "android": Override(), "web": Override()})
    assert notification(content, None) == notification(content, {}) == notification(content, {"k": "v"}) == shown


# E13
@pytest.mark.parametrize(
    "content",
    [Content(Kind.CUSTOM, {"event": "e"}), Content(Kind.CMD, {"action": "a"}), Content(Kind.TXT, {"text": ""})],
)
def test_what_shows_nothing_starts_no_push(content):
    """Unless its push has a text of its own, but for a command: that is for the app alone."""
    assert notification(content, None) is None
    named = notification(content, {"em_push_ext": {"em_push_content": "look"}})
    assert named is None if content.kind is Kind.CMD else named.alert == "look"


# E13
def test_a_message_may_hold_its_push_back():
    """By the JSON word alone."""
    assert notification(HELLO, {"em_ignore_notification": True, "em_force_notification": True}) is None
    for value in (False, None, 1, "true", [], {}):
        assert notification(HELLO, {"em_ignore_notification": value}).alert == "hello"
    assert notification(HELLO, {"em_force_notification": True}) == notification(HELLO, {})


# E13
def test_the_common_keys_are_shown_by_all_and_a_platform_s_own_instead():
    """Of both names that a text may have the vendor's own comes first."""
    ext = {
        "em_push_ext": {"title": "t", "em_push_content": "c", "content": "less"},
        "em_apns_ext": {"em_push_title": "ti", "title": "less", "em_push_content": "ci"},
        "em_android_push_ext": {"title": "ta"},
    }
    own, other = Override("ci", title="ti"), Override(title="ta")
    assert notification(HELLO, ext) == Notification("c", "t", {"ios": own, "android": other, "web": Override()})
    assert notification(HELLO, {"em_push_ext": {"title": "t"}}).alert == "hello"


# E13
def test_options_are_a_platform_s_own():
    """Under the neutral names."""
    given = {
        "em_push_sound": "horn.caf",
        "em_push_badge": 3,
        "em_push_category": "c",
        "em_push_mutable_content": True,
        "fcm_channel_id": "sales",
    }
    options = {"sound": "horn.caf", "badge": 3, "category": "c", "mutable": True, "channel": "sales"}
    assert ios(**given) == Override(options=options)
    assert notification(HELLO, {"em_android_push_ext": given}).platforms == {
        "ios": Override(),
        "android": Override(options=options),
        "web": Override(),
    }


# E13
def test_options_may_be_said_for_all_platforms_and_be_another_s_for_one():
    ext = {"em_push_ext": {"em_push_sound": "bell", "em_push_badge": 3}, "em_apns_ext": {"em_push_badge": 4}}
    shown = notification(HELLO, ext).platforms
    assert shown["ios"].options == {"sound": "bell", "badge": 4}
    assert shown["android"].options == shown["web"].options == {"sound": "bell", "badge": 3}


# E13
def test_what_is_not_known_travels_along():
    """The common first; a platform's own of that name instead."""
    ext = {
        "em_push_ext": {"a": 1, "b": {"c": [None]}, "title": "t"},
        "em_apns_ext": {"a": 2, "em_push_badge": "x"},
        "em_android_push_ext": {},
    }
    shown = notification(HELLO, ext).platforms
    assert shown["ios"].extras == {"a": 2, "b": {"c": [None]}}
    assert shown["android"].extras == shown["web"].extras == {"a": 1, "b": {"c": [None]}}


# E13
@pytest.mark.parametrize("value", [value for value in NO_OBJECT if not isinstance(value, dict)])
@pytest.mark.parametrize("name", ["em_push_ext", "em_apns_ext", "em_android_push_ext"])
def test_an_object_that_is_none_is_passed_over(sent, name, value):
    """It says nothing of the message, which goes out all the same."""
    assert sent(PATHS["all users"], {name: value}).notification == sent(PATHS["all users"]).notification


# E13
@pytest.mark.parametrize("value", [*NO_STRING, *NO_LIST, 10**300, -1, 1.5])
@pytest.mark.parametrize("place", ["em_push_ext", "em_apns_ext", "em_android_push_ext"])
def test_a_member_that_is_not_of_its_type_is_passed_over(sent, place, value):
    """Never is it shown, and what is shown can be written in JSON."""
    names = ("em_push_title", "title", "em_push_content", "content", "em_push_sound", "em_push_badge")
    names += ("em_push_category", "em_push_mutable_content", "fcm_channel_id")
    asked = sent(PATHS["all users"], {place: dict.fromkeys(names, value)})
    shown = asked.notification
    is_text = isinstance(value, str) and bool(value)
    assert shown.alert == (value if is_text and place == "em_push_ext" else "hello")
    for own in shown.platforms.values():
        assert own.extras == {}
        assert isinstance(own.alert, str | None)
        for option, kind in (("sound", str), ("badge", int), ("category", str), ("mutable", bool), ("channel", str)):
            assert option not in own.options or type(own.options[option]) is kind
    assert msgspec.json.encode(shown)


# E8, G4
@pytest.mark.parametrize("ext", [b'{"em_apns_ext":{"a":"\\ud800"}}', b'{"em_apns_ext":{"a":NaN}}', b"[" * 60_000])
def test_what_no_client_could_read_never_gets_so_far(read, ext):
    """The body is broken then."""
    refusal = read(
        "POST", PATHS["all users"], b'{"target_type":"users","msg":{"type":"txt","msg":"x"},"ext":%b}' % ext
    )
    assert refusal.code.value == "body_broken"
