import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import APP_UUID, NOW_MS, OTHER_UUID, logged_in, room
from laba.core.halls import Hall, Halls
from laba.core.membertags import Choice
from laba.core.session import Session
from laba.model.tags import Tag


def test_a_hall_knows_its_users_and_their_sessions():
    """S3: a user is in it once, with as many devices as it likes."""
    hall = Hall(room())
    phone, tablet, bob = logged_in("ann", "phone"), logged_in("ann", "tablet"), logged_in("bob")
    assert [hall.join(session, 0) for session in (phone, tablet, bob)] == [True, False, True]
    assert len(hall) == 2
    assert hall.sessions == [phone, tablet, bob]
    assert hall.of_user("ann") == (phone, tablet)
    assert sorted(hall.users) == ["ann", "bob"]


def test_only_the_last_session_of_a_user_leaves_for_it():
    """S3: whoever has another device in the room is still in it."""
    hall = Hall(room())
    phone, tablet = logged_in("ann", "phone"), logged_in("ann", "tablet")
    hall.join(phone, 0)
    hall.join(tablet, 0)
    assert [hall.leave(phone), hall.leave(phone), hall.leave(tablet)] == [False, False, True]
    assert (len(hall), hall.sessions, list(hall.users)) == (0, [], [])


def test_entering_twice_changes_nothing():
    """What was to come after the first entry still comes."""
    hall = Hall(room())
    session = logged_in()
    hall.join(session, 3)
    assert hall.join(session, 9) is False
    assert session.rooms == {"room:1": 3}
    assert hall.sessions == [session]


def test_a_session_knows_the_rooms_it_is_in():
    """Each with the offset behind which it joined; and nothing at all once it is in none."""
    first, second = Hall(room("1")), Hall(room("2"))
    session = logged_in()
    first.join(session, 5)
    second.join(session, 0)
    assert session.rooms == {"room:1": 5, "room:2": 0}
    first.leave(session)
    second.leave(session)
    assert session.rooms is None


def test_a_user_came_when_its_first_session_did():
    """S11: another device, and a drop that is over before it counts, change nothing; who has gone comes anew."""
    hall = Hall(room())
    phone, tablet, bob = logged_in("ann", "phone"), logged_in("ann", "tablet"), logged_in("bob")
    for at, session in enumerate((phone, tablet, bob)):
        hall.join(session, 0, NOW_MS + at)
    assert hall.came == {"ann": NOW_MS, "bob": NOW_MS + 2}
    hall.leave(bob)
    hall.join(bob, 0, NOW_MS + 3)
    assert hall.came["bob"] == NOW_MS + 2
    hall.leave(bob)
    hall.gone("bob")
    hall.gone("nobody")
    assert hall.came == {"ann": NOW_MS}
    hall.join(bob, 0, NOW_MS + 4)
    assert hall.came["bob"] == NOW_MS + 4


def test_a_list_of_sessions_stays_as_it_was():
    """Who joins or leaves while it is written to does not disturb it."""
    hall = Hall(room())
    session = logged_in()
    hall.join(session, 0)
    before = hall.sessions
    assert hall.sessions is before
    hall.join(logged_in("bob"), 0)
    hall.leave(session)
    assert before == [session]


def test_nobody_joins_before_its_login():
    with pytest.raises(ValueError, match="login"):
        Hall(room()).join(Session([], "json"), 0)
    assert Hall(room()).leave(Session([], "json")) is False


def test_halls_are_found_by_their_stream_and_of_their_app_only():
    """A room of one app is none of another's, whatever its id."""
    halls = Halls()
    ours, theirs = halls.open(room("1")), halls.open(room("1", app_uuid=OTHER_UUID))
    assert ours is not theirs
    assert halls.open(room("1")) is ours
    assert halls.find(ours.stream) is ours
    assert halls.find(room("2").stream) is None
    assert halls.of_app(APP_UUID) == [ours]
    assert set(halls) == {ours, theirs}
    halls.close(ours)
    assert (halls.find(ours.stream), halls.of_app(APP_UUID)) == (None, [])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=60))
def test_sessions_and_users_always_agree(steps):
    """Whoever comes and goes: a user is in it exactly while one of its sessions is."""
    hall = Hall(room())
    sessions = [logged_in(f"user{number % 3}", str(number)) for number in range(6)]
    present = set()
    for comes, number in steps:
        session = sessions[number]
        if comes:
            hall.join(session, 0)
            present.add(session)
        else:
            hall.leave(session)
            present.discard(session)
        assert set(hall.sessions) == present
        assert len(hall.sessions) == len(present)
        assert set(hall.users) == {each.seat.user for each in present}
        assert {each for each in sessions if each.rooms} == present


# --- tags ----------------------------------------------------------------------------------------------------------


def test_sessions_stand_together_by_the_tags_of_their_user():  # N8
    hall = Hall(room())
    ann, tablet, bob, cid = logged_in("ann"), logged_in("ann", "tablet"), logged_in("bob"), logged_in("cid")
    hall.tag("ann", ["vip", "de"])
    for session in (ann, bob, cid, tablet):
        hall.join(session, 0)
    hall.tag("bob", ("de", "vip", "de"))
    assert hall.groups == {frozenset({"vip", "de"}): [ann, tablet, bob], frozenset(): [cid]}
    hall.leave(tablet)
    hall.tag("bob", ())
    assert hall.groups == {frozenset({"vip", "de"}): [ann], frozenset(): [bob, cid]}


def test_tags_stay_while_their_user_is_away_and_go_with_it():  # S3
    hall = Hall(room())
    session = logged_in("ann")
    hall.join(session, 0)
    hall.tag("ann", ("vip",))
    hall.leave(session)
    assert hall.tags_of("ann") == {"vip"}
    assert hall.tags == {"ann": frozenset({"vip"})}
    hall.gone("ann")
    assert (hall.tags_of("ann"), dict(hall.tags)) == (frozenset(), {})


def test_equal_tag_sets_are_one_object():
    """Ten thousand members with five hundred sets hold five hundred."""
    hall = Hall(room())
    for number in range(100):
        hall.tag(f"user{number}", (f"tag{number % 4}", "all"))
    assert len({id(tags) for tags in hall.tags.values()}) == 4
    for number in range(100):
        hall.tag(f"user{number}", (f"other{number}",))
    assert len(hall._sets) <= 2 * 100 + 2


def test_who_is_entitled_is_counted_by_sessions():  # E6, N8, X2
    hall = Hall(room())
    for user, device in (("ann", "phone"), ("ann", "tablet"), ("bob", ""), ("cid", "")):
        hall.join(logged_in(user, device), 0)
    hall.tag("ann", ("vip",))
    hall.tag("bob", ("vip",))
    vip = Choice(Tag("vip"))
    assert [hall.entitled(sender, None) for sender in ("", "ann", "cid")] == [4, 2, 3]
    assert [hall.entitled(sender, vip) for sender in ("", "ann", "cid")] == [3, 1, 3]
