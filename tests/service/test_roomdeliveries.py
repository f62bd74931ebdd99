import pytest

from builders import NOW_MS, counted, said
from laba.core.tally import Tally
from laba.model.dispatch import TO_EVERY_ROOM, Again, Audience, Level
from laba.model.stream import Batch, Entry, Flush, Stream
from laba.model.tags import Tag
from laba.service.outgoing import Rank
from rooms_rig import RoomsRig

pytestmark = pytest.mark.anyio


def flush(*messages, room_id="1", first=1):
    stream = Stream("331d42e6-ad85-460f-b6b0-d1fb6fef9f12", f"room:{room_id}")
    return Flush((Batch(stream, "epoch", tuple(Entry(at, each) for at, each in enumerate(messages, first))),))


@pytest.fixture
def rig():
    return RoomsRig()


async def test_members_share_one_bytes_object(rig):
    """Design 6.1: encoded once per codec, whoever is in the room."""
    hall = await rig.opened()
    members = [rig.enter(hall, f"user{number}") for number in range(3)]
    await rig.fanout.take(flush(said(1), said(2)))
    (delivery,) = await rig.written()
    assert [rig.received(each) for each in members] == [[1, 2]] * 3
    assert members[0].link[-1] is members[1].link[-1] is members[2].link[-1]
    assert rig.encoders["json"].calls == [("room:1", 1), ("room:1", 2)]
    assert rig.encoders["protobuf"].calls == []
    assert delivery.own == {}


async def test_a_message_does_not_come_back_to_its_sender(rig):
    """E6: to none of its devices; the others' copies are shared all the same."""
    hall = await rig.opened()
    phone, tablet = rig.enter(hall, "ann", "phone"), rig.enter(hall, "ann", "tablet")
    bob, eve = rig.enter(hall, "bob"), rig.enter(hall, "eve")
    await rig.fanout.take(flush(said(1, sender="ann"), said(2, sender="bob"), said(3)))
    await rig.written()
    assert [rig.received(each) for each in (phone, tablet, bob, eve)] == [[2, 3], [2, 3], [1, 3], [1, 2, 3]]


async def test_a_message_comes_back_to_its_sender_where_it_asked_for_it(rig):
    """Vendor-apis.md 3.2, isIncludeSender: live, and from the log; the frames are everybody's."""
    hall = await rig.opened()
    ann, bob = rig.enter(hall, "ann"), rig.enter(hall, "bob")
    await rig.fanout.take(flush(said(1, sender="ann", to_sender=True), said(2, sender="ann")))
    (delivery,) = await rig.written()
    assert [rig.received(each) for each in (ann, bob)] == [[1], [1, 2]]
    assert set(delivery.own) == {ann}
    assert rig.received(rig.enter(hall, "ann", "tablet", asked=0)) == [1]


async def test_a_directed_message_is_seen_by_those_it_names_only(rig):
    """E10: who is no member is skipped; the sender does not see it even where it is named."""
    hall = await rig.opened()
    ann, bob, eve = (rig.enter(hall, user) for user in ("ann", "bob", "eve"))
    await rig.fanout.take(flush(said(1), said(2, sender="ann", users=frozenset({"ann", "bob", "nobody"}))))
    await rig.written()
    assert [rig.received(each) for each in (ann, bob, eve)] == [[1], [1, 2], [1]]


async def test_a_batch_of_directed_messages_goes_to_nobody_else(rig):
    """E10: the rest of the room is not even looked at."""
    hall = await rig.opened()
    bob, _ = rig.enter(hall, "bob"), rig.enter(hall, "eve")
    await rig.fanout.take(flush(said(1, users=frozenset({"bob"}))))
    (delivery,) = await rig.written()
    assert delivery.sessions == [bob]
    await rig.fanout.take(flush(said(2, users=frozenset({"nobody"})), first=2))
    assert await rig.written() == []


