"""Rooms by REST: the desk with its services, on a real store and bus."""

import asyncio
from dataclasses import replace
from typing import get_args

import pytest

from builders import NOW_MS, OTHER_UUID, app
from houses import opened
from laba.model import roomcalls
from laba.model.notice import Destruction, MemberTagging, Placement, Removal, RoomChange
from laba.model.priorities import Priorities, PrioritiesChange
from laba.model.refusal import Code, Refusal
from laba.model.room import MAX_MEMBERS, Mute, Room
from laba.model.roomcalls import (
    FOREVER_MS,
    AddMembers,
    ChangeRoom,
    CheckMembers,
    CloseRooms,
    CreateRoom,
    DescribeMembers,
    DestroyRoom,
    FindRooms,
    GetRoom,
    GiveRoom,
    ListMembers,
    ListMutes,
    ListRooms,
    ListRoomsOf,
    MembersAdded,
    MembersChecked,
    MembersDescribed,
    MembersMuted,
    MembersQueried,
    MembersRemoved,
    MembersUnmuted,
    MemberTagged,
    MuteMembers,
    MuteRoom,
    MutesListed,
    OpenRooms,
    Parting,
    QueryMembers,
    RemoveMembers,
    RoomDestroyed,
    RoomMuted,
    RoomsClosed,
    RoomsFound,
    RoomsOpened,
    TagMember,
    UnmuteMembers,
)
from laba.model.usercalls import DeleteUser, NewUser, RegisterUsers
from laba.ports import StoreBusyError

pytestmark = pytest.mark.anyio

NAMES = ("ann", "bob", "cid", "dan", "eve")


@pytest.fixture
async def people(house):
    """Five registered users."""
    await house.users.register(RegisterUsers(tuple(map(NewUser, NAMES)), single=False), house.app)


@pytest.fixture
def ask(house, people):
    async def ask(call):
        return await house.desk.serve(call, house.app)

    return ask


@pytest.fixture
def told(house):
    """What the bus brings from now on, as it has come until each look."""
    subscription = house.bus.subscribe()

    async def told():
        # What was published is waiting; a marker says where it ends.
        await house.bus.publish(end := Destruction("", "end"))
        found = [await anext(subscription)]
        while found[-1] != end:
            found.append(await anext(subscription))
        return found[:-1]

    return told


@pytest.fixture
def made(ask):
    """Make a room of ann's, with bob."""

    async def made(**rest):
        answer = await ask(CreateRoom(**{"name": "live", "owner": "ann", "members": ("bob",)} | rest))
        return answer.room

    return made


async def members(ask, room):
    return (await ask(GetRoom(room.id))).members


def come(house, room, *users):
    """Let users come into a room by themselves, now."""
    present = house.present.setdefault((house.app.uuid, room.id), {})
    present.update(dict.fromkeys(users, house.clock.now_ms))


# --- making and showing --------------------------------------------------------------------------------------------


async def test_a_new_room_is_kept_with_its_owner_and_its_members(house, ask, told):  # S3
    """It is called by a number; the owner is its first member, also where it is named among them."""
    call = CreateRoom("live", "ann", ("bob", "ann"), "a room", "c", max_members=7)
    room = (await ask(call)).room
    assert room.id.isdecimal()
    assert await house.store.rooms.find(house.app.uuid, room.id) == room
    known = Room(house.app.uuid, room.id, "live", NOW_MS, room.number, "ann", "a room", "c", max_members=7)
    assert room == known
    assert await members(ask, room) == ("ann", "bob")
    assert await told() == [Placement(house.app.uuid, room.id, ("ann", "bob"))]


@pytest.mark.parametrize("call", [CreateRoom("live", "zoe"), CreateRoom("live", "ann", ("bob", "zoe"))])
async def test_whoever_is_named_must_exist(house, ask, told, call):
    """Nothing is kept otherwise."""
    refusal = await ask(call)
    assert (refusal.code, refusal.subject) == (Code.USER_UNKNOWN, "zoe")
    assert await house.store.rooms.highest_number() == 0
    assert await told() == []


async def test_a_room_smaller_than_its_members_is_refused(house, ask):
    """The owner counts."""
    refusal = await ask(CreateRoom("live", "ann", ("bob", "cid"), max_members=2))
    assert refusal.code is Code.ROOM_FULL
    assert (await ask(CreateRoom("live", "ann", ("bob", "ann"), max_members=2))).room


