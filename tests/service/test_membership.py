"""Who is in which room, on a real store, with time that moves when told to."""

import pytest

from builders import APP_UUID, counted
from laba.model.closing import Closing
from laba.model.dispatch import Again
from laba.model.notice import Destruction, MemberTagging, Placement, Removal, RoomChange
from laba.model.refusal import Code, Refusal
from laba.model.room import Room
from laba.model.session import Came, Ending, Member, PutIn, PutOut, Subscription, Went
from laba.model.stream import Position, Revocation
from laba.service.membership import Arrival, MembershipRules
from roomhouses import EPOCH, GRACE_MS, House, opened_rooms

pytestmark = pytest.mark.anyio

ANN, BOB, CID = Member("ann"), Member("bob"), Member("cid")


@pytest.fixture
async def house(tmp_path):
    async with opened_rooms(tmp_path) as house:
        yield house


async def test_a_member_came_when_its_user_first_did(house):
    """A drop that is over within the grace changes nothing; who left, or was taken out, comes anew."""  # S11
    await house.room()

    def came():
        return house.membership.members(APP_UUID, "7").get("ann")

    house.drop(await house.entered())
    first_ms = house.clock()
    house.clock.pass_ms(1000)
    house.membership.trim()
    assert came() == first_ms
    ann = await house.entered()
    assert came() == first_ms
    await house.membership.leave(ann, "7")
    assert came() is None
    await house.entered()
    assert came() == first_ms + 1000
    await house.membership.apply(Removal(APP_UUID, "7", ("ann",)))
    assert came() is None
    house.clock.pass_ms(1000)
    house.drop(await house.entered())
    assert came() == first_ms + 2000
    house.clock.pass_ms(GRACE_MS + 1)
    house.membership.trim()
    assert came() is None


# --- coming --------------------------------------------------------------------------------------------------------


async def test_who_enters_is_in_from_the_present_position_on(house):
    """What was said before is not for it."""  # S3
    await house.room()
    await house.entered("bob")
    house.say(1)
    house.say(2)
    ann = house.session()
    entry = await house.membership.enter(ann, "7")
    assert (entry.position, entry.recovered, entry.missed) == (Position(EPOCH, 2), False, b"")
    assert ann.rooms == {"room:7": 2}
    assert house.members() == ["ann", "bob"]


async def test_who_presents_a_position_gets_what_it_missed_and_may_see(house):
    """Not its own messages, nor what was directed to others (E6, E10)."""  # E6, E10
    await house.room()
    await house.entered("bob")
    house.say(1)
    house.say(2, sender="ann")
    house.say(3, users=frozenset({"bob"}))
    house.say(4, users=frozenset({"ann"}))
    entry = await house.membership.enter(house.session(), "7", Position(EPOCH, 0))
    assert (entry.recovered, entry.missed) == (True, b"1;4;")
    for lost in (Position("other", 0), Position(EPOCH, 9)):
        entry = await house.membership.enter(house.session("cid"), "7", lost)
        assert (entry.recovered, entry.missed) == (False, b"")


async def test_of_more_than_a_session_can_take_at_once_the_newest_are_recovered(house):
    """Else it would count as slow as it comes back, and so for ever."""  # S4
    tight = House(house.store, rules=MembershipRules(GRACE_MS, missed_limit_bytes=30))
    await tight.room("7", "ann")
    await tight.room("8", "ann")
    for room_id in ("7", "8"):
        await tight.entered("bob", room_id)
        for offset in range(1, 16):
            tight.say(offset, room_id)
    enough = await tight.membership.enter(tight.session("cid"), "7", Position(EPOCH, 3))
    assert (enough.recovered, len(enough.missed)) == (True, 30)
    entry = await tight.membership.enter(tight.session("dan"), "7", Position(EPOCH, 2))
    assert (entry.recovered, entry.missed, entry.position) == (False, enough.missed, Position(EPOCH, 3))
    # At a login it is the sum that counts: of what comes later, the newest that still fit.
    asked = {"room:7": Position(EPOCH, 9), "room:8": Position(EPOCH, 9)}
    arrival = await tight.membership.placed_at_login(tight.session(), asked)
    assert [one.recovered for one in arrival.subscriptions] == [True, False]
    assert arrival.missed == b"10;11;12;13;14;15;" + b"12;13;14;15;"


