"""What waits for one user, and what is noted when it has arrived."""

import asyncio
from dataclasses import replace

import pytest

from builders import APP_UUID, STREAM, LeapingLoop, counted, ground, logged_in, to_targets
from houses import OFFLINE_MS
from laba.core.tally import Tally
from laba.core.window import Kept, Reach
from laba.model.attendance import Seat
from laba.model.campaign import Campaign, Received
from laba.model.device import Device
from laba.model.session import Login
from laba.model.targets import Person, Targets
from laba.ports import StoreBusyError
from laba.service.inboxes import Inboxes, Stretch

pytestmark = pytest.mark.anyio

ALL_OF_IT = Stretch(STREAM, 0, 1_000_000)


async def push(house, **targets):
    await house.intake.accept(to_targets(targets=Targets(**targets)), house.app)
    await house.dispatcher.turn()


async def owed(house, user, stretch=ALL_OF_IT, person=None):
    batch = await house.inboxes.owed(user, person or Person(user.name), stretch)
    return [] if batch is None else [entry.offset for entry in batch.entries]


async def test_an_inbox_is_read_between_two_offsets(house):
    """What the device has is left out, and what goes out to it live."""  # P5
    ann = await house.registered()
    for _ in range(4):
        await push(house, users=frozenset({"ann"}))
    assert await owed(house, ann) == [1, 2, 3, 4]
    assert await owed(house, ann, Stretch(STREAM, 1, 3)) == [2, 3]


async def test_who_was_registered_after_it_was_sent_is_not_meant_by_a_walk_that_comes_later(house):  # P4
    await push(house)
    house.clock.pass_ms(1)
    assert await owed(house, await house.registered()) == []


async def test_a_device_is_kept_as_it_describes_itself_last(house):
    """A client that names no package is no device that anything could be pushed to."""  # S2, P4
    ann = await house.registered()
    seat = Seat(APP_UUID, "ann", "phone")
    for said, packages in [
        (Login(1, "", "phone"), set()),
        (Login(1, "", "phone", "ios", "acme.student"), {"acme.student"}),
        (Login(1, "", "phone", "ios", "acme.teacher"), {"acme.teacher"}),
        (Login(1, "", "phone"), {"acme.teacher"}),
    ]:
        assert (await house.inboxes.person(ann, seat, said)).packages == packages
    assert await house.store.devices.of_user(APP_UUID, "ann") == (Device(seat, "ios", "acme.teacher"),)


async def test_an_app_without_inboxes_and_devices_is_not_asked_about_them(house):
    """Until a campaign begins, or a client names a package."""
    ann, asked = await house.registered(), Counted(house.store.campaigns, house.store.devices)
    inboxes = Inboxes(asked, asked, house.recruiting, OFFLINE_MS, house.ground)
    seat = Seat(APP_UUID, "ann", "phone")
    for _ in range(3):
        await inboxes.person(ann, seat, Login(1, "", "phone"))
        assert await inboxes.owed(ann, Person("ann"), ALL_OF_IT) is None
    assert asked.calls == ["any_of", "has_inboxes"]
    await push(house, users=frozenset({"ann"}))
    inboxes.wake()
    assert await inboxes.owed(ann, Person("ann"), ALL_OF_IT) is not None
    await inboxes.person(ann, seat, Login(1, "", "phone", package="acme"))
    assert (await inboxes.person(ann, seat, Login(1, "", "phone"))).packages == {"acme"}


class Counted:
    """Campaigns and devices of a store, and what they were asked."""

    def __init__(self, *asked):
        self.calls, self._asked = [], asked

    def __getattr__(self, name):
        self.calls.append(name)
        return next(getattr(one, name) for one in self._asked if hasattr(one, name))


async def test_no_more_is_read_than_a_login_may_cost_the_latest(house):
    """What is given up is counted."""
    ann = await house.registered()
    for _ in range(4):
        await push(house, users=frozenset({"ann"}))
    inboxes = Inboxes(house.store.campaigns, house.store.devices, None, OFFLINE_MS, house.ground, limit=2)
    batch = await inboxes.owed(ann, Person("ann"), ALL_OF_IT)
    assert [entry.offset for entry in batch.entries] == [3, 4]
    assert counted(house.meter, "laba_inbox_given_up_total") == 1


def with_inbox(*offsets, joined_at=0):
    session = logged_in()
    session.joined_at = joined_at
    session.inbox = [Kept(offset, offset, 0, 0, {}, Tally(0, 1), reach=Reach.CHOSEN) for offset in offsets]
    return session


class Campaigns:
    """Remembers what was received, and fails when told to."""

    def __init__(self):
        self.marks, self.fault, self.expiries, self.walks = [], None, [], ()

    async def walking(self):
        return self.walks

    async def received(self, marks):
        if self.fault is not None:
            raise self.fault
        self.marks += marks

    async def expire(self, before_ms, limit):
        self.expiries.append((before_ms, asyncio.get_running_loop().time()))
        if len(self.expiries) == 2:
            raise StoreBusyError
        return limit if len(self.expiries) == 1 else 0


