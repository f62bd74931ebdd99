import pytest

from laba.dialects.neroom.fields import FIELDS_MAX, Fields, from_form, from_json
from laba.dialects.unacceptable import Unacceptable
from laba.model.refusal import Code


def fault(take, *arguments):
    """Take what must be refused, and give how."""
    with pytest.raises(Unacceptable) as caught:
        take(*arguments)
    return caught.value.refusal.code, caught.value.refusal.field


@pytest.mark.parametrize("worded", [False, True])
def test_what_is_absent_is_nothing_false_or_missed(worded):
    fields = Fields({"null": None}, worded=worded)
    for name in ("null", "none"):
        assert (fields.optional(name, 9), fields.integer(name, 0, 9), fields.json(name, 9)) == (None, None, None)
        assert fields.flag(name) is False
        for take, bounds in ((fields.text, (9,)), (fields.identifier, (9,)), (fields.required, (0, 9))):
            assert fault(take, name, *bounds) == (Code.FIELD_MISSING, name)


def test_an_empty_field_of_a_form_is_absent_and_an_empty_member_of_json_is_not():
    assert Fields({"a": ""}, worded=True).optional("a", 9) is None
    assert Fields({"a": ""}).optional("a", 9) == ""
    assert fault(Fields({"a": ""}).text, "a", 9) == (Code.FIELD_INVALID, "a")


def test_a_text_is_bounded_in_characters_and_a_name_in_bytes():
    fields = Fields({"a": "喇叭"})
    assert fields.text("a", 2) == "喇叭"
    assert fault(fields.text, "a", 1) == (Code.FIELD_INVALID, "a")
    assert fields.identifier("a", 6) == "喇叭"
    assert fault(fields.identifier, "a", 5) == (Code.FIELD_INVALID, "a")


@pytest.mark.parametrize("value", [1, "1"])
def test_numbers_are_words_in_a_form_alone(value):
    assert Fields({"a": value}, worded=True).integer("a", 1, 1) == 1
    if isinstance(value, str):
        assert fault(Fields({"a": value}).integer, "a", 1, 1) == (Code.FIELD_INVALID, "a")


@pytest.mark.parametrize("value", ["1.0", " 1", "+1", "１", "0x1", "1" * 19, "one", "true"])
def test_what_is_no_number_in_a_form_is_refused(value):
    assert fault(Fields({"a": value}, worded=True).integer, "a", 0, 10**30) == (Code.FIELD_INVALID, "a")


@pytest.mark.parametrize(("value", "truth"), [("true", True), ("TRUE", True), ("false", False), ("False", False)])
def test_truths_are_words_in_a_form_alone(value, truth):
    assert Fields({"a": value}, worded=True).flag("a") is truth
    assert fault(Fields({"a": value}).flag, "a") == (Code.FIELD_INVALID, "a")
    assert Fields({"a": truth}).flag("a") is truth


@pytest.mark.parametrize("value", ["1", "0", "yes", "on"])
def test_other_words_are_no_truths(value):
    assert fault(Fields({"a": value}, worded=True).flag, "a") == (Code.FIELD_INVALID, "a")


def test_a_field_is_named_as_its_caller_named_it():  # G4
    fields = Fields({"sender": 7}, {"sender": "config.sender_id"})
    assert fault(fields.text, "sender", 9) == (Code.FIELD_INVALID, "config.sender_id")


def test_a_text_of_json_is_read_within_its_length():
    assert Fields({"a": "[1]"}).json("a", 3) == [1]
    assert fault(Fields({"a": "[1]"}).json, "a", 2) == (Code.FIELD_INVALID, "a")
    assert fault(Fields({"a": "[1"}).json, "a", 9) == (Code.FIELD_INVALID, "a")


def test_a_form_has_at_most_200_fields():
    assert FIELDS_MAX == 200
    pairs = [f"f{number}=" for number in range(201)]
    assert len(from_form("&".join(pairs[:200]).encode())) == 200
    assert fault(from_form, "&".join(pairs).encode()) == (Code.BODY_BROKEN, None)


def test_a_form_is_percent_encoded_utf_8():
    assert from_form("a=%E5%96%87+x&b=喇&c".encode()) == {"a": "喇 x", "b": "喇", "c": ""}
    assert fault(from_form, b"a=%ff") == (Code.BODY_BROKEN, None)
    assert fault(from_form, b"a=1&a=1") == (Code.FIELD_INVALID, "a")


def test_a_document_is_one_object():
    assert from_json(b' {"a":1} ') == {"a": 1}
    for body in (b"", b"[]", b"7", b'{"a":1}{}', b"\xff", b'{"a":NaN}'):
        assert fault(from_json, body) == (Code.BODY_BROKEN, None)