async def test_there_must_be_such_a_room(house):
    """Nothing is left of the attempt."""  # S3
    entry = await house.membership.enter(house.session(), "nowhere")
    assert entry.code is Code.ROOM_UNKNOWN
    assert house.hall("nowhere") is None


async def test_a_room_takes_so_many_members_each_counted_once(house):
    """Placed or by themselves, here or away; two devices of a member are one."""  # S3
    await house.room("7", "ann", max_members=3, owner="own")
    await house.entered("ann")
    bob = await house.entered("bob")
    full = await house.membership.enter(house.session("cid"), "7")
    assert full.code is Code.ROOM_FULL
    await house.entered("bob")
    await house.entered("own")
    house.drop(bob)
    assert (await house.membership.enter(house.session("cid"), "7")).code is Code.ROOM_FULL
    await house.membership.leave(next(iter(house.roster.of_user(APP_UUID, "bob"))), "7")
    await house.entered("cid")


async def test_a_session_is_in_so_many_rooms_at_most(house):
    """To come into one again is none more."""  # S3
    for number in range(4):
        await house.room(str(number))
    ann = house.session()
    for number in range(3):
        await house.membership.enter(ann, str(number))
    assert (await house.membership.enter(ann, "3")).code is Code.ROOMS_TOO_MANY
    assert not isinstance(await house.membership.enter(ann, "2"), Refusal)
    await house.membership.leave(ann, "0")
    assert not isinstance(await house.membership.enter(ann, "3"), Refusal)


async def test_who_has_ended_meanwhile_does_not_come_in(house):
    """A room that nobody is in would never be left."""
    await house.room()
    ann = house.session()
    house.drop(ann)
    assert isinstance(await house.membership.enter(ann, "7"), Refusal)
    assert house.members() == []


async def test_who_is_in_already_and_asks_from_a_position_gets_what_follows_it_and_that_not_live(house):
    """It is entered anew, behind what it was just given."""  # S4
    await house.room()
    ann = await house.entered()
    house.say(1)
    entry = await house.membership.enter(ann, "7", Position(EPOCH, 0))
    assert (entry.missed, ann.rooms) == (b"1;", {"room:7": 1})
    assert house.hall().sessions == [ann]


async def test_who_is_put_in_while_the_members_are_read_is_not_forgotten(house):
    """What was read before it is read again."""  # S3
    await house.room("7", "bob", max_members=2)
    read = house.store.rooms.placed

    async def placed(app_uuid, room_id):
        before = await read(app_uuid, room_id)
        if "ann" not in before:
            await house.store.rooms.place(APP_UUID, "7", ["ann"])
            await house.membership.apply(Placement(APP_UUID, "7", ("ann",)))
        return before

    house.store.rooms.placed = placed
    assert (await house.membership.enter(house.session("cid"), "7")).code is Code.ROOM_FULL
    await house.entered("ann")


# --- who comes and goes --------------------------------------------------------------------------------------------


async def test_only_who_asked_is_told_and_of_users_not_of_devices(house):
    """The second device of a member changes nothing for the others."""  # S3
    await house.room()
    ear, deaf = await house.listener(), await house.entered("deaf")
    await house.told(ear)
    ann, second = await house.entered(tags=("host",)), await house.entered()
    await house.membership.leave(ann, "7")
    assert await house.told(ear) == [Came("room:7", Member("ann", ("host",)))]
    await house.membership.leave(second, "7")
    assert await house.told(ear) == [Went("room:7", Member("ann", ("host",)))]
    assert await house.told(deaf) == []


async def test_a_short_drop_is_never_told_of(house):
    """Within the grace the user is still a member."""  # S3
    await house.room()
    ear, ann = await house.listener(), await house.entered()
    await house.told(ear)
    house.drop(ann)
    house.clock.pass_ms(GRACE_MS)
    house.membership.trim()
    assert house.members() == ["ann", "ear"]
    again = await house.entered()
    house.clock.pass_ms(GRACE_MS + 1)
    house.membership.trim()
    assert await house.told(ear) == []
    house.drop(again)
    house.clock.pass_ms(GRACE_MS)
    house.membership.trim()
    assert await house.told(ear) == []
    house.clock.pass_ms(1)
    house.membership.trim()
    assert await house.told(ear) == [Went("room:7", ANN)]
    assert house.members() == ["ear"]


async def test_a_drop_of_one_device_of_two_is_none(house):
    """The user is there all the while."""  # S3
    await house.room()
    ear, ann, _ = await house.listener(), await house.entered(), await house.entered()
    await house.told(ear)
    house.drop(ann)
    house.clock.pass_ms(GRACE_MS + 1)
    house.membership.trim()
    assert await house.told(ear) == []
    assert house.members() == ["ann", "ear"]


