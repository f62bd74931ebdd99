import json
from urllib.parse import quote

import pytest

from laba.model.app import Feature, QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Audience, ConversationType, Submission
from laba.model.flags import Flags
from laba.model.notification import Notification, Override
from laba.model.refusal import Code, Refusal
from laba.model.targets import Targets

PUSH = "/push.json"
USERS = "/push/user.json"
DEVICES = "/push/custom.json"
BOTH = frozenset({"ios", "android"})
SPOKEN = Flags(stored=True, counted=True, pushed=True, updates_last=True, offline=True)
NOTHING = Flags(stored=False, counted=False, pushed=False, updates_last=False, offline=False)
TEXT = {"objectName": "RC:TxtMsg", "content": '{"content":"hello"}'}
ALERT = {"alert": "look"}


def body(**members):
    asked = {"platform": ["ios", "android"], "fromuserid": "u1", "audience": {"is_to_all": True}, "message": TEXT}
    return {name: value for name, value in {**asked, **members}.items() if value is not ...}


def bare(**members):
    """Give a notification alone."""
    return {"platform": ["ios"], "audience": {"tag": ["a"]}, "notification": ALERT, **members}


@pytest.fixture
def fault(read):
    """Read a call that is refused."""

    def fault(path, asked):
        refusal = read(path, asked)
        assert isinstance(refusal, Refusal)
        assert refusal.reason
        return (refusal.code, refusal.field)

    return fault


# P1, P3, P4, P5, P6
def test_the_vendors_sample_is_read_whole(read, sample):
    """A text for whoever has the package, on two platforms that each have a text of their own."""
    own = Override("override alert", {"id": "1", "name": "2"})
    assert read(PUSH, sample("push.json")) == Submission(
        sender="fromuseId1",
        content=Content(Kind.TXT, {"text": "1111"}),
        flags=SPOKEN,
        audience=Audience.TARGETS,
        feature=Feature.PUSH,
        quota=QuotaName.PUSH,
        size_bytes=len('{"content":"1111","extra":"aa"}'),
        size_limit_bytes=131_072,
        counts_call=False,
        original=Original("rongcloud", "RC:TxtMsg", {"content": "1111", "extra": "aa"}),
        conversation=ConversationType.SYSTEM,
        targets=Targets(package="xxx.rong.xxx", platforms=BOTH),
        notification=Notification("this is a push", platforms={"ios": own, "android": own}),
    )


# P4, P5
def test_everybody_is_an_audience_of_its_own(read):
    """Of whose sessions those of the platforms are chosen; also where the type does not wait."""
    asked = read(PUSH, body())
    assert (asked.audience, asked.targets) == (Audience.ALL_USERS, Targets(platforms=BOTH))
    assert read(PUSH, body(message={"objectName": "app:status", "content": "x"})).audience is Audience.ALL_USERS


# P6
@pytest.mark.parametrize(
    ("given", "notification"),
    [
        ({"alert": "look"}, Notification("look")),
        ({"alert": "look", "title": "t"}, Notification("look", "t")),
        ({"alert": "look", "title": ""}, Notification("look")),
        ({"alert": "look", "ios": None, "android": {}}, Notification("look", platforms={"android": Override()})),
        (
            {"alert": "look", "ios": {"alert": "i", "contentAvailable": 1}},
            Notification("look", platforms={"ios": Override("i", silent=True)}),
        ),
        (
            {"alert": "look", "ios": {"contentAvailable": 0}, "android": {"contentAvailable": 1}},
            Notification("look", platforms={"ios": Override(), "android": Override()}),
        ),
        (
            {"alert": "look", "ios": {"extras": '{"a":{"b":1}}'}, "android": {"extras": {"c": "d"}}},
            Notification(
                "look", platforms={"ios": Override(extras={"a": {"b": 1}}), "android": Override(extras={"c": "d"})}
            ),
        ),
        ({"alert": "look", "ios": {"extras": ""}}, Notification("look", platforms={"ios": Override()})),
        # Of what newer SDKs add (vendor-apis.md 3.2) this means nothing to us.
        (
            {"alert": "look", "forceShowPushContent": 1, "harmonyOS": {}, "ios": {"richMediaUri": "x"}},
            Notification("look", platforms={"ios": Override()}),
        ),
    ],
)
def test_a_notification_has_a_text_for_all_and_one_for_each(read, given, notification):
    """The platform's own replaces the common one; extras are an object, or its JSON."""
    assert read(PUSH, body(notification=given)).notification == notification
    assert read(PUSH, bare(notification=given)).notification == notification
    assert read(DEVICES, bare(notification=given)).notification == notification