async def test_a_batch_has_a_part_for_each_level(rig):
    """E4, design 7: a backed-up client is left without the low part; the join is all of them."""
    hall = await rig.opened()
    rig.enter(hall)
    messages = (said(1, Level.HIGH), said(2), said(3), said(4, Level.LOW))
    await rig.fanout.take(flush(*messages))
    (delivery,) = await rig.written()
    parts = [(part.level, part.frames["json"]) for part in delivery.common.parts]
    assert parts == [(Level.HIGH, b"json 1;"), (Level.NORMAL, b"json 2;json 3;"), (Level.LOW, b"json 4;")]
    assert delivery.common.joined["json"] == b"json 1;json 2;json 3;json 4;"
    assert delivery.rank is Rank.HIGH
    assert counted(rig.meter, "laba_deliveries_total") == 4


async def test_who_leaves_gets_nothing_more_and_who_comes_back_nothing_twice(rig):
    """Also where a delivery was on its way already: what was logged before the entry comes from the log."""
    hall = await rig.opened()
    gone, back = rig.enter(hall, "gone"), rig.enter(hall, "back")
    await rig.fanout.take(flush(said(1)))
    for session in (gone, back):
        hall.leave(session)
    entry = rig.logs.enter(hall, back)
    await rig.written()
    assert (rig.received(gone), rig.received(back), entry.position.offset) == ([], [], 1)


async def test_a_room_nobody_is_in_logs_what_is_said(rig):
    """For who dropped out of it and comes back."""
    hall = await rig.opened()
    await rig.fanout.take(flush(said(1)))
    assert await rig.written() == []
    assert rig.received(rig.enter(hall, asked=0)) == [1]


async def test_nothing_is_done_for_rooms_this_node_does_not_know(rig):
    await rig.fanout.take(flush(said(1), room_id="other"))
    assert await rig.written() == []


@pytest.mark.parametrize("audience", sorted(TO_EVERY_ROOM))
async def test_a_broadcast_to_a_room_that_is_no_more_is_over(rig, audience):
    """X2: its report does not wait for who cannot get it any more."""
    tally = Tally(NOW_MS, 0)
    tally.expect("room:1", 2)
    rig.reporting.watch(1, tally)
    await rig.fanout.take(flush(said(1, audience=audience)))
    assert (tally.audience, tally.lost, tally.pending) == (2, {"left": 2}, 0)


async def test_a_broadcast_that_its_sender_gets_counts_it(rig):
    """X2: in its audience, as in the room."""
    hall = await rig.opened()
    rig.enter(hall, "ann")
    rig.enter(hall, "bob")
    tally = Tally(NOW_MS, 0)
    rig.reporting.watch(1, tally)
    await rig.fanout.take(flush(said(1, sender="ann", audience=Audience.OPEN_ROOMS, to_sender=True)))
    await rig.written()
    assert (tally.audience, tally.reached, tally.pending) == (2, 2, 0)


async def test_a_broadcast_counts_whom_it_really_goes_to(rig):
    """X2: who came or went between acceptance and now is in the audience, or is not."""
    hall = await rig.opened()
    rig.enter(hall, "ann")
    rig.enter(hall, "bob")
    tally = Tally(NOW_MS, 0)
    tally.expect("room:1", 5)
    rig.reporting.watch(1, tally)
    await rig.fanout.take(flush(said(1, sender="ann", audience=Audience.ACTIVE_ROOMS)))
    assert (tally.audience, tally.pending) == (1, 1)
    await rig.written()
    assert (tally.reached, tally.pending) == (1, 0)


# --- chosen by tags ------------------------------------------------------------------------------------------------

VIP = Tag("vip")


