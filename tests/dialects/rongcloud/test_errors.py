import pytest

from laba.dialects.rongcloud.errors import WORDS, words_for
from laba.model.refusal import Code, Refusal

# The statuses and codes that the vendor's pages list (vendor-apis.md 1.4), and laba's own for what they leave open.
STATUSES = {400, 401, 403, 404, 405, 429} | {408, 413, 415, 416, 503}
CODES = {400, 404, 1000, 1001, 1002, 1003, 1004, 1005, 1007, 1008, 1009, 1502, 1508}


def test_every_code_has_words():
    """One table, and nothing is missing from it."""
    assert set(WORDS) == set(Code)


def test_the_words_are_the_vendors():
    """No code or status is made up."""
    assert {words.status for words in WORDS.values()} <= STATUSES
    assert {words.code for words in WORDS.values()} <= CODES


# R2, R3, P2, P4, vendor-apis.md 1.4
@pytest.mark.parametrize(
    ("code", "status", "number"),
    [
        (Code.FIELD_INVALID, 400, 1002),
        (Code.FIELD_MISSING, 400, 1002),
        (Code.FIELD_EMPTY, 400, 1002),
        (Code.BODY_BROKEN, 400, 1002),
        (Code.AUDIENCE_EMPTY, 400, 1002),
        (Code.NOT_RECALLABLE, 400, 1002),
        (Code.BROADCAST_UNKNOWN, 400, 1002),
        (Code.APP_UNKNOWN, 400, 1002),
        (Code.APP_KEY_MISSING, 400, 1002),
        (Code.LIST_SIZE_WRONG, 400, 1502),
        (Code.MESSAGE_TOO_LARGE, 400, 1005),
        (Code.USER_UNKNOWN, 400, 400),
        (Code.SIGNATURE_MISSING, 401, 1004),
        (Code.SIGNATURE_WRONG, 401, 1004),
        (Code.SIGNATURE_STALE, 401, 1004),
        (Code.SIGNATURE_REUSED, 401, 1004),
        (Code.FEATURE_OFF, 403, 1009),
        (Code.ENDPOINT_UNKNOWN, 404, 404),
        (Code.PROVIDER_UNKNOWN, 404, 404),
        (Code.DEVICE_UNKNOWN, 404, 404),
        (Code.PUSH_OVER, 404, 404),
        (Code.PROVIDERS_TOO_MANY, 400, 1502),
        (Code.METHOD_WRONG, 405, 404),
        (Code.BODY_TOO_LARGE, 413, 1508),
        (Code.MEDIA_TYPE_UNSUPPORTED, 415, 1002),
        (Code.QUOTA_EXHAUSTED, 429, 1008),
        (Code.OVERLOADED, 503, 1000),
    ],
)
def test_status_and_code_go_together(code, status, number):
    """As the rows and the vendor's texts say."""
    assert words_for(Refusal(code, "why"), 403)[:2] == (status, number)


# R2
def test_the_status_of_a_feature_that_is_off_is_configured():
    """The vendor's newer pages have 430; no other status is touched."""
    assert words_for(Refusal(Code.FEATURE_OFF, "why"), 430)[:2] == (430, 1009)
    assert all(words_for(Refusal(code, "why"), 430).status != 430 for code in Code if code is not Code.FEATURE_OFF)


# G4
def test_the_message_names_the_field_and_the_reason():
    """Whatever is in them."""
    assert words_for(Refusal(Code.FIELD_MISSING, "is missing", "fromUserId"), 403).message == "fromUserId: is missing"
    assert words_for(Refusal(Code.BODY_BROKEN, "no {JSON}"), 403).message == "no {JSON}"
    assert words_for(Refusal(Code.APP_UNKNOWN, "why", subject="k"), 403).message == "invalid App-Key."