async def test_an_id_that_somebody_has_chosen_is_not_given_again(house, ask, made):
    """Rooms whose callers name them may have any id: the next call gets the next one."""
    first = await made()
    await house.store.rooms.add(Room(house.app.uuid, str(int(first.id) + 1), "other", NOW_MS), ())
    assert (await ask(CreateRoom("live", "ann"))).code is Code.ROOM_EXISTS
    assert (await ask(CreateRoom("live", "ann"))).room


async def test_everybody_in_a_room_is_shown_once(house, ask, made):
    """First the owner, then who was put in, then who came by itself."""  # S3
    room = await made(members=("dan", "bob"))
    come(house, room, "eve", "bob", "cid", "ann")
    assert await members(ask, room) == ("ann", "dan", "bob", "cid", "eve")
    assert (await ask(ListRooms(10))).rooms == ((room, 5),)


async def test_rooms_are_listed_page_by_page(ask, made):  # S11
    rooms = [await made(name=f"room {number}") for number in range(3)]
    first = await ask(ListRooms(2))
    assert ([room for room, _ in first.rooms], first.more_after) == (rooms[:2], rooms[1].number)
    last = await ask(ListRooms(2, first.more_after))
    assert (last.rooms, last.more_after) == (((rooms[2], 2),), None)


async def test_another_app_has_other_rooms(house, made, people):
    """An id leads nowhere there."""
    room = await made()
    other = app(OTHER_UUID, "org/other")
    assert (await house.desk.serve(GetRoom(room.id), other)).code is Code.ROOM_UNKNOWN
    assert (await house.desk.serve(ListRooms(10), other)).rooms == ()


# --- changing ------------------------------------------------------------------------------------------------------


async def test_a_change_leaves_what_it_does_not_name(house, ask, made, told):
    room = await made(description="old")
    await told()
    changed = (await ask(ChangeRoom(room.id, description="new", max_members=1))).room
    assert changed == replace(room, description="new", max_members=1)
    assert await house.store.rooms.find(house.app.uuid, room.id) == changed
    assert await told() == [RoomChange(changed)]
    # Nobody has to go, but nobody is put in any more.
    assert await members(ask, room) == ("ann", "bob")
    assert (await ask(AddMembers(room.id, ("cid",), single=True))).code is Code.ROOM_FULL


async def test_what_goes_first_in_a_room_is_told_to_every_node(ask, made, told):  # E5
    """Types and members each by their own."""
    room = await made()
    await told()
    await ask(ChangeRoom(room.id, priorities=PrioritiesChange(frozenset({"txt"}))))
    await ask(ChangeRoom(room.id, priorities=PrioritiesChange(high_members=frozenset({"ann"}))))
    first, second = (notice.room.priorities for notice in await told())
    assert first == Priorities(frozenset({"txt"}))
    assert second == Priorities(frozenset({"txt"}), frozenset({"ann"}))
    assert (await ask(GetRoom(room.id))).room.priorities == second


async def test_changes_at_one_time_all_hold(ask, made):
    """None of them writes over another's."""
    room = await made()
    await asyncio.gather(
        ask(ChangeRoom(room.id, name="new")),
        ask(MuteRoom(room.id, muted=True)),
        ask(ChangeRoom(room.id, description="new")),
        ask(GiveRoom(room.id, "bob")),
    )
    found = (await ask(GetRoom(room.id))).room
    assert (found.name, found.muted, found.description, found.owner) == ("new", True, "new", "bob")


async def test_a_room_is_given_to_a_member(house, ask, made, told):
    """The old owner stays a member; one who came by itself is put in, and is in the room for good."""
    room = await made()
    come(house, room, "cid")
    await told()
    assert (await ask(GiveRoom(room.id, "cid"))).room.owner == "cid"
    changed = replace(room, owner="cid")
    assert await told() == [Placement(house.app.uuid, room.id, ("cid",)), RoomChange(changed)]
    assert await members(ask, room) == ("cid", "ann", "bob")
    for name, code in (("dan", Code.MEMBER_UNKNOWN), ("zoe", Code.USER_UNKNOWN)):
        refusal = await ask(GiveRoom(room.id, name))
        assert (refusal.code, refusal.subject) == (code, name)


