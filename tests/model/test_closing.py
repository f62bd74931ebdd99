import pytest

from laba.model.closing import Closing
from laba.model.session import Denial


def test_every_code_means_one_thing():
    """Two reasons with one code could not be told apart."""
    assert len({closing.code for closing in Closing}) == len(Closing)
    assert len({denial.code for denial in Denial}) == len(Denial)


@pytest.mark.parametrize(
    "closing", [Closing.SHUTDOWN, Closing.SERVER_ERROR, Closing.SLOW, Closing.NO_PONG, Closing.LOGIN_TIMEOUT]
)
def test_who_lost_by_no_fault_of_its_own_comes_back(closing):
    """A client's SDK decides so from the code alone: 3000 to 3499 and 4000 to 4499."""
    assert closing.may_reconnect
    assert 3000 <= closing.code < 3500 or 4000 <= closing.code < 4500


@pytest.mark.parametrize(
    "closing",
    [
        Closing.INVALID_TOKEN,
        Closing.BAD_REQUEST,
        Closing.USER_REMOVED,
        Closing.USER_DEACTIVATED,
        Closing.PASSWORD_CHANGED,
        Closing.DISCONNECTED,
    ],
)
def test_who_would_fail_again_stays_away(closing):
    """3500 to 3999 and 4500 to 4999."""  # S1
    assert not closing.may_reconnect
    assert 3500 <= closing.code < 4000 or 4500 <= closing.code < 5000


@pytest.mark.parametrize("closing", Closing)
def test_a_reason_fits_into_a_close_frame(closing):
    """RFC 6455 section 5.5: a control frame carries 125 bytes, two of them the code."""
    assert 0 < len(closing.reason.encode()) <= 123
