"""What clients said of their devices, in the same file: read at once, on the event loop (S2, S8)."""

from typing import Any

import msgspec
from sqlalchemy import Connection

from laba.adapters.store import campaignstatements as statements
from laba.adapters.store import pushstatements
from laba.adapters.store.commits import Addition
from laba.adapters.store.reads import at_once
from laba.adapters.store.statements import Hot
from laba.adapters.store.worker import Worker
from laba.model.attendance import Seat
from laba.model.device import DEVICES_MAX, Address, Device, Registration


class SqliteDevices:
    """`ports.Devices` over the store's writer, and a connection of the event loop's own for the reads of a login."""

    def __init__(self, writer: Worker, near: Connection) -> None:
        self._writer = writer
        self._near = near
        self._any_of = Hot(statements.ANY_DEVICE)
        self._of_user = Hot(statements.DEVICES_OF_USER)
        self._put = Hot(statements.PUT_DEVICES)
        self._registrations = Hot(pushstatements.REGISTRATIONS)

    async def any_of(self, app_uuid: str) -> bool:
        ((is_any,),) = at_once(self._near, self._any_of, {"app_uuid": app_uuid})
        return bool(is_any)

    async def of_user(self, app_uuid: str, user: str) -> tuple[Device, ...]:
        found = at_once(self._near, self._of_user, {"app_uuid": app_uuid, "user": user})
        return tuple(Device(Seat(app_uuid, user, device), platform, package) for device, platform, package in found)

    async def put(self, device: Device) -> None:
        row = msgspec.json.encode((*device.seat, device.platform, device.package)).decode()
        await self._writer.do(Addition(self._put, row))

    async def register(self, registration: Registration) -> None:
        row = _row(registration)

        def write(connection: Connection) -> None:
            if registration.address is not None:
                connection.execute(pushstatements.TAKE_TOKEN, row)
            connection.execute(pushstatements.REGISTER, row)
            connection.execute(pushstatements.FORGET_OLDEST, row | {"most": DEVICES_MAX})

        await self._writer.do(write)

    async def registrations(self, app_uuid: str, user: str) -> tuple[Registration, ...]:
        found = at_once(self._near, self._registrations, {"app_uuid": app_uuid, "user": user})
        return tuple(_registration(app_uuid, user, row) for row in found)

    async def remove(self, seat: Seat) -> bool:
        def write(connection: Connection) -> bool:
            return connection.execute(statements.REMOVE_DEVICE, seat._asdict()).rowcount == 1

        return await self._writer.do(write)


def forget_devices(connection: Connection, app_uuid: str, user: str) -> None:
    """Forget the devices of a user who is being removed."""
    connection.execute(statements.FORGET_DEVICES, {"app_uuid": app_uuid, "name": user})


def _row(registration: Registration) -> dict[str, object]:
    device, address = registration.device, registration.address
    return {
        **device.seat._asdict(),
        "platform": device.platform,
        "package": device.package,
        "kind": None if address is None else address.kind,
        "token": None if address is None else address.token,
        "sandbox": address is not None and address.sandbox,
        "locale": registration.locale,
        "time_zone": registration.time_zone,
        "registered_at_ms": registration.registered_at_ms,
    }


def _registration(app_uuid: str, user: str, row: Any) -> Registration:
    """Give what a row of REGISTRATION_COLUMNS says."""
    name, platform, package, kind, token, sandbox, locale, time_zone, registered_at_ms, dead = row
    device = Device(Seat(app_uuid, user, name), platform, package)
    address = None if token is None else Address(kind, token, bool(sandbox))
    return Registration(device, address, locale, time_zone, registered_at_ms or 0, dead)
