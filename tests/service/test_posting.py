import asyncio

import pytest

from builders import APP_UUID, counted, joined, submission
from laba.core.roster import Roster
from laba.model.app import AppPolicy, QuotaName
from laba.model.calls import Posted
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, ConversationType, Level
from laba.model.priorities import Priorities
from laba.model.quota import Quota
from laba.model.refusal import Code, Refusal
from laba.model.room import Mute, Room, room_stream
from laba.ports import StoreBusyError
from laba.service.posting import Posting

pytestmark = pytest.mark.anyio


def to(*rooms, **rest):
    """Ask to send to rooms; a directed message where `users` are named."""
    quota = QuotaName.DIRECTED_CALLS if "users" in rest else QuotaName.ROOM_MESSAGES
    return submission(**{"audience": Audience.ROOMS, "feature": None, "quota": quota, "rooms": rooms} | rest)


async def made(house, *ids, **known):
    """Make rooms, and give the last one."""
    for room_id in ids:
        room = await house.store.rooms.add(Room(APP_UUID, room_id, room_id, house.clock.now_ms, **known), ())
    return room


async def opened(house, room_id, *users, **known):
    """Make a room and open its hall, with these users in it."""
    hall = house.halls.open(await made(house, room_id, **known))
    for user in users:
        hall.join(joined(Roster(), user), 0)
    return hall


async def is_active(house, room_id):
    return (await house.store.rooms.find(APP_UUID, room_id)).active


def app_with(house, **quotas):
    return house.app.with_policy(
        AppPolicy(quotas={QuotaName(name): Quota.parse(text) for name, text in quotas.items()})
    )


# --- from callers --------------------------------------------------------------------------------------------------


async def test_each_room_gets_a_message_with_an_id_of_its_own(house):  # E1, E9
    """In the order of the rooms, in the room's conversation, and the caller is told which is which."""
    await made(house, "r1", "r2", "r3")
    posted = await house.posting.accept(to("r2", "r1", "r3"), house.app)
    assert list(posted.ids) == ["r2", "r1", "r3"]
    assert list(posted.ids.values()) == sorted(set(posted.ids.values()))
    for (room_id, message_id), (stream, message) in zip(posted.ids.items(), house.lanes.messages, strict=True):
        assert stream == room_stream(APP_UUID, room_id)
        assert (message.id, message.conversation.type, message.conversation.id) == (
            message_id,
            ConversationType.ROOM,
            room_id,
        )
    dispatches = {message.dispatch.id for _, message in house.lanes.messages}
    assert len(dispatches) == 1
    assert dispatches.isdisjoint(posted.ids.values())


async def test_in_one_room_the_message_has_the_dispatchs_id(house):  # E9, G3
    """A dispatch with one conversation has one id for both."""
    await made(house, "r1")
    posted = await house.posting.accept(to("r1"), house.app)
    [(_, message)] = house.lanes.messages
    assert posted.ids == {"r1": message.id}
    assert message.id == message.dispatch.id


async def test_rooms_that_there_are_not_are_accepted_silently(house):  # E1
    """They get an id like the others, and do not come into being by it."""
    await made(house, "r1")
    posted = await house.posting.accept(to("nowhere", "r1"), house.app)
    assert set(posted.ids) == {"nowhere", "r1"}
    assert await house.store.rooms.find(APP_UUID, "nowhere") is None


async def test_what_is_said_travels_whole(house):  # E13, G5
    """Also `ext` with what a push provider would be told, unchanged."""
    await made(house, "r1")
    ext = {"em_apns_ext": {"em_push_title": "t"}, "em_force_notification": True, "em_ignore_notification": False}
    await house.posting.accept(to("r1", sender="nobody", ext=ext, users=frozenset({"ann"})), house.app)
    [(_, message)] = house.lanes.messages
    dispatch = message.dispatch
    assert (dispatch.ext, dispatch.sender, dispatch.users) == (ext, "nobody", frozenset({"ann"}))
    assert (dispatch.audience, dispatch.accepted_at_ms) == (Audience.ROOMS, house.clock.now_ms)


async def test_nothing_of_it_is_kept_but_that_the_room_was_spoken_in(house):  # design.md section 8, A8
    """No row of the ledger; the room is active, and stays so over a restart."""
    await made(house, "r1", "r2")
    await house.posting.accept(to("r1"), house.app)
    assert await house.store.waiting(10) == ()
    assert [await is_active(house, room_id) for room_id in ("r1", "r2")] == [True, False]


async def test_a_room_is_woken_once_while_its_hall_is_open(house):  # A8
    """The store is written to for the first message only, and the hall knows it then."""
    hall = await opened(house, "r1", "ann")
    await house.posting.accept(to("r1"), house.app)
    assert hall.room.active
    before = house.store.commits
    for _ in range(5):
        await house.posting.accept(to("r1"), house.app)
    assert house.store.commits == before