async def test_a_destroyed_room_is_gone(house, ask, made, told):
    room = await made()
    await told()
    assert await ask(DestroyRoom(room.id)) == RoomDestroyed(room.id)
    assert await told() == [Destruction(house.app.uuid, room.id)]
    assert (await ask(ListRoomsOf("bob"))).rooms == ()
    assert (await ask(DestroyRoom(room.id))).code is Code.ROOM_UNKNOWN


async def test_a_room_whose_owner_is_removed_has_none(house, ask, made):
    """Whoever has the name next does not own it; the app can still give it to a member."""
    room = await made()
    await house.users.remove(DeleteUser("ann"), house.app)
    await house.registered("ann")
    assert await members(ask, room) == ("bob",)
    assert (await ask(DestroyRoom(room.id, "ann"))).code is Code.TOKEN_MISMATCH
    assert (await ask(GiveRoom(room.id, "bob"))).room.owner == "bob"


# --- members -------------------------------------------------------------------------------------------------------


async def test_who_is_put_in_is_told_to_every_node(house, ask, made, told):  # S3
    """Who is in already is told of again: its clients may have left meanwhile."""
    room = await made()
    await told()
    assert await ask(AddMembers(room.id, ("cid",), single=True)) == MembersAdded(room.id, ("cid",), ("cid",), True)
    many = await ask(AddMembers(room.id, ("bob", "dan", "cid"), single=False))
    assert many == MembersAdded(room.id, ("bob", "dan", "cid"), ("dan",), single=False)
    assert await told() == [Placement(house.app.uuid, room.id, users) for users in (("cid",), ("bob", "dan", "cid"))]
    assert (await ask(AddMembers(room.id, ("ann",), single=True))).users == ("ann",)
    assert await members(ask, room) == ("ann", "bob", "cid", "dan")


async def test_who_came_by_itself_can_be_put_in_though_it_is_full(house, ask, made):
    """It takes no more room than before."""
    room = await made(max_members=3)
    come(house, room, "cid")
    assert (await ask(AddMembers(room.id, ("dan",), single=True))).code is Code.ROOM_FULL
    assert (await ask(AddMembers(room.id, ("cid",), single=True))).new == ()
    house.present.clear()
    assert await members(ask, room) == ("ann", "bob", "cid")


async def test_all_are_put_in_or_none(ask, made, told):
    """One who does not exist, or for whom there is no room, keeps the rest out."""
    room = await made(max_members=3)
    await told()
    for users, code in ((("cid", "zoe"), Code.USER_UNKNOWN), (("cid", "dan"), Code.ROOM_FULL)):
        assert (await ask(AddMembers(room.id, users, single=False))).code is code
    assert await members(ask, room) == ("ann", "bob")
    assert await told() == []


async def test_a_room_takes_no_more_than_it_holds_whoever_comes_at_one_time(ask, made):
    room = await made(max_members=3)
    calls = (AddMembers(room.id, (name,), single=True) for name in ("cid", "dan", "eve"))
    answers = await asyncio.gather(*map(ask, calls))
    assert sorted(isinstance(answer, Refusal) for answer in answers) == [False, True, True]
    assert len(await members(ask, room)) == 3


async def test_members_are_taken_out_however_they_came_in(house, ask, made, told):  # S3
    room = await made()
    come(house, room, "cid")
    await told()
    removed = await ask(RemoveMembers(room.id, ("bob", "cid"), single=False))
    assert removed == MembersRemoved(room.id, (Parting("bob"), Parting("cid")), single=False)
    assert await told() == [Removal(house.app.uuid, room.id, ("bob", "cid"))]
    assert await house.store.rooms.placed(house.app.uuid, room.id) == ("ann",)


async def test_one_who_cannot_go_is_a_refusal_and_of_many_the_rest_go(ask, made, told):
    """The owner stays, and who is no member was not in."""
    room = await made()
    await told()
    for name, code in (("ann", Code.OWNER_STAYS), ("cid", Code.MEMBER_UNKNOWN), ("\udc80", Code.MEMBER_UNKNOWN)):
        refusal = await ask(RemoveMembers(room.id, (name,), single=True))
        assert (refusal.code, refusal.subject) == (code, name)
    assert await told() == []
    removed = await ask(RemoveMembers(room.id, ("ann", "bob", "cid"), single=False))
    assert [(parting.user, parting.staying is None) for parting in removed.partings] == [
        ("ann", False),
        ("bob", True),
        ("cid", False),
    ]
    assert await members(ask, room) == ("ann",)


