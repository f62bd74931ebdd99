"""Who is pushed to, with what, and what becomes of it (P4-P9, S8).

The services are fakes that speak the true protocols, the store is the real one, and time moves when told to.
"""

import json

import pytest

from builders import NOW_MS, counted, joined, submission, to_all_users
from houses import OFFLINE_MS
from laba.core.pushing import ATTEMPTS_MAX
from laba.model.dispatch import Audience
from laba.model.notification import Notification, Override
from laba.model.push import Counts, JobState
from laba.model.pushcalls import RemoveProvider
from laba.model.targets import Targets
from push_rig import (
    HELLO,
    PACKAGE,
    apns,
    device,
    fcm,
    pushed,
    pushing_house,
    put,
    received,
    report,
    rounds,
    send,
    token,
    web_push,
)
from push_services import apns_serving, web_push_serving

pytestmark = pytest.mark.anyio

BUSY = (429, "TooManyRequests")


@pytest.fixture
async def house(tmp_path, apple, google):
    """A house whose app pushes to Apple's devices and to Google's."""
    async with pushing_house(tmp_path, apple, google) as house:
        await put(house, apns(apple), fcm(google))
        yield house


async def registered(house, user):
    """Give what is known of a user's one device."""
    (registration,) = await house.store.devices.registrations(house.app.uuid, user)
    return registration


# --- who -----------------------------------------------------------------------------------------------------------


async def test_devices_of_users_who_are_away_are_pushed_to_and_no_others(house, apple):
    """Who is online has the message itself."""  # P5 S8
    here, away = await device(house, "ann"), await device(house, "bob")
    session = joined(house.roster, "ann")
    told = await pushed(house, provider="ios")
    assert received(apple) == [away]
    assert told.counts == Counts(targeted=1, sent=1, accepted=1)
    house.roster.leave(session)
    await pushed(house)
    assert sorted(received(apple)[1:]) == sorted([here, away])


async def test_a_push_to_devices_does_not_ask_who_is_online(house, apple):
    """It is no message."""  # P11
    tokens = [await device(house, "ann"), await device(house, "bob")]
    joined(house.roster, "ann")
    await house.intake.accept(submission(audience=Audience.DEVICES, feature=None, notification=HELLO), house.app)
    await house.dispatcher.turn()
    await rounds(house)
    assert sorted(received(apple)) == sorted(tokens)


async def test_a_broadcast_to_all_users_is_pushed_too(house, apple):  # A1 S8
    away = await device(house, "ann")
    await house.intake.accept(to_all_users(notification=HELLO), house.app)
    await house.dispatcher.turn()
    await rounds(house)
    assert received(apple) == [away]


async def test_what_has_nothing_to_show_is_not_pushed(house, apple):  # P6
    await device(house, "ann")
    dispatch_id = await send(house, None)
    await rounds(house)
    assert (await house.pushing.reports(house.app.uuid, dispatch_id), apple.attempts) == ((), [])


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (Targets(users=frozenset({"bob", "ann", "nobody"})), {"ann", "bob"}),
        (Targets(tags=frozenset({"vip", "beta"})), {"ann"}),
        (Targets(any_tags=frozenset({"beta", "gold"})), {"ann", "eve"}),
        (Targets(platforms=frozenset({"ipados"})), {"eve"}),
        (Targets(package="com.two"), {"eve"}),
        (Targets(package="com.none"), set()),
        (Targets(tags=frozenset({"vip"}), package="com.two"), set()),
        (Targets(), {"ann", "bob", "eve"}),
    ],
)
async def test_those_are_pushed_to_whom_a_push_chooses(house, apple, targets, names):  # P4
    await put(house, apns(apple, "two", "com.two"))
    await device(house, "ann", tags=("beta", "vip"))
    await device(house, "bob", tags=("vip",))
    await device(house, "eve", tags=("gold",), platform="iPadOS", package="com.two")
    dispatch_id = await send(house, targets=targets)
    await rounds(house)
    assert {push.token for push in apple.pushes} == {token(f"{name} phone") for name in names}
    states = {one.state for one in await house.pushing.reports(house.app.uuid, dispatch_id)}
    assert states == {JobState.DONE}


