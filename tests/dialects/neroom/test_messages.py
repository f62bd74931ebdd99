import json

import pytest

from laba.model.app import Feature, QuotaName
from laba.model.content import Content, Kind, Original
from laba.model.dispatch import Again, Audience, Level, Submission
from laba.model.flags import Flags
from laba.model.moderation import Screening
from laba.model.refusal import Refusal
from laba.model.tags import All, Pattern, Tag

PATH, FORM, TWIN = (
    "/neroom/v1/broadcast",
    "/nimserver/chatroom/broadcast.action",
    "/im/v2.1/broadcast_notification/actions/chatroom",
)


def padded(value, length):
    """Give JSON of so many characters."""
    text = json.dumps(value, separators=(",", ":"))
    return text + " " * (length - len(text))


def test_the_least_broadcast_is_for_every_open_room(submitted):  # N1, N2, N5, N6
    said = submitted()
    assert (said.sender, said.client_id) == ("boss", "m1")
    assert said.content == Content(Kind.TXT, {"text": "hi"})
    assert said.flags == Flags(stored=True, counted=True, pushed=False, updates_last=True)  # R8
    assert (said.audience, said.needs_room) == (Audience.OPEN_ROOMS, True)
    assert (said.feature, said.quota) == (Feature.NEROOM_BROADCAST, QuotaName.NEROOM_BROADCAST)
    assert (said.level, said.budgeted, said.again) == (Level.NORMAL, False, Again.RETURNING)
    assert (said.once, said.told, said.env, said.members) == (False, True, None, None)
    assert said.screening == Screening()
    assert said.original == Original("neroom", "0", {"attach": "hi"})


@pytest.mark.parametrize("missing", ["msg_id", "sender_user_uuid", "msg_type"])
def test_what_is_required_is_missed(refused, missing):  # N2, N3
    assert refused(**{missing: None}) == missing
    assert refused(**{missing: ""}) == missing


# --- limits, at their edge and one past it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "within", "past"),
    [
        ("attach", "喇" * 4096, "喇" * 4097),
        ("ext", padded({"k": "v"}, 4096), padded({"k": "v"}, 4097)),
        ("yidun_anti_cheating", padded({"k": "v"}, 1024), padded({"k": "v"}, 1025)),
        ("antispam_custom", padded({"type": 1, "data": "x"}, 5000), padded({"type": 1, "data": "x"}, 5001)),
        ("notify_target_tags", padded({"tag": "x"}, 128), padded({"tag": "x"}, 129)),
        ("msg_id", "m" * 128, "m" * 129),
        ("sender_user_uuid", "s" * 64, "s" * 65),
        ("sender_user_uuid", "喇" * 21, "喇" * 22),
        ("bid", "b" * 128, "b" * 129),
        ("env", "e" * 128, "e" * 129),
        ("sub_type", 1, 0),
        ("sub_type", 2**31 - 1, 2**31),
        ("resend_flag", 0, -1),
        ("resend_flag", 1, 2),
        ("route", 0, -1),
        ("route", 1, 2),
        ("use_yidun", 0, 1),
        ("use_yidun", 0, -1),
    ],
)
def test_every_limit_holds_to_the_last_character(submitted, refused, name, within, past):  # N2 to N8
    assert submitted(**{name: within})
    assert refused(**{name: past}) == name


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("msg_id", [1, [], {}, True]),
        ("attach", [1, [], {}, True]),
        ("ext", [1, {}, "text", "{", "NaN"]),
        ("sub_type", ["1", 1.0, True, []]),
        ("resend_flag", ["1", True, 1.0]),
        ("route", ["0", False]),
        ("use_yidun", ["0", False]),
        ("high_priority", ["true", 1, 0, []]),
        ("antispam", ["true", 1]),
        ("antispam_custom", ["{", {}, 1]),
        ("yidun_anti_cheating", ["[]", "7", '"text"', {}]),
        ("bid", [1]),
        ("env", [1]),
        ("notify_target_tags", [1, {"tag": "x"}, "", "vip"]),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_name(refused, name, values):  # G4
    for value in values:
        assert refused(**{name: value}) == name, value


@pytest.mark.parametrize(
    "name", ["ext", "sub_type", "resend_flag", "route", "high_priority", "bid", "env", "antispam"]
)
def test_null_is_as_good_as_absent(read, least, submitted, name):
    assert read(PATH, {**least, name: None}) == submitted()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"msg_id":1,"msg_id":2}', b"[" * 1000])
def test_a_body_that_is_no_object_is_broken(read, body):  # G4
    refusal = read(PATH, body)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "body_broken"


def test_members_that_nobody_knows_are_ignored(read, least, submitted):  # G5
    assert read(PATH, {**least, "more": {"of": "it"}}) == submitted()