async def test_members_are_listed_page_by_page(house, ask, made):
    room = await made(members=("bob", "cid"))
    come(house, room, "eve")
    pages = [(await ask(ListMembers(room.id, page, 2))).members for page in (1, 2, 3, 10**9)]
    assert pages == [("ann", "bob"), ("cid", "eve"), (), ()]


async def test_a_user_s_rooms_are_those_it_was_put_into_and_those_it_came_into(house, ask, made, clients):  # S11
    rooms = [await made(name=f"room {number}") for number in range(3)]
    await ask(RemoveMembers(rooms[0].id, ("bob",), single=True))
    bob = await house.users.find(house.app, "bob")
    session = await clients.entered(house.user_token(bob))
    session.rooms = {rooms[0].stream.channel: 0, rooms[1].stream.channel: 0, "room:gone": 0}
    assert (await ask(ListRoomsOf("bob"))).rooms == (rooms[1], rooms[2], rooms[0])
    assert (await ask(ListRoomsOf("zoe"))).code is Code.USER_UNKNOWN


async def test_members_are_shown_with_when_they_came(house, ask, made):  # S11
    """Who was put in and has no session there is the earliest: when it was is not known, and 0 says so."""
    room = await made()
    come(house, room, "eve")
    house.clock.pass_ms(1000)
    come(house, room, "bob", "cid")
    coming = (("ann", 0), ("eve", NOW_MS), ("bob", NOW_MS + 1000), ("cid", NOW_MS + 1000))
    assert await ask(QueryMembers(room.id, 10)) == MembersQueried(4, coming)
    assert await ask(QueryMembers(room.id, 2)) == MembersQueried(4, coming[:2])
    latest = (("bob", NOW_MS + 1000), ("cid", NOW_MS + 1000), ("eve", NOW_MS), ("ann", 0))
    assert await ask(QueryMembers(room.id, 10, latest_first=True)) == MembersQueried(4, latest)
    assert await ask(QueryMembers(room.id, 3, latest_first=True)) == MembersQueried(4, latest[:3])


async def test_whether_users_are_members_is_told_in_the_order_asked(house, ask, made):  # S11
    """However they came in; who is asked for twice is told twice, and who is nobody is none."""
    room = await made()
    come(house, room, "eve")
    told = (("eve", True), ("zoe", False), ("ann", True), ("cid", False), ("ann", True))
    assert await ask(CheckMembers(room.id, tuple(user for user, _ in told))) == MembersChecked(told)


# --- rooms under ids of the caller's choice ------------------------------------------------------------------------


async def found(ask, *ids):
    return (await ask(FindRooms(ids))).rooms


async def test_rooms_are_opened_under_the_ids_that_the_caller_chose(house, ask, told):  # S11
    """They belong to nobody, nobody is in them, and they hold as many as a room may."""
    assert await ask(OpenRooms((("lobby", "the lobby"), ("喇叭", "")))) == RoomsOpened()
    lobby, horn = await found(ask, "lobby", "喇叭")
    made = Room(house.app.uuid, "lobby", "the lobby", NOW_MS, lobby.number, max_members=MAX_MEMBERS)
    assert (lobby, horn.name, horn.active) == (made, "", False)
    assert await members(ask, lobby) == ()
    assert await told() == []


async def test_a_room_that_is_there_stays_as_it_is(house, ask, made, told):  # S11
    """Whoever made it, and however it is called in the call; the others are opened all the same."""
    room = await made()
    await told()
    calls = [OpenRooms(((room.id, "another"), ("lobby", "lobby"), ("lobby", "again")))] * 2
    await asyncio.gather(*map(ask, calls))
    assert (await found(ask, room.id))[0] == room
    assert (await found(ask, "lobby"))[0].name == "lobby"
    assert await members(ask, room) == ("ann", "bob")
    assert await told() == []