async def test_who_was_registered_later_is_not_pushed_to(house, apple):
    """But a device that a user got later is: the push is for the user."""
    await device(house, "ann")
    dispatch_id = await send(house)
    house.clock.pass_ms(1)
    await device(house, "bob"), await device(house, "ann", "tablet")
    await rounds(house)
    assert {push.token for push in apple.pushes} == {token("ann phone"), token("ann tablet")}
    assert (await report(house, dispatch_id, "ios")).counts.targeted == 2


async def test_all_devices_of_a_user_are_pushed_to_each_by_its_service(tmp_path, apple, google):  # S8
    async with web_push_serving() as web, pushing_house(tmp_path, apple, google, web) as house:
        await put(house, apns(apple), fcm(google), web_push(web))
        iphone, pixel = await device(house, "ann"), await device(house, "ann", "pixel", "fcm")
        await device(house, "ann", "browser", "webpush", token=web.subscribe())
        dispatch_id = await send(house)
        await rounds(house)
        assert (received(apple), received(google), len(web.pushes)) == ([iphone], [pixel], 1)
        reports = await house.pushing.reports(house.app.uuid, dispatch_id)
        assert [(one.provider, one.state, one.counts.accepted) for one in reports] == [
            ("android", JobState.DONE, 1),
            ("ios", JobState.DONE, 1),
            ("web", JobState.DONE, 1),
        ]


async def test_each_package_has_its_provider_and_the_rest_have_another(house, apple):
    """As the app is now: one that comes later takes its package from the rest."""  # S8
    await house.pushdesk.serve(RemoveProvider("ios"), house.app)
    await put(house, apns(apple, "rest", "", topic="com.example.app"))
    await device(house, "ann"), await device(house, "bob", package="com.two")
    await pushed(house)
    await put(house, apns(apple, "two", "com.two"))
    await pushed(house)
    assert sorted((push.token, push.headers["apns-topic"]) for push in apple.pushes[2:]) == [
        (token("ann phone"), "com.example.app"),
        (token("bob phone"), "com.two"),
    ]


async def test_a_sandbox_for_a_package_takes_none_of_its_other_devices(tmp_path, apple):  # S8
    """Those are for the provider that has no package, as before."""
    async with apns_serving() as sandbox, pushing_house(tmp_path, apple, sandbox) as house:
        await put(house, apns(apple, package="", topic=PACKAGE), apns(sandbox, "dev", sandbox=True))
        mine, yours = await device(house, "ann", sandbox=True), await device(house, "bob")
        await pushed(house)
        assert (received(sandbox), received(apple)) == ([mine], [yours])


async def test_devices_of_developers_are_pushed_to_by_their_own_service(tmp_path, apple):  # S8
    async with apns_serving() as sandbox, pushing_house(tmp_path, apple, sandbox) as house:
        await put(house, apns(apple), apns(sandbox, "dev", sandbox=True))
        mine, yours = await device(house, "ann", sandbox=True), await device(house, "bob")
        await pushed(house)
        assert (received(sandbox), received(apple)) == ([mine], [yours])


# --- what ----------------------------------------------------------------------------------------------------------


async def test_each_platform_gets_its_words_and_its_extras(house, apple, google):  # P6
    own = Override("to ios", {"a": {"b": [1, "ü"]}}, options={"sound": "bell", "badge": 3})
    notification = Notification("to all", platforms={"ios": own, "android": Override("to android", {"c": "d"})})
    iphone, vision = await device(house, "ann", platform="iOS"), await device(house, "bob", platform="visionos")
    await device(house, "eve", kind="fcm")
    await pushed(house, notification)
    by_token = {push.token: push.payload for push in apple.pushes}
    assert by_token[iphone]["aps"] == {"alert": {"body": "to ios"}, "sound": "bell", "badge": 3}
    assert by_token[iphone]["extras"] == {"a": {"b": [1, "ü"]}}
    assert by_token[vision]["aps"] == {"alert": {"body": "to all"}, "sound": "default"}
    assert "extras" not in by_token[vision]
    message = google.pushes[0].payload
    assert (message["notification"], json.loads(message["data"]["extras"])) == ({"body": "to android"}, {"c": "d"})


