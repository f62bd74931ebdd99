import math

import pytest

from laba.dialects.easemob.bodies import MEMBERS, TYPES, Body, read_body
from laba.model.content import FIELDS, Kind, Original
from laba.model.refusal import Code, Refusal

URL = {"url": "u"}
PLACE = {"lat": 1, "lng": 2, "addr": "here"}


def content(kind: Kind, body: dict) -> dict:
    found = read_body(kind, body, "msg")
    assert isinstance(found, Body)
    return dict(found.content.fields)


def original(kind: Kind, body: dict) -> Original | None:
    found = read_body(kind, body, "msg")
    assert isinstance(found, Body)
    return found.original


def fault(kind: Kind, body: dict) -> str | None:
    found = read_body(kind, body, "msg")
    assert isinstance(found, Refusal)
    assert found.code is Code.FIELD_INVALID
    assert found.reason
    return found.field


# A5, E7
def test_there_are_eight_types():
    """The vendor's names are those of our kinds."""
    assert list(TYPES) == ["txt", "img", "audio", "video", "file", "loc", "cmd", "custom"]


# E7
def test_our_fields_are_fields_of_the_kind():
    """No row of the table names a field that its kind does not have."""
    assert all({row.field for row in rows} <= FIELDS[kind] for kind, rows in MEMBERS.items())


# E7: `!` is required.
@pytest.mark.parametrize(
    ("kind", "required"),
    [
        (Kind.TXT, {"msg": "m"}),
        (Kind.IMG, URL),
        (Kind.AUDIO, URL),
        (Kind.VIDEO, URL),
        (Kind.FILE, URL),
        (Kind.LOC, PLACE),
        (Kind.CMD, {"action": "a"}),
        (Kind.CUSTOM, {}),
    ],
)
def test_the_required_members_suffice_and_none_may_be_missing(kind, required):
    """What is optional and left out stays absent."""
    assert len(content(kind, required)) == len(required)
    assert original(kind, required) is None
    for name in required:
        assert fault(kind, {key: value for key, value in required.items() if key != name}) == f"msg.{name}"


# E7
@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        (Kind.TXT, {"msg": 5}, "msg.msg"),
        (Kind.TXT, {"msg": None}, "msg.msg"),
        (Kind.IMG, {"url": ""}, "msg.url"),
        (Kind.IMG, {"url": 5}, "msg.url"),
        (Kind.IMG, {**URL, "filename": 5}, "msg.filename"),
        (Kind.IMG, {**URL, "filename": None}, "msg.filename"),
        (Kind.IMG, {**URL, "secret": {}}, "msg.secret"),
        (Kind.IMG, {**URL, "size": 5}, "msg.size"),
        (Kind.IMG, {**URL, "size": None}, "msg.size"),
        (Kind.IMG, {**URL, "size": {"width": "480"}}, "msg.size.width"),
        (Kind.IMG, {**URL, "size": {"width": -1}}, "msg.size.width"),
        (Kind.IMG, {**URL, "size": {"height": True}}, "msg.size.height"),
        (Kind.AUDIO, {**URL, "length": "10"}, "msg.length"),
        (Kind.AUDIO, {**URL, "Length": -0.5}, "msg.Length"),
        (Kind.AUDIO, {**URL, "Length": False, "length": 1}, "msg.Length"),
        (Kind.VIDEO, {**URL, "length": None}, "msg.length"),
        (Kind.VIDEO, {**URL, "file_length": []}, "msg.file_length"),
        (Kind.VIDEO, {**URL, "thumb": 5}, "msg.thumb"),
        (Kind.VIDEO, {**URL, "thumb_secret": 5}, "msg.thumb_secret"),
        (Kind.FILE, {**URL, "secret": 5}, "msg.secret"),
        (Kind.LOC, {**PLACE, "lat": True}, "msg.lat"),
        (Kind.LOC, {**PLACE, "lat": None}, "msg.lat"),
        (Kind.LOC, {**PLACE, "lng": ""}, "msg.lng"),
        (Kind.LOC, {**PLACE, "lng": "east"}, "msg.lng"),
        (Kind.LOC, {**PLACE, "lng": "NaN"}, "msg.lng"),
        (Kind.LOC, {**PLACE, "lng": "infinity"}, "msg.lng"),
        (Kind.LOC, {**PLACE, "lng": "1e400"}, "msg.lng"),
        (Kind.LOC, {**PLACE, "lng": "1_0"}, "msg.lng"),
        (Kind.LOC, {**PLACE, "lng": "１０"}, "msg.lng"),
        (Kind.LOC, {**PLACE, "addr": 5}, "msg.addr"),
        (Kind.CMD, {"action": {}}, "msg.action"),
        (Kind.CUSTOM, {"customEvent": ""}, "msg.customEvent"),
        (Kind.CUSTOM, {"customEvent": "e" * 33}, "msg.customEvent"),
        (Kind.CUSTOM, {"customEvent": "a b"}, "msg.customEvent"),
        (Kind.CUSTOM, {"customEvent": "event\n"}, "msg.customEvent"),
        (Kind.CUSTOM, {"customEvent": 5}, "msg.customEvent"),
        (Kind.CUSTOM, {"customExts": []}, "msg.customExts"),
        (Kind.CUSTOM, {"customExts": {"k": 5}}, "msg.customExts"),
        (Kind.CUSTOM, {"customExts": {"k": None}}, "msg.customExts"),
        (Kind.CUSTOM, {"customExts": {str(n): "" for n in range(17)}}, "msg.customExts"),
    ],
)
def test_a_wrong_member_is_named(kind, body, field):
    """The path leads to the member that must be mended."""
    assert fault(kind, body) == field