# --- what each field means -----------------------------------------------------------------------------------------


def test_a_high_one_has_its_budget_and_is_not_for_who_comes_back(submitted):  # N6
    said = submitted(high_priority=True)
    assert (said.level, said.budgeted, said.again) == (Level.HIGH, True, Again.DROPPED)
    assert submitted(high_priority=False) == submitted()


def test_a_repeat_is_asked_to_be_dropped(submitted):  # N2
    assert [submitted(resend_flag=flag).once for flag in (0, 1)] == [False, True]


def test_callbacks_are_asked_for(submitted):  # N5
    assert [submitted(route=route).told for route in (0, 1)] == [False, True]
    assert submitted(env="test").env == "test"


def test_ext_is_the_object_that_it_holds(submitted):  # N4
    """What is JSON but no object is in the original alone."""
    said = submitted(ext='{"k":[1]}')
    assert (said.ext, said.original.content["ext"]) == ({"k": [1]}, '{"k":[1]}')
    assert submitted(ext="[1]").ext is None
    assert submitted(ext="").ext is None


def test_sub_type_names_a_custom_message(submitted):  # N3
    assert submitted(msg_type=100, sub_type=7).content.fields == {"event": "7"}


def test_tags_choose_members(submitted):  # N8
    expression = '{"tag":"vip"} and {"tag":"g.*","matchType":"regex"}'
    assert submitted(notify_target_tags=expression).members == All((Tag("vip"), Pattern("g.*")))


CUSTOM = {"msg_type": 100, "antispam": True}


@pytest.mark.parametrize(
    ("fields", "screening"),
    [
        ({"use_yidun": 0}, Screening(skip=True)),
        ({"bid": "b2"}, Screening(business_id="b2")),
        ({"bid": ""}, Screening()),
        ({"yidun_anti_cheating": '{"a":"x","n":7}'}, Screening(extras={"a": "x", "n": "7"})),
        ({"msg_type": 100}, Screening(text="")),
        ({"msg_type": 100, "antispam_custom": '{"type":1,"data":"x"}'}, Screening(text="")),
        ({**CUSTOM}, Screening(text="")),
        ({**CUSTOM, "antispam_custom": '{"type":1,"data":"named"}'}, Screening(text="named")),
        ({**CUSTOM, "antispam_custom": '{"type":2,"data":"http://u"}'}, Screening(text="")),
        ({"antispam": True, "antispam_custom": '{"type":1,"data":"x"}'}, Screening()),
    ],
)
def test_a_call_says_how_it_is_checked(submitted, fields, screening):  # N7
    assert submitted(**fields).screening == screening


@pytest.mark.parametrize(
    ("custom", "field"),
    [
        ("[]", "antispam_custom"),
        ("{}", "antispam_custom"),
        ('{"type":0,"data":"x"}', "antispam_custom"),
        ('{"type":3,"data":"x"}', "antispam_custom"),
        ('{"type":true,"data":"x"}', "antispam_custom"),
        ('{"type":"1","data":"x"}', "antispam_custom"),
        ('{"type":[],"data":"x"}', "antispam_custom"),
        ('{"type":1}', "antispam_custom.data"),
        ('{"type":1,"data":7}', "antispam_custom.data"),
    ],
)
def test_what_is_named_to_be_checked_has_its_form(refused, custom, field):  # N7
    assert refused(**CUSTOM, antispam_custom=custom) == field


def test_a_check_can_only_be_left_out(asked):  # N7
    assert asked(use_yidun=1).reason == "must be 0"


def test_what_is_measured_is_the_original_as_it_is_kept(submitted):  # G4
    assert submitted(attach="喇").size_bytes == len('{"attach":"喇"}'.encode())
    assert submitted().size_limit_bytes == 524_288


# --- the three forms of one call -----------------------------------------------------------------------------------

FULL = {
    "msg_id": "m1",
    "sender_user_uuid": "boss",
    "msg_type": 100,
    "sub_type": 7,
    "resend_flag": 1,
    "attach": "said",
    "ext": '{"k":"v"}',
    "route": 0,
    "high_priority": True,
    "yidun_anti_cheating": '{"a":"b"}',
    "bid": "b2",
    "antispam": True,
    "antispam_custom": '{"type":1,"data":"named"}',
    "notify_target_tags": '{"tag":"vip"}',
    "env": "test",
}
AS_FORM = {
    "msgId": "m1",
    "fromAccid": "boss",
    "msgType": "100",
    "subType": "7",
    "resendFlag": "1",
    "attach": "said",
    "ext": '{"k":"v"}',
    "route": "0",
    "highPriority": "true",
    "yidunAntiCheating": '{"a":"b"}',
    "bid": "b2",
    "antispam": "true",
    "antispamCustom": '{"type":1,"data":"named"}',
    "notifyTargetTags": '{"tag":"vip"}',
    "env": "test",
}
AS_TWIN = {
    "client_broadcast_id": "m1",
    "sender_id": "boss",
    "extension": '{"k":"v"}',
    "resend_flag": True,
    "message": {"message_type": 100, "sub_type": 7, "attachment": "said"},
    "route_config": {"route_enabled": False, "route_environment": "test"},
    "antispam_config": {
        "antispam_enabled": True,
        "antispam_business_id": "b2",
        "antispam_cheating": '{"a":"b"}',
        "antispam_custom_message": '{"type":1,"data":"named"}',
    },
    "message_config": {"high_priority": True, "notify_target_tags": '{"tag":"vip"}'},
}


