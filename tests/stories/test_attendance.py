"""Who gets a broadcast, and who finds it in its conversation list: stories told with a clock that moves when told to.

`(+29 s)` in a story's words is time that passes; nothing waits for it.
"""

import pytest

from builders import to_all_users
from houses import GRACE_MS, received
from laba.core.session import State
from laba.model.app import Feature
from laba.model.calls import ChangeApp
from laba.model.recordcalls import ReadHistory
from laba.model.stream import Position
from laba.model.usercalls import DeleteUser
from storytelling import ADMIN, SECOND, text_of

pytestmark = pytest.mark.anyio

MINUTE, DAY = 60, 86_400

# --- the grace at its edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away_seconds", "gets"),
    [(0, [2]), (29.999, [2]), (30, [2]), (30.001, []), (600, [])],
)
async def test_a_drop_as_long_as_the_grace_is_no_absence_and_a_longer_one_is(story, away_seconds, gets):
    """ann has 1, drops, 2 is sent a millisecond later, ann is back with her position after so many seconds."""  # A1
    ann = await story.login("ann")
    await story.broadcast()
    story.drop(ann)
    story.later(0.001)
    await story.broadcast()
    story.later(away_seconds - 0.001 if away_seconds else 0)
    assert received(await story.login("ann", had=1)) == gets


async def test_what_was_sent_while_connected_is_owed_however_long_the_absence(story):
    """The line was dead already when 2 was written: ann is back minutes later, and gets it, but not 3."""  # A1
    ann = await story.login("ann")
    await story.broadcast()
    await story.broadcast()
    story.drop(ann)
    story.later(31)
    await story.broadcast()
    story.later(200)
    assert received(await story.login("ann", had=1)) == [2]


async def test_a_device_without_a_position_gets_what_it_never_confirmed(story):
    """1 was confirmed by a pong, 2 was written and nothing came after it: the app that starts anew gets 2 again."""
    ann = await story.login("ann")  # design.md section 5
    await story.broadcast()
    story.pong(ann)
    await story.broadcast()
    story.drop(ann)
    story.later(10)
    await story.broadcast()
    again = await story.login("ann")
    assert received(again) == [2, 3]
    story.pong(again)
    story.drop(again)
    assert received(await story.login("ann")) == []


async def test_an_absence_is_not_forgotten_by_a_short_return(story):
    """Away for a minute, in for a moment, dropped again: 2, of the minute, is still not ann's."""  # A1
    ann = await story.login("ann")
    await story.broadcast()
    story.drop(ann)
    story.later(60)
    await story.broadcast()
    ann = await story.login("ann", had=1)
    story.drop(ann)
    story.later(1)
    await story.broadcast()
    assert received(await story.login("ann", had=1)) == [3]


async def test_the_unconfirmed_end_of_one_stay_survives_the_next(story):
    """1 was never confirmed; two short lives later, a minute apart, it is still owed; 2 and 3 never were."""
    story.drop(await story.login("ann"))  # design.md section 5
    ann = await story.login("ann")
    await story.broadcast()
    story.drop(ann)
    for _ in range(2):
        story.later(60)
        await story.broadcast()
        session, _ = await story.clients.login(story.house.foreign_token("ann"), None, "phone")
        story.drop(session)  # before anything could be written to it
    story.later(60)
    assert received(await story.login("ann")) == [1]


# --- two devices ---------------------------------------------------------------------------------------------------


async def test_each_device_is_owed_what_it_missed_itself(story):
    """The phone drops and is back in time, the tablet stays: each has each message once."""  # A1 G3
    phone, tablet = await story.login("ann", "phone"), await story.login("ann", "tablet")
    await story.broadcast()
    story.drop(phone)
    await story.broadcast()
    phone = await story.login("ann", "phone", had=1)
    await story.broadcast()
    assert received(tablet) == [1, 2, 3]
    assert received(phone) == [2, 3]


async def test_a_device_that_was_away_too_long_is_not_excused_by_another(story):
    """ann was online all the time by her tablet, not by her phone: 2 is in her list, not on the phone."""  # A1 A2
    phone = await story.login("ann", "phone")
    await story.login("ann", "tablet")
    await story.broadcast()
    story.drop(phone)
    story.later(31)
    await story.broadcast(text="to the tablet")
    assert received(await story.login("ann", "phone", had=1)) == []
    assert await story.conversations("ann") == [("admin", 2, "to the tablet")]