# P6, vendor-apis.md 3.2
@pytest.mark.parametrize(
    ("platform", "own", "override"),
    [
        ("ios", {"title": "t"}, Override(title="t")),
        ("ios", {"title": ""}, Override()),
        (
            "ios",
            {"badge": 3, "category": "c", "thread-id": "x", "interruption-level": "passive"},
            Override(options={"badge": 3, "category": "c", "thread": "x", "interruption": "passive"}),
        ),
        (
            "android",
            {"fcm": {"channelId": "c", "image": "http://x/y", "importance": "high"}, "hw": {"channelId": "h"}},
            Override(options={"channel": "c", "image": "http://x/y"}),
        ),
        ("android", {"channelId": "c", "fcm": None}, Override(options={"channel": "c"})),
    ],
)
def test_what_newer_sdks_add_is_shown_where_a_service_can(read, platform, own, override):
    """Apple's members stand in `ios`, Google's in `android.fcm`; other makers' services are none of laba's."""
    given = {**ALERT, platform: own}
    for asked in (read(PUSH, body(notification=given)), read(DEVICES, bare(notification=given))):
        assert asked.notification == Notification("look", platforms={platform: override})
    to_users = read(USERS, {"userIds": ["a"], "notification": {"pushContent": "look", platform: own}})
    assert to_users.notification == Notification("look", platforms={platform: override})


# P6, G5
@pytest.mark.parametrize("value", [None, "3", "", True, 1.5, [], {}, [[]], {"a": {"b": 1}}, 10**300])
def test_what_is_not_of_its_type_is_passed_over(read, value):
    """It says nothing of the message, so that nobody loses one for it."""
    texts = ("category", "thread-id", "interruption-level", "channelId", "image")
    given = dict.fromkeys(("badge", *texts), value)
    taken = read(PUSH, body(notification={**ALERT, "ios": given, "android": {"fcm": given}})).notification
    for own in taken.platforms.values():
        if isinstance(value, str):
            assert set(own.options) == {"category", "thread", "interruption", "channel", "image"}
        elif value == 10**300:
            assert own.options == {"badge": value}
        else:
            assert own.options == {}
    odd = read(PUSH, body(notification={**ALERT, "android": {"fcm": value}})).notification
    assert odd.platforms["android"].options == {}


# P6
@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({}, Code.FIELD_MISSING, "notification.alert"),
        ({"alert": ""}, Code.FIELD_EMPTY, "notification.alert"),
        ({"alert": 5}, Code.FIELD_INVALID, "notification.alert"),
        ({"ios": {"alert": "i"}}, Code.FIELD_MISSING, "notification.alert"),
        ({**ALERT, "ios": {"alert": ""}}, Code.FIELD_EMPTY, "notification.ios.alert"),
        ({**ALERT, "android": {"alert": ""}}, Code.FIELD_EMPTY, "notification.android.alert"),
        ({**ALERT, "android": {"alert": 5}}, Code.FIELD_INVALID, "notification.android.alert"),
        ({**ALERT, "ios": "x"}, Code.FIELD_INVALID, "notification.ios"),
        ({**ALERT, "ios": {"contentAvailable": 2}}, Code.FIELD_INVALID, "notification.ios.contentAvailable"),
        ({**ALERT, "ios": {"contentAvailable": True}}, Code.FIELD_INVALID, "notification.ios.contentAvailable"),
        ({**ALERT, "ios": {"contentAvailable": "1"}}, Code.FIELD_INVALID, "notification.ios.contentAvailable"),
        ({**ALERT, "ios": {"contentAvailable": {}}}, Code.FIELD_INVALID, "notification.ios.contentAvailable"),
        ({**ALERT, "ios": {"extras": "x"}}, Code.FIELD_INVALID, "notification.ios.extras"),
        ({**ALERT, "ios": {"extras": []}}, Code.FIELD_INVALID, "notification.ios.extras"),
        ({**ALERT, "ios": {"extras": "[]"}}, Code.FIELD_INVALID, "notification.ios.extras"),
        ({**ALERT, "ios": {"extras": "[" * 65}}, Code.FIELD_INVALID, "notification.ios.extras"),
        ({**ALERT, "ios": {"extras": '{"a":NaN}'}}, Code.FIELD_INVALID, "notification.ios.extras"),
        ({**ALERT, "ios": {"extras": '{"a":"\\ud800"}'}}, Code.FIELD_INVALID, "notification.ios.extras"),
        ({**ALERT, "ios": {"extras": 5}}, Code.FIELD_INVALID, "notification.ios.extras"),
        ({**ALERT, "ios": {"title": 5}}, Code.FIELD_INVALID, "notification.ios.title"),
        ({**ALERT, "android": []}, Code.FIELD_INVALID, "notification.android"),
        ({**ALERT, "ios": {"contentAvailable": []}}, Code.FIELD_INVALID, "notification.ios.contentAvailable"),
        ({**ALERT, "title": 5}, Code.FIELD_INVALID, "notification.title"),
        ("look", Code.FIELD_INVALID, "notification"),
    ],
)
def test_a_notification_must_show_something(fault, given, code, field):
    """An empty text is no way to leave one out."""
    assert fault(PUSH, body(notification=given)) == (code, field)
    assert fault(PUSH, bare(notification=given)) == (code, field)
    assert fault(DEVICES, bare(notification=given)) == (code, field)


