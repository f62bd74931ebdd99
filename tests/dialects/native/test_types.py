import json

import pytest

from builders import app
from laba.dialects.native.dialect import NativeDialect
from laba.dialects.native.types import NAME_MAX, TYPES_MAX, shown
from laba.model.app import AppPolicy
from laba.model.calls import ChangeApp, Claim
from laba.model.flags import Flags
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Code, Refusal

ALL = Flags(stored=True, counted=True, pushed=True, updates_last=True, offline=True)
NONE = Flags(stored=False, counted=False, pushed=False, updates_last=False)


def read(types, tenant=None):
    """Read a change of an app's types."""
    native, head = NativeDialect(), RequestHead("PATCH", "/v1/apps/org/app")
    claim = native.claim(head)
    assert isinstance(claim, Claim)
    return native.read(claim, HttpRequest(head, json.dumps({"types": types}).encode()), tenant, 0)


def fault(answer):
    assert isinstance(answer, Refusal)
    return (answer.code, answer.field)


def app_with(*names):
    return app(policy=AppPolicy(types=dict.fromkeys(names, ALL)))


def test_a_type_is_all_that_it_does_not_deny():  # R8
    """As custom types are by default; one that is not stored does not become the last message."""
    given = {
        "app:all": {},
        "app:none": {"stored": False, "counted": False, "offline": False, "pushed": False},
        "app:gift": {"stored": True, "counted": False, "offline": True, "pushed": False},
        "喇叭.a": {"stored": False},
    }
    assert read(given) == ChangeApp(
        types={
            "app:all": ALL,
            "app:none": NONE,
            "app:gift": Flags(stored=True, counted=False, pushed=False, updates_last=True, offline=True),
            "喇叭.a": Flags(stored=False, counted=True, pushed=True, updates_last=False, offline=True),
        }
    )


def test_null_gives_a_type_its_default_back():  # R8
    assert read({"app:gift": None}) == ChangeApp(types={"app:gift": None})
    assert read({}) == ChangeApp()


@pytest.mark.parametrize(
    ("types", "field"),
    [
        ([], "types"),
        ({"": {}}, "types."),
        ({"x" * (NAME_MAX + 1): {}}, f"types.{'x' * (NAME_MAX + 1)}"),
        ({"app:gift": True}, "types.app:gift"),
        ({"app:gift": {"stored": "yes"}}, "types.app:gift.stored"),
        ({"app:gift": {"stored": None}}, "types.app:gift.stored"),
        ({"app:gift": {"kept": True}}, "types.app:gift.kept"),
        ({"app:gift": {"updates_last": True}}, "types.app:gift.updates_last"),
    ],
)
def test_a_fault_is_named_by_its_member(types, field):  # R3 G4
    assert fault(read(types)) == (Code.FIELD_INVALID, field)


def test_a_name_may_have_32_characters():  # R3
    """Characters, not bytes."""
    assert read({"喇" * NAME_MAX: None}) == ChangeApp(types={"喇" * NAME_MAX: None})


def test_an_app_has_at_most_200_types_in_the_end():  # R8
    """Those counted that it has; one that goes makes room for one that comes, and nothing bars the way down."""
    full = app_with(*map(str, range(TYPES_MAX)))
    assert fault(read({"new": {}}, full)) == (Code.LIST_SIZE_WRONG, "types")
    assert isinstance(read({"new": {}, "7": None}, full), ChangeApp)
    assert isinstance(read({"7": {"stored": False}}, full), ChangeApp)
    assert isinstance(read({str(number): {} for number in range(TYPES_MAX)}), ChangeApp)
    assert fault(read({str(number): {} for number in range(TYPES_MAX + 1)})) == (Code.LIST_SIZE_WRONG, "types")
    assert isinstance(read({}, app_with(*map(str, range(TYPES_MAX + 1)))), ChangeApp)


def test_types_are_shown_as_they_are_read():  # R8
    """By their names, every property of each."""
    given = {"b": {"pushed": False}, "a": {"stored": False, "offline": False}}
    told = shown(read(given).types)
    assert told == {
        "a": {"stored": False, "counted": True, "offline": False, "pushed": True},
        "b": {"stored": True, "counted": True, "offline": True, "pushed": False},
    }
    assert list(told) == ["a", "b"]
    assert read(told) == read(given)
