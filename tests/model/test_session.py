from laba.model.session import Denial, Denied


def test_a_denial_says_its_own_reason_unless_there_is_a_better_one():
    """The codes are the Centrifuge client protocol's."""
    assert Denied(1, Denial.BAD_REQUEST).message == "bad request"
    assert Denied(1, Denial.BAD_REQUEST, "limit must be a number").message == "limit must be a number"
    assert {denial.name: denial.code for denial in Denial} == {
        "INTERNAL_ERROR": 100,
        "UNKNOWN_CHANNEL": 102,
        "METHOD_NOT_FOUND": 104,
        "BAD_REQUEST": 107,
        "NOT_AVAILABLE": 108,
        "TOKEN_EXPIRED": 109,
    }