# P6, P10
@pytest.mark.parametrize(
    ("message", "notification"),
    [
        (TEXT, Notification("hello")),
        ({"objectName": "RC:TxtMsg", "content": '{"content":""}'}, None),
        ({"objectName": "RC:InfoNtf", "content": '{"message":"x"}'}, None),
        ({"objectName": "RC:CmdMsg", "content": '{"name":"n","data":"d"}'}, None),
        ({"objectName": "app:mine", "content": "x"}, None),
        (
            {
                "objectName": "RC:FileMsg",
                "content": '{"name":"123.txt","size":"1","type":"txt","fileUrl":"http://x/y"}',
            },
            Notification("[文件] 123.txt"),
        ),
    ],
)
def test_without_a_notification_the_types_own_text_is_pushed(read, message, notification):
    """If the type is pushed, and has one."""
    for given in (..., None):
        assert read(PUSH, body(message=message, notification=given)).notification == notification


# P11
@pytest.mark.parametrize("nobody", [{}, {"fromuserid": None}, {"fromuserid": "", "message": None}])
def test_without_message_and_sender_it_is_the_notification_alone(read, nobody):
    """Nothing of it goes to a session."""
    assert read(PUSH, bare(**nobody)) == Submission(
        sender="",
        content=Content(Kind.TXT, {"text": "look"}),
        flags=NOTHING,
        audience=Audience.DEVICES,
        feature=Feature.PUSH,
        quota=QuotaName.PUSH,
        size_bytes=4,
        size_limit_bytes=131_072,
        conversation=ConversationType.SYSTEM,
        targets=Targets(tags=frozenset("a"), platforms=frozenset({"ios"})),
        notification=Notification("look"),
    )


# P3, P11
@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"fromuserid": ...}, Code.FIELD_MISSING, "fromuserid"),
        ({"fromuserid": ""}, Code.FIELD_EMPTY, "fromuserid"),
        ({"fromuserid": 5}, Code.FIELD_INVALID, "fromuserid"),
        ({"fromuserid": "x" * 65}, Code.FIELD_INVALID, "fromuserid"),
        ({"message": ...}, Code.FIELD_MISSING, "message"),
        ({"message": "hello"}, Code.FIELD_INVALID, "message"),
        ({"message": {"objectName": "RC:TxtMsg"}}, Code.FIELD_MISSING, "message.content"),
        ({"message": {"content": "x"}}, Code.FIELD_MISSING, "message.objectName"),
        ({"message": {**TEXT, "objectName": ""}}, Code.FIELD_EMPTY, "message.objectName"),
        ({"message": {**TEXT, "objectName": "x" * 33}}, Code.FIELD_INVALID, "message.objectName"),
        ({"message": {**TEXT, "objectName": "RC:Mine"}}, Code.FIELD_INVALID, "message.objectName"),
        ({"message": {**TEXT, "content": ""}}, Code.FIELD_EMPTY, "message.content"),
        ({"message": {**TEXT, "content": 5}}, Code.FIELD_INVALID, "message.content"),
        ({"message": {**TEXT, "content": "{}"}}, Code.FIELD_MISSING, "message.content.content"),
        ({"message": {**TEXT, "content": "x" * 131_073}}, Code.MESSAGE_TOO_LARGE, "message.content"),
        ({"message": {**TEXT, "disableUpdateLastMsg": 1}}, Code.FIELD_INVALID, "message.disableUpdateLastMsg"),
        ({"audience": {}}, Code.AUDIENCE_EMPTY, "audience"),
        ({"platform": []}, Code.FIELD_EMPTY, "platform"),
        ({"message": ..., "fromuserid": ...}, Code.FIELD_MISSING, "notification"),
    ],
)
def test_a_fault_is_named_by_its_path(fault, members, code, field):
    """Sender and message come together, or not at all."""
    assert fault(PUSH, body(**members)) == (code, field)


