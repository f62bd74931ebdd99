import json
from dataclasses import replace

import pytest

from builders import BROADCASTING
from houses import GRACE_MS, opened
from laba.model.app import Feature
from laba.model.dispatch import Conversation, ConversationType
from laba.model.recordcalls import ListConversations, MarkRead, ReadHistory
from laba.model.refusal import Code
from laba.model.usercalls import DeleteUser

pytestmark = pytest.mark.anyio

ADMIN = Conversation(ConversationType.APP, "admin")


async def listed(house, user="ann", limit=20, before=0):
    return await house.reader.list(ListConversations(user, limit, before), house.app)


async def unread(house, user="ann"):
    return [one.unread for one in (await listed(house, user)).conversations]


async def history(house, app, user="ann", limit=20, before=0):
    return await house.reader.history(ReadHistory(user, ADMIN, limit, before), app)


def roaming(house):
    return house.app.with_policy(replace(BROADCASTING, features=BROADCASTING.features | {Feature.ROAMING}))


@pytest.fixture
async def ann(house, clients):
    """Ann's session, which is live and of which the store knows nothing yet."""
    return await clients.entered(house.user_token(await house.registered()))


async def test_who_has_just_come_online_is_in_its_own_list_at_once(house, ann):
    """The list does not wait for the next writing of attendance."""  # A2
    await house.placed(1)
    (one,) = (await listed(house)).conversations
    assert (one.conversation, one.unread, one.cursor) == (ADMIN, 1, 1)
    assert one.updated_at_ms == house.clock.now_ms


async def test_the_last_message_is_the_one_that_clients_receive(house, clients, ann):
    """The same JSON, by the same hand."""  # A2
    batch = await house.placed(7)
    (one,) = (await listed(house)).conversations
    last = json.loads(one.last_message)
    assert (last["id"], last["content"], last["broadcast"]) == ("7", {"text": "message 7"}, True)
    assert batch.entries[0].message.id == 7


async def test_who_was_not_online_has_nothing_in_its_list(house, ann):
    """It is registered, and that is all."""  # A2
    await house.registered("bob")
    await house.placed(1)
    assert (await unread(house), await unread(house, "bob")) == ([1], [])


@pytest.mark.parametrize(("away_ms", "count"), [(GRACE_MS, 1), (GRACE_MS + 1, 0)])
async def test_a_drop_within_the_grace_counts_as_present(house, clients, ann, away_ms, count):
    """Whether the client has come back or not."""  # A2
    clients.sessions.leave(ann)
    house.clock.pass_ms(away_ms)
    await house.placed(1)
    assert sum(await unread(house)) == count


async def test_two_devices_of_a_user_count_a_message_once(house, clients, ann):
    """Also where each comes and goes in between."""  # A2 S5
    token = house.user_token(await house.users.find(house.app, "ann"))
    tablet = await clients.entered(token, device="tablet")
    await house.placed(1)
    clients.sessions.leave(tablet)
    await clients.entered(token, device="tv")
    await house.placed(2)
    assert await unread(house) == [2]


async def test_what_was_read_is_not_unread(house, ann):
    """Until the next message."""  # S5
    await house.placed(1, 2)
    await house.reader.mark_read(MarkRead("ann", ADMIN), house.app)
    assert await unread(house) == [0]
    await house.placed(3)
    assert await unread(house) == [1]


async def test_pages_follow_one_another(house, ann):
    """The next cursor is that of the last one shown, none at the end."""  # S5
    await house.placed(1, 2, 3)
    app = roaming(house)
    pages, before = [], 0
    while not pages or before:
        page = await history(house, app, limit=2, before=before)
        pages.append([json.loads(message)["id"] for message in page.messages])
        before = page.next
    assert pages == [["3", "2"], ["1"]]
    assert (await listed(house, limit=1)).next == 0


async def test_only_an_app_that_roams_has_a_history(house, ann):
    """The other is told so; its list is the same."""  # A2 G2
    await house.placed(1)
    bare, full = await history(house, house.app), await history(house, roaming(house))
    assert (bare.messages, bare.roaming) == ((), False)
    assert (len(full.messages), full.roaming) == (1, True)
    assert await unread(house) == [1]


async def test_of_nobody_there_is_nothing_to_read(house):
    """Whatever is asked."""  # S2
    refusals = [
        await listed(house, "nobody"),
        await history(house, roaming(house), "nobody"),
        await house.reader.mark_read(MarkRead("nobody", ADMIN), house.app),
    ]
    assert [(refusal.code, refusal.subject) for refusal in refusals] == [(Code.USER_UNKNOWN, "nobody")] * 3


async def test_a_user_that_is_registered_again_begins_with_an_empty_list(house, clients, ann):
    """And with nothing read."""  # S1 A2
    await clients.deliver(await house.placed(1))
    await house.reader.mark_read(MarkRead("ann", ADMIN), house.app)
    await house.users.remove(DeleteUser("ann"), house.app)
    house.clock.pass_ms(1)
    token = house.user_token(await house.registered())
    assert await unread(house) == []
    await clients.entered(token)
    assert await unread(house) == []
    await house.placed(2)
    assert await unread(house) == [1]


async def test_a_list_is_the_same_after_a_restart(house, clients, ann, tmp_path):
    """Nothing of it was in memory only."""  # A2
    await clients.deliver(await house.placed(1))
    before = await listed(house)
    clients.sessions.leave(ann, restarting=True)
    await house.attending.write()
    async with opened(tmp_path, house.clock) as again:
        assert await listed(again) == before
