import pytest

from laba.dialects.neroom.errors import WORDS, reason_of
from laba.model.refusal import Code, Refusal

# What the vendor's pages list (seeds/003, vendor-apis.md 1.5), and laba's own for what they leave open.
NEROOM = {400, 401, 403, 404, 405, 409, 415, 503, 1004} | {408, 429}
IM = {403, 404, 414, 416, 419, 503} | {405, 408, 417}


def test_every_code_has_words():
    """One table, and nothing is missing from it."""
    assert set(WORDS) == set(Code)


def test_the_words_are_the_vendors():
    """No code is made up but those that are said to be."""
    assert {words.code for words in WORDS.values()} == NEROOM
    assert {words.im_code for words in WORDS.values()} == IM


@pytest.mark.parametrize(
    ("code", "neroom", "im"),
    [
        (Code.FIELD_INVALID, 400, 414),
        (Code.FIELD_MISSING, 400, 414),
        (Code.BODY_BROKEN, 400, 414),
        (Code.BODY_TOO_LARGE, 400, 414),
        (Code.MESSAGE_TOO_LARGE, 400, 414),
        (Code.APP_KEY_MISSING, 401, 414),
        (Code.APP_UNKNOWN, 401, 414),
        (Code.SIGNATURE_MISSING, 401, 414),
        (Code.SIGNATURE_WRONG, 401, 414),
        (Code.SIGNATURE_STALE, 401, 414),
        (Code.SIGNATURE_REUSED, 401, 414),
        (Code.FEATURE_OFF, 403, 403),
        (Code.USER_DEACTIVATED, 403, 403),
        (Code.ENDPOINT_UNKNOWN, 404, 404),
        (Code.USER_UNKNOWN, 404, 404),
        (Code.PROVIDER_UNKNOWN, 404, 404),
        (Code.PROVIDERS_TOO_MANY, 403, 419),
        (Code.DEVICE_UNKNOWN, 404, 404),
        (Code.PUSH_OVER, 404, 404),
        (Code.METHOD_WRONG, 405, 405),
        (Code.ROOM_EXISTS, 409, 417),
        (Code.MEDIA_TYPE_UNSUPPORTED, 415, 414),
        (Code.QUOTA_EXHAUSTED, 429, 416),
        (Code.LIST_SIZE_WRONG, 400, 419),
        (Code.OVERLOADED, 503, 503),
        (Code.ROOM_UNKNOWN, 1004, 404),
    ],
)
def test_both_platforms_have_a_code_for_it(code, neroom, im):  # N9, vendor-apis.md 1.5
    assert (WORDS[code].code, WORDS[code].im_code) == (neroom, im)


def test_the_reason_names_the_field_first():  # G4
    assert reason_of(Refusal(Code.FIELD_MISSING, "is missing", "msg_id")) == "msg_id: is missing"
    assert reason_of(Refusal(Code.BODY_BROKEN, "no {JSON}")) == "no {JSON}"
