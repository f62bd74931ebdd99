"""What every Presence keeps to."""

import pytest

from builders import APP_UUID, OTHER_UUID, joined
from laba.adapters.presence import LocalPresence
from laba.core.roster import Roster
from laba.core.session import State
from laba.model.user import Resource

pytestmark = pytest.mark.anyio


class LocalRig:
    """One process, in which clients come and go."""

    def __init__(self):
        self._roster = Roster()
        self.presence = LocalPresence(self._roster)

    def enter(self, user, device="", platform=None, app_uuid=APP_UUID, state=State.LIVE):
        session = joined(self._roster, user, device, app_uuid)
        session.platform = platform
        session.state = state
        return session

    def told_to_end(self, session):
        """The connection is being closed, and has not gone yet."""
        session.state = State.CLOSED

    def leave(self, session):
        self.told_to_end(session)
        self._roster.leave(session)


@pytest.fixture(params=[LocalRig])
def rig(request):
    return request.param()


async def test_of_the_names_those_are_online_who_have_a_session(rig):  # S2
    """In that app, and from the login on, whatever there is to catch up with."""
    rig.enter("ann")
    rig.enter("bob", state=State.CATCHING_UP)
    rig.enter("eve", app_uuid=OTHER_UUID)
    names = ("bob", "eve", "nobody", "ann", "ann")
    assert await rig.presence.online(APP_UUID, names) == {"ann", "bob"}
    assert await rig.presence.online(OTHER_UUID, names) == {"eve"}
    assert await rig.presence.online("no app", names) == await rig.presence.online(APP_UUID, ()) == frozenset()


async def test_who_has_left_is_offline_with_the_last_session(rig):  # S2
    """One of two is enough to be online."""
    phone, tablet = rig.enter("ann", "phone"), rig.enter("ann", "tablet")
    rig.leave(phone)
    assert await rig.presence.online(APP_UUID, ("ann",)) == {"ann"}
    rig.leave(tablet)
    assert await rig.presence.online(APP_UUID, ("ann",)) == frozenset()


async def test_a_session_that_was_told_to_end_is_none(rig):  # S2
    """Though its connection is not closed yet."""
    session = rig.enter("ann", "phone")
    rig.told_to_end(session)
    assert await rig.presence.online(APP_UUID, ("ann",)) == frozenset()
    assert await rig.presence.resources(APP_UUID, "ann") == ()


async def test_the_rooms_of_a_user_are_those_of_its_sessions(rig):  # S11
    """Each once, in the order of the logins; not those of who was told to end."""
    phone, tablet, gone = (rig.enter("ann", device) for device in ("phone", "tablet", "gone"))
    rig.enter("bob")
    phone.rooms = {"room:8": 0, "room:7": 3}
    tablet.rooms = {"room:7": 5, "room:room:9": 1}
    gone.rooms = {"room:1": 0}
    rig.told_to_end(gone)
    assert await rig.presence.rooms(APP_UUID, "ann") == ("8", "7", "room:9")
    assert await rig.presence.rooms(APP_UUID, "bob") == await rig.presence.rooms(OTHER_UUID, "ann") == ()


async def test_each_device_is_listed_once_in_the_order_of_the_logins(rig):  # S2
    """With its platform, if it said one; two tabs are one device."""
    rig.enter("ann", "phone", "ios")
    rig.enter("bob", "phone", "android")
    rig.enter("ann", "", "web")
    rig.enter("ann", "", "web")
    rig.enter("ann", "clock")
    assert await rig.presence.resources(APP_UUID, "ann") == (
        Resource("phone", "ios"),
        Resource("", "web"),
        Resource("clock", None),
    )
    assert await rig.presence.resources(APP_UUID, "eve") == ()
