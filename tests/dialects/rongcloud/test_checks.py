import base64
import json

import pytest

from laba.dialects.rongcloud import checks

THUMBNAIL = base64.b64encode(b"x" * 81_920).decode()
ONE_PAST = base64.b64encode(b"x" * 81_921).decode()


# P10: each check, at its limit and one past it.
@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (checks.text, ["", "x", "喇"], [None, 5, True, [], {}]),
        (checks.filled_text, ["x"], ["", None, 5]),
        (checks.magnitude, [0, 1, 2.5], [-1, -0.1, "1", True, None]),
        (checks.voice_length, [0, 7, 59.9, 60], [60.1, 61, -1, "7", True, None]),
        (
            checks.size,
            [0, 190184, 1.5, "0", "190184", "1.5"],
            [-1, "-1", "", "x", "1 ", "1e999", "9" * 400, "١", True],
        ),
        (
            checks.coordinate,
            [39.9139, -1, "39.9139", "-116.3917", "+.5", "1e2"],
            ["", "north", "1,5", "nan", True, None],
        ),
        (
            checks.thumbnail,
            ["", "bhZPzJXimRwrtvc=", THUMBNAIL],
            [ONE_PAST, "a", "bhZP\nzJXi", "bhZP\r\n", "bhZP zJXi", "喇", "bh-_", None, 5],
        ),
        (
            checks.picture,
            ["", "bhZPzJXimRwrtvc=", "/9j/4AAQSkZ/2wB...hDSaSiimB//9k=", ONE_PAST],
            ["bhZP\n", "bh\r\nZP", "bh ZP", "bh=ZP", "b===", "喇", None, 5],
        ),
        (
            checks.user,
            [{}, {"id": "1", "name": "n", "portrait": "p", "extra": "e"}, {"id": None}, {"icon": 5}],
            ["u", [], 5, {"id": 5}, {"name": {}}, {"portrait": True}, {"extra": []}],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_value_is_right_or_told_what_was_expected(check, right, wrong):
    """The reason is for the caller."""
    for value in right:
        assert check(value) is None, json.dumps(value)[:80]
    for value in wrong:
        assert check(value), json.dumps(value)[:80]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("190184", 190184),
        ("0007", 7),
        ("39.9139", 39.9139),
        ("-1", -1.0),
        (5, 5),
        ("x", "x"),
        ("9" * 18, int("9" * 18)),
        ("9" * 30, float("9" * 30)),
    ],
)
def test_text_that_is_a_number_becomes_one(value, number):
    """A whole number stays whole as far as every reader holds it."""
    assert checks.as_number(value) == number
    assert type(checks.as_number(value)) is type(number)