def test_a_broken_body_is_refused(fault):
    """At all three (G4)."""
    for path in (PUSH, USERS, DEVICES):
        assert fault(path, b"{") == (Code.BODY_BROKEN, None)
        assert fault(path, []) == (Code.BODY_BROKEN, None)


# R6
def test_the_last_message_may_be_left_as_it_was(read):
    """By a member of the message (vendor-apis.md 3.2)."""
    assert read(PUSH, body(message={**TEXT, "disableUpdateLastMsg": True})).flags.updates_last is False
    assert read(PUSH, body(message={**TEXT, "disableUpdateLastMsg": False})).flags == SPOKEN


# P11
def test_the_sdks_variants_of_content_are_opened(read):
    """Percent-encoded, as JSON in JSON, and as an object; custom content is never decoded."""
    for content in (quote(TEXT["content"]), quote(json.dumps(TEXT["content"])), {"content": "hello"}):
        assert read(PUSH, body(message={**TEXT, "content": content})).original.content == {"content": "hello"}
    custom = read(PUSH, body(message={"objectName": "app:mine", "content": "%7B%7D"}))
    assert custom.original.content == "%7B%7D"


# V2
def test_a_push_to_users_is_for_their_devices(read):
    """At most a hundred of them; its text has another name there."""
    asked = read(USERS, {"userIds": ["b", "a", "b"], "notification": {"title": "t", "pushContent": "look"}})
    assert (asked.audience, asked.targets) == (Audience.DEVICES, Targets(users=frozenset("ab")))
    assert (asked.notification, asked.content) == (Notification("look", "t"), Content(Kind.TXT, {"text": "look"}))
    assert (asked.feature, asked.quota, asked.original) == (Feature.PUSH, QuotaName.PUSH, None)


# V2
@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({}, Code.FIELD_MISSING, "userIds"),
        ({"userIds": []}, Code.FIELD_EMPTY, "userIds"),
        ({"userIds": ["x" * 65]}, Code.FIELD_INVALID, "userIds[0]"),
        ({"userIds": [f"u{number}" for number in range(101)]}, Code.LIST_SIZE_WRONG, "userIds"),
        ({"userIds": ["u"]}, Code.FIELD_MISSING, "notification"),
        ({"userIds": ["u"], "notification": {"alert": "x"}}, Code.FIELD_MISSING, "notification.pushContent"),
        ({"userIds": ["u"], "notification": {"pushContent": ""}}, Code.FIELD_EMPTY, "notification.pushContent"),
    ],
)
def test_a_push_to_users_names_them_and_shows_something(fault, asked, code, field):
    """Both are judged."""
    assert fault(USERS, asked) == (code, field)


# V2
def test_a_push_to_devices_has_no_message(read, fault):
    """Whoever is chosen by the rules of P4; one that is sent along is ignored."""
    asked = read(DEVICES, bare(message=TEXT, fromuserid="u1"))
    assert (asked.audience, asked.sender) == (Audience.DEVICES, "")
    assert asked.targets == Targets(tags=frozenset("a"), platforms=frozenset({"ios"}))
    everybody = read(DEVICES, bare(audience={"is_to_all": True}))
    assert (everybody.audience, everybody.targets) == (Audience.DEVICES, Targets(platforms=frozenset({"ios"})))
    assert fault(DEVICES, bare(notification=None)) == (Code.FIELD_MISSING, "notification")
    assert fault(DEVICES, bare(audience={"tag": ["a"], "tagItems": [{}]})) == (
        Code.FIELD_INVALID,
        "audience.tagItems",
    )
