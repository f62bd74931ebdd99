import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.membertags import CHOICES_MAX, KNOWN_MAX, Choice, Choices, holds
from laba.model.tags import All, Either, Pattern, Tag

VIP, GOLD = Tag("vip"), Tag("gold")
TAGS = [
    frozenset(),
    frozenset({"vip"}),
    frozenset({"gold"}),
    frozenset({"vip", "gold"}),
    frozenset({"vip2"}),
]

texts = st.text("abé.", min_size=1, max_size=3)
atoms = st.one_of(
    st.builds(Tag, texts),
    st.sampled_from(["a", "a.*", "[ab]+", "(a|b)é?", ".", "", "b{2}"]).map(Pattern),
)
trees = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=4).map(tuple)),
        st.builds(Either, st.lists(inner, min_size=1, max_size=4).map(tuple)),
    ),
    max_leaves=20,
)


def plainly(expression, tags):
    """Judge by the words of the row alone, with Python's own regular expressions for patterns this simple (N8)."""
    match expression:
        case Tag():
            return any(tag == expression.text for tag in tags)
        case Pattern():
            return any(re.fullmatch(expression.text, tag) for tag in tags)
        case All():
            return False not in [plainly(part, tags) for part in expression.parts]
        case Either():
            return True in [plainly(part, tags) for part in expression.parts]


@given(trees, st.frozensets(texts, max_size=4))
def test_an_expression_holds_where_a_plain_reading_says_so(expression, tags):  # N8
    assert holds(expression, tags) is plainly(expression, tags)
    assert Choice(expression).holds(tags) is plainly(expression, tags)


def test_and_wants_all_or_wants_one():  # N8
    assert [holds(All((VIP, GOLD)), tags) for tags in TAGS] == [False, False, False, True, False]
    assert [holds(Either((VIP, GOLD)), tags) for tags in TAGS] == [False, True, True, True, False]


def test_a_pattern_matches_a_tag_as_a_whole():  # N8
    assert [holds(Pattern("vip"), tags) for tags in TAGS] == [False, True, False, True, False]
    assert [holds(Pattern("vip.*"), tags) for tags in TAGS] == [False, True, False, True, True]


def test_a_tag_set_is_judged_once():
    """However many members have it: the second time the answer is remembered."""

    class Once(frozenset):
        looked = 0

        def __contains__(self, tag):
            type(self).looked += 1
            return super().__contains__(tag)

    choice, tags = Choice(VIP), Once({"vip"})
    assert [choice.holds(tags) for _ in range(1000)] == [True] * 1000
    assert Once.looked == 1


def test_what_is_remembered_has_a_bound():
    choice = Choice(Pattern("t[0-4].*"))
    for number in range(KNOWN_MAX + 10):
        choice.holds(frozenset({f"t{number}"}))
    assert len(choice._known) == len(choice._matched) == KNOWN_MAX
    assert choice.holds(frozenset({"t0"}))  # forgotten, and judged anew


def test_a_pattern_is_matched_once_with_each_tag_however_many_sets_hold_it():
    choice = Choice(Pattern("g.*"))
    for number in range(100):
        choice.holds(frozenset({f"set{number}", "gold", "de"}))
    assert len(choice._matched) <= 102
    assert choice.holds(frozenset({"gold"}))
    assert not choice.holds(frozenset({"de"}))


def test_messages_with_one_expression_share_a_choice():
    choices = Choices()
    first = choices.of(All((VIP, Pattern("a.*"))))
    assert choices.of(All((VIP, Pattern("a.*")))) is first
    assert choices.of(All((VIP, Pattern("b.*")))) is not first


def test_the_choices_made_longest_ago_are_forgotten_first():
    choices = Choices()
    first, second = choices.of(Tag("first")), choices.of(Tag("second"))
    for number in range(CHOICES_MAX - 1):
        assert choices.of(Tag("first")) is first
        choices.of(Tag(str(number)))
    assert choices.of(Tag("second")) is not second


HOSTILE = [
    "(a|a)*b",
    "(a*)*" * 20,
    "(" * 60 + "a" + ")*" * 33,
    ".*" * 60,
    "(.{0,9}){0,9}" * 9,
    r"(\pL{1,9}\pN{1,9}){1,9}",
    "[^b]{0,99}" * 12,
    "(x+x+)+y" * 16,
]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_pattern_is_answered_at_once(pattern):  # N8: 128 characters, under 50 ms
    """On ten tags of 32 characters each, which nearly match; or it is refused as too large, as fast."""
    tags = frozenset("a" * 31 + str(number) for number in range(10))
    assert len(pattern) <= 128
    began = time.process_time()
    try:
        holds(Pattern(pattern), tags)
    except ValueError as error:
        assert "no regular expression that can be used here" in str(error)  # noqa: PT017 - either is right
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize("pattern", ["(", "*", "[", r"(a)\1", "(?=a)", "a{1001}", r"\p{Nope}"])
def test_what_is_no_pattern_here_is_refused(pattern):  # N8: RE2 has no back-references
    with pytest.raises(ValueError, match="no regular expression that can be used here"):
        Pattern(pattern)