def meaning(submission):
    """Give all that a call means, but for what counts it and how numbers were spelt in the original."""
    assert isinstance(submission, Submission), submission
    left_out = {"quota", "original", "size_bytes"}
    return {name: getattr(submission, name) for name in Submission.__slots__ if name not in left_out}


def test_the_form_and_the_twin_mean_what_the_json_means(read):  # S11, V3
    said, by_form, by_twin = read(PATH, FULL), read(FORM, AS_FORM), read(TWIN, AS_TWIN)
    assert meaning(said) == meaning(by_form) == meaning(by_twin)
    assert by_form.quota is by_twin.quota is QuotaName.NIM_BROADCAST
    assert read(TWIN.replace("v2.1", "v2"), AS_TWIN) == by_twin


def test_the_twin_has_a_member_for_a_text_and_takes_a_body_as_an_object(read):  # V3
    text = {**AS_TWIN, "message": {"message_type": 0, "text": "hi"}}
    assert read(TWIN, text).content == Content(Kind.TXT, {"text": "hi"})
    image = {**AS_TWIN, "message": {"message_type": 1, "attachment": {"url": "u"}}}
    assert read(TWIN, image).content == Content(Kind.IMG, {"url": "u"})
    skipped = {**AS_TWIN, "antispam_config": {"antispam_enabled": False}}
    assert read(TWIN, skipped).screening.skip


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        (FORM, {"msgType": "5"}, "msgType"),
        (FORM, {"msgType": "x"}, "msgType"),
        (FORM, {"highPriority": "yes"}, "highPriority"),
        (FORM, {"fromAccid": ""}, "fromAccid"),
        (FORM, {"notifyTargetTags": "vip"}, "notifyTargetTags"),
        (TWIN, {"message": "x"}, "message"),
        (TWIN, {"message": {"message_type": 5}}, "message.message_type"),
        (TWIN, {"message_config": {"notify_target_tags": "vip"}}, "message_config.notify_target_tags"),
        (TWIN, {"client_broadcast_id": None}, "client_broadcast_id"),
    ],
)
def test_a_fault_is_told_by_the_name_that_the_caller_gave(read, path, change, field):  # G4
    refusal = read(path, {**(AS_FORM if path == FORM else AS_TWIN), **change})
    assert isinstance(refusal, Refusal), refusal
    assert refusal.field == field


def test_a_field_of_a_form_that_is_given_twice_is_refused(read):
    assert read(FORM, b"msgId=1&msgId=2").field == "msgId"


@pytest.mark.parametrize("body", [b"\xff", b"msgId=%ff", b"&".join(b"a%d=1" % n for n in range(201))])
def test_a_form_that_cannot_be_read_is_broken(read, body):
    assert read(FORM, body).code == "body_broken"


# --- one room ------------------------------------------------------------------------------------------------------


def test_a_text_is_for_one_room_that_must_be_there(read):  # N9
    said = read("/neroom/v3/rooms/r1/messages", {"message": "hi", "sender_user_uuid": "ann", "high_priority": True})
    assert (said.audience, said.rooms, said.needs_room) == (Audience.ROOMS, ("r1",), True)
    assert (said.sender, said.level, said.content.fields) == ("ann", Level.HIGH, {"text": "hi"})
    assert (said.quota, said.counts_call, said.feature) == (QuotaName.ROOM_MESSAGES, False, None)
    assert read("/neroom/v3/rooms/r1/messages", {"message": "hi"}).sender == "admin"


def test_it_has_at_most_500_characters(read):  # vendor-apis.md 3.3
    path = "/neroom/v3/rooms/r1/messages"
    assert isinstance(read(path, {"message": "喇" * 500}), Submission)
    assert read(path, {"message": "喇" * 501}).field == "message"
    assert read(path, {"message": ""}).field == "message"
    assert read(path, {}).field == "message"


def test_of_one_for_a_room_the_whole_body_is_measured(read):  # G4
    body = '{"message": "喇"}'.encode()
    assert read("/neroom/v3/rooms/r1/messages", body).size_bytes == len(body)
