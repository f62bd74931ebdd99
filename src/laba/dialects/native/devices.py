"""Devices that are pushed to, as laba's own callers and clients write and read them (S2)."""

import re
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from laba.dialects.native.members import CONTROL, Members, invalid
from laba.model.device import Address, Registration
from laba.model.pushcalls import PutDevice, RemoveDevice

# As long as a client may name them when it connects.
DEVICE_MAX: Final = 64
PLATFORM_MAX: Final = 32
PACKAGE_MAX: Final = 128
TOKEN_MAX: Final = 4096
_LOCALE: Final = re.compile(r"[A-Za-z0-9]{1,8}([-_][A-Za-z0-9]{1,8})*")
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


def put(members: Members, user: str, device: str | None, kinds: AbstractSet[str]) -> PutDevice:
    """Read a device. A token is text, or the subscription of a browser as it gives it.

    Apple's tokens are hexadecimal: in either case of letters they are the same device's.
    """
    if device is not None and (len(device) > DEVICE_MAX or CONTROL.search(device)):
        raise invalid("device", f"may have at most {DEVICE_MAX} characters, and no control characters")
    locale, time_zone = members.bounded("locale"), members.bounded("time_zone")
    if locale is not None and not _LOCALE.fullmatch(locale):
        raise invalid("locale", "must be a language tag, such as zh-CN (BCP 47)")
    if time_zone is not None and not _ZONE.fullmatch(time_zone):
        raise invalid("time_zone", "must be a name of the IANA database, such as Asia/Shanghai")
    about = (members.bounded("platform", PLATFORM_MAX), members.bounded("package", PACKAGE_MAX))
    return PutDevice(user, device, *about, _address(members, kinds), locale, time_zone)


def _address(members: Members, kinds: AbstractSet[str]) -> Address | None:
    sandbox = members.optional_flag("sandbox")
    if "provider" not in members and "token" not in members:
        return None
    kind = members.text("provider")
    if kind not in kinds:
        raise invalid("provider", f"must be one of {', '.join(sorted(kinds))}")
    given = members.required("token")
    if not isinstance(given, str) and not (isinstance(given, dict) and kind == "webpush"):
        raise invalid("token", "must be a string; of webpush it may be the subscription itself, an object")
    token = given if isinstance(given, str) else msgspec.json.encode(given).decode()
    if not 0 < len(token) <= TOKEN_MAX:
        raise invalid("token", f"must have 1 to {TOKEN_MAX} characters")
    return Address(kind, token.lower() if kind == "apns" else token, sandbox)


def remove(user: str, device: str | None) -> RemoveDevice:
    return RemoveDevice(user, device)


def shown(registration: Registration) -> dict[str, Any]:
    """Show a device without its token, which is a secret of its owner's."""
    address = registration.address
    return {
        "device": registration.device.seat.device,
        "platform": registration.device.platform,
        "package": registration.device.package,
        "provider": None if address is None else address.kind,
        "sandbox": address is not None and address.sandbox,
        "locale": registration.locale,
        "time_zone": registration.time_zone,
        "registered_at": registration.registered_at_ms or None,
        "dead": registration.dead,
    }