async def test_a_device_that_did_not_say_what_it_runs_on_is_one_of_its_service(house, apple):  # P6
    await device(house, "ann", platform="")
    await pushed(house, Notification("to all", platforms={"ios": Override("to ios")}))
    assert apple.pushes[0].payload["aps"]["alert"] == {"body": "to ios"}


async def test_a_silent_push_wakes_the_app_and_shows_nothing(house, apple, google):
    """On the platform that was told so."""  # P6
    await device(house, "ann"), await device(house, "bob", kind="fcm")
    await pushed(house, Notification("hi", platforms={"ios": Override(silent=True)}))
    assert apple.pushes[0].payload["aps"] == {"content-available": 1}
    assert google.pushes[0].payload["notification"] == {"body": "hi"}


async def test_what_is_asked_for_late_is_worth_showing_for_the_rest_of_its_time(tmp_path, google):  # P5
    async with pushing_house(tmp_path, google) as house:
        await put(house, fcm(google))
        google.moods[await device(house, "ann", kind="fcm")] = [(503, "UNAVAILABLE", {"retry-after": "3600"})]
        await send(house)
        await rounds(house)
        house.clock.pass_ms(3601 * 1000)
        await rounds(house)
        [accepted] = google.pushes
        assert accepted.payload["android"]["ttl"] == f"{OFFLINE_MS // 1000 - 3601}s"


@pytest.mark.parametrize("had_token", [True, False])
async def test_a_senders_name_is_shown_if_it_ever_had_a_token(house, apple, had_token):  # P9
    sender = await house.registered("admin")
    if had_token:
        await house.users.note_token(sender, nickname="Ad Min")
    await device(house, "ann")
    await pushed(house)
    assert apple.pushes[0].payload["aps"]["alert"] == {"body": "hello"} | ({"title": "Ad Min"} if had_token else {})


async def test_a_push_is_worth_showing_while_its_message_waits(house, apple):  # P5
    await device(house, "ann")
    dispatch_id = await send(house)
    expires_at = (house.clock() + OFFLINE_MS) // 1000
    house.clock.pass_ms(5000)
    await rounds(house)
    headers = apple.pushes[0].headers
    assert (headers["apns-collapse-id"], headers["apns-expiration"]) == (str(dispatch_id), str(expires_at))


async def test_what_is_too_large_for_a_platform_is_pushed_to_the_others(house, apple, google):
    """Extras are not cut; only the alert is."""  # P6 S8
    await device(house, "ann"), await device(house, "bob", kind="fcm")
    large = Override(extras={"a": "x" * 5000})
    dispatch_id = await send(house, Notification("y" * 5000, platforms={"ios": large}))
    await rounds(house)
    told = await report(house, dispatch_id, "ios")
    assert (told.state, told.counts) == (JobState.DONE, Counts(1, rejected={"payload_too_large": 1}))
    assert apple.attempts == []
    assert google.pushes[0].payload["notification"]["body"].endswith("y…")


# --- what became of it ---------------------------------------------------------------------------------------------


async def test_a_report_counts_what_became_of_each_device(house, apple):  # S8
    _, gone, busy, odd = [await device(house, name) for name in ("a", "b", "c", "d")]
    await device(house, "e", token="no token of Apple's")
    apple.dead.add(gone)
    apple.moods |= {busy: [BUSY], odd: [(400, "PayloadEmpty")]}
    dispatch_id = await send(house)
    await rounds(house)
    told, rejected = await report(house, dispatch_id, "ios"), {"Unregistered": 1, "PayloadEmpty": 1, "bad_token": 1}
    assert (told.counts, told.waiting, told.state) == (Counts(5, 4, 1, 0, rejected), 1, JobState.UNDER_WAY)
    await rounds(house, 1)
    told = await report(house, dispatch_id, "ios")
    assert (told.counts, told.waiting, told.state) == (Counts(5, 5, 2, 1, rejected), 0, JobState.DONE)
    totals = ("sent_total", "accepted_total", "rejected_total")
    assert [counted(house.meter, f"laba_pushes_{name}", '{kind="apns"}') for name in totals] == [5, 2, 3]
    assert counted(house.meter, "laba_push_tokens_dead_total", '{kind="apns"}') == 1