async def test_a_message_to_two_devices_counts_once(story):
    """Unread is of the user, not of the devices."""  # A2 S5
    await story.login("ann", "phone")
    await story.login("ann", "tablet")
    await story.broadcast(text="hello")
    assert await story.conversations("ann") == [("admin", 1, "hello")]


# --- the conversation list -----------------------------------------------------------------------------------------


async def test_the_list_holds_what_was_accepted_while_its_user_was_there_or_in_its_grace(story):
    """ann stays, bob dropped 30 s before, carl a millisecond earlier, dora is registered and was never there."""
    await story.registered("dora")  # A2
    bob, carl = await story.login("bob"), await story.login("carl")
    await story.login("ann")
    story.drop(carl)
    story.later(0.001)
    story.drop(bob)
    story.later(30)
    await story.broadcast(text="now")
    story.later(300)
    lists = {user: await story.conversations(user) for user in ("ann", "bob", "carl", "dora")}
    assert lists == {"ann": [("admin", 1, "now")], "bob": [("admin", 1, "now")], "carl": [], "dora": []}


async def test_who_comes_after_a_broadcast_does_not_have_it(story):
    """Not in its hand and not in its list."""  # A1 A2
    await story.broadcast()
    story.later(0.001)
    assert received(await story.login("ann")) == []
    assert await story.conversations("ann") == []


async def test_read_is_read_and_what_comes_after_it_is_not(story):
    """One ledger row each, whoever reads it when."""  # A2 S5
    await story.login("ann")
    await story.broadcast(text="one")
    await story.has_read("ann")
    assert await story.conversations("ann") == [("admin", 0, "one")]
    await story.broadcast(text="two")
    assert await story.conversations("ann") == [("admin", 1, "two")]


# --- kill -9 with sessions open ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("back_after_seconds", "gets"), [(30, [2, 3]), (30.001, [2])])
async def test_after_a_crash_the_grace_counts_from_readiness(story, back_after_seconds, gets):
    """2 was accepted and never sent; an hour of darkness; 3 is sent a second after the restart."""  # A1
    await story.login("ann")
    await story.broadcast()
    await story.accept()
    story.later(5)
    await story.begin()
    await story.send_the_rest()
    story.later(1)
    await story.broadcast()
    story.later(back_after_seconds - 1)
    assert received(await story.login("ann", had=1)) == gets


async def test_after_a_crash_a_device_without_a_position_gets_the_unconfirmed_end(story):
    """Nothing says that 1 arrived: it comes again, under its id, and then what was sent since."""
    await story.login("ann")  # design.md section 5
    await story.broadcast()
    await story.begin()
    await story.broadcast()
    assert received(await story.login("ann")) == [1, 2]


async def test_after_a_crash_what_was_confirmed_long_before_does_not_come_again(story):
    """Who had not shown within a minute that it has 1 would have been closed; 2 is of the last seconds."""
    await story.login("ann")  # design.md section 5
    await story.broadcast()
    story.later(61)
    await story.house.attending.note_alive()
    await story.broadcast()
    await story.begin()
    assert received(await story.login("ann")) == [2]


async def test_who_had_left_before_a_crash_is_not_taken_for_present(story):
    """bob left a minute before it: his grace does not count from the restart. ann's does."""  # A1 A2
    bob = await story.login("bob")
    await story.login("ann")
    await story.broadcast(text="before")
    story.drop(bob)
    story.later(60)
    await story.broadcast(text="just before")
    await story.begin()
    story.later(5)
    await story.broadcast(text="after")
    story.later(5)
    assert received(await story.login("bob", had=1)) == []
    assert received(await story.login("ann", had=1)) == [2, 3]
    assert await story.conversations("bob") == [("admin", 1, "before")]
    assert await story.conversations("ann") == [("admin", 3, "after")]


async def test_the_list_after_a_crash_ends_with_the_grace_of_the_restart(story):
    """ann never comes back: what was sent within 30 s of the restart is in her list, what was sent later is not."""
    await story.login("ann")  # A2
    await story.broadcast(text="before")
    await story.begin()
    story.later(30)
    await story.broadcast(text="within the grace")
    story.later(0.001)
    await story.broadcast(text="past it")
    assert await story.conversations("ann") == [("admin", 2, "within the grace")]


