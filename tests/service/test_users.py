import pytest

from builders import APP_UUID
from houses import opened
from laba.core import passwords
from laba.model.calls import DeleteUser, GetUser, NewUser, RegisterUsers
from laba.model.closing import Closing
from laba.model.refusal import Code
from laba.model.stream import Revocation

pytestmark = pytest.mark.anyio


async def test_a_registered_user_is_found_after_a_restart(house, tmp_path):
    """With its nickname, its times and its epoch."""  # S2
    call = RegisterUsers((NewUser("ann", nickname="Ann"),), single=True)
    (registered,) = (await house.users.register(call, house.app)).users
    assert (registered.nickname, registered.activated, registered.password_hash) == ("Ann", True, None)
    assert registered.created_at_ms == registered.modified_at_ms == house.clock.now_ms
    async with opened(tmp_path) as again:
        assert (await again.users.get(GetUser("ann"), again.app)).user == registered


async def test_a_password_is_kept_as_a_hash(house):
    """Two users with one password have two."""  # S2
    first, second = await house.registered("ann", "secret"), await house.registered("bob", "secret")
    assert passwords.matches("secret", first.password_hash)
    assert first.password_hash != second.password_hash
    assert "secret" not in repr(await house.store.user(APP_UUID, "ann"))


async def test_one_user_alone_is_refused_where_its_name_is_taken(house):
    """It stays who it is."""  # S2
    ann = await house.registered("ann")
    refusal = await house.users.register(RegisterUsers((NewUser("ann", "mine now"),), single=True), house.app)
    assert (refusal.code, refusal.subject) == (Code.USER_EXISTS, "ann")
    assert await house.users.find(house.app, "ann") == ann


async def test_of_a_batch_the_taken_names_are_listed_and_the_rest_go_on(house):
    """In the order of the call."""  # S2
    await house.registered("bob")
    call = RegisterUsers(tuple(map(NewUser, ("ann", "bob", "eve"))), single=False)
    answer = await house.users.register(call, house.app)
    assert ([user.name for user in answer.users], answer.existing) == (["ann", "eve"], ("bob",))
    assert await house.users.find(house.app, "eve") == answer.users[1]


async def test_a_removal_is_told_to_every_node_and_counted(house):
    """The count comes first, so that a login in between sees it."""  # S1 S2
    notices = house.bus.subscribe()
    ann = await house.registered("ann")
    before = house.users.revocations
    assert (await house.users.remove(DeleteUser("ann"), house.app)).user == ann
    assert house.users.revocations == before + 1
    assert await anext(notices) == Revocation(APP_UUID, "ann", Closing.USER_REMOVED)
    assert await house.users.find(house.app, "ann") is None


async def test_nobody_is_removed_or_found_by_a_name_that_is_free(house):
    """And no session is asked to end."""  # S2
    refusals = (
        await house.users.get(GetUser("eve"), house.app),
        await house.users.remove(DeleteUser("eve"), house.app),
    )
    assert [(refusal.code, refusal.subject) for refusal in refusals] == [(Code.USER_UNKNOWN, "eve")] * 2
    assert house.users.revocations == 0


async def test_who_is_registered_again_is_somebody_else(house):
    """Another epoch and another uuid: what named the first does not name the second."""  # S1
    first = await house.registered("ann")
    await house.users.remove(DeleteUser("ann"), house.app)
    second = await house.registered("ann")
    assert first.epoch != second.epoch
    assert first.uuid != second.uuid