async def test_a_hall_that_was_opened_from_old_knowledge_learns_that_its_room_is_awake(house):  # A8
    """Else a broadcast to active rooms would pass it over for ever."""
    await made(house, "r1")
    asleep = await house.store.rooms.find(APP_UUID, "r1")
    await house.posting.accept(to("r1"), house.app)
    hall = house.halls.open(asleep)
    await house.posting.accept(to("r1"), house.app)
    assert hall.room.active


async def test_a_room_that_was_made_anew_is_woken_again(house):  # A8
    """Under the same id it is another room, in which nobody has spoken yet."""
    await made(house, "r1")
    await house.posting.accept(to("r1"), house.app)
    await house.store.rooms.remove(APP_UUID, "r1")
    await made(house, "r1")
    assert not await is_active(house, "r1")
    await house.posting.accept(to("r1"), house.app)
    assert await is_active(house, "r1")


async def test_ids_ascend_in_the_order_of_the_lanes(house):  # G3
    """A hundred callers at once, some of whom wait for the store first, and a clock that goes back."""
    await made(house, *(f"r{number}" for number in range(10)))

    async def call(number):
        house.clock.pass_ms(-number % 5 - 2)
        rooms = [f"r{(number + at) % 10}" for at in range(number % 4 + 1)]
        return await house.posting.accept(
            to(*rooms), app_with(house, room_calls="unlimited", room_messages="unlimited")
        )

    await asyncio.gather(*map(call, range(100)))
    ids = [message.id for _, message in house.lanes.messages]
    assert ids == sorted(set(ids))


async def test_they_are_counted_by_level(house):  # E4, X9
    """As many as rooms."""
    await made(house, "r1", "r2")
    await house.posting.accept(to("r1", "r2", level=Level.LOW), house.app)
    await house.posting.accept(to("r1"), house.app)
    assert counted(house.meter, "laba_room_messages_accepted_total", '{level="low"}') == 2
    assert counted(house.meter, "laba_room_messages_accepted_total", '{level="normal"}') == 1


# --- E5 ------------------------------------------------------------------------------------------------------------


async def test_the_apps_operator_raises_types_and_members(house):  # E5
    """Whatever level was asked for, in every room."""
    await made(house, "r1")
    app = house.app.with_policy(AppPolicy(priorities=Priorities(frozenset({"cmd"}), frozenset({"ann"}))))
    await house.posting.accept(to("r1", sender="ann", level=Level.LOW), app)
    await house.posting.accept(to("r1", content=Content(Kind.CMD, {"action": "go"}), level=Level.LOW), app)
    await house.posting.accept(to("r1", level=Level.LOW), app)
    await house.posting.accept(to("r1", sender="ann", level=Level.HIGH), app)
    levels = [message.dispatch.level for _, message in house.lanes.messages]
    assert levels == [Level.HIGH, Level.HIGH, Level.LOW, Level.HIGH]
    assert house.lanes.raised == [True, True, False, False]


async def test_a_rooms_own_settings_raise_in_that_room_alone(house):  # E5
    """The others get it at the level that was asked for; those that raise it share one dispatch."""
    priorities = Priorities(high_members=frozenset({"ann"}))
    await opened(house, "raising", "bob", priorities=priorities)
    await opened(house, "raising too", "bob", priorities=priorities)
    await opened(house, "plain", "bob")
    await house.posting.accept(to("raising", "plain", "raising too", sender="ann", level=Level.LOW), house.app)
    first, second, third = (message.dispatch for _, message in house.lanes.messages)
    assert [first.level, second.level, third.level] == [Level.HIGH, Level.LOW, Level.HIGH]
    assert house.lanes.raised == [True, False, True]
    assert first is third
    assert first.id == second.id


# --- quotas --------------------------------------------------------------------------------------------------------


async def refused(house, asked, app):
    answer = await house.posting.accept(asked, app)
    assert isinstance(answer, Refusal)
    assert answer.code is Code.QUOTA_EXHAUSTED
    return answer.subject


async def test_the_twenty_first_call_of_a_second_is_refused(house):  # E3
    """With room for its message; a second later there is room again."""
    for _ in range(20):
        assert isinstance(await house.posting.accept(to("r1"), app_with(house)), Posted)
    assert await refused(house, to("r1"), app_with(house)) == "room_calls"
    house.clock.pass_ms(1000)
    assert isinstance(await house.posting.accept(to("r1"), app_with(house)), Posted)


async def test_the_eleventh_call_to_ten_rooms_is_refused(house):  # E3
    """Ten of them are a hundred messages."""
    ten = [f"r{number}" for number in range(10)]
    for _ in range(10):
        assert isinstance(await house.posting.accept(to(*ten), app_with(house)), Posted)
    assert await refused(house, to(*ten), app_with(house)) == "room_messages"
    assert await refused(house, to("r1"), app_with(house)) == "room_messages"