async def test_a_server_that_stops_in_order_takes_nobody_for_gone(story):
    """A restart is not the client's doing: its grace counts from readiness, as after a crash."""  # A1
    ann = await story.login("ann")
    await story.broadcast()
    story.clients.sessions.leave(ann, restarting=True)
    await story.house.attending.write()
    story.later(50)
    await story.begin()
    story.later(29)
    await story.broadcast()
    assert received(await story.login("ann", had=1)) == [2]
    assert ann.state is State.CLOSED


async def test_two_crashes_in_a_row_lose_and_double_nothing(story):
    """1 before the first, 2 between the two, 3 after: ann goes on where she was."""  # A1 G3
    assert GRACE_MS == 30 * SECOND
    had = []
    ann = await story.login("ann")
    await story.broadcast()
    had += received(ann)
    await story.begin()
    ann = await story.login("ann", had=had[-1])
    await story.broadcast()
    had += received(ann)
    await story.begin()
    ann = await story.login("ann", had=had[-1])
    await story.broadcast()
    had += received(ann)
    assert had == [1, 2, 3]


# --- to all users, offline ones included ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after_seconds", "gets"),
    [(1, [2]), (8 * MINUTE, [2]), (6 * DAY, [2]), (7 * DAY, [2]), (7 * DAY + 0.001, []), (8 * DAY, [])],
)
@pytest.mark.parametrize("had", [None, 1])
async def test_who_was_offline_gets_what_is_for_all_at_the_next_login_and_once(story, after_seconds, gets, had):
    """ann has 1 and is long gone when 2 goes out to all and 3 to who is online: she gets 2, and never 3."""  # V1 A1
    ann = await story.login("ann")
    await story.broadcast()
    story.pong(ann)
    story.drop(ann)
    story.later(MINUTE)
    await story.to_all()
    await story.broadcast()
    story.later(after_seconds)
    await story.tidy()
    ann = await story.login("ann", had=had)
    assert received(ann) == gets
    story.pong(ann)
    story.drop(ann)
    story.later(MINUTE)
    assert received(await story.login("ann")) == []


async def test_a_device_that_was_never_seen_gets_what_its_user_was_registered_for(story):
    """bob was registered and never came; carl is registered a millisecond too late."""  # V1
    await story.registered("bob")
    await story.to_all()
    story.later(0.001)
    await story.registered("carl")
    assert received(await story.login("bob")) == [1]
    assert received(await story.login("carl")) == []


async def test_each_device_has_it_once(story):
    """The phone is online and gets it live, the tablet was off, the desktop is new: each has it once."""  # V1
    devices = ("phone", "tablet", "desktop")
    phone, tablet = await story.login("ann", "phone"), await story.login("ann", "tablet")
    story.drop(tablet)
    story.later(MINUTE)
    await story.to_all()
    assert received(phone) == [1]
    story.later(DAY)
    sessions = [phone, await story.login("ann", "tablet"), await story.login("ann", "desktop")]
    assert [received(session) for session in sessions] == [[1], [1], [1]]
    for session in sessions:
        story.pong(session)
    story.drop(*sessions)
    story.later(DAY)
    await story.tidy()
    assert [received(await story.login("ann", device)) for device in devices] == [[], [], []]


async def test_what_is_owed_comes_in_its_order_before_what_is_live(story):
    """Two to all from before the window, one within it, what the drop missed, and then what is sent now."""  # V1 G3
    ann = await story.login("ann")
    await story.broadcast()
    story.drop(ann)
    story.later(DAY)
    await story.to_all()
    await story.to_all()
    story.later(DAY)
    await story.tidy()
    ann = await story.login("ann", had=1)
    assert received(ann) == [2, 3]
    story.drop(ann)
    await story.broadcast()
    await story.to_all()
    story.later(1)
    ann = await story.login("ann", had=3)
    await story.broadcast()
    assert received(ann) == [4, 5, 6]


async def test_what_was_written_and_never_confirmed_is_owed_again_days_later(story):
    """Written into a dead socket, live or at a login: the device gets it until it shows that it has it."""  # V1
    ann = await story.login("ann")
    await story.to_all()
    story.drop(ann)
    for _ in range(2):
        story.later(DAY)
        await story.tidy()
        ann = await story.login("ann")
        assert received(ann) == [1]
        story.drop(ann)
    assert received(await story.login("ann", had=1)) == []