async def test_only_members_whose_tags_satisfy_the_expression_see_it(rig):
    """N8: the others are not even looked at; all who see it share one bytes object."""
    hall = await rig.opened()
    ann, bob = rig.enter(hall, "ann", tags=("vip", "de")), rig.enter(hall, "bob", tags=("vip",))
    cid, eve = rig.enter(hall, "cid"), rig.enter(hall, "eve", tags=("de",))
    await rig.fanout.take(flush(said(1, members=VIP)))
    deliveries = await rig.written()
    assert [rig.received(each) for each in (ann, bob, cid, eve)] == [[1], [1], [], []]
    assert ann.link[-1] is bob.link[-1]
    assert sorted(session.seat.user for each in deliveries for session in each.sessions) == ["ann", "bob"]
    assert rig.encoders["json"].calls == [("room:1", 1)]


async def test_each_member_gets_what_it_sees_of_a_batch_in_one_piece_and_in_order(rig):
    """N8, G3: whatever mixture of expressions the batch holds."""
    hall = await rig.opened()
    both, vip = rig.enter(hall, "both", tags=("vip", "gold")), rig.enter(hall, "vip", tags=("vip",))
    gold, none = rig.enter(hall, "gold", tags=("gold",)), rig.enter(hall, "none")
    messages = [said(1), said(2, members=VIP), said(3, members=Tag("gold")), said(4), said(5, members=VIP)]
    await rig.fanout.take(flush(*messages))
    await rig.written()
    seen = {"both": [1, 2, 3, 4, 5], "vip": [1, 2, 4, 5], "gold": [1, 3, 4], "none": [1, 4]}
    assert {each.seat.user: rig.received(each) for each in (both, vip, gold, none)} == seen
    assert {len(each.link[1:]) for each in (both, vip, gold, none)} == {1}


async def test_a_sender_and_a_named_member_see_their_own_part_of_it(rig):
    """N8 beside E6 and E10: who is named but does not have the tags does not see it."""
    hall = await rig.opened()
    ann, bob = rig.enter(hall, "ann", tags=("vip",)), rig.enter(hall, "bob", tags=("vip",))
    eve = rig.enter(hall, "eve")
    messages = [
        said(1, sender="ann", members=VIP),
        said(2, users=frozenset({"bob", "eve"})),
        said(3, users=frozenset({"bob", "eve"}), members=VIP),
        said(4, sender="eve"),
    ]
    await rig.fanout.take(flush(*messages))
    await rig.written()
    assert [rig.received(each) for each in (ann, bob, eve)] == [[4], [1, 2, 3, 4], [2]]


async def test_who_comes_back_gets_what_its_tags_choose(rig):
    """N8: recovery obeys the expression, with the tags the member has by then."""
    hall = await rig.opened()
    rig.enter(hall, "ann")
    await rig.fanout.take(flush(said(1), said(2, members=VIP), said(3, members=Tag("de"))))
    assert rig.received(rig.enter(hall, "bob", asked=0, tags=("vip",))) == [1, 2]
    assert rig.received(rig.enter(hall, "cid", asked=0)) == [1]


async def test_the_audience_of_a_broadcast_are_those_it_chooses(rig):
    """N8, X2: the report counts who was entitled, and of these who was reached."""
    hall = await rig.opened()
    rig.enter(hall, "ann", tags=("vip",))
    rig.enter(hall, "bob", tags=("vip",))
    rig.enter(hall, "cid")
    message = said(1, audience=Audience.OPEN_ROOMS, members=VIP)
    tally = Tally(NOW_MS, 0)
    tally.expect(hall.stream.channel, hall.entitled("admin", None))
    rig.reporting.watch(1, tally)
    await rig.fanout.take(flush(message))
    await rig.written()
    assert (tally.audience, tally.reached, tally.pending) == (2, 2, 0)


async def test_what_is_only_for_who_was_dropped_is_not_for_who_had_left(rig):
    """N6: the rest comes to both."""
    hall = await rig.opened()
    rig.enter(hall, "ann")
    await rig.fanout.take(flush(said(1), said(2, again=Again.DROPPED), said(3, again=Again.RETURNING)))
    assert rig.received(rig.enter(hall, "bob", asked=0, stayed=True)) == [1, 2, 3]
    assert rig.received(rig.enter(hall, "cid", asked=0, stayed=False)) == [1, 3]
