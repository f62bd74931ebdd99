import pytest

from laba.model.session import Denial, Unsupported
from laba.protocols.centrifuge.requests import denial


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("subscribe", Denial.UNKNOWN_CHANNEL),
        ("unsubscribe", Denial.UNKNOWN_CHANNEL),
        ("rpc", Denial.METHOD_NOT_FOUND),  # one without a method
        ("publish", Denial.PERMISSION_DENIED),
        ("history", Denial.NOT_AVAILABLE),
        ("refresh", Denial.NOT_AVAILABLE),
    ],
)
def test_each_command_that_is_not_served_has_its_error(command, expected):
    """The client learns whether the channel, the method or the whole command is missing."""
    # S4
    assert denial(Unsupported(1, command)) is expected
