import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from builders import APP_UUID
from houses import opened
from laba.core import passwords
from laba.model.calls import Grant, TokenRequest
from laba.model.closing import Closing
from laba.model.notice import Tagging
from laba.model.refusal import Code
from laba.model.stream import Revocation
from laba.model.usercalls import (
    ChangeProfile,
    DeleteUser,
    DisconnectUser,
    GetTags,
    GetUser,
    ListUsers,
    NewUser,
    RegisterUsers,
    SetActivation,
    SetPassword,
    SetTags,
    TagsFound,
    TagsSet,
    UserDisconnected,
)
from laba.ports import StoreBusyError

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
    before = house.users.changes
    assert (await house.users.remove(DeleteUser("ann"), house.app)).user == ann
    assert house.users.changes == before + 1
    assert await anext(notices) == Revocation(APP_UUID, "ann", Closing.USER_REMOVED)
    assert await house.users.find(house.app, "ann") is None


async def test_nobody_is_removed_or_found_by_a_name_that_is_free(house):
    """And no session is asked to end."""  # S2
    refusals = (
        await house.users.get(GetUser("eve"), house.app),
        await house.users.remove(DeleteUser("eve"), house.app),
    )
    assert [(refusal.code, refusal.subject) for refusal in refusals] == [(Code.USER_UNKNOWN, "eve")] * 2
    assert house.users.changes == 0


async def test_who_is_registered_again_is_somebody_else(house):
    """Another epoch and another uuid: what named the first does not name the second."""  # S1
    first = await house.registered("ann")
    await house.users.remove(DeleteUser("ann"), house.app)
    second = await house.registered("ann")
    assert first.epoch != second.epoch
    assert first.uuid != second.uuid


# --- lists ---------------------------------------------------------------------------------------------------------


async def test_a_list_says_after_whom_it_goes_on(house):
    """The last page does not, also where it is full."""  # S11
    users = [await house.registered(name) for name in ("ann", "bob", "eve")]
    first = await house.users.list(ListUsers(2), house.app)
    assert (first.users, first.more_after) == (tuple(users[:2]), "bob")
    last = await house.users.list(ListUsers(2, after="bob"), house.app)
    assert (last.users, last.more_after) == ((users[2],), None)
    whole = await house.users.list(ListUsers(3), house.app)
    assert (whole.users, whole.more_after) == (tuple(users), None)
    assert (await house.users.list(ListUsers(3, after="eve"), house.app)).users == ()


# --- changes -------------------------------------------------------------------------------------------------------


async def revocation_of(house, changing):
    """Give a change's answer and the notice it sent out; the count of revocations rose before that."""
    notices, before = house.bus.subscribe(), house.users.changes
    answer = await changing
    assert house.users.changes == before + 1
    return answer, await anext(notices)


async def test_a_new_password_takes_the_old_one_s_place(house):
    """The tokens that laba issued hold no more, and the sessions end; when it was is noted."""  # S2 S11
    ann = await house.registered("ann", "old")
    house.clock.pass_ms(5)
    answer, notice = await revocation_of(house, house.users.set_password(SetPassword("ann", "new"), house.app))
    assert passwords.matches("new", answer.user.password_hash)
    assert answer.user.epoch != ann.epoch
    assert (answer.user.modified_at_ms, answer.user.created_at_ms) == (ann.modified_at_ms + 5, ann.created_at_ms)
    assert notice == Revocation(APP_UUID, "ann", Closing.PASSWORD_CHANGED)
    assert await house.users.find(house.app, "ann") == answer.user
    tries = [TokenRequest(Grant.PASSWORD, username="ann", password=password) for password in ("old", "new")]
    first, second = [await house.access.issue(call, house.app) for call in tries]
    assert (first.code, second.user) == (Code.PASSWORD_WRONG, replace(answer.user, token_at_ms=house.clock.now_ms))


async def test_two_users_with_one_new_password_have_two_hashes(house):
    """Each has its own salt."""  # S2
    hashes = set()
    for name in ("ann", "bob"):
        await house.registered(name)
        answer = await house.users.set_password(SetPassword(name, "same"), house.app)
        hashes.add(answer.user.password_hash)
    assert len(hashes) == 2


