import pytest

from builders import APP_UUID, OTHER_UUID, joined
from laba.core.roster import Roster
from laba.core.session import Session
from laba.model.dispatch import Audience
from laba.model.targets import Targets

EVERYONE = Audience.ONLINE_USERS


def test_online_users_are_all_sessions_of_the_app():
    """Every session of every device, once each, and none of another app."""  # A1
    roster = Roster()
    here = [joined(roster, user, device) for user in ("ann", "bob") for device in ("phone", "tablet", "phone")]
    joined(roster, "ann", app_uuid=OTHER_UUID)
    chosen = roster.select(APP_UUID, EVERYONE)
    assert sorted(map(id, chosen)) == sorted(map(id, here))
    assert len(roster) == 7
    assert len(list(roster)) == 7


def test_a_selection_stays_as_it_was():
    """Who joins or leaves while it is written to, does not disturb it, and is in or out of the next."""
    roster = Roster()
    session = joined(roster)
    chosen = roster.select(APP_UUID, EVERYONE)
    assert roster.select(APP_UUID, EVERYONE) is chosen
    other = joined(roster, "bob")
    assert roster.select(APP_UUID, EVERYONE) == [session, other]
    roster.leave(session)
    assert roster.select(APP_UUID, EVERYONE) == [other]
    assert chosen == [session]


def test_an_app_nobody_is_of_has_no_audience():
    """Neither before the first session nor after the last."""
    roster = Roster()
    assert roster.select(APP_UUID, EVERYONE) == []
    roster.leave(joined(roster))
    assert roster.select(APP_UUID, EVERYONE) == []
    assert len(roster) == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_seat_is_left_with_its_last_session(order):
    """Several connections of one device share the seat; in whatever order they go, the last one says so."""  # A1
    roster = Roster()
    sessions = [joined(roster, device="phone") for _ in range(3)]
    assert [roster.leave(sessions[index]) for index in order] == [False, False, True]


def test_another_device_of_the_user_keeps_no_seat():
    """The phone is gone although the tablet stays."""  # A1
    roster = Roster()
    phone, tablet = joined(roster, device="phone"), joined(roster, device="tablet")
    assert roster.leave(phone) is True
    assert roster.of_user(APP_UUID, "ann") == (tablet,)


def test_leaving_twice_or_without_having_joined_does_nothing():
    """A connection that never logged in ends, too."""
    roster = Roster()
    session = joined(roster)
    stranger = Session([], "json")
    stranger.seat = session.seat
    assert [roster.leave(one) for one in (Session([], "json"), stranger, session, session)] == [
        False,
        False,
        True,
        False,
    ]
    assert len(roster) == 0


def test_a_user_s_sessions_are_found_by_its_name():
    """Those of one app only."""
    roster = Roster()
    first, second = joined(roster, device="phone"), joined(roster, device="tablet")
    joined(roster, "bob")
    joined(roster, "ann", app_uuid=OTHER_UUID)
    assert roster.of_user(APP_UUID, "ann") == (first, second)
    assert roster.of_user(APP_UUID, "eve") == ()


def test_nobody_joins_before_the_login():
    """A session without a seat belongs to no app."""
    with pytest.raises(ValueError, match="after its login"):
        Roster().join(Session([], "json"))


def chosen(roster, **targets):
    named = {name: frozenset(some) if isinstance(some, list) else some for name, some in targets.items()}
    return roster.select(APP_UUID, Audience.TARGETS, Targets(**named))


def test_targets_choose_users_by_what_their_sessions_know():
    """Of whom one session matches, all are chosen."""  # P4
    roster = Roster()
    ann, phone, tablet = joined(roster, "ann"), joined(roster, "bob", "phone"), joined(roster, "bob", "tablet")
    ann.tags, phone.packages = frozenset({"vip"}), frozenset({"acme"})
    assert chosen(roster, tags=["vip"]) == [ann]
    assert chosen(roster, package="acme") == [phone, tablet]
    assert chosen(roster, tags=["vip"], package="acme") == []


def test_named_users_are_found_without_looking_at_the_others():  # P4
    roster = Roster()
    ann, bob = joined(roster, "ann"), joined(roster, "bob")
    joined(roster, "ann", app_uuid=OTHER_UUID)
    assert chosen(roster, users=["ann", "nobody"]) == [ann]
    assert sorted(map(id, chosen(roster, users=["ann", "bob"]))) == sorted(map(id, [ann, bob]))


def test_platforms_choose_among_sessions_of_any_audience():
    """Who declared another is passed over."""  # P4
    roster = Roster()
    ios, android, silent = joined(roster, "ann"), joined(roster, "bob"), joined(roster, "cid")
    ios.platform, android.platform = "iOS", "android"
    for_ios = Targets(platforms=frozenset({"ios"}))
    assert roster.select(APP_UUID, Audience.ALL_USERS, for_ios) == [ios, silent]
    assert chosen(roster, users=["ann", "bob"], platforms=["ios"]) == [ios]


def test_tags_are_replaced_on_every_session_of_a_user():  # S2
    roster = Roster()
    sessions = [joined(roster, "ann", device) for device in ("phone", "tablet")]
    roster.tag(APP_UUID, ["ann", "nobody"], frozenset({"new"}))
    assert [session.tags for session in sessions] == [{"new"}, {"new"}]


@pytest.mark.parametrize("audience", [Audience.ROOMS, Audience.ACTIVE_ROOMS, Audience.OPEN_ROOMS, Audience.DEVICES])
def test_who_is_in_a_room_or_reached_by_a_provider_is_not_known_here(audience):
    with pytest.raises(ValueError, match="room"):
        Roster().select(APP_UUID, audience)
