import json

import pytest

from laba.dialects.neroom.contents import TYPES
from laba.model.content import FIELDS, Content, Kind, Original


@pytest.mark.parametrize(
    ("number", "attach", "content"),
    [
        (0, "text", Content(Kind.TXT, {"text": "text"})),
        (0, None, Content(Kind.TXT, {"text": ""})),
        (
            1,
            {"url": "u", "name": "n", "w": 1, "h": 2},
            Content(Kind.IMG, {"url": "u", "filename": "n", "width": 1, "height": 2}),
        ),
        (2, {"url": "u", "dur": 1500}, Content(Kind.AUDIO, {"url": "u", "duration": 1.5})),
        (3, {"url": "u", "dur": 2000, "size": 9}, Content(Kind.VIDEO, {"url": "u", "duration": 2, "size": 9})),
        (
            4,
            {"lat": 1.5, "lng": "2.5", "title": "t"},
            Content(Kind.LOC, {"latitude": 1.5, "longitude": 2.5, "address": "t"}),
        ),
        (6, {"url": "u", "ext": "pdf"}, Content(Kind.FILE, {"url": "u", "format": "pdf"})),
        (10, "a tip", Content(Kind.TIP, {"text": "a tip"})),
        (100, "anything", Content(Kind.CUSTOM, {"event": "custom"})),
    ],
)
def test_each_type_is_a_kind(submitted, number, attach, content):  # N3, N4
    text = json.dumps(attach) if isinstance(attach, dict) else attach
    said = submitted(msg_type=number, attach=text)
    assert said.content == content
    assert said.original == Original("neroom", str(number), {} if text is None else {"attach": text})


@pytest.mark.parametrize("number", [-1, 5, 7, 9, 11, 99, 101, "0", 0.0, True, [], {}])
def test_any_other_type_is_refused(refused, number):  # N3
    assert refused(msg_type=number) == "msg_type"


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("attach", [None, "", "text", "[]", "7", "{", '{"a":1,"a":2}'])
def test_a_type_with_a_body_of_json_needs_it(refused, number, attach):
    assert refused(msg_type=number, attach=attach) == "attach"


@pytest.mark.parametrize(
    ("number", "attach", "field"),
    [
        (1, {}, "url"),
        (2, {"url": ""}, "url"),
        (6, {"url": 7}, "url"),
        (4, {"lng": 1}, "lat"),
        (4, {"lat": "x", "lng": 1}, "lat"),
    ],
)
def test_what_a_body_must_have_is_named(refused, number, attach, field):  # G4
    assert refused(msg_type=number, attach=json.dumps(attach)) == f"attach.{field}"


def test_what_does_not_fit_is_still_in_the_original(submitted):  # G5
    attach = json.dumps({"url": "u", "w": "wide", "h": True, "md5": "x"})
    said = submitted(msg_type=1, attach=attach)
    assert said.content == Content(Kind.IMG, {"url": "u"})
    assert said.original.content == {"attach": attach}


@pytest.mark.parametrize(
    ("number", "attach", "fields"),
    [
        (1, {"w": 0, "h": 0.5}, {"width": 0, "height": 0.5}),
        (1, {"w": -1, "h": "7"}, {}),
        (1, {"name": "", "w": None}, {}),
        (2, {"dur": 0}, {"duration": 0}),
        (2, {"dur": 1}, {"duration": 0.001}),
        (2, {"dur": True}, {}),
        (3, {"dur": -1, "size": [9]}, {}),
        (6, {"name": "a.pdf", "size": 2**53, "ext": 7}, {"filename": "a.pdf", "size": 2**53}),
    ],
)
def test_a_member_is_taken_where_it_is_what_it_should_be(submitted, number, attach, fields):  # N4, vendor-apis.md 3.3
    said = submitted(msg_type=number, attach=json.dumps({"url": "u", **attach}))
    assert said.content.fields == {"url": "u", **fields}


@pytest.mark.parametrize(("given", "taken"), [("-90", -90.0), (0, 0), ("1e1", 10.0), (180.5, 180.5)])
def test_a_coordinate_is_a_number_or_its_digits(submitted, given, taken):
    said = submitted(msg_type=4, attach=json.dumps({"lat": given, "lng": given}))
    assert said.content.fields == {"latitude": taken, "longitude": taken}


@pytest.mark.parametrize("given", ["nan", "inf", "", "1e999", True, None, []])
def test_what_is_no_place_on_earth_is_refused(refused, given):
    assert refused(msg_type=4, attach=json.dumps({"lat": 1, "lng": given})) == "attach.lng"


def test_the_table_has_every_type_and_only_fields_of_its_kind():  # N3
    assert list(TYPES) == [0, 1, 2, 3, 4, 6, 10, 100]
    for kind, members in TYPES.values():
        assert {member.field for member in members} <= FIELDS[kind]