async def test_what_is_confirmed_is_counted_and_noted_once_for_a_user():
    """Only what was sent while it was there counts as confirmed by the audience."""  # X2, P5
    campaigns = Campaigns()
    inboxes, session = Inboxes(campaigns, None, None, 0, ground()), with_inbox(3, 5, 9, joined_at=3)
    tallies = [kept.tally for kept in session.inbox]
    inboxes.confirmed(session, 2)
    await inboxes.write()
    assert campaigns.marks == []
    inboxes.confirmed(session, 5)
    inboxes.confirmed(session, 7)
    assert [kept.offset for kept in session.inbox] == [9]
    assert [tally.confirmed for tally in tallies] == [0, 1, 0]
    await inboxes.write()
    inboxes.confirmed(session, 9)
    assert session.inbox is None
    await inboxes.write()
    assert campaigns.marks == [Received(APP_UUID, "ann", 5), Received(APP_UUID, "ann", 9)]


async def test_what_a_walk_will_put_into_an_inbox_is_noted_when_it_has_come_past():
    """Whoever is online has it before; of other walks, or behind this one, nothing has to wait."""  # P5, X2
    campaigns = Campaigns()
    inboxes = Inboxes(campaigns, None, None, 0, ground())
    walk = Campaign(1, APP_UUID, 3, 0, Targets(), cursor="aaa")
    inboxes.confirmed(with_inbox(3), 3)
    campaigns.walks = (walk,)
    await inboxes.write()
    assert campaigns.marks == []
    campaigns.walks = (
        replace(walk, cursor="ann"),
        replace(walk, app_uuid="another"),
        replace(walk, offset=4),
    )
    await inboxes.write()
    assert campaigns.marks == [Received(APP_UUID, "ann", 3)]


async def test_what_many_have_in_common_is_kept_once(house):
    """Ten thousand sessions with the same tags hold one set; without any, none of their own."""  # design.md 6.6
    users = [await house.registered(name) for name in ("ann", "bob", "cid")]
    tagged = [replace(user, tags=("vip",)) for user in users[:2]]
    seats = [Seat(APP_UUID, user.name, "phone") for user in users]
    ann, bob = [await house.inboxes.person(*each, Login(1, "", "phone")) for each in zip(tagged, seats, strict=False)]
    cid = await house.inboxes.person(users[2], seats[2], Login(1, "", "phone"))
    assert ann.tags is bob.tags
    assert cid.tags is cid.packages is ann.packages


async def test_of_very_many_devices_of_one_user_some_are_known(house):
    """A client that gives itself another name at each login fills nothing."""  # S2
    ann = await house.registered()
    for number in range(40):
        name = f"device{number}"
        await house.inboxes.person(ann, Seat(APP_UUID, "ann", name), Login(1, "", name, "ios", f"package{number}"))
    known = await house.store.devices.of_user(APP_UUID, "ann")
    assert len(known) == 32
    assert "package39" in {device.package for device in known}


async def test_what_could_not_be_noted_is_noted_the_next_time():
    campaigns = Campaigns()
    inboxes = Inboxes(campaigns, None, None, 0, ground())
    inboxes.confirmed(with_inbox(3), 3)
    campaigns.fault = StoreBusyError()
    with pytest.raises(StoreBusyError):
        await inboxes.write()
    campaigns.fault = None
    await inboxes.write()
    assert campaigns.marks == [Received(APP_UUID, "ann", 3)]


class TestInTime:
    """On a loop whose time leaps."""

    @pytest.fixture
    def anyio_backend(self):
        return "asyncio", {"loop_factory": LeapingLoop}

    async def test_every_second_what_was_confirmed_is_written(self):
        """A store that fails is asked again."""
        campaigns, base = Campaigns(), ground()
        inboxes = Inboxes(campaigns, None, None, 0, base)
        running = asyncio.create_task(inboxes.run())
        inboxes.confirmed(with_inbox(3), 3)
        campaigns.fault = OSError("disk")
        await asyncio.sleep(2.5)
        campaigns.fault = None
        await asyncio.sleep(1)
        running.cancel()
        assert campaigns.marks == [Received(APP_UUID, "ann", 3)]
        assert counted(base.meter, "laba_store_failures_total") == 2

    async def test_inboxes_are_emptied_bit_by_bit_and_then_every_hour(self):  # P5
        campaigns, base = Campaigns(), ground()
        running = asyncio.create_task(Inboxes(campaigns, None, None, OFFLINE_MS, base).run_expiry())
        await asyncio.sleep(2 * 3600 + 1)
        running.cancel()
        horizon_ms = base.clock() - OFFLINE_MS
        assert campaigns.expiries == [(horizon_ms, pytest.approx(at)) for at in (0, 0.1, 3600.1, 7200.1)]