async def test_rooms_are_found_in_the_order_asked(ask):  # S11
    """Those that there are; none is nothing found."""
    await ask(OpenRooms((("a", "1"), ("b", "2"))))
    assert [room.id for room in await found(ask, "b", "c", "a")] == ["b", "a"]
    assert await ask(FindRooms(("nowhere",))) == RoomsFound(())


async def test_closing_rooms_is_told_to_every_node(house, ask, made, told):  # S11
    """Also of one that is gone: a node that did not hear of it the first time hears of it now."""
    room = await made()
    await ask(OpenRooms((("lobby", "lobby"),)))
    await told()
    assert await ask(CloseRooms(("lobby", room.id, "gone"))) == RoomsClosed()
    assert await told() == [Destruction(house.app.uuid, room_id) for room_id in ("lobby", room.id, "gone")]
    assert await found(ask, "lobby", room.id) == ()
    assert await house.store.rooms.placed(house.app.uuid, room.id) == ()


async def test_rooms_that_are_opened_and_closed_at_one_time_are_one_or_the_other(house, ask, told):  # S11
    """What is told fits what is kept."""
    await asyncio.gather(*(ask(call) for _ in range(5) for call in (OpenRooms((("a", "a"),)), CloseRooms(("a",)))))
    assert await found(ask, "a") == ()
    assert len(await told()) == 5


# --- mutes ---------------------------------------------------------------------------------------------------------


async def test_a_mute_ends_by_itself_or_when_it_is_ended(house, ask, made, told):  # S3
    room = await made(members=("bob", "cid"))
    await told()
    mutes = (Mute("bob", NOW_MS + 1000), Mute("cid", NOW_MS + 1000))
    assert await ask(MuteMembers(room.id, ("bob", "cid"), 1000)) == MembersMuted(mutes)
    assert await ask(MuteMembers(room.id, ("cid",), None)) == MembersMuted((Mute("cid", FOREVER_MS),))
    house.clock.pass_ms(999)
    assert await ask(ListMutes(room.id)) == MutesListed((mutes[0], Mute("cid", FOREVER_MS)))
    house.clock.pass_ms(1)
    assert await ask(ListMutes(room.id)) == MutesListed((Mute("cid", FOREVER_MS),))
    assert await ask(UnmuteMembers(room.id, ("cid", "bob"))) == MembersUnmuted(("cid", "bob"))
    assert await ask(ListMutes(room.id)) == MutesListed(())
    # Whoever knows the mutes by heart looks again.
    assert await told() == [RoomChange(room)] * 3


async def test_nobody_is_muted_beyond_the_end_of_time(ask, made):
    room = await made()
    assert await ask(MuteMembers(room.id, ("bob",), 10**13)) == MembersMuted((Mute("bob", FOREVER_MS),))


async def test_only_members_are_muted_and_never_the_owner(house, ask, made):
    """One of them keeps the rest free; who came by itself is a member too."""
    room = await made()
    for name, code in (("cid", Code.MEMBER_UNKNOWN), ("ann", Code.OWNER_STAYS)):
        refusal = await ask(MuteMembers(room.id, ("bob", name), 1000))
        assert (refusal.code, refusal.subject) == (code, name)
    assert await ask(ListMutes(room.id)) == MutesListed(())
    come(house, room, "cid")
    assert (await ask(MuteMembers(room.id, ("cid",), 1000))).mutes[0].user == "cid"


async def test_a_mute_outlasts_its_member_s_leaving(ask, made):
    room = await made()
    await ask(MuteMembers(room.id, ("bob",), None))
    await ask(RemoveMembers(room.id, ("bob",), single=True))
    await ask(AddMembers(room.id, ("bob",), single=True))
    assert await ask(ListMutes(room.id)) == MutesListed((Mute("bob", FOREVER_MS),))


async def test_a_whole_room_is_muted_and_free_again(house, ask, made, told):  # S3
    room = await made()
    await told()
    assert await ask(MuteRoom(room.id, muted=True)) == RoomMuted(muted=True)
    assert (await house.store.rooms.find(house.app.uuid, room.id)).muted
    assert await ask(MuteRoom(room.id, muted=False)) == RoomMuted(muted=False)
    assert await told() == [RoomChange(replace(room, muted=True)), RoomChange(room)]