async def test_where_both_are_passed_the_calls_are_told(house):  # E3
    """Twenty calls with five rooms each fill both."""
    five = [f"r{number}" for number in range(5)]
    for _ in range(20):
        assert isinstance(await house.posting.accept(to(*five), app_with(house)), Posted)
    assert await refused(house, to(*five), app_with(house)) == "room_calls"


async def test_directed_messages_have_a_quota_of_their_own(house):  # E10
    """A hundred a second, while calls to all members are at their limit of twenty."""
    directed = to("r1", users=frozenset({"ann"}))
    for _ in range(20):
        await house.posting.accept(to("r1"), app_with(house))
    for _ in range(100):
        assert isinstance(await house.posting.accept(directed, app_with(house)), Posted)
    assert await refused(house, directed, app_with(house)) == "directed_calls"


async def test_a_refused_call_sends_nothing_and_takes_nothing(house):  # G1, E2
    """Neither one too large nor one over the quota; nor does it wake a room."""
    await made(house, "r1")
    app = app_with(house, room_calls="1/minute")
    assert (await house.posting.accept(to("r1", size_bytes=5121), app)).code is Code.MESSAGE_TOO_LARGE
    assert not await is_active(house, "r1")
    assert isinstance(await house.posting.accept(to("r2"), app), Posted)
    await refused(house, to("r1"), app)
    assert not await is_active(house, "r1")
    assert len(house.lanes.messages) == 1


async def test_a_call_that_could_not_wake_its_room_is_given_back(house):  # G1
    """The store was too busy: nothing was sent, and the quota is as it was."""
    await made(house, "r1")

    class Busy:
        find = house.store.rooms.find

        async def activate(self, app_uuid, room_ids):
            raise StoreBusyError

    posting = Posting(house.admitting, Busy(), house.halls, house.lanes, None, None)
    app = app_with(house, room_calls="1/minute", room_messages="1/minute")
    for _ in range(2):
        with pytest.raises(StoreBusyError):
            await posting.accept(to("r1"), app)
    assert house.lanes.messages == []
    assert isinstance(await house.posting.accept(to("r1"), app), Posted)


# --- from clients --------------------------------------------------------------------------------------------------


async def test_a_member_speaks_without_a_quota(house):  # S3, E3
    """What a back end may send is not lessened by what its users say."""
    await opened(house, "r1", "ann")
    app = app_with(house, room_calls="1/day", room_messages="1/day")
    for _ in range(3):
        assert isinstance(await house.posting.say(to("r1", sender="ann"), app, "ann"), Posted)
    assert isinstance(await house.posting.accept(to("r1"), app), Posted)
    assert await is_active(house, "r1")


async def test_who_is_not_in_the_room_may_not_speak_in_it(house):  # S3
    """Nor in one that there is not."""
    await opened(house, "r1", "bob")
    for room_id in ("r1", "nowhere"):
        assert (await house.posting.say(to(room_id), house.app, "ann")).code is Code.NOT_A_MEMBER
    assert house.lanes.messages == []


async def test_who_is_muted_may_not_speak_until_the_mute_is_over(house):  # S3
    """To the millisecond; the others may."""
    await opened(house, "r1", "ann", "bob")
    await house.store.rooms.mute(APP_UUID, "r1", [Mute("ann", house.clock.now_ms + 1000)])
    assert (await house.posting.say(to("r1"), house.app, "ann")).code is Code.MUTED
    assert isinstance(await house.posting.say(to("r1"), house.app, "bob"), Posted)
    house.clock.pass_ms(999)
    assert (await house.posting.say(to("r1"), house.app, "ann")).code is Code.MUTED
    house.clock.pass_ms(1)
    assert isinstance(await house.posting.say(to("r1"), house.app, "ann"), Posted)


async def test_a_message_for_its_sender_too_says_so_on_its_way(house):
    """Vendor-apis.md 3.2, isIncludeSender; the submission's own quota counts it."""
    await made(house, "r1")
    tenant = app_with(house, room_notices="1/second")
    call = to("r1", to_sender=True, quota=QuotaName.ROOM_NOTICES)
    assert isinstance(await house.posting.accept(call, tenant), Posted)
    assert (await house.posting.accept(call, tenant)).subject == QuotaName.ROOM_NOTICES
    [(_, message)] = house.lanes.messages
    assert message.dispatch.to_sender


async def test_in_a_muted_room_only_its_owner_speaks(house):  # S3
    """And its app's back end."""
    await opened(house, "r1", "ann", "owner", muted=True, owner="owner")
    assert (await house.posting.say(to("r1"), house.app, "ann")).code is Code.MUTED
    assert isinstance(await house.posting.say(to("r1"), house.app, "owner"), Posted)
    assert isinstance(await house.posting.accept(to("r1"), house.app), Posted)


async def test_what_a_client_says_is_bounded_like_all_else(house):  # E2
    """A member, too, may not pass the size."""
    await opened(house, "r1", "ann")
    refusal = await house.posting.say(to("r1", size_bytes=5121), house.app, "ann")
    assert refusal.code is Code.MESSAGE_TOO_LARGE
