"""Who gets what was sent to chosen users, and when: stories of inboxes (P4, P5)."""

import pytest

from builders import FLAGS, to_targets
from houses import OFFLINE_MS, received
from laba.model.recordcalls import GetReport
from laba.model.targets import Targets

pytestmark = pytest.mark.anyio

TAGGED = frozenset({"vip"})
NAMED = frozenset({"ann", "cid"})
DAYS = OFFLINE_MS // 1000


@pytest.fixture
async def crowd(story):
    """ann and bob are vip, cid and dan are not."""
    await story.registered("ann", "bob", "cid", "dan")
    await story.tagged(("vip",), "ann", "bob")
    return story


async def muster(story):
    report = await story.house.reporting.show(GetReport(story.accepted.dispatch.id), story.house.app)
    return report.kept.muster


async def test_those_online_get_it_at_once_the_others_when_they_come(crowd):
    """And nobody else does, whenever he comes."""  # P4, P5
    ann, cid = await crowd.login("ann"), await crowd.login("cid")
    await crowd.push(tags=TAGGED)
    assert (received(ann), received(cid)) == ([1], [])
    assert received(await crowd.login("bob")) == [1]
    assert received(await crowd.login("dan")) == []


async def test_each_device_gets_it_once(crowd):
    """Live or later, with a position or after an orderly close."""  # P5
    phone = await crowd.login("ann", "phone")
    await crowd.push(tags=TAGGED)
    tablet = await crowd.login("ann", "tablet")
    assert (received(phone), received(tablet)) == ([1], [1])
    for session in (phone, tablet):
        crowd.clients.sessions.leave(session, orderly=True)
    assert received(await crowd.login("ann", "phone", had=1)) == []
    assert received(await crowd.login("ann", "tablet")) == []


async def test_it_waits_for_seven_days_and_not_a_moment_longer(crowd):
    """Then it counts as expired."""  # P5
    await crowd.push(tags=TAGGED)
    crowd.later(DAYS)
    ann = await crowd.login("ann")
    assert received(ann) == [1]
    crowd.pong(ann)
    await crowd.tidy()
    assert (await muster(crowd)).delivered == 1
    crowd.later(1)
    assert received(await crowd.login("bob")) == []
    await crowd.house.store.campaigns.expire(crowd.clock.now_ms - OFFLINE_MS, 100)
    assert received(await crowd.login("bob")) == []
    counted = await muster(crowd)
    assert (counted.targeted, counted.delivered, counted.expired) == (2, 1, 1)


async def test_who_comes_back_with_its_position_has_shown_that_it_has_it(crowd):
    """A client that pulls, say, confirms in no other way."""  # P5, X2
    crowd.drop(await crowd.login("ann"))
    await crowd.push(tags=TAGGED)
    crowd.drop(await crowd.login("ann"))
    await crowd.tidy()
    assert (await muster(crowd)).delivered == 0
    await crowd.login("ann", had=1)
    await crowd.tidy()
    assert (await muster(crowd)).delivered == 1


async def test_who_logs_in_while_the_walk_has_not_come_to_it_gets_it_once(crowd):
    """It is judged at the login, by what the walk would judge it by; the walk then changes nothing."""  # P5
    await crowd.broadcast_targets(tags=TAGGED)
    ann, cid = await crowd.login("ann"), await crowd.login("cid")
    assert (received(ann), received(cid)) == ([1], [])
    crowd.pong(ann)
    await crowd.walk()
    assert received(await crowd.login("ann", had=1)) == []


async def test_who_is_registered_or_tagged_later_is_not_meant(crowd):
    """Tags count as they were when the walk came, registration as it was when it was sent."""  # P4
    await crowd.push(tags=TAGGED)
    crowd.later(1)
    await crowd.tagged(("vip",), "cid", "eve")
    assert received(await crowd.login("cid")) == []
    assert received(await crowd.login("eve")) == []


async def test_tags_given_while_online_count_for_the_next_push(crowd):  # P4, S2
    cid = await crowd.login("cid")
    await crowd.tagged(("vip",), "cid")
    await crowd.push(tags=TAGGED)
    assert received(cid) == [1]


async def test_named_users_are_meant_whatever_their_tags(crowd):
    """Nobody walks for them; who is not registered is passed over."""  # P4
    ann = await crowd.login("ann")
    await crowd.broadcast_targets(users=NAMED | {"nobody"})
    assert received(ann) == [1]
    assert (await muster(crowd)).targeted == 2
    assert received(await crowd.login("cid")) == [1]
    assert received(await crowd.login("bob")) == []


