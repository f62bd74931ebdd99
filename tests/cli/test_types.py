import click
import pytest

from laba.cli.types import shown_types, type_named


def test_a_type_is_what_stands_in_the_list_and_nothing_else():
    """In any order; none is nothing, and the default is not set at all."""  # R8
    nothing = {"stored": False, "counted": False, "offline": False, "pushed": False}
    assert type_named("offline,stored", "") == nothing | {"stored": True, "offline": True}
    assert type_named("none", "") == nothing
    assert type_named("default", "") is None


@pytest.mark.parametrize("value", ["", "stored,", "stored,none", "default,stored", "updates_last", "Stored"])
def test_any_other_word_is_misuse(value):  # R8
    with pytest.raises(click.BadParameter, match="'what was typed'"):
        type_named(value, "what was typed")


def test_types_are_shown_in_the_words_in_which_they_are_set():  # R8
    for value in ("none", "stored", "stored,counted,offline,pushed"):
        shown = shown_types({"types": {"app:gift": type_named(value, "")}})
        assert list(shown) == [("type.app:gift", value)]
