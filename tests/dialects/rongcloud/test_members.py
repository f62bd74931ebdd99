import pytest

from laba.dialects.rongcloud.members import Members, members
from laba.dialects.strictjson import DEPTH_MAX
from laba.dialects.unacceptable import Unacceptable
from laba.model.refusal import Code


def fault(take):
    with pytest.raises(Unacceptable) as caught:
        take()
    return (caught.value.refusal.code, caught.value.refusal.field)


# G4
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'"{}"',
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":' + b"1" * 400 + b"}",
        b'{"a":"\\ud800"}',
        b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1),
        b"[" * 60000,
    ],
)
def test_what_is_no_json_object_is_broken(body):
    """Always with a reason, and never an exception."""
    assert fault(lambda: members(body)) == (Code.BODY_BROKEN, None)


def test_as_deep_as_it_may_be_is_read():
    """One deeper is refused above."""
    assert members(b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX).value("a")


# G4
def test_a_fault_names_its_member():
    """By its path."""
    inner = members(b'{"in":{"n":5,"e":"","l":["a",5],"long":["abc"],"s":"x","many":["a","b"]}}').members("in")
    assert fault(lambda: inner.filled("none")) == (Code.FIELD_MISSING, "in.none")
    assert fault(lambda: inner.filled("e")) == (Code.FIELD_EMPTY, "in.e")
    assert fault(lambda: inner.filled("n")) == (Code.FIELD_INVALID, "in.n")
    assert fault(lambda: inner.optional("n")) == (Code.FIELD_INVALID, "in.n")
    assert fault(lambda: inner.flag("n")) == (Code.FIELD_INVALID, "in.n")
    assert fault(lambda: inner.members("n")) == (Code.FIELD_INVALID, "in.n")
    assert fault(lambda: inner.texts("l", 9)) == (Code.FIELD_INVALID, "in.l[1]")
    assert fault(lambda: inner.texts("s", 9)) == (Code.FIELD_INVALID, "in.s")
    assert fault(lambda: inner.texts("long", 9, 2)) == (Code.FIELD_INVALID, "in.long[0]")
    assert fault(lambda: inner.texts("many", 1)) == (Code.LIST_SIZE_WRONG, "in.many")
    assert fault(lambda: inner.required_texts("none", 1)) == (Code.FIELD_MISSING, "in.none")
    assert fault(lambda: Members({"l": []}).required_texts("l", 1)) == (Code.FIELD_EMPTY, "l")


def test_null_is_as_good_as_absent():
    """Wherever a member may be absent."""
    asked = Members({"x": None})
    for name in ("x", "none"):
        assert asked.optional(name) is None
        assert asked.optional_members(name) is None
        assert asked.texts(name, 1) == ()


# vendor-apis.md 6, item 9
@pytest.mark.parametrize(
    ("value", "truth"), [(True, True), (False, False), ("true", True), ("True", True), ("false", False)]
)
def test_a_boolean_may_be_a_word(value, truth):
    """The vendor's page calls it a string."""
    assert Members({"flag": value}).flag("flag") is truth


@pytest.mark.parametrize("value", [None, 0, 1, "", "1", "yes", [], {}])
def test_nothing_else_is_a_boolean(value):
    """Absent is false; null is no answer to the question whether everybody is meant."""
    assert fault(lambda: Members({"flag": value}).flag("flag")) == (Code.FIELD_INVALID, "flag")
    assert Members({}).flag("flag") is False
