import json

import pytest

from hostile import NO_FLAG, NO_TEXT, each
from laba.dialects.native.devices import TOKEN_MAX
from laba.dialects.native.members import TEXT_MAX
from laba.model.attendance import Seat
from laba.model.device import Address, Device, Registration
from laba.model.pushcalls import DeviceRemoved, DevicesShown, ListDevices, PutDevice, RemoveDevice
from laba.model.refusal import Code
from native_wire import APP, fault, read, told

DEVICE = f"{APP}/users/ann/devices/phone"


def register(**members):
    return read("PUT", DEVICE, members)


def test_a_device_is_put_whole():  # S2
    call = register(
        provider="apns",
        token="ab" * 32,
        sandbox=True,
        platform="iOS",
        package="com.acme",
        locale="zh-Hans_CN",
        time_zone="America/Argentina/Buenos_Aires",
        colour="red",
    )
    address = Address("apns", "ab" * 32, sandbox=True)
    assert call == PutDevice(
        "ann", "phone", "iOS", "com.acme", address, "zh-Hans_CN", "America/Argentina/Buenos_Aires"
    )


def test_apples_tokens_are_the_same_in_capitals():  # S8
    assert register(provider="apns", token="ABab" * 16).address.token == "abab" * 16
    assert register(provider="fcm", token="ABab").address.token == "ABab"


def test_only_of_webpush_a_token_is_an_object():  # S8
    for kind in ("apns", "fcm"):
        assert fault(register(provider=kind, token={})) == (Code.FIELD_INVALID, "token")


def test_a_device_may_be_known_and_not_pushed_to():
    """What is not said stays as it was."""  # S2
    assert register() == PutDevice("ann", "phone")
    assert register(time_zone="Etc/GMT+8").time_zone == "Etc/GMT+8"


def test_a_browsers_subscription_is_taken_as_it_gives_it():
    """Or as its text: both are the same device."""  # S8
    given = {"endpoint": "https://x/y", "expirationTime": None, "keys": {"auth": "a", "p256dh": "喇"}}
    (one, other) = (register(provider="webpush", token=token) for token in (given, json.dumps(given)))
    assert json.loads(one.address.token) == json.loads(other.address.token) == given


@pytest.mark.parametrize(
    ("name", "value"),
    each(
        provider=[*NO_TEXT, "pigeon", "APNS"],
        token=[None, 0, 1.5, True, [], ["a"], "", "x" * (TOKEN_MAX + 1), {"a": "x" * TOKEN_MAX}],
        sandbox=NO_FLAG,
        platform=[*NO_TEXT, "x" * 33],
        package=[*NO_TEXT, "x" * 129],
        locale=[*NO_TEXT, "zh CN", "-", "zh-", "abcdefghi", "喇", "a" + "-b" * TEXT_MAX],
        time_zone=[*NO_TEXT, "Asia/", "/Asia", "Asia Shanghai", "亚洲/上海", "x" * (TEXT_MAX + 1)],
    ),
)
def test_no_member_of_a_device_is_taken_for_what_it_is_not(name, value):  # G4
    given = {"provider": "fcm", "token": "t"} | {name: value}
    assert fault(register(**given)) == (Code.FIELD_INVALID, name)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"token": "t"}, "provider"), ({"provider": "fcm"}, "token"), ({"sandbox": 1}, "sandbox")],
)
def test_a_token_is_of_a_provider(given, field):
    """Half an address is none, and what is no flag is refused also where there is nothing to push to."""  # G4
    assert fault(register(**given)) == (Code.FIELD_INVALID, field)


@pytest.mark.parametrize("device", ["x" * 65, "a\x00b", "a\nb"])
def test_a_device_has_a_name_that_a_client_could_connect_with(device):  # G4
    assert fault(read("PUT", f"{APP}/users/ann/devices/{device}", {})) == (Code.FIELD_INVALID, "device")
    assert read("PUT", f"{APP}/users/ann/devices/{'喇' * 64}", {}).device == "喇" * 64


def test_devices_are_listed_and_removed():  # S2
    assert read("GET", f"{APP}/users/ann/devices") == ListDevices("ann")
    assert read("DELETE", DEVICE) == RemoveDevice("ann", "phone")
    assert told(DeviceRemoved("phone")) == {"name": "phone"}


def test_devices_are_shown_without_their_tokens():
    """Who reads them could push to them."""  # S2
    device = Device(Seat("an app", "ann", "phone"), "ios", "com.acme")
    whole = Registration(device, Address("apns", "a token", sandbox=True), "zh-CN", "Asia/Shanghai", 7)
    gone = Registration(Device(Seat("an app", "ann", ""), None, ""), dead="Unregistered")
    said = told(DevicesShown((whole, gone)))
    assert said == {
        "devices": [
            {
                "device": "phone",
                "platform": "ios",
                "package": "com.acme",
                "provider": "apns",
                "sandbox": True,
                "locale": "zh-CN",
                "time_zone": "Asia/Shanghai",
                "registered_at": 7,
                "dead": None,
            },
            {
                "device": "",
                "platform": None,
                "package": "",
                "provider": None,
                "sandbox": False,
                "locale": None,
                "time_zone": None,
                "registered_at": None,
                "dead": "Unregistered",
            },
        ]
    }
    assert "a token" not in json.dumps(said)
