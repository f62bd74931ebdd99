import pytest

from laba.model.refusal import Code
from laba.model.user import Resource
from laba.model.usercalls import (
    ChangeProfile,
    DisconnectUser,
    GetResources,
    GetStatus,
    GetStatuses,
    GetTags,
    ResourcesFound,
    SetTags,
    StatusesFound,
    StatusFound,
    TagsFound,
    TagsSet,
    UserDisconnected,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def ask(house):
    """Ask the desk something about a user."""

    async def ask(call):
        return await house.desk.serve(call, house.app)

    return ask


async def test_a_user_is_online_from_its_login_to_its_leaving(house, clients, ask):
    """Whoever asks for one user learns whether that one is connected."""  # S2 S11
    ann = await house.registered("ann")
    assert await ask(GetStatus("ann")) == StatusFound("ann", online=False)
    session = await clients.entered(house.user_token(ann))
    assert await ask(GetStatus("ann")) == StatusFound("ann", online=True)
    clients.sessions.leave(session)
    assert await ask(GetStatus("ann")) == StatusFound("ann", online=False)


async def test_many_are_told_in_the_order_asked(house, clients, ask):
    """Who is asked for twice is told twice, and who is nobody is offline."""  # S2 S11
    await house.registered("bob")
    await clients.entered(house.user_token(await house.registered("ann")))
    names = ("nobody", "ann", "bob", "ann", "a b")
    assert await ask(GetStatuses(names)) == StatusesFound(tuple(StatusFound(n, n == "ann") for n in names))


async def test_devices_are_those_of_the_live_sessions(house, clients, ask):
    """With the platform that each named at its login; none where the user is offline."""  # S11
    token = house.user_token(await house.registered("ann"))
    assert await ask(GetResources("ann")) == ResourcesFound(())
    phone = await clients.entered(token, device="phone", platform="ios")
    await clients.entered(token, device="tablet")
    both = (Resource("phone", "ios"), Resource("tablet", None))
    assert await ask(GetResources("ann")) == ResourcesFound(both)
    clients.sessions.leave(phone)
    assert await ask(GetResources("ann")) == ResourcesFound(both[1:])


async def test_nobody_s_status_devices_and_sessions_are_unknown(house, ask):
    """Whoever asks for one user by name takes it to be there."""  # S11
    for call in (GetStatus("eve"), GetResources("eve"), DisconnectUser("eve"), ChangeProfile("eve", "Eve")):
        refusal = await ask(call)
        assert (refusal.code, refusal.subject) == (Code.USER_UNKNOWN, "eve")


async def test_who_is_offline_can_be_disconnected(house, ask):
    """There is nothing to end, and that is no fault."""  # S11
    await house.registered("ann")
    assert await ask(DisconnectUser("ann")) == UserDisconnected()


async def test_profiles_and_tags_are_the_register_s(house, ask):
    """Each call finds its service."""  # S11
    await house.registered("ann")
    assert (await ask(ChangeProfile("ann", "Ann"))).user.nickname == "Ann"
    assert await ask(SetTags(("ann",), ("vip",))) == TagsSet()
    assert await ask(GetTags(("ann",))) == TagsFound((("ann", ("vip",)),))
