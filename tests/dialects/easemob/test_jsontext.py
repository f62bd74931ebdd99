import pytest

from laba.dialects.easemob.jsontext import parse, parse_object
from laba.dialects.strictjson import DEPTH_MAX
from laba.model.refusal import Code, Refusal


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"[]" + b"}" * (levels - 1)


def test_json_is_read_as_it_stands():
    """Numbers keep their kind, text its characters."""
    assert parse('{"a":[1,1.5,true,null,"喇\\ud83d\\udce3"]}'.encode()) == {"a": [1, 1.5, True, None, "喇📣"]}


# G4
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":1}{',
        b"\xff",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":-1e400}',
        b'{"a":' + b"9" * 309 + b"}",
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":1,"a":1}',
        b'{"o":{"a":1,"b":2,"a":3}}',
        b'{"a":"\x00"}',
        b"[" * 60000,
        b'{"a":' * 10000 + b"1" + b"}" * 10000,
        b"[" * 800 + b"]" * 800,
    ],
)
def test_what_readers_could_not_agree_on_is_broken(body):
    """Never an exception, always a reason."""
    found = parse(body)
    assert isinstance(found, Refusal)
    assert found.code is Code.BODY_BROKEN
    assert found.reason


def test_the_depth_has_a_bound():
    """As deep as the bound is read, one deeper is not."""
    assert not isinstance(parse(nested(DEPTH_MAX)), Refusal)
    assert isinstance(parse(nested(DEPTH_MAX + 1)), Refusal)


def test_the_reason_says_where():
    """A caller finds the comma too many."""
    assert "line 2" in parse(b'{"a":1,\n}').reason


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"true"])
def test_an_object_must_be_an_object(body):
    """Valid JSON of another kind is no body."""
    assert parse_object(body).code is Code.BODY_BROKEN