async def test_a_deactivated_user_is_told_to_go(house):
    """Its sessions end, its tokens hold no more, and it can get none by whatever grant."""  # S2 S11
    ann = await house.registered("ann", "secret")
    old = house.user_token(ann)
    house.clock.pass_ms(5)
    call = SetActivation("ann", active=False)
    answer, notice = await revocation_of(house, house.users.set_activation(call, house.app))
    assert (answer.user.activated, answer.user.modified_at_ms) == (False, ann.modified_at_ms + 5)
    assert notice == Revocation(APP_UUID, "ann", Closing.USER_DEACTIVATED)
    grants = {
        TokenRequest(Grant.PASSWORD, username="ann", password="secret"): Code.PASSWORD_WRONG,
        TokenRequest(Grant.INHERIT, username="ann", proof=house.app_token()): Code.USER_DEACTIVATED,
        TokenRequest(Grant.DIRECT, username="ann"): Code.USER_DEACTIVATED,
        TokenRequest(Grant.EXCHANGE, proof=house.foreign_token("ann")): Code.USER_DEACTIVATED,
        TokenRequest(Grant.EXCHANGE, proof=old): Code.USER_DEACTIVATED,
    }
    assert {grant: (await house.access.issue(grant, house.app)).code for grant in grants} == grants


async def test_an_active_user_is_let_in_again(house):
    """By a new token; one from before stays revoked. Nobody's session ends, for there is none."""  # S2 S11
    ann = await house.registered("ann", "secret")
    await house.users.set_activation(SetActivation("ann", active=False), house.app)
    house.clock.pass_ms(5)
    before, notices = house.users.changes, house.bus.subscribe()
    answer = await house.users.set_activation(SetActivation("ann", active=True), house.app)
    assert (answer.user.activated, answer.user.modified_at_ms) == (True, ann.modified_at_ms + 5)
    assert passwords.matches("secret", answer.user.password_hash)
    issued = await house.access.issue(TokenRequest(Grant.PASSWORD, username="ann", password="secret"), house.app)
    assert issued.user == replace(answer.user, token_at_ms=house.clock.now_ms)
    exchange = TokenRequest(Grant.EXCHANGE, proof=house.user_token(ann))
    assert (await house.access.issue(exchange, house.app)).code is Code.TOKEN_UNKNOWN
    assert house.users.changes == before
    await house.users.remove(DeleteUser("ann"), house.app)
    assert (await anext(notices)).closing is Closing.USER_REMOVED


async def test_a_disconnected_user_is_only_told_to_go(house):
    """Nothing about it changes: its tokens hold, and a login that waits need not look again."""  # S11
    ann = await house.registered("ann")
    before, notices = house.users.changes, house.bus.subscribe()
    assert await house.users.disconnect(DisconnectUser("ann"), house.app) == UserDisconnected()
    assert await anext(notices) == Revocation(APP_UUID, "ann", Closing.DISCONNECTED)
    assert await house.users.find(house.app, "ann") == ann
    assert house.users.changes == before


async def test_nobody_is_changed_by_a_name_that_is_free(house):
    """And no session is asked to end."""  # S11
    refusals = (
        await house.users.set_password(SetPassword("eve", "secret"), house.app),
        await house.users.set_activation(SetActivation("eve", active=False), house.app),
        await house.users.set_activation(SetActivation("eve", active=True), house.app),
    )
    assert [(refusal.code, refusal.subject) for refusal in refusals] == [(Code.USER_UNKNOWN, "eve")] * 3
    assert house.users.changes == 0


# --- the work on passwords -----------------------------------------------------------------------------------------


@pytest.fixture
async def busy(house):
    """Two hundred calls with passwords wait; nobody's turn comes before the test ends."""
    async with AsyncExitStack() as stack:
        for _ in range(200):
            await stack.enter_async_context(house.hashing.place())
        yield house


async def test_new_passwords_have_the_bound_of_those_that_are_checked(busy):
    """One call too many is told to come back, and does nothing; who needs no hash is served."""  # S2
    await busy.registered("ann")
    batch = RegisterUsers((NewUser("bob"), NewUser("eve", "secret")), single=False)
    refusals = (
        await busy.users.register(batch, busy.app),
        await busy.users.set_password(SetPassword("ann", "secret"), busy.app),
        await busy.access.issue(TokenRequest(Grant.PASSWORD, username="ann", password="x"), busy.app),
    )
    assert [(refusal.code, refusal.retry_after_seconds) for refusal in refusals] == [(Code.OVERLOADED, 5)] * 3
    assert await busy.users.find(busy.app, "bob") is None
    assert (await busy.users.find(busy.app, "ann")).password_hash is None


async def test_a_batch_takes_its_turns_one_by_one(house):
    """Between two of its passwords whoever logs in has a turn."""  # S2
    await house.registered("ann", "secret")
    order = []

    async def note(name, work):
        await work
        order.append(name)

    many = RegisterUsers(tuple(NewUser(f"u{n}", "secret") for n in range(8)), single=False)
    login = TokenRequest(Grant.PASSWORD, username="ann", password="secret")
    await asyncio.gather(
        note("batch", house.users.register(many, house.app)), note("login", house.access.issue(login, house.app))
    )
    assert order == ["login", "batch"]


