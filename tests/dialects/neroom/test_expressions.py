import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.membertags import holds
from laba.dialects.neroom.expressions import EXPRESSION_MAX_CHARS, parse
from laba.model.tags import All, Either, Pattern, Tag

A, B, C = Tag("a"), Tag("b"), Tag("c")
TA, TB, TC = (json.dumps({"tag": name}, separators=(",", ":")) for name in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (TA, A),
        ('  { "tag" : "a" }  ', A),
        ('{"tag":"a","matchType":null}', A),
        ('{"tag":"abc.*","matchType":"regex"}', Pattern("abc.*")),
        ('{"matchType":"regex","tag":"x"}', Pattern("x")),
        (f"{TA} and {TB}", All((A, B))),
        (f"{TA} or {TB}", Either((A, B))),
        (f"{TA}and{TB}", All((A, B))),
        (f"{TA} AND {TB} Or {TC}", Either((All((A, B)), C))),
        (f"({TA})", A),
        (f"(({TA}) and ({TB}))", All((A, B))),
        (f"{TA} and {TB} and {TC}", All((A, B, C))),
        (f"{TA} or ({TB} or {TC})", Either((A, B, C))),
        (f"({TA} or {TB}) and {TC}", All((Either((A, B)), C))),
        (f"{TC} and ({TA} or {TB})", All((C, Either((A, B))))),
        ('{"tag":"喇叭 \\u0022"}', Tag('喇叭 "')),
        ('{"tag":""}', Tag("")),
        ('{"tag":") or ("}', Tag(") or (")),
    ],
)
def test_an_expression_is_atoms_joined_by_words_and_parentheses(text, tree):  # N8
    assert parse(text) == tree


def test_and_binds_tighter_than_or():
    """N8, stated: the vendor's page does not say."""
    assert parse(f"{TA} or {TB} and {TC}") == Either((A, All((B, C))))
    assert parse(f"{TA} and {TB} or {TC}") == Either((All((A, B)), C))
    assert holds(parse(f"{TA} or {TB} and {TC}"), {"a"})
    assert not holds(parse(f"({TA} or {TB}) and {TC}"), {"a"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at character 1: a"),
        ("   ", "at character 4: a"),
        ("a", "at character 1: a"),
        ("not " + TA, "at character 1: a"),
        (f"{TA} {TB}", "at character 13: `and` or `or` is expected"),
        (f"{TA} xor {TB}", "`and` or `or` is expected"),
        (f"{TA} and", "is expected"),
        (f"{TA} or or {TB}", "is expected"),
        (f"({TA}", "a parenthesis is not closed"),
        (f"{TA})", "at character 12: a parenthesis is closed that was not opened"),
        ("()", "at character 2: a"),
        ('{"tag":"a"', "no JSON object"),
        ("{tag:1}", "no JSON object"),
        ('{"tag":1}', "an atom has"),
        ("{}", "an atom has"),
        ('{"tag":"a","not":1}', "at character 1: an atom has"),
        ('{"tag":"a","tag":"b"}', "at character 1: what stands here is no JSON object"),
        ('{"tag":"a","matchType":"glob"}', "an atom has"),
        ('{"tag":"\\ud800"}', "a surrogate stands alone"),
        (
            TA + ' or {"tag":"(","matchType":"regex"}',
            "at character 16: '(' is no regular expression that can be used here",
        ),
        (r'{"tag":"(a)\\1","matchType":"regex"}', "no regular expression that can be used here"),
    ],
)
def test_what_is_none_is_refused_where_it_is_wrong(text, reason):  # G4
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse(text)


def test_an_expression_has_at_most_128_characters():  # N8
    assert EXPRESSION_MAX_CHARS == 128
    assert isinstance(parse(TA.ljust(128)), Tag)
    with pytest.raises(ValueError, match="at most 128 characters"):
        parse(TA.ljust(129))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 128,
        "(" * 58 + TA + ")" * 58,
        ")" * 128,
        '{"tag":' * 18,
        '{"tag":' + "[" * 121,
        '{"a":' * 25,
        '{"tag":"%s","matchType":"regex"}' % ("(a*)*" * 19),
        '{"tag":"%s","matchType":"regex"}' % ("(.{0,9}){0,9}" * 7),
        ("{}" + " " * 126),
    ],
)
def test_128_hostile_characters_are_answered_at_once(text):  # N8: in under 50 ms
    assert len(text) <= 128
    began = time.process_time()
    try:
        holds(parse(text), {"a" * 32, "b" * 32})
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either is right
    assert time.process_time() - began < 0.05


names = st.text('ab) ("\\é', max_size=2)
atoms = st.one_of(names.map(Tag), st.sampled_from(["a", "a.*", "[ab]"]).map(Pattern))
trees = st.recursive(
    atoms,
    lambda inner: st.one_of(
        *(st.builds(kind, st.lists(inner, min_size=2, max_size=3).map(tuple)) for kind in (All, Either))
    ),
    max_leaves=4,
)


def written(tree, *, inside=False):
    """Write a tree with all the parentheses that there can be."""
    match tree:
        case Tag(text):
            return json.dumps({"tag": text})
        case Pattern(text):
            return json.dumps({"tag": text, "matchType": "regex"})
    word = " and " if isinstance(tree, All) else " or "
    text = word.join(written(part, inside=True) for part in tree.parts)
    return f"({text})" if inside else text


@given(trees, st.frozensets(names, max_size=3))
def test_what_is_written_is_read_as_it_was_meant(tree, tags):  # N8
    text = written(tree)
    if len(text) <= EXPRESSION_MAX_CHARS:
        assert holds(parse(text), tags) == holds(tree, tags)


def tersely(tree):
    """Write a tree with no more parentheses than it needs: only around alternatives that are factors."""
    match tree:
        case Tag(text):
            return json.dumps({"tag": text}, separators=(",", ":"), ensure_ascii=False)
        case Pattern(text):
            return json.dumps({"tag": text, "matchType": "regex"}, separators=(",", ":"), ensure_ascii=False)
        case Either(parts):
            return "or".join(map(tersely, parts))
    return "and".join(f"({tersely(part)})" if isinstance(part, Either) else tersely(part) for part in tree.parts)


def flat(tree):
    """Give a tree in which nothing is joined inside what is joined by the same word."""
    if isinstance(tree, Tag | Pattern):
        return tree
    kind, parts = type(tree), [flat(part) for part in tree.parts]
    return kind(tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))))


@given(trees)
def test_without_needless_parentheses_it_is_the_same_tree(tree):  # N8
    text = tersely(tree)
    if len(text) <= EXPRESSION_MAX_CHARS:
        assert parse(text) == flat(tree)
