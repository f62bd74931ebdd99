from dataclasses import replace

import pytest

from builders import dispatch
from hostile import NEVER, NO_FLAG, NO_LIST, NO_OBJECT, NO_STRING, NO_TEXT, each
from laba.dialects.native.members import TEXT_MAX
from laba.dialects.native.pushes import NOTIFICATION_MAX_BYTES
from laba.model.app import Feature, QuotaName
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, ConversationType, Submission
from laba.model.flags import Flags
from laba.model.notification import Notification, Override
from laba.model.push import Counts, JobState, PushReport
from laba.model.pushcalls import PushSet, SetPush
from laba.model.recordcalls import ReportShown
from laba.model.refusal import Code
from laba.model.report import KeptReport, Stage
from laba.model.targets import TAGS_LIMIT, USERS_LIMIT, Targets
from native_wire import APP, fault, read, told

PROVIDER, DEVICE, PUSHES = f"{APP}/providers/main", f"{APP}/users/ann/devices/phone", f"{APP}/pushes"
HELLO = {"kind": "txt", "content": {"text": "hello"}}
LOOK = {"alert": "look"}


def push(**members):
    return read("POST", PUSHES, {"push": LOOK, "users": ["ann"]} | members)


def broadcast(push, **members):
    return read("POST", f"{APP}/broadcasts", HELLO | members | {"push": push})


def shown_on_ios(**own):
    """Give what a broadcast's push shows there."""
    return broadcast(LOOK | {"platforms": {"iOS": own}}).notification.platforms["ios"]


def with_option(name, value):
    return broadcast(LOOK | {"platforms": {"ios": {"options": {name: value}}}})


# --- what is pushed ------------------------------------------------------------------------------------------------


def test_a_broadcast_to_users_may_be_pushed_beside():
    """To those who are not online; the message is the same with and without."""  # P5, P6
    for audience in ("online_users", "recent_users", "all_users"):
        assert broadcast(LOOK, audience=audience).notification == Notification("look")
        assert read("POST", f"{APP}/broadcasts", HELLO | {"audience": audience}).notification is None
    assert fault(broadcast(LOOK, audience="active_rooms")) == (Code.FIELD_INVALID, "push")


def test_each_platform_may_show_something_of_its_own():
    """Platforms in whatever case; what a push does not know is ignored."""  # P6, G5
    given = {
        "alert": "look",
        "title": "Acme",
        "colour": "red",
        "platforms": {
            "iOS": {"alert": "i", "title": "t", "silent": True, "extras": {"a": [{"b": None}]}, "colour": "red"},
            "android": {},
        },
    }
    own = Override("i", {"a": [{"b": None}]}, silent=True, title="t")
    assert broadcast(given).notification == Notification("look", "Acme", {"ios": own, "android": Override()})


def test_what_is_said_for_all_is_for_each_platform_that_does_not_say_otherwise():  # P6
    given = {
        "alert": "look",
        "extras": {"id": 1},
        "silent": True,
        "options": {"badge": 1},
        "platforms": {"ios": {"silent": False}, "android": {"extras": {}, "options": {"channel": "c"}}},
    }
    others = Override(extras={"id": 1}, silent=True, options={"badge": 1})
    own = {"ios": replace(others, silent=False), "android": Override(silent=True, options={"channel": "c"})}
    assert broadcast(given).notification == Notification("look", None, own, others)


def test_what_is_silent_everywhere_needs_no_text():  # P6
    assert broadcast({"silent": True, "extras": {"id": 1}}).notification.others.silent
    assert broadcast({"silent": True, "platforms": {"ios": {"alert": "i", "silent": False}}}).notification.alert == ""
    loud = broadcast({"silent": True, "platforms": {"ios": {"silent": False}}})
    assert fault(loud) == (Code.FIELD_INVALID, "push.alert")
    assert push(push={"silent": True}).size_bytes == 0


def test_options_have_neutral_names():  # P6
    options = {
        "sound": "horn.caf",
        "badge": 0,
        "category": "c",
        "thread": "t",
        "mutable": True,
        "interruption": "time-sensitive",
        "channel": "sales",
        "image": "https://x/y.png",
    }
    assert shown_on_ios(options=options).options == options
    assert shown_on_ios(options={"sound": None}).options == {"sound": None}


