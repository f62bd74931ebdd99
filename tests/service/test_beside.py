"""What is kept beside messages that pass, before they pass (E13, S6)."""

import asyncio
from dataclasses import replace

import pytest

from builders import APP_UUID, dispatch, joined
from laba.core.ids import IdSequence
from laba.core.roster import Roster
from laba.model.app import AppPolicy, Feature
from laba.model.calls import Posted
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience
from laba.model.hook import Hook
from laba.model.notification import Notification
from laba.model.room import Room
from laba.model.targets import Targets
from laba.ports import StoreBusyError
from laba.service.beside import Beside
from laba.service.posting import Posting
from service.test_admitting import filtered
from service.test_posting import to

pytestmark = pytest.mark.anyio

LOOK = Notification("look")
BAD = Content(Kind.TXT, {"text": "bad"})


async def pushing(house, *rooms, features=frozenset({Feature.MESSAGE_PUSH}), **policy):
    """Make rooms with two members, and give the app, which lets messages be pushed."""
    for room_id in rooms:
        await house.store.rooms.add(Room(APP_UUID, room_id, room_id, 0), ("ann", "bob"))
    return house.app.with_policy(AppPolicy(features, **policy))


async def test_a_message_is_pushed_to_the_members_of_its_rooms_under_its_id(house):  # E13
    """To those who were put into a room: nobody else is a member without being there."""
    app = await pushing(house, "r1", "r2")
    posted = await house.posting.accept(to("r1", "nowhere", "r2", notification=LOOK), app)
    kept = await house.store.waiting(10)
    assert [push.id for push in kept] == [posted.ids["r1"], posted.ids["r2"]]
    for push in kept:
        assert (push.audience, push.notification) == (Audience.DEVICES, LOOK)
        assert push.targets == Targets(users=frozenset({"ann", "bob"}))
    assert len(house.lanes.messages) == 3


async def test_messages_pass_in_the_order_of_their_ids_whether_they_wait_for_a_commit_or_not(house):  # G3, E13
    app = await pushing(house, "r1")
    posts = [to("r1", notification=LOOK if number % 3 == 0 else None) for number in range(20)]
    async with asyncio.TaskGroup() as group:
        for post in posts:
            group.create_task(house.posting.accept(post, app))
            await asyncio.sleep(0)
    ids = [message.id for _, message in house.lanes.messages]
    assert (len(ids), ids) == (20, sorted(ids))


@pytest.mark.parametrize(
    ("message", "features"),
    [
        (to("r1", notification=LOOK), frozenset()),
        (to("r1"), frozenset({Feature.MESSAGE_PUSH})),
        (to("r1", notification=LOOK, users=frozenset({"eve"})), frozenset({Feature.MESSAGE_PUSH})),
    ],
    ids=["its app does not let it", "it has nothing to show", "those whom it is for are no members"],
)
async def test_nothing_is_pushed_beside_a_message_where(house, message, features):  # E13
    app = await pushing(house, "r1", features=features)
    assert isinstance(await house.posting.accept(replace(message, push_feature=Feature.MESSAGE_PUSH), app), Posted)
    assert await house.store.waiting(10) == ()
    assert len(house.lanes.messages) == 1


async def test_nothing_is_pushed_beside_what_anti_spam_rejects_or_a_client_says(house):  # E13, N7
    app = await pushing(house, "r1")
    strict = await filtered(house)
    strict = strict.with_policy(replace(strict.policy, features=strict.policy.features | app.policy.features))
    assert (await house.posting.accept(to("r1", content=BAD, notification=LOOK), strict)).verdict.rejects
    hall = house.halls.open(await house.store.rooms.find(APP_UUID, "r1"))
    hall.join(joined(Roster(), "ann"), 0)
    assert isinstance(await house.posting.say(to("r1", sender="ann", notification=LOOK), app, "ann"), Posted)
    assert await house.store.waiting(10) == ()


async def test_a_message_whose_push_cannot_be_kept_does_not_pass(house):  # E13, G1
    """The caller, who is told that the server was busy, calls again: nobody has it twice, and no quota lacks it."""
    app = await pushing(house, "r1", hooks=(Hook("main", "http://127.0.0.1:9/", "native", "s"),))

    class Busy:
        async def append_all(self, dispatches, letters):
            raise StoreBusyError

    def posting(store):
        beside = Beside(store, house.store.rooms, house.dispatcher, house.postman)
        return Posting(house.admitting, house.store.rooms, house.halls, house.lanes, IdSequence(1), beside)

    message = to("r1", notification=LOOK, client_id="once", once=True)
    with pytest.raises(StoreBusyError):
        await posting(Busy()).accept(message, app)
    assert (house.lanes.messages, await house.store.letters.queues()) == ([], ())
    assert isinstance(await posting(house.store).accept(message, app), Posted)
    assert len(house.lanes.messages) == len(await house.store.waiting(10)) == 1
    assert await house.store.letters.queues() == ((APP_UUID, "main", 1),)


class Told:
    """A dispatcher and a postman at once, of which is noted what they were told."""

    def __init__(self):
        self.told = []

    def wake(self):
        self.told.append("wake")

    def posted(self, letters):
        self.told.append(letters)


async def test_what_is_kept_goes_on_at_once(house):  # E13, S6
    await pushing(house, "r1")
    told = Told()
    beside = Beside(house.store, house.store.rooms, told, told)
    await beside.keep((), [dispatch(7)])
    await beside.keep((), ())
    assert told.told == ["wake", (), ()]