# --- rights --------------------------------------------------------------------------------------------------------


def all_calls(room_id, user, actor):
    """Give every call about a room or a user, as `actor` would make it about `user`."""
    return {
        GetRoom(room_id, actor),
        ListRooms(10, actor=actor),
        ListMembers(room_id, 1, 10, actor),
        CreateRoom("new", user, actor=actor),
        ListRoomsOf(user, actor),
        AddMembers(room_id, (user,), single=True, actor=actor),
        AddMembers(room_id, (user,), single=False, actor=actor),
        RemoveMembers(room_id, (user,), single=True, actor=actor),
        AddMembers(room_id, (user, "eve"), single=False, actor=actor),
        RemoveMembers(room_id, (user, "eve"), single=False, actor=actor),
        ChangeRoom(room_id, "new", actor=actor),
        GiveRoom(room_id, user, actor),
        DestroyRoom(room_id, actor),
        MuteMembers(room_id, (user,), 1000, actor),
        UnmuteMembers(room_id, (user,), actor),
        ListMutes(room_id, actor),
        MuteRoom(room_id, muted=True, actor=actor),
    }


# What no user has a say in: these calls are the app's alone.
OF_THE_APP = {OpenRooms, CloseRooms, FindRooms, QueryMembers, CheckMembers, DescribeMembers, TagMember}
FOR_ALL = {GetRoom, ListRooms, ListMembers}
FOR_ONESELF = {CreateRoom, ListRoomsOf, AddMembers, RemoveMembers}


@pytest.mark.parametrize(
    ("actor", "user", "kinds", "many"),
    [
        (None, "bob", set(get_args(roomcalls.RoomCall)) - OF_THE_APP, True),
        ("bob", "bob", FOR_ALL | FOR_ONESELF, False),
        ("cid", "bob", FOR_ALL, False),
        ("ann", "bob", set(get_args(roomcalls.RoomCall)) - OF_THE_APP - {CreateRoom, ListRoomsOf}, True),
    ],
    ids=["the app", "oneself", "another", "the owner"],
)
async def test_each_may_do_what_is_its_own(ask, made, actor, user, kinds, many):  # S1, A10
    """The app may do all, the owner all with its room; everybody else may look, and come and go alone."""
    allowed = set()
    for call in all_calls("?", user, actor):
        room = await made()
        about = replace(call, room_id=room.id) if hasattr(call, "room_id") else call
        answer = await ask(about)
        if isinstance(answer, Refusal):
            assert answer.code is Code.TOKEN_MISMATCH
        else:
            allowed.add(call)
    wanted = {call for call in all_calls("?", user, actor) if type(call) in kinds}
    assert allowed == {call for call in wanted if many or len(getattr(call, "users", ())) < 2}


async def test_what_is_not_there_is_said_to_everybody(ask):
    """Each call about a room, whoever makes it."""
    for actor in (None, "bob"):
        for call in all_calls("none", "bob", actor):
            if hasattr(call, "room_id"):
                refusal = await ask(call)
                assert (refusal.code, refusal.subject) == (Code.ROOM_UNKNOWN, "none"), call
    for call in (QueryMembers("none", 10), CheckMembers("none", ("bob",))):
        refusal = await ask(call)
        assert (refusal.code, refusal.subject) == (Code.ROOM_UNKNOWN, "none"), call


# --- a store that cannot -------------------------------------------------------------------------------------------


async def test_nothing_is_told_of_what_was_not_kept(ask, made, house, tmp_path):
    """The caller may try again."""
    room = await made()
    calls = (
        CreateRoom("live", "ann"),
        ChangeRoom(room.id, "new"),
        GiveRoom(room.id, "bob"),
        DestroyRoom(room.id),
        AddMembers(room.id, ("cid",), single=True),
        RemoveMembers(room.id, ("bob",), single=True),
        MuteMembers(room.id, ("bob",), 1000),
        UnmuteMembers(room.id, ("bob",)),
        MuteRoom(room.id, muted=True),
        OpenRooms((("new", "new"),)),
        CloseRooms((room.id,)),
    )
    async with opened(tmp_path, house.clock, writes_waiting_limit=0) as busy:
        notices = busy.bus.subscribe()
        for call in calls:
            with pytest.raises(StoreBusyError):
                await busy.desk.serve(call, busy.app)
        await busy.bus.publish(Destruction("", "end"))
        assert await anext(notices) == Destruction("", "end")