async def test_more_moves_than_the_pace_are_shed_and_counted(house):
    """A room that everybody enters at once announces fifty of them in a second."""  # S3
    await house.room()
    ear = await house.listener()
    house.clock.pass_ms(1000)
    for number in range(60):
        await house.entered(f"user{number}")
    assert len(await house.told(ear)) == 50
    assert counted(house.meter, "laba_room_moves_shed_total", '{reason="pace"}') == 10
    house.clock.pass_ms(1000)
    await house.entered("late")
    assert await house.told(ear) == [Came("room:7", Member("late"))]


async def test_a_listener_that_has_gone_is_told_nothing_and_forgotten(house):
    """Whether it left or dropped."""
    await house.room()
    ear, other = await house.listener("ear"), await house.listener("other")
    await house.membership.leave(ear, "7")
    house.drop(other)
    await house.told(ear)
    await house.entered()
    assert await house.told(ear) == await house.told(other) == []
    assert counted(house.meter, "laba_room_moves_shed_total", '{reason="pace"}') == 0


# --- by REST -------------------------------------------------------------------------------------------------------


async def test_a_login_comes_into_the_rooms_its_user_was_put_into(house):
    """With the position of each, and what it missed behind the one it presents."""  # S3, S4
    await house.room("7", "ann", "bob")
    await house.room("8", "ann")
    await house.room("9")
    await house.entered("bob")
    house.say(1)
    ann = house.session()
    positions = {"room:7": Position(EPOCH, 0), "room:9": Position(EPOCH, 0)}
    assert await house.membership.placed_at_login(ann, positions) == Arrival(
        (
            # The position it had: who drops before it has what it missed loses nothing.
            Subscription("room:7", Position(EPOCH, 0), recovering=True, recovered=True),
            Subscription("room:8", Position(EPOCH, 0)),
        ),
        b"1;",
    )
    assert ann.rooms == {"room:7": 1, "room:8": 0}


async def test_a_login_comes_into_as_many_rooms_as_a_session_may_be_in(house):
    """The first of them."""  # S3
    for number in range(5):
        await house.room(str(number), "ann")
    arrival = await house.membership.placed_at_login(house.session(), {})
    assert [one.channel for one in arrival.subscriptions] == ["room:0", "room:1", "room:2"]


async def test_who_asks_at_its_login_is_told_of_moves_in_the_rooms_it_is_put_into(house):
    """Then and later."""  # S3
    await house.room("7", "ear")
    await house.room("8")
    ear = house.session("ear")
    await house.membership.placed_at_login(ear, {}, moves=True)
    await house.store.rooms.place(APP_UUID, "8", ["ear"])
    await house.membership.apply(Placement(APP_UUID, "8", ("ear",)))
    await house.told(ear)
    await house.entered("ann", "7")
    await house.entered("ann", "8")
    assert await house.told(ear) == [Came("room:7", ANN), Came("room:8", ANN)]


async def test_who_is_put_in_while_it_is_here_is_told_and_gets_what_comes(house):
    """Each of its sessions; one that is in already is not told again."""  # S3
    await house.room()
    phone, pad, bob = house.session(), await house.entered(), house.session("bob")
    pull = house.session("ann", codec="envelope")
    await house.store.rooms.place(APP_UUID, "7", ["ann"])
    await house.membership.apply(Placement(APP_UUID, "7", ("ann",)))
    assert await house.told(phone) == [PutIn("room:7", Position(EPOCH, 0))]
    assert await house.told(pad) == await house.told(bob) == []
    assert (phone.rooms, bob.rooms, pull.rooms) == ({"room:7": 0}, None, None)


async def test_a_session_whose_connect_reply_is_not_written_learns_by_that_and_by_no_push(house):
    """A push before the reply would be no part of the protocol."""  # S4
    await house.room()
    ann = house.session()
    find = house.store.rooms.rooms_of

    async def rooms_of(app_uuid, user):
        await house.store.rooms.place(APP_UUID, "7", ["ann"])
        await house.membership.apply(Placement(APP_UUID, "7", ("ann",)))
        return await find(app_uuid, user)

    house.store.rooms.rooms_of = rooms_of
    arrival = await house.membership.placed_at_login(ann, {})
    assert [one.channel for one in arrival.subscriptions] == ["room:7"]
    assert await house.told(ann) == []


