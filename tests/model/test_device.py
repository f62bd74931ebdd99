from laba.model.attendance import Seat
from laba.model.device import Address, Device, Registration


def test_a_token_is_in_no_repr():
    """Whoever has it can push to the device."""  # S2
    address = Address("apns", "a token")
    registration = Registration(Device(Seat("app", "ann", "phone"), "ios", ""), address)
    assert "a token" not in repr(address) + repr(registration)
    assert "apns" in repr(registration)