# --- tags (S3, N8) -------------------------------------------------------------------------------------------------


async def test_members_are_shown_with_their_tags_page_by_page(ask, made, house):
    """In the order of their names: those of who is in go before those that REST gave."""
    room = await made()
    await ask(AddMembers(room.id, ("bob", "cid"), single=False))
    await ask(TagMember(room.id, "bob", ("vip", "de")))
    await ask(TagMember(room.id, "cid", ("vip",)))
    house.present[room.app_uuid, room.id] = {"cid": 1, "guest": 2}
    house.tagged[room.app_uuid, room.id] = {"guest": ("gold",)}
    everybody = (("ann", ()), ("bob", ("vip", "de")), ("cid", ()), ("guest", ("gold",)))
    assert await ask(DescribeMembers(room.id, 10)) == MembersDescribed(room.id, everybody)
    assert await ask(DescribeMembers(room.id, 3)) == MembersDescribed(room.id, everybody[:3], "cid")
    assert await ask(DescribeMembers(room.id, 3, "cid")) == MembersDescribed(room.id, everybody[3:])


async def test_a_member_is_tagged_whether_it_was_put_in_or_came_by_itself(ask, made, house):
    """Every node hears of it; of who was put in it is kept."""
    room = await made()
    house.present[room.app_uuid, room.id] = {"guest": 1}
    heard = house.bus.subscribe()
    assert await ask(TagMember(room.id, "ann", ("vip",))) == MemberTagged(room.id, "ann", ("vip",))
    assert await ask(TagMember(room.id, "guest", ("gold",))) == MemberTagged(room.id, "guest", ("gold",))
    assert [await anext(heard) for _ in range(2)] == [
        MemberTagging(room.app_uuid, room.id, "ann", ("vip",)),
        MemberTagging(room.app_uuid, room.id, "guest", ("gold",)),
    ]
    assert await house.store.rooms.tagged(room.app_uuid, room.id) == {"ann": ("vip",)}
    await heard.aclose()


async def test_a_page_that_ends_with_the_last_member_has_nothing_behind_it(ask, made):  # S3
    room = await made()
    assert await ask(DescribeMembers(room.id, 2)) == MembersDescribed(room.id, (("ann", ()), ("bob", ())))
    assert await ask(DescribeMembers(room.id, 1)) == MembersDescribed(room.id, (("ann", ()),), "ann")
    assert await ask(DescribeMembers(room.id, 1, "bob")) == MembersDescribed(room.id, ())


async def test_tags_take_the_place_of_those_before(ask, made):  # S3
    """None at all do so, too; and whoever is taken out has none when it is put in again."""
    room = await made()
    for tags in (("vip", "de"), ("gold",), ()):
        assert await ask(TagMember(room.id, "bob", tags)) == MemberTagged(room.id, "bob", tags)
        described = await ask(DescribeMembers(room.id, 10))
        assert dict(described.members)["bob"] == tags
    await ask(TagMember(room.id, "bob", ("vip",)))
    await ask(RemoveMembers(room.id, ("bob",), single=True))
    await ask(AddMembers(room.id, ("bob",), single=True))
    assert dict((await ask(DescribeMembers(room.id, 10))).members)["bob"] == ()


async def test_who_is_no_member_is_not_tagged(ask, made):
    room = await made()
    refusal = await ask(TagMember(room.id, "eve", ("vip",)))
    assert (refusal.code, refusal.subject) == (Code.MEMBER_UNKNOWN, "eve")
    for call in (TagMember("none", "ann", ()), DescribeMembers("none", 10)):
        assert (await ask(call)).code is Code.ROOM_UNKNOWN


async def test_a_room_may_be_made_under_a_chosen_id_and_without_an_owner(ask):  # S3
    made = await ask(CreateRoom("Room", "", chosen_id="mine"))
    assert (made.room.id, made.room.owner, made.room.name) == ("mine", "", "Room")
    again = await ask(CreateRoom("Room", "", chosen_id="mine"))
    assert (again.code, again.subject) == (Code.ROOM_EXISTS, "mine")
