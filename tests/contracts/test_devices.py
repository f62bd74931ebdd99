"""What every Devices keeps to."""

import asyncio

import pytest

from contracts.stores import SqliteStores, user
from laba.model.attendance import Seat
from laba.model.device import DEVICES_MAX, Address, Device, Registration

pytestmark = pytest.mark.anyio

PHONE, TABLET = Seat("app-1", "ann", "phone"), Seat("app-1", "ann", "tablet")


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


async def test_a_device_comes_back_as_it_was_described(stores):  # S2
    """After a restart, under its own user and app only; one that has no name is a device, too."""
    mine = [
        Device(Seat("app-1", "ann", ""), None, "com.app"),
        Device(PHONE, "ios", "喇叭"),
        Device(TABLET, "web", ""),
    ]
    async with stores.open() as store:
        for device in reversed(mine):
            await store.devices.put(device)
    async with stores.open() as store:
        assert list(await store.devices.of_user("app-1", "ann")) == mine
        assert await store.devices.of_user("app-1", "bob") == ()
        assert await store.devices.of_user("app-2", "ann") == ()
        assert await store.devices.of_user("app-1", "\udc80") == ()


async def test_an_app_has_devices_or_has_none(store):
    assert not await store.devices.any_of("app-1")
    await store.devices.put(Device(PHONE, "ios", "p"))
    assert (await store.devices.any_of("app-1"), await store.devices.any_of("app-2")) == (True, False)
    await store.devices.remove(PHONE)
    assert not await store.devices.any_of("app-1")


async def test_the_last_word_of_a_device_counts(store):  # S2
    """In the order in which it was said, however many wait."""
    packages = [f"p{n}" for n in range(50)]
    await asyncio.gather(*(store.devices.put(Device(PHONE, "ios", package)) for package in packages))
    await store.devices.put(Device(TABLET, "ios", "p"))
    assert await store.devices.of_user("app-1", "ann") == (Device(PHONE, "ios", "p49"), Device(TABLET, "ios", "p"))
    await store.devices.put(Device(PHONE, None, "p"))
    assert (await store.devices.of_user("app-1", "ann"))[0] == Device(PHONE, None, "p")


async def test_a_device_is_forgotten_once(store):  # S2
    """And no other."""
    for seat in (PHONE, TABLET):
        await store.devices.put(Device(seat, None, "p"))
    assert [await store.devices.remove(PHONE) for _ in range(2)] == [True, False]
    assert await store.devices.of_user("app-1", "ann") == (Device(TABLET, None, "p"),)


async def test_a_removed_user_s_devices_are_gone(store):  # S1 S2
    """Whoever has the name next has none."""
    await store.add_users([user("ann"), user("bob")])
    bob = Device(PHONE._replace(user="bob"), None, "p")
    for device in (Device(PHONE, None, "p"), bob):
        await store.devices.put(device)
    await store.remove_user("app-1", "ann")
    await store.add_users([user("ann")])
    assert await store.devices.of_user("app-1", "ann") == ()
    assert await store.devices.of_user("app-1", "bob") == (bob,)


# --- where they are pushed to --------------------------------------------------------------------------------------


async def test_all_that_is_known_of_a_device_is_kept(stores):  # S2, S8
    known = Registration(Device(PHONE, "ios", "p"), Address("apns", "abc", sandbox=True), "zh-CN", "Asia/Shanghai", 7)
    async with stores.open() as store:
        await store.devices.register(known)
        await store.devices.put(Device(TABLET, None, "q"))
    async with stores.open() as store:
        assert await store.devices.registrations("app-1", "ann") == (known, Registration(Device(TABLET, None, "q")))
        assert await store.devices.registrations("app-2", "ann") == ()
        assert (await store.devices.of_user("app-1", "ann"))[0] == known.device
        assert "abc" not in repr(known)


async def test_a_login_leaves_where_a_device_is_pushed_to(store):
    await store.devices.register(Registration(Device(PHONE, "ios", "p"), Address("apns", "abc"), registered_at_ms=7))
    await store.devices.put(Device(PHONE, "ios", "q"))
    [known] = await store.devices.registrations("app-1", "ann")
    assert (known.device.package, known.address) == ("q", Address("apns", "abc"))


async def test_a_token_is_one_device_s(store):
    """Who logs in on another's phone has its pushes from then on, and the other has not."""
    bob = Seat("app-1", "bob", "phone")
    elsewhere = Seat("app-2", "ann", "phone")
    for seat in (PHONE, bob, elsewhere):
        await store.devices.register(Registration(Device(seat, "ios", "p"), Address("apns", "abc")))
    [ann] = await store.devices.registrations("app-1", "ann")
    assert (ann.address, ann.dead) == (None, "moved")
    assert (await store.devices.registrations("app-1", "bob"))[0].address == Address("apns", "abc")
    assert (await store.devices.registrations("app-2", "ann"))[0].address == Address("apns", "abc")


async def test_a_user_has_so_many_devices_and_the_latest_are_kept(store):  # S2
    """However many register at once; one that registers again is one of the latest."""
    seats = [Seat("app-1", "ann", f"{number:02}") for number in range(DEVICES_MAX + 8)]
    await asyncio.gather(
        *(
            store.devices.register(Registration(Device(seat, "ios", "p"), registered_at_ms=100 - number))
            for number, seat in enumerate(seats)
        )
    )
    await store.devices.register(Registration(Device(seats[-1], "ios", "p"), registered_at_ms=1))
    kept = [one.device.seat.device for one in await store.devices.registrations("app-1", "ann")]
    assert (len(kept), seats[-1].device in kept) == (DEVICES_MAX, True)


async def test_a_device_may_be_registered_without_a_token(store):
    await store.devices.register(Registration(Device(PHONE, "ios", "p"), Address("apns", "abc")))
    await store.devices.register(Registration(Device(PHONE, "ios", "p")))
    assert await store.devices.registrations("app-1", "ann") == (Registration(Device(PHONE, "ios", "p")),)