async def test_a_package_means_the_users_of_its_devices(crowd):
    """Also where the device that is there now is another one of the same user."""  # P4
    student = await crowd.login("ann", "phone", package="acme.student", platform="ios")
    web = await crowd.login("ann", "browser", platform="web")
    teacher = await crowd.login("bob", "phone", package="acme.teacher", platform="ios")
    crowd.drop(await crowd.login("cid", "phone", package="acme.student", platform="android"))
    await crowd.push(package="acme.student")
    assert [received(one) for one in (student, web, teacher)] == [[1], [1], []]
    assert received(await crowd.login("cid", "phone", package="acme.student", platform="android")) == [1]


async def test_a_platform_chooses_among_sessions_now_and_later(crowd):
    """The tablet runs on another platform; a browser always receives."""  # P4
    phone = await crowd.login("ann", "phone", platform="iOS")
    tablet = await crowd.login("ann", "tablet", platform="android")
    web = await crowd.login("ann", "browser", platform="web")
    await crowd.push(tags=TAGGED, platforms=frozenset({"ios"}))
    assert [received(one) for one in (phone, tablet, web)] == [[1], [], [1]]
    assert received(await crowd.login("bob", "tablet", platform="android")) == []
    assert received(await crowd.login("bob", "phone", platform="ios")) == [1]


async def test_what_is_in_the_inbox_comes_between_the_rest_in_order(crowd):
    """ann was offline for all of it: of what was sent to those online she gets nothing."""  # A1, P5, R5, V1
    await crowd.broadcast()
    await crowd.push(tags=TAGGED)
    await crowd.to_all()
    await crowd.push(users=NAMED)
    await crowd.to_recent()
    await crowd.broadcast()
    ann = await crowd.login("ann")
    assert received(ann) == [2, 3, 4, 5]
    await crowd.push(tags=TAGGED)
    assert received(ann) == [2, 3, 4, 5, 7]


async def test_a_crash_in_the_middle_of_the_walk_loses_nobody(crowd):
    """The next server walks on; who got it before the crash and confirmed does not get it again."""  # P5
    ann = await crowd.login("ann")
    await crowd.broadcast_targets(tags=TAGGED)
    crowd.pong(ann)
    await crowd.tidy()
    await crowd.end()
    await crowd.begin()
    assert received(await crowd.login("ann", had=1)) == []
    await crowd.walk()
    assert received(await crowd.login("bob")) == [1]
    assert (await muster(crowd)).targeted == 2


async def test_a_crash_before_it_was_confirmed_repeats_it_under_the_same_id(crowd):
    """At least once: nothing shows that ann has it."""  # P5
    await crowd.login("ann")
    await crowd.push(tags=TAGGED)
    await crowd.tidy()
    await crowd.end()
    await crowd.begin()
    assert received(await crowd.login("ann")) == [1]


async def test_a_type_that_does_not_wait_reaches_those_who_are_there(crowd):
    """Who comes later never gets it."""  # R8
    ann = await crowd.login("ann")
    await crowd.broadcast(to_targets, targets=Targets(tags=TAGGED), flags=FLAGS)
    await crowd.walk()
    assert received(ann) == [1]
    assert received(await crowd.login("bob")) == []


async def test_it_is_in_the_conversation_list_of_those_it_is_for_alone(crowd):
    """Wherever they were; and not in anybody else's, who was there."""  # R8, S5
    await crowd.login("cid")
    await crowd.push(text="for you", tags=TAGGED)
    assert await crowd.conversations("ann") == [("admin", 1, "for you")]
    assert await crowd.conversations("bob") == [("admin", 1, "for you")]
    assert await crowd.conversations("cid") == []


async def test_who_has_it_is_told_of_its_recall_who_has_not_never_gets_it(crowd):  # X3
    ann = await crowd.login("ann")
    await crowd.push(text="oops", tags=TAGGED)
    await crowd.recall(crowd.accepted.dispatch.id)
    await crowd.walk()
    assert received(ann) == [1, 2]
    assert received(await crowd.login("bob")) == [2]
    assert await crowd.conversations("ann") == []


async def test_a_recalled_broadcast_is_gone_from_the_window_and_after_a_restart(crowd):  # X3
    await crowd.to_recent()
    recent = crowd.accepted.dispatch.id
    await crowd.to_all()
    lasting = crowd.accepted.dispatch.id
    await crowd.recall(recent)
    await crowd.recall(lasting)
    assert received(await crowd.login("ann")) == [3, 4]
    await crowd.end()
    await crowd.begin()
    assert received(await crowd.login("bob")) == [3, 4]