@pytest.mark.parametrize(
    ("name", "value"),
    each(
        sound=[0, True, [], {}, ""],
        badge=[*NEVER, True, {}, "1", 2**31],
        category=NO_STRING,
        thread=NO_STRING,
        mutable=NO_FLAG,
        interruption=[*NO_TEXT, "loud"],
        channel=NO_STRING,
        image=NO_STRING,
        ttl_seconds=[5],
        Sound=["x"],
        **{"": ["x"]},
    ),
)
def test_an_option_that_no_service_could_be_told_is_refused(name, value):
    """By its place; a service would refuse the push of every device for it."""  # P6, G4
    assert fault(with_option(name, value)) == (Code.FIELD_INVALID, f"push.platforms.ios.options.{name}")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(("push", value) for value in NO_OBJECT),
        ("push.alert", ...),
        *(("push.alert", value) for value in NO_STRING),
        *(("push.title", value) for value in NO_STRING),
        *(("push.silent", value) for value in NO_FLAG),
        *(("push.extras", value) for value in NO_OBJECT),
        *(("push.options", value) for value in NO_OBJECT),
        *(("push.options.category", value) for value in NO_STRING),
        *(("push.platforms", value) for value in NO_OBJECT),
        *(("push.platforms.ios", value) for value in NO_OBJECT),
        *(("push.platforms.ios.alert", value) for value in NO_STRING),
        *(("push.platforms.ios.title", value) for value in NO_STRING),
        *(("push.platforms.ios.silent", value) for value in NO_FLAG),
        *(("push.platforms.ios.extras", value) for value in NO_OBJECT),
        *(("push.platforms.ios.options", value) for value in NO_OBJECT),
    ],
)
def test_a_push_that_shows_nothing_right_is_refused_by_its_place(place, value):
    """At both endpoints."""  # G4
    body = {"push": {"alert": "look", "options": {}, "platforms": {"ios": {}}}}
    *path, name = place.split(".")
    inner = body
    for step in path:
        inner = inner[step]
    inner[name] = value
    if value is ...:
        del inner[name]
    assert fault(read("POST", f"{APP}/broadcasts", HELLO | body)) == (Code.FIELD_INVALID, place)
    assert fault(read("POST", PUSHES, body | {"users": ["ann"]})) == (Code.FIELD_INVALID, place)


def test_a_push_has_room_for_what_laba_adds():
    """Services take 4 KB in all; counted as compact JSON in UTF-8."""  # P6
    room = NOTIFICATION_MAX_BYTES - len('{"alert":""}')
    assert broadcast({"alert": "x" * room}).notification.alert == "x" * room
    assert fault(broadcast({"alert": "x" * (room + 1)})) == (Code.FIELD_INVALID, "push")
    assert fault(broadcast({"alert": "喇" * (room // 3 + 1)})) == (Code.FIELD_INVALID, "push")


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"alert":"\ud800"}',
        b'{"alert":"\xff"}',
        b'{"alert":NaN}',
        b'{"alert":1e999}',
        b'{"alert":"x","platforms":{"ios":{"extras":' + b'{"a":' * 64 + b"1" + b"}" * 64 + b"}}}",
        b'{"alert":"x","platforms":' + b"[" * 60_000,
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "whole"),
    [
        ("POST", f"{APP}/broadcasts", b'{"kind":"txt","content":{"text":"x"},"push":%b}'),
        ("POST", PUSHES, b'{"users":["ann"],"push":%b}'),
        ("PUT", PROVIDER, b'{"kind":"fcm","service_account":%b}'),
        ("PUT", DEVICE, b'{"provider":"webpush","token":%b}'),
    ],
)
def test_what_is_no_json_or_too_deep_is_broken(method, path, whole, raw):  # G4
    assert fault(read(method, path, whole.replace(b"%b", raw))) == (Code.BODY_BROKEN, None)


# --- to devices alone ----------------------------------------------------------------------------------------------


def test_a_push_may_be_no_message():
    """To devices alone: no session gets it, and nothing of it is kept in a conversation."""  # S8, P11
    assert push() == Submission(
        sender="",
        content=Content(Kind.TXT, {"text": "look"}),
        flags=Flags(stored=False, counted=False, pushed=False, updates_last=False),
        audience=Audience.DEVICES,
        feature=Feature.PUSH,
        quota=QuotaName.PUSH,
        size_bytes=4,
        size_limit_bytes=5120,
        conversation=ConversationType.SYSTEM,
        targets=Targets(users=frozenset({"ann"})),
        notification=Notification("look"),
    )
    assert push(**{"from": "eve"}).sender == "eve"
    assert push(push={"alert": "喇"}).size_bytes == 3


@pytest.mark.parametrize(
    ("whom", "targets"),
    [
        ({"users": ["a", "b", "a"]}, Targets(users=frozenset("ab"))),
        ({"users": ["a"], "tags": [], "everybody": False}, Targets(users=frozenset("a"))),
        ({"tags": ["t"]}, Targets(tags=frozenset("t"))),
        (
            {"tags": ["t", "u"], "any_tags": ["v"], "package": "com.acme", "platforms": ["iOS"], "users": []},
            Targets(None, frozenset("tu"), frozenset("v"), "com.acme", frozenset({"ios"})),
        ),
        ({"package": "com.acme"}, Targets(package="com.acme")),
        ({"everybody": True}, Targets()),
        ({"everybody": True, "platforms": ["android", "Android"]}, Targets(platforms=frozenset({"android"}))),
    ],
)
def test_it_is_for_users_by_name_or_by_what_they_have_in_common(whom, targets):
    """Everybody has to be said: who is left out is easily forgotten."""  # P4
    assert read("POST", PUSHES, {"push": LOOK} | whom).targets == targets


@pytest.mark.parametrize(
    "whom",
    [
        {},
        {"users": []},
        {"everybody": False},
        {"platforms": ["ios"]},
        {"everybody": True, "users": ["a"]},
        {"users": ["a"], "tags": ["t"]},
        {"users": ["a"], "any_tags": ["t"]},
        {"users": ["a"], "package": "x"},
    ],
)
def test_whom_it_is_for_is_said_in_one_way(whom):
    """A criterion that is passed over would reach more users than were meant."""  # P4
    assert fault(read("POST", PUSHES, {"push": LOOK} | whom)) == (Code.FIELD_INVALID, "users")


@pytest.mark.parametrize("whom", [{"tags": ["t"]}, {"any_tags": ["t"]}, {"package": "x"}])
def test_everybody_stands_alone(whom):
    asked = {"push": LOOK, "everybody": True} | whom
    assert fault(read("POST", PUSHES, asked)) == (Code.FIELD_INVALID, "everybody")


@pytest.mark.parametrize("beside", [{"everybody": True}, {"users": ["ann"]}])
@pytest.mark.parametrize(
    ("name", "value"),
    each(
        users=[*NO_LIST, [str(number) for number in range(USERS_LIMIT + 1)]],
        tags=[*NO_LIST, ["t"] * (TAGS_LIMIT + 1)],
        any_tags=[*NO_LIST, ["t"] * (TAGS_LIMIT + 1)],
        platforms=[*NO_LIST, ["t"] * (TAGS_LIMIT + 1)],
        package=[*NO_TEXT, "x" * (TEXT_MAX + 1)],
        everybody=NO_FLAG,
        **{"from": [None, 0, True, [], {}, "a\x00b"]},
    ),
)
def test_no_member_of_a_push_is_taken_for_what_it_is_not(beside, name, value):
    """Also of those that would be of no account; an element of a list is named by its place."""  # G4
    refusal = read("POST", PUSHES, {"push": LOOK} | beside | {name: value})
    code, field = fault(refusal)
    assert code is (Code.USERNAME_ILLEGAL if value == "a\x00b" and name == "from" else Code.FIELD_INVALID)
    assert field in {name, f"{name}[0]", f"{name}[1]"}


def test_a_sender_that_is_empty_is_its_own_fault():  # A4
    assert fault(push(**{"from": ""})) == (Code.SENDER_EMPTY, "from")


# --- under way -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "state"),
    [("pause", JobState.PAUSED), ("resume", JobState.UNDER_WAY), ("cancel", JobState.CANCELLED)],
)
def test_a_push_is_paused_resumed_and_cancelled_by_its_message(action, state):
    """Without a body."""  # S8
    path = f"{APP}/broadcasts/{2**63 - 1}/push/{action}"
    assert read("POST", path) == read("POST", path, b"{") == SetPush(2**63 - 1, state)
    assert told(PushSet(7, state, 2)) == {"id": "7", "state": state.value, "providers": 2}