async def test_how_a_user_is_shown_is_changed_in_part_or_whole(house):
    """What is not named stays; its tokens hold, and nobody is told to end a session."""  # S11
    before, notices = await house.registered("ann"), house.bus.subscribe()
    house.clock.pass_ms(1000)
    changed = (await house.users.change_profile(ChangeProfile("ann", nickname="Ann"), house.app)).user
    assert changed == replace(before, nickname="Ann", modified_at_ms=before.modified_at_ms + 1000)
    changed = (await house.users.change_profile(ChangeProfile("ann", portrait="https://x/a.png"), house.app)).user
    assert (changed.nickname, changed.portrait, changed.epoch) == ("Ann", "https://x/a.png", before.epoch)
    assert await house.users.find(house.app, "ann") == changed
    await house.bus.publish("end")
    assert (await anext(notices), house.users.changes) == ("end", 0)
    refusal = await house.users.change_profile(ChangeProfile("eve", nickname="Eve"), house.app)
    assert (refusal.code, refusal.subject) == (Code.USER_UNKNOWN, "eve")


# --- tags ----------------------------------------------------------------------------------------------------------


async def tags_of(house, *names):
    return (await house.users.tags(GetTags(names), house.app)).tags


async def test_tags_are_sorted_and_stand_in_place_of_those_before(house):
    """Each once; none of them is as good as any, and the user itself has not changed."""  # S2 S11
    before = await house.registered("ann")
    house.clock.pass_ms(1000)
    assert await house.users.set_tags(SetTags(("ann",), ("b", "a", "b", "喇")), house.app) == TagsSet()
    assert await house.users.find(house.app, "ann") == replace(before, tags=("a", "b", "喇"))
    await house.users.set_tags(SetTags(("ann",), ("c",)), house.app)
    assert await tags_of(house, "ann") == (("ann", ("c",)),)
    await house.users.set_tags(SetTags(("ann",), ()), house.app)
    assert await house.users.find(house.app, "ann") == before


async def test_who_is_given_tags_is_registered_by_it(house):
    """Who is already stays who it is."""  # S11
    ann = await house.registered("ann")
    await house.users.set_tags(SetTags(("ann", "bob", "eve", "bob"), ("vip",)), house.app)
    assert await house.users.find(house.app, "ann") == replace(ann, tags=("vip",))
    for name in ("bob", "eve"):
        user = await house.users.find(house.app, name)
        assert (user.tags, user.activated, user.password_hash) == (("vip",), True, None)


async def test_tags_are_told_in_the_order_asked(house):
    """Who is asked for twice is told twice; who is nobody has none."""  # S11
    await house.users.set_tags(SetTags(("ann",), ("a",)), house.app)
    asked = ("nobody", "ann", "a b", "ann")
    told = TagsFound((("nobody", ()), ("ann", ("a",)), ("a b", ()), ("ann", ("a",))))
    assert await house.users.tags(GetTags(asked), house.app) == told


async def test_new_tags_are_told_to_every_node_once_they_are_kept(house):
    """In the order in which the store has them, whoever asks at the same time: the last word is the same."""  # P4
    notices = house.bus.subscribe()
    names = tuple(f"user{number}" for number in range(300))
    calls = [SetTags(names, (str(number), "x")) for number in range(5)]
    await asyncio.gather(*(house.users.set_tags(call, house.app) for call in calls))
    told = [await anext(notices) for _ in calls]
    assert {notice.users for notice in told} == {frozenset(names)}
    assert told[-1] == Tagging(
        APP_UUID, frozenset(names), frozenset((await house.users.find(house.app, names[7])).tags)
    )
    assert {notice.tags for notice in told} == {frozenset(call.tags) for call in calls}


async def test_of_tags_that_were_not_kept_nobody_hears(house, tmp_path):
    """Asked for again, all of it is done."""  # S11
    await house.registered("ann")
    async with opened(tmp_path, house.clock, writes_waiting_limit=0) as busy:
        notices = busy.bus.subscribe()
        for names in (("ann",), ("ann", "new")):
            with pytest.raises(StoreBusyError):
                await busy.users.set_tags(SetTags(names, ("vip",)), busy.app)
        await busy.bus.publish("end")
        assert await anext(notices) == "end"
    await house.users.set_tags(SetTags(("ann", "new"), ("vip",)), house.app)
    assert await tags_of(house, "ann", "new") == (("ann", ("vip",)), ("new", ("vip",)))