async def test_a_dead_token_is_removed_and_why_is_kept(house, apple, google):  # S8
    apple.dead.add(await device(house, "ann"))
    google.dead.add(await device(house, "bob", kind="fcm"))
    await pushed(house)
    for user, reason in (("ann", "Unregistered"), ("bob", "UNREGISTERED")):
        known = await registered(house, user)
        assert (known.address, known.dead) == (None, reason)
    await pushed(house)
    assert (len(apple.attempts), len(google.attempts)) == (1, 1)


async def test_a_device_that_came_back_after_its_token_died_keeps_it(house, apple):
    """Apple says when a token died; one that is registered later lives."""  # S8
    apple.died_ms = NOW_MS - 1
    apple.dead.add(await device(house, "ann"))
    told = await pushed(house, provider="ios")
    assert (told.counts.rejected, told.state) == ({"Unregistered": 1}, JobState.DONE)
    known = await registered(house, "ann")
    assert (known.address.token, known.dead) == (token("ann phone"), None)


async def test_a_device_that_is_busy_is_tried_again_ever_later_and_then_no_more(house, apple):  # S8
    apple.moods[await device(house, "ann")] = [BUSY] * 20
    dispatch_id, times = await send(house), []
    for second in range(90):
        await rounds(house, 1 if second else 0)
        times += [second] * (len(apple.attempts) - len(times))
    assert (times, len(times)) == ([0, 1, 3, 7, 15, 31], ATTEMPTS_MAX)
    told = await report(house, dispatch_id, "ios")
    assert told.counts == Counts(1, 6, 0, 5, {"TooManyRequests": 1})
    assert (told.state, told.waiting) == (JobState.DONE, 0)
    assert (await registered(house, "ann")).address is not None


async def test_a_device_is_left_alone_for_as_long_as_the_service_says(house, apple):
    """The others are not."""  # S8
    apple.moods[await device(house, "ann")] = [(*BUSY, {"retry-after": "90"})]
    other = await device(house, "bob")
    await pushed(house, seconds=89)
    assert received(apple) == [other]
    await rounds(house, 1)
    assert received(apple) == [other, token("ann phone")]


async def test_whoever_comes_online_before_it_is_tried_again_needs_no_push_any_more(house, apple):  # P5
    apple.moods[await device(house, "ann")] = [BUSY]
    dispatch_id = await send(house)
    await rounds(house)
    joined(house.roster, "ann")
    await rounds(house, 1)
    told = await report(house, dispatch_id, "ios")
    assert (len(apple.attempts), told.state, told.waiting) == (1, JobState.DONE, 0)


async def test_a_device_that_got_another_token_before_it_is_tried_again_is_pushed_to_there(house, apple):
    apple.moods[await device(house, "ann")] = [BUSY]
    await pushed(house)
    renewed = await device(house, "ann", token="ab" * 32)
    await rounds(house, 1)
    assert received(apple) == [renewed]


@pytest.mark.parametrize("change", [{"sandbox": True}, {"package": "com.two"}, {"kind": "fcm"}])
async def test_a_device_that_is_another_providers_by_then_is_not_tried_again(house, apple, change):
    """Its new token says nothing to the old one's service, which would call it dead."""  # S8
    apple.moods[await device(house, "ann")] = [BUSY]
    dispatch_id = await send(house)
    await rounds(house)
    renewed = await device(house, "ann", token="cd" * 32, **change)
    apple.dead.add(renewed)
    await rounds(house, 1)
    told = await report(house, dispatch_id, "ios")
    assert (len(apple.attempts), told.state, told.waiting) == (1, JobState.DONE, 0)
    assert (await registered(house, "ann")).address.token == renewed