async def test_who_is_taken_out_is_told_why_and_is_in_no_more(house):
    """However it had come in; the others are told that it went."""  # S3
    await house.room("7", "ann")
    ear, ann, bob = await house.listener(), await house.entered(), await house.entered("bob")
    away = await house.entered("cid")
    house.drop(away)
    await house.told(ear)
    await house.store.rooms.displace(APP_UUID, "7", ["ann"])
    await house.membership.apply(Removal(APP_UUID, "7", ("ann", "bob", "cid", "nobody")))
    out = [PutOut("room:7", Ending.REMOVED)]
    assert (await house.told(ann), await house.told(bob)) == (out, out)
    assert (ann.rooms, house.members()) == (None, ["ear"])
    assert await house.told(ear) == [Went("room:7", ANN), Went("room:7", BOB), Went("room:7", CID)]


async def test_by_its_own_will_who_was_put_in_leaves_for_good_with_its_last_session(house):
    """Else it would be back at the next login."""  # S3
    await house.room("7", "ann", "bob")
    phone, pad = await house.entered(), await house.entered()
    await house.membership.leave(phone, "7")
    assert await house.store.rooms.placed(APP_UUID, "7") == ("ann", "bob")
    await house.membership.leave(pad, "7")
    await house.membership.leave(pad, "7")
    assert await house.store.rooms.placed(APP_UUID, "7") == ("bob",)
    assert house.members() == []


@pytest.mark.parametrize("comes_back", [False, True])
async def test_who_ends_while_it_leaves_has_left(house, comes_back):
    """Another session that comes meanwhile is in, and counts as a member."""  # S3
    await house.room("7", "ann", max_members=1)
    ann = await house.entered()
    displace = house.store.rooms.displace

    async def displaced(*asked):
        house.drop(ann)
        if comes_back:
            await house.entered()
        return await displace(*asked)

    house.store.rooms.displace = displaced
    await house.membership.leave(ann, "7")
    assert house.members() == (["ann"] if comes_back else [])
    full = await house.membership.enter(house.session("bob"), "7")
    assert isinstance(full, Refusal) is comes_back


async def test_a_user_that_is_removed_is_in_no_room_any_more(house):
    """Neither where it was put nor where it came by itself; its place is free at once."""  # S2 S3
    await house.room("7", "ann", max_members=1)
    ann = await house.entered()
    await house.store.rooms.displace(APP_UUID, "7", ("ann",))
    await house.membership.apply(Revocation(APP_UUID, "ann", Closing.USER_REMOVED))
    assert (ann.rooms, house.members()) == (None, [])
    assert not isinstance(await house.membership.enter(house.session("bob"), "7"), Refusal)


async def test_a_user_that_is_only_disconnected_stays_a_member(house):
    """It may come back."""
    await house.room("7", "ann")
    await house.entered()
    await house.membership.apply(Revocation(APP_UUID, "ann", Closing.DISCONNECTED))
    assert house.members() == ["ann"]


async def test_a_room_that_is_destroyed_is_no_more_nor_what_was_said_in_it(house):
    """Its members are told; one made anew under its id begins empty."""  # S3
    await house.room("7", "ann")
    ann = await house.entered()
    house.say(1)
    await house.store.rooms.remove(APP_UUID, "7")
    await house.membership.apply(Destruction(APP_UUID, "7"))
    assert await house.told(ann) == [PutOut("room:7", Ending.DESTROYED)]
    assert (ann.rooms, house.hall()) == (None, None)
    await house.membership.apply(Destruction(APP_UUID, "7"))
    await house.room()
    entry = await house.membership.enter(ann, "7", Position(EPOCH, 0))
    assert (entry.missed, house.members()) == (b"", ["ann"])


async def test_what_is_known_of_a_room_follows_its_changes(house):
    """Who it belongs to counts as a member; that it was spoken in is not unsaid by an older word."""  # S3
    room = await house.room(owner="own", max_members=2)
    ann = await house.entered()
    house.hall().room = house.hall().room.awake()
    changed = Room(APP_UUID, "7", "new", 0, number=room.number, owner="ann", max_members=2)
    await house.store.rooms.change(changed)
    await house.membership.apply(RoomChange(changed))
    assert (house.hall().room.name, house.hall().room.active) == ("new", True)
    await house.entered("bob")
    await house.membership.leave(ann, "7")
    assert (await house.membership.enter(house.session("cid"), "7")).code is Code.ROOM_FULL


