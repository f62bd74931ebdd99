import pytest

from laba.dialects.strictjson import DEPTH_MAX, compact, parse


def test_json_is_read_as_it_is():
    """Of any kind, integers of any length a client can hold, and as wide as it likes."""
    assert parse('{"a":[1,"喇",null,1.5],"b":"\\ud83d\\ude00"}') == {"a": [1, "喇", None, 1.5], "b": "😀"}
    assert parse("1" * 308) == int("1" * 308)
    assert parse("[" + "[],{}," * DEPTH_MAX + "[]]")[0] == []
    assert parse("[" * DEPTH_MAX + "]" * DEPTH_MAX)


# G4
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1"),
        ('{"a":1,\n}', "line 2"),
        ('{"a":1,"a":2}', "twice"),
        ("NaN", "NaN"),
        ("-Infinity", "Infinity"),
        ("1e999", "out of range"),
        ("1" * 309, "out of range"),
        ('"\\ud800"', "surrogate"),
        ("[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1), str(DEPTH_MAX)),
        ("[" * 100_000, str(DEPTH_MAX)),
    ],
)
def test_what_readers_could_not_agree_on_is_none(text, why):
    """With a reason."""
    with pytest.raises(ValueError, match=why):
        parse(text)


def test_compact_json_is_always_written():
    """Without spaces and escapes; a stray surrogate, as from a path, becomes a question mark."""
    assert compact({"a": [1, "喇"]}) == '{"a":[1,"喇"]}'.encode()
    assert compact("\udcff") == b'"?"'
    assert compact({"喇": 10**300}) == f'{{"喇":{10**300}}}'.encode()