async def test_a_connection_that_died_unnoticed_costs_its_device_nothing(story):
    """The app is started anew while the server still believes in its old connection; what that confirmed is had."""
    dead = await story.login("ann")  # V1
    await story.to_all()
    again = await story.login("ann")
    assert received(again) == [1]
    story.pong(again)
    assert received(await story.login("ann")) == []
    story.drop(dead, again)
    story.later(DAY)
    assert received(await story.login("ann")) == []


async def test_a_login_that_ends_before_anything_was_written_owes_it_still(story):
    """Also to a device that was never seen before, and whose stay began behind it."""  # V1
    await story.registered("ann")
    await story.to_all()
    story.later(DAY)
    for _ in range(2):
        session, welcome = await story.clients.login(story.house.foreign_token("ann"), None, "phone")
        assert welcome.subscriptions[0].position.offset == 0
        story.drop(session)
        story.later(DAY)
        await story.broadcast()
    assert received(await story.login("ann")) == [1]


async def test_a_crash_and_a_restart_between_acceptance_and_login_lose_nothing(story):
    """1 was out before the crash, 2 was accepted and not sent; it is back an hour later, ann after days."""  # V1
    await story.registered("ann")
    await story.to_all()
    await story.accept(to_all_users)
    story.later(3600)
    await story.begin()
    await story.send_the_rest()
    story.later(3 * DAY)
    await story.begin()
    ann = await story.login("ann")
    assert received(ann) == [1, 2]
    await story.begin()
    assert received(await story.login("ann", had=2)) == []


async def test_after_a_crash_who_had_it_live_does_not_get_it_again(story):
    """ann presents her position, bob had shown long before the crash that he has it; both come days later."""  # V1
    await story.login("ann")
    await story.login("bob")
    await story.to_all()
    story.later(MINUTE + 1)
    await story.house.attending.note_alive()
    await story.begin()
    story.later(DAY)
    assert received(await story.login("ann", had=1)) == []
    assert received(await story.login("bob")) == []


async def test_the_position_that_is_told_is_before_what_comes(story):
    """A client that drops before it has anything comes back with it, and lacks nothing; recovered tells the truth."""
    ann = await story.login("ann")  # V1, design.md section 5
    await story.broadcast()
    story.drop(ann)
    story.later(MINUTE)
    await story.broadcast()
    await story.to_all()
    story.later(DAY)
    await story.broadcast()
    await story.tidy()
    epoch = (await story.clients.fanout.open_app(story.house.app)).position.epoch
    session, welcome = await story.clients.login(story.house.foreign_token("ann"), Position(epoch, 1), "phone")
    told = welcome.subscriptions[0]
    assert (told.position.offset, told.recovered) == (2, False)
    story.drop(session)
    assert received(await story.login("ann", had=told.position.offset)) == [3]


async def test_a_user_who_is_registered_again_is_owed_nothing_of_the_earlier_one(story):
    """The name is the same, the user is not."""  # V1 S1
    await story.registered("ann")
    await story.to_all()
    await story.house.users.remove(DeleteUser("ann"), story.house.app)
    story.later(1)
    await story.registered("ann")
    assert received(await story.login("ann")) == []
    assert await story.conversations("ann") == []


async def test_what_is_for_all_is_in_the_list_of_everyone_who_was_registered_before_it(story):
    """ann was online, bob long gone, dora never there, eve came later; what was for who was online is ann's alone."""
    await story.registered("dora")  # V1 A2 S5
    story.drop(await story.login("bob"))
    await story.login("ann")
    story.later(MINUTE)
    await story.broadcast(text="online only")
    await story.to_all()
    story.later(0.001)
    await story.registered("eve")
    lists = {user: await story.conversations(user) for user in ("ann", "bob", "dora", "eve")}
    one = [("admin", 1, "to all")]
    assert lists == {"ann": [("admin", 2, "to all")], "bob": one, "dora": one, "eve": []}
    await story.has_read("dora")
    story.later(8 * DAY)
    assert await story.conversations("dora") == [("admin", 0, "to all")]


async def test_it_is_in_the_history_of_who_was_offline(story):
    """Where the app roams; and nothing else of the time is."""  # V1 S5
    await story.registered("dora")
    await story.broadcast(text="online only")
    await story.to_all()
    await story.house.tenants.change(ChangeApp(features={Feature.ROAMING: True}), story.house.app)
    page = await story.house.reader.history(ReadHistory("dora", ADMIN, 20), story.house.app)
    assert [text_of(message) for message in page.messages] == ["to all"]