@pytest.mark.parametrize(
    ("number", "action", "field"),
    [("7", "stop", "action"), ("7", "Pause", "action"), ("x", "pause", "id"), (str(2**63), "pause", "id")],
)
def test_what_cannot_be_done_with_a_push_is_refused(number, action, field):  # G4
    assert fault(read("POST", f"{APP}/broadcasts/{number}/push/{action}")) == (Code.FIELD_INVALID, field)


def test_a_report_tells_how_a_push_stands_with_each_provider_and_in_all():  # S8, X2
    ios = PushReport("ios", JobState.UNDER_WAY, Counts(5, 6, 2, 1, {"Unregistered": 2, "BadTopic": 1}), 1, "away")
    web = PushReport("web", JobState.DONE, Counts(1, 1, 1))
    said = told(ReportShown(KeptReport(dispatch(7), Stage.SENDING, None, pushes=(ios, web))))
    assert said["push"] == {
        "targeted": 6,
        "sent": 7,
        "accepted": 3,
        "retried": 1,
        "waiting": 1,
        "rejected": 3,
        "providers": [
            {
                "provider": "ios",
                "state": "under_way",
                "targeted": 5,
                "sent": 6,
                "accepted": 2,
                "rejected": {"Unregistered": 2, "BadTopic": 1},
                "retried": 1,
                "waiting": 1,
                "fault": "away",
            },
            {
                "provider": "web",
                "state": "done",
                "targeted": 1,
                "sent": 1,
                "accepted": 1,
                "rejected": {},
                "retried": 0,
                "waiting": 0,
                "fault": "",
            },
        ],
    }
    assert "push" not in told(ReportShown(KeptReport(dispatch(7), Stage.SENDING, None)))
