from laba.model.session import Denial, Denied, Ending


def test_a_denial_says_its_own_reason_unless_there_is_a_better_one():
    """The codes are the Centrifuge client protocol's."""
    assert Denied(1, Denial.BAD_REQUEST).message == "bad request"
    assert Denied(1, Denial.BAD_REQUEST, "limit must be a number").message == "limit must be a number"
    assert {denial.name: denial.code for denial in Denial} == {
        "INTERNAL_ERROR": 100,
        "UNKNOWN_CHANNEL": 102,
        "PERMISSION_DENIED": 103,
        "METHOD_NOT_FOUND": 104,
        "LIMIT_EXCEEDED": 106,
        "BAD_REQUEST": 107,
        "NOT_AVAILABLE": 108,
        "TOKEN_EXPIRED": 109,
        "TOO_MANY_REQUESTS": 111,
        "UNRECOVERABLE_POSITION": 112,
    }


def test_the_sdks_do_not_come_back_to_a_subscription_that_laba_has_ended():
    """Both official SDKs subscribe again by themselves where the code is 2500 or more."""
    # S3
    assert {ending.name: ending.code for ending in Ending} == {"REMOVED": 2400, "DESTROYED": 2401}
    assert all(ending.code < 2500 and ending.reason for ending in Ending)
