"""Who gets a broadcast to those online and to whoever comes in time: stories of the window (R5).

Its edges, coming back once, twice and three times, several devices, restarts; `(+600 s)` is time that passes.
"""

import pytest

from houses import WINDOW_MS, received

pytestmark = pytest.mark.anyio

WINDOW = WINDOW_MS // 1000


@pytest.mark.parametrize(("later_seconds", "gets"), [(0, [1]), (1, [1]), (WINDOW, [1]), (WINDOW + 1, [])])
async def test_who_comes_within_the_window_gets_it_and_later_never(story, later_seconds, gets):
    """ann was never there before. The 600th second is in, the 601st is not."""  # R5
    assert await story.to_recent() == 1
    story.later(later_seconds)
    ann = await story.login("ann")
    assert received(ann) == gets
    story.drop(ann)
    story.later(1)
    await story.tidy()
    assert received(await story.login("ann", had=gets[-1] if gets else 0)) == []


async def test_who_is_online_gets_it_at_once(story):
    """And not again with the next message, nor in another form."""  # R5
    ann = await story.login("ann")
    await story.to_recent()
    assert received(ann) == [1]
    await story.to_recent()
    assert received(ann) == [1, 2]


@pytest.mark.parametrize("orderly", [True, False])
async def test_coming_back_at_one_two_and_three_minutes_brings_nothing_twice(story, orderly):
    """With its position, or after an orderly close without one."""  # R5
    await story.to_recent()
    ann = await story.login("ann")
    assert received(ann) == [1]
    for _ in range(3):
        story.clients.sessions.leave(ann, orderly=orderly)
        await story.tidy()
        story.later(60)
        ann = await story.login("ann", had=None if orderly else 1)
        assert received(ann) == []


async def test_who_got_it_live_does_not_get_it_again_when_back_in_time(story):
    ann = await story.login("ann")
    await story.to_recent()
    story.pong(ann)
    story.drop(ann)
    story.later(300)
    assert received(ann) == [1]
    assert received(await story.login("ann")) == []  # R5


async def test_each_device_of_a_user_gets_it_once(story):
    """One was there, the other comes in the ninth minute; neither gets it again."""  # R5
    phone = await story.login("ann", "phone")
    await story.to_recent()
    story.later(540)
    tablet = await story.login("ann", "tablet")
    assert (received(phone), received(tablet)) == ([1], [1])
    for session in (phone, tablet):
        story.clients.sessions.leave(session, orderly=True)
    story.later(30)
    assert [received(await story.login("ann", device)) for device in ("phone", "tablet")] == [[], []]


async def test_two_connections_of_one_device_that_confirm_get_it_once_each(story):
    """The second comes after the first has confirmed: the device has it."""
    first = await story.login("ann")
    await story.to_recent()
    story.pong(first)
    second = await story.login("ann")
    assert (received(first), received(second)) == ([1], [])


async def test_a_restart_in_the_middle_repeats_nothing_and_forgets_nobody(story):
    """kill -9 after ann has confirmed; bob comes to the next server in the tenth minute, cid too late."""  # R5
    ann = await story.login("ann")
    await story.to_recent()
    story.pong(ann)
    await story.tidy()
    await story.end()
    story.later(120)
    await story.begin()
    assert received(await story.login("ann", had=1)) == []
    story.later(480)
    assert received(await story.login("bob")) == [1]
    story.later(1)
    assert received(await story.login("cid")) == []


async def test_it_waits_among_other_messages_and_brings_none_of_them_along(story):
    """Who was offline gets of five messages the two that waited for it, in order."""  # A1, R5, V1
    await story.broadcast()
    await story.to_recent()
    await story.broadcast()
    await story.to_all()
    await story.broadcast()
    ann = await story.login("ann")
    assert received(ann) == [2, 4]
    await story.broadcast()
    assert received(ann) == [2, 4, 6]


async def test_after_the_window_only_what_lasts_longer_is_left(story):
    await story.registered("ann")
    await story.to_recent()
    await story.to_all()
    story.later(WINDOW + 1)
    await story.tidy()
    assert received(await story.login("ann")) == [2]  # R5, V1


async def test_who_was_away_gets_what_it_was_there_for_and_what_waited(story):
    """ann left unconfirmed; what was sent to those online meanwhile is not hers."""  # A1, R5
    ann = await story.login("ann")
    await story.broadcast()
    story.drop(ann)
    story.later(60)
    await story.broadcast()
    await story.to_recent()
    assert received(await story.login("ann")) == [1, 3]


async def test_it_is_in_the_list_of_whoever_got_it_and_of_nobody_else(story):
    """As a SYSTEM conversation with its sender: ann was there, bob came in time, cid too late."""  # R4, R8
    await story.registered("ann", "bob", "cid")
    await story.login("ann")
    await story.to_recent(text="news")
    story.later(300)
    await story.login("bob")
    story.later(WINDOW)
    await story.login("cid")
    assert await story.conversations("ann") == [("admin", 1, "news")]
    assert await story.conversations("bob") == [("admin", 1, "news")]
    assert await story.conversations("cid") == []