# E7
def test_sizes_are_numbers_from_nought_up():
    """Whole or not: the vendor's SDK sends fractions."""
    body = {**URL, "size": {"width": 480.5, "height": 0}}
    assert content(Kind.IMG, body) == {"url": "u", "width": 480.5, "height": 0}
    assert original(Kind.IMG, body) is None


# E7
@pytest.mark.parametrize(
    ("lengths", "duration", "kept"),
    [({"length": 3}, 3, False), ({"Length": 4}, 4, True), ({"length": 3, "Length": 4}, 3, True)],
)
def test_both_spellings_of_length_are_a_duration(lengths, duration, kept):
    """The small one wins; the other is kept in the original, which our field could not give back."""
    body = {**URL, **lengths}
    assert content(Kind.AUDIO, body)["duration"] == duration
    assert original(Kind.AUDIO, body) == (Original("easemob", "audio", body) if kept else None)


# E7
@pytest.mark.parametrize(
    ("sent", "number"),
    [(39.966, 39.966), (-7, -7), (500, 500), ("39.966", 39.966), ("-7", -7.0), ("+.5e1", 5.0), (" 8. ", 8.0)],
)
def test_a_place_is_in_numbers(sent, number):
    """Text is turned into the number it holds, no range is checked, and text is kept in the original."""
    body = {**PLACE, "lat": sent}
    latitude = content(Kind.LOC, body)["latitude"]
    assert math.isclose(latitude, number)
    assert type(latitude) is not str
    assert original(Kind.LOC, body) == (Original("easemob", "loc", body) if isinstance(sent, str) else None)


# E7
def test_a_custom_body_is_an_event_with_texts():
    """16 members and 32 characters of the allowed ones are the most there may be."""
    body = {"customEvent": "aZ09-_/." * 4, "customExts": {str(n): "v" for n in range(16)}}
    assert content(Kind.CUSTOM, body) == {"event": body["customEvent"], "exts": body["customExts"]}
    assert original(Kind.CUSTOM, body) is None


# G5
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.TXT, {"msg": "m", "lang": ["en"]}),
        (Kind.IMG, {**URL, "size": {}}),
        (Kind.IMG, {**URL, "size": {"width": 1, "depth": 24}}),
        (Kind.FILE, {**URL, "file_length": 5}),
        (Kind.CMD, {"action": "a", "param": {"k": None}}),
        (Kind.CUSTOM, {"v2:customExts": {}}),
    ],
)
def test_what_the_table_does_not_know_is_kept_as_sent(kind, body):
    """The original holds the whole body, known members and all."""
    assert original(kind, body) == Original("easemob", kind.value, body)


# R8
@pytest.mark.parametrize("kind", MEMBERS)
def test_only_a_command_leaves_no_trace(kind):
    """Everything else is stored, counted and the conversation's last message; none is pushed."""
    found = read_body(kind, {"msg": "m", **URL, **PLACE, "action": "a"}, "msg")
    shown = kind is not Kind.CMD
    assert (found.flags.stored, found.flags.counted, found.flags.updates_last) == (shown, shown, shown)
    assert not found.flags.pushed


# E1's bodies stand elsewhere in the request than A1's.
def test_the_path_begins_where_the_body_stands():
    """A fault is named by the path that the caller wrote."""
    assert read_body(Kind.IMG, {**URL, "size": {"width": ""}}, "body").field == "body.size.width"