# --- the end of a hall ---------------------------------------------------------------------------------------------


async def test_nothing_is_left_of_a_room_that_everybody_has_left(house):
    """When its log has run out, too."""
    await house.room()
    ann = await house.entered()
    house.say(1)
    house.drop(ann)
    house.clock.pass_ms(GRACE_MS + 1)
    house.membership.trim()
    house.logs.trim()
    assert house.hall() is not None
    house.clock.pass_ms(600_000)
    house.logs.trim()
    house.membership.trim()
    assert house.hall() is None
    assert house.membership._lobby.registers == {}


# --- tags ----------------------------------------------------------------------------------------------------------


def tags_of(house, user="ann", room_id="7"):
    return house.membership.tags(APP_UUID, room_id).get(user, ())


def tagging(*tags, user="ann", room_id="7"):
    return MemberTagging(APP_UUID, room_id, user, tags)


async def test_a_member_has_the_tags_it_brings_into_the_room(house):
    """A second device without any does not take them away; one with others replaces them."""  # S3, N8
    await house.room()
    await house.entered(tags=("vip", "de"))
    await house.entered()
    assert tags_of(house) == ("de", "vip")
    await house.entered(tags=("gold",))
    assert tags_of(house) == ("gold",)


async def test_tags_last_over_a_drop_and_go_when_their_member_leaves(house):
    await house.room()
    ann = await house.entered(tags=("vip",))
    house.drop(ann)
    ann = await house.entered()
    assert tags_of(house) == ("vip",)
    await house.membership.leave(ann, "7")
    await house.entered()
    assert tags_of(house) == ()


async def test_tags_of_a_login_are_those_of_every_room_that_brings_none_of_its_own(house):
    """Design 5, connect data: both where REST put the user and where it goes by itself."""  # S3
    await house.room("7", "ann")
    await house.room("8")
    await house.room("9")
    session = house.session()
    await house.membership.placed_at_login(session, {}, ("vip",))
    await house.membership.enter(session, "8")
    await house.membership.enter(session, "9", tags=("gold",))
    assert [tags_of(house, room_id=room_id) for room_id in ("7", "8", "9")] == [("vip",), ("vip",), ("gold",)]
    house.drop(session)
    assert house.membership._declared == {}


async def test_rest_gives_tags_to_who_is_in(house):  # S3
    """To a guest until it leaves; who is not in hears of it when it comes, if it was put in."""
    await house.room("7", "placed")
    guest = await house.entered("guest", tags=("de",))
    await house.membership.apply(tagging("vip", user="guest"))
    assert tags_of(house, "guest") == ("vip",)
    await house.membership.apply(tagging(user="guest"))
    assert tags_of(house, "guest") == ()
    await house.membership.apply(tagging("vip", user="placed"))
    await house.membership.apply(tagging("vip", user="stranger"))
    await house.entered("placed")
    await house.entered("stranger")
    assert [tags_of(house, user) for user in ("placed", "stranger")] == [("vip",), ()]
    await house.membership.leave(guest, "7")


async def test_tags_that_rest_gave_are_known_after_a_restart(house):  # S3
    """They are those of the store when the room is opened; what the client brings goes before them."""
    await house.room("7", "ann", "bob")
    await house.store.rooms.tag(APP_UUID, "7", "ann", ("vip",))
    await house.store.rooms.tag(APP_UUID, "7", "bob", ("vip",))
    await house.entered("ann")
    await house.entered("bob", tags=("gold",))
    assert [tags_of(house, user) for user in ("ann", "bob")] == [("vip",), ("gold",)]


async def test_tags_of_a_room_that_nobody_is_in_are_nobody_s(house):
    assert house.membership.tags(APP_UUID, "nowhere") == {}
    await house.membership.apply(tagging("vip", room_id="nowhere"))


async def test_who_had_left_does_not_get_again_what_is_for_who_was_dropped(house):  # N6
    """Who lost its connection does: by its position, as it comes back."""
    await house.room()
    ann, bob = await house.entered("ann"), await house.entered("bob")
    house.say(1, again=Again.DROPPED)
    await house.membership.leave(ann, "7")
    house.drop(bob)
    back = [await house.membership.enter(house.session(user), "7", Position(EPOCH, 0)) for user in ("ann", "bob")]
    assert [entry.missed for entry in back] == [b"", b"1;"]
