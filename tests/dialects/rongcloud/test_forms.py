import pytest

from laba.dialects.rongcloud.forms import FIELDS_MAX, Form, form
from laba.dialects.unacceptable import Unacceptable
from laba.model.refusal import Code


def fault(take):
    with pytest.raises(Unacceptable) as caught:
        take()
    return (caught.value.refusal.code, caught.value.refusal.field)


def test_a_form_is_read():
    """Percent-encoded or not, and with a plus for a space."""
    fields = form("a=%E5%96%87%E5%8F%AD&b=x+y&c=喇&&d=1%3D1&e=a=b&f=100%&".encode())
    taken = [fields.filled(name) for name in "abcdef"]
    assert taken == ["喇叭", "x y", "喇", "1=1", "a=b", "100%"]


# G4
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"a=\xff", "UTF-8"),
        (b"a=%FF", "UTF-8"),
        (b'{"fromUserId":"u1"}', "x-www-form-urlencoded"),
        (b"a=1&b", "x-www-form-urlencoded"),
        (b"a=1" + b"&b=2" * FIELDS_MAX, "2000"),
    ],
)
def test_a_broken_body_is_refused(body, why):
    """With what is wrong with it."""
    with pytest.raises(Unacceptable) as caught:
        form(body)
    assert caught.value.refusal.code is Code.BODY_BROKEN
    assert why in caught.value.refusal.reason


def test_as_many_fields_as_there_may_be_are_read():
    """One more is refused above."""
    assert len(form(b"a=1" + b"&a=1" * (FIELDS_MAX - 1)).texts("a", 1, 1)) == 1


# G4
def test_a_fault_names_its_field():
    """Missing, empty, too long, given twice."""
    fields = Form([("empty", ""), ("long", "喇叭"), ("twice", "1"), ("twice", "1")])
    assert fault(lambda: fields.text("none", 9)) == (Code.FIELD_MISSING, "none")
    assert fault(lambda: fields.text("empty", 9)) == (Code.FIELD_EMPTY, "empty")
    assert fault(lambda: fields.text("long", 5)) == (Code.FIELD_INVALID, "long")
    assert fields.text("long", 6) == "喇叭"
    for take in (fields.filled, fields.flag, lambda name: fields.optional(name, 9)):
        assert fault(lambda take=take: take("twice")) == (Code.FIELD_INVALID, "twice")


def test_an_optional_field_that_is_empty_is_absent():
    """Of any type."""
    fields = Form([("empty", "")])
    for name in ("empty", "none"):
        assert fields.optional(name, 9) is None
        assert fields.flag(name) is False
        assert fields.flag(name, default=True) is True
        assert fields.integer(name, 1, 5, 3) == 3


@pytest.mark.parametrize(
    ("text", "truth"), [("true", True), ("TRUE", True), ("1", True), ("False", False), ("0", False)]
)
def test_a_boolean_is_a_word_or_a_digit(text, truth):
    """In any case."""
    assert Form([("flag", text)]).flag("flag") is truth


@pytest.mark.parametrize("text", ["yes", "2", "null", " true", "truе"])
def test_nothing_else_is_a_boolean(text):
    """Not even what looks like one."""
    assert fault(lambda: Form([("flag", text)]).flag("flag")) == (Code.FIELD_INVALID, "flag")


@pytest.mark.parametrize("text", ["0", "6", "1.0", "x", "٣", "1" * 4000])
def test_a_number_has_bounds(text):
    """And is written with digits."""
    assert fault(lambda: Form([("n", text)]).integer("n", 1, 5, 1)) == (Code.FIELD_INVALID, "n")
    assert Form([("n", "5")]).integer("n", 1, 5, 1) == 5


def test_a_list_is_a_field_that_is_repeated():
    """Each value once; how many is judged after that."""
    fields = Form([("id", "b"), ("id", "a"), ("id", "b"), ("bad", "")])
    assert fields.texts("id", 2, 1) == ("b", "a")
    assert fault(lambda: fields.texts("id", 1, 1)) == (Code.LIST_SIZE_WRONG, "id")
    assert fault(lambda: fields.texts("none", 1, 1)) == (Code.FIELD_MISSING, "none")
    assert fault(lambda: fields.texts("bad", 1, 1)) == (Code.FIELD_EMPTY, "bad")


def test_keys_stand_in_brackets():
    """As PHP has it: `chatroom[id]=name`."""
    fields = form(b"chatroom%5Br1%5D=one&chatroom[r[2]]=&chatroom=no&chatrooms[r3]=no&chatroom[r4=no")
    assert fields.named("chatroom") == (("r1", "one"), ("r[2]", ""))
    assert fault(lambda: form(b"c[a]=1&c[a]=2").named("c")) == (Code.FIELD_INVALID, "c[a]")
