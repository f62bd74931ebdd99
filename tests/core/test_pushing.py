from dataclasses import replace

import pytest

from builders import BROADCASTING, NOW_MS, app, dispatch, submission, to_targets
from laba.core.pushing import (
    ATTEMPTS_MAX,
    LONGEST_WAIT_MS,
    Sheet,
    beside,
    is_among,
    is_meant,
    push_of,
    spares_online,
    wants_push,
)
from laba.model.app import Feature
from laba.model.dispatch import Audience, Conversation, ConversationType, Dispatch, Message
from laba.model.notification import Notification, Override
from laba.model.provider import Fate, Outcome
from laba.model.push import Counts, DeadToken, PushTarget, Retry
from laba.model.targets import Targets

HOUR, WEEK = 3_600_000, 7 * 86_400_000
PHONE = PushTarget("ann", "phone", "token", "ios", frozenset({"vip", "beta"}), NOW_MS - 1)
LATER = Outcome(Fate.LATER, "TooManyRequests")


def admitted(given):
    return Dispatch.admitted(given, dispatch_id=7, app_uuid="app-1", now_ms=NOW_MS)


def shown(notification, platform="ios", name=None):
    return push_of(dispatch(7), notification, platform, name, NOW_MS, until_ms=NOW_MS + WEEK)


def after(sheet):
    return sheet.progress(None, walked=False)


# --- what a device is shown ----------------------------------------------------------------------------------------


def test_each_platform_is_shown_its_own_words_and_others_the_common_ones():  # P6
    words = {"ios": Override("to ios"), "android": Override("to android")}
    notification = Notification("to all", platforms=words)
    alerts = {platform: shown(notification, platform).alert for platform in ("ios", "android", "harmony", "")}
    assert alerts == {"ios": "to ios", "android": "to android", "harmony": "to all", "": "to all"}


def test_what_a_caller_sends_along_for_a_platform_travels_as_it_is():  # P6
    own = Override(extras={"a": {"b": [1, "ü", None]}}, options={"sound": "bell"})
    push = shown(Notification("hi", platforms={"ios": own}))
    assert (push.alert, push.extras) == ("hi", {"a": {"b": [1, "ü", None]}})
    assert push.options == {"sound": "bell", "ttl_seconds": WEEK // 1000}
    assert shown(Notification("hi", platforms={"ios": own}), "android").extras == {}


def test_what_is_said_for_all_others_is_for_platforms_without_words_of_their_own():  # P6
    notification = Notification("hi", platforms={"ios": Override("i")}, others=Override(extras={"a": 1}, silent=True))
    assert (shown(notification).silent, shown(notification).extras) == (False, {})
    assert (shown(notification, "web").silent, shown(notification, "web").extras) == (True, {"a": 1})


def test_a_silent_push_is_silent_on_its_platform_alone():  # P6
    notification = Notification("hi", platforms={"ios": Override(silent=True)})
    assert (shown(notification).silent, shown(notification, "android").silent) == (True, False)


@pytest.mark.parametrize(
    ("own", "common", "name", "title"),
    [
        ("own", "common", "Ann", "own"),
        (None, "common", "Ann", "common"),
        (None, None, "Ann", "Ann"),
        (None, None, None, None),
    ],
)
def test_the_senders_name_is_the_title_where_none_was_given(own, common, name, title):  # P9
    notification = Notification("hi", common, {"ios": Override(title=own)})
    assert shown(notification, name=name).title == title


def test_a_push_replaces_its_repeats_and_is_worth_showing_while_the_message_waits():  # S8 P5
    push = shown(Notification("hi"))
    assert (push.collapse_id, push.expires_at_ms) == ("7", NOW_MS + WEEK)


def test_the_app_is_told_which_message_it_is():
    assert shown(Notification("hi")).message == {
        "id": "7",
        "from": "admin",
        "conversation": "app",
        "kind": "txt",
    }
    nobody = push_of(admitted(submission(sender="")), Notification("hi"), "ios", None, NOW_MS, until_ms=NOW_MS + WEEK)
    assert "from" not in nobody.message


# --- who is pushed to ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "meant"),
    [
        (None, True),
        (Targets(), True),
        (Targets(users=frozenset({"ann", "bob"})), True),
        (Targets(users=frozenset({"bob"})), False),
        (Targets(users=frozenset()), False),
        (Targets(tags=frozenset({"vip", "beta"})), True),
        (Targets(tags=frozenset({"vip", "gold"})), False),
        (Targets(any_tags=frozenset({"vip", "gold"})), True),
        (Targets(any_tags=frozenset({"gold"})), False),
        (Targets(tags=frozenset({"vip"}), any_tags=frozenset({"gold"})), False),
        (Targets(platforms=frozenset({"ios", "android"})), True),
        (Targets(platforms=frozenset({"android"})), False),
        (Targets(tags=frozenset({"vip"}), platforms=frozenset({"android"})), False),
        (Targets(users=frozenset({"ann"}), platforms=frozenset({"android"})), True),
    ],
)
def test_a_device_is_meant_by_its_user_and_by_what_it_runs_on(targets, meant):
    """A push by names is for all their devices."""  # P4
    assert is_meant(admitted(to_targets(targets=targets)), PHONE, "ios") is meant


def test_a_package_is_not_asked_for_here():
    """Only devices of that package are looked at."""
    assert is_meant(admitted(to_targets(targets=Targets(package="com.app"))), PHONE, "ios")


@pytest.mark.parametrize(("since_ms", "meant"), [(NOW_MS, True), (NOW_MS + 1, False)])
def test_who_was_registered_after_a_push_was_accepted_is_not_meant(since_ms, meant):
    named = admitted(to_targets(targets=Targets(users=frozenset({"ann"}))))
    assert is_meant(named, replace(PHONE, user_since_ms=since_ms), "ios") is meant


def test_users_who_are_online_are_spared_what_they_have_as_a_message():  # P5 E13
    assert spares_online(admitted(to_targets()))
    to_devices = submission(audience=Audience.DEVICES)
    assert not spares_online(admitted(to_devices))
    assert spares_online(admitted(replace(to_devices, flags=replace(to_devices.flags, pushed=True))))


def test_a_submission_is_pushed_where_it_has_something_to_show_and_its_app_lets_it():  # E13
    bare, noted = submission(), submission(notification=Notification("hi"))
    optional = replace(noted, push_feature=Feature.PUSH)
    features = BROADCASTING.features
    on = app(policy=replace(BROADCASTING, features=features | {Feature.PUSH}))
    off = app(policy=replace(BROADCASTING, features=features - {Feature.PUSH}))
    assert [wants_push(given, on) for given in (bare, noted, optional)] == [False, True, True]
    assert [wants_push(given, off) for given in (bare, noted, optional)] == [False, True, False]


def to_rooms(*rooms, **rest):
    """Give a submission to rooms with a push, and its messages: ids from 11, in a dispatch of the id 7."""
    notification = Notification("hi")
    said = submission(audience=Audience.ROOMS, rooms=rooms, notification=notification, client_id="c", **rest)
    rooms = [Conversation(ConversationType.ROOM, room) for room in rooms]
    return said, [Message(number, room, admitted(said)) for number, room in enumerate(rooms, 11)]


def test_beside_a_rooms_message_its_members_devices_are_pushed_to_but_not_its_senders():  # E13
    """Under the id of the room's message."""
    said, messages = to_rooms("r1", "r2")
    first, second = beside(said, messages, {"r1": {"admin", "ann", "bob"}, "r2": {"cid"}})
    assert (first.id, first.app_uuid, first.accepted_at_ms) == (11, "app-1", NOW_MS)
    assert (first.audience, first.conversation) == (Audience.DEVICES, ConversationType.ROOM)
    assert first.targets == Targets(users=frozenset({"ann", "bob"}))
    assert (first.client_id, first.users, first.flags.pushed) == (None, None, True)
    assert (second.id, second.targets) == (12, Targets(users=frozenset({"cid"})))


def test_beside_a_directed_message_only_those_whom_it_is_for_are_pushed_to():  # E13, E3
    said, messages = to_rooms("r1", users=frozenset({"bob", "eve"}))
    [only] = beside(said, messages, {"r1": {"admin", "ann", "bob"}})
    assert only.targets == Targets(users=frozenset({"bob"}))


@pytest.mark.parametrize("members", [{}, {"r1": frozenset()}, {"r1": {"admin"}}, {"r2": {"ann"}}])
def test_where_nobody_is_away_nothing_is_pushed(members):
    assert beside(*to_rooms("r1"), members) == ()


# --- whom a token may name -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://push.example.com", True),
        ("https://push.example.com:8443", False),
        ("https://push.example.com:22", False),
        ("https://local:8443", True),
        ("https://local", False),
        ("http://push.example.com", False),
        ("https://example.com", False),
        ("https://evil-push.example.com", False),
        ("https://push.example.com.evil.net", False),
        ("https://a.any.example.net", True),
        ("https://a.b.any.example.net", True),
        ("https://a.any.example.net:22", False),
        ("https://evil.com\\.any.example.net", False),
        ("https://evil.com%2f.any.example.net", False),
        ("https://127.0.0.1,.any.example.net", False),
        ("https://.any.example.net", False),
        ("https://any.example.net", False),
        ("https://evilany.example.net", False),
        ("https://169.254.169.254", False),
        ("https://[::1]", False),
        ("https://[::1]:443", False),
        ("https://localhost", False),
    ],
)
def test_a_host_is_among_those_that_are_listed_or_it_is_not(origin, allowed):  # S8
    assert is_among(origin, ["push.example.com", "*.any.example.net", "local:8443"]) is allowed


# --- what follows from answers -------------------------------------------------------------------------------------


def test_what_is_accepted_is_counted_and_over():  # S8
    sheet = Sheet(NOW_MS, targeted=2)
    sheet.add(PHONE, Outcome(Fate.ACCEPTED), NOW_MS)
    progress = sheet.progress(("ann", "phone"), walked=True)
    assert (progress.counts, progress.cursor, progress.walked) == (Counts(2, 1, 1), ("ann", "phone"), True)
    assert (progress.settled, progress.retries, progress.dead) == ((PHONE.key,), (), ())


def test_what_is_refused_is_counted_by_the_services_word():  # S8
    sheet = Sheet(NOW_MS)
    for reason in ("BadTopic", "BadTopic", "Odd"):
        sheet.add(PHONE, Outcome(Fate.REJECTED, reason), NOW_MS)
    sheet.refuse(PHONE, "payload_too_large")
    counts = after(sheet).counts
    assert counts.rejected == {"BadTopic": 2, "Odd": 1, "payload_too_large": 1}
    assert (counts.sent, counts.accepted, len(after(sheet).settled)) == (3, 0, 4)


@pytest.mark.parametrize(("since_ms", "kept_ms"), [(NOW_MS - HOUR, NOW_MS - HOUR), (None, NOW_MS)])
def test_a_token_is_dead_since_the_service_says_or_else_since_it_was_asked(since_ms, kept_ms):
    """What is registered meanwhile is another."""  # S8
    sheet = Sheet(NOW_MS)
    sheet.add(PHONE, Outcome(Fate.DEAD, "Unregistered", since_ms=since_ms), NOW_MS + 500)
    progress = after(sheet)
    assert progress.dead == (DeadToken("ann", "phone", "token", "Unregistered", kept_ms),)
    assert (progress.counts.rejected, progress.settled) == ({"Unregistered": 1}, (PHONE.key,))


@pytest.mark.parametrize("attempts", range(ATTEMPTS_MAX - 1))
def test_what_may_be_taken_later_is_tried_again_ever_later(attempts):  # S8
    sheet, now_ms = Sheet(NOW_MS), NOW_MS + 250
    sheet.add(replace(PHONE, attempts=attempts), LATER, now_ms)
    wait_ms = min(1000 << attempts, LONGEST_WAIT_MS)
    assert after(sheet).retries == (Retry("ann", "phone", attempts + 1, now_ms + wait_ms),)
    assert (after(sheet).settled, after(sheet).counts.rejected) == ((), {})


def test_at_the_last_attempt_the_services_word_is_the_last():  # S8
    sheet = Sheet(NOW_MS)
    sheet.add(replace(PHONE, attempts=ATTEMPTS_MAX - 1), LATER, NOW_MS)
    progress = after(sheet)
    assert (progress.counts.rejected, progress.settled, progress.retries) == (
        {"TooManyRequests": 1},
        (PHONE.key,),
        (),
    )
    assert (progress.counts.sent, progress.counts.retried) == (1, 1)


@pytest.mark.parametrize(("after_ms", "wait_ms"), [(500, 1000), (90_000, 90_000)])
def test_a_service_is_left_alone_for_as_long_as_it_says_from_its_answer_on(after_ms, wait_ms):  # S8
    sheet = Sheet(NOW_MS)
    sheet.add(PHONE, replace(LATER, after_ms=after_ms), NOW_MS + 9000)
    assert [one.due_at_ms for one in after(sheet).retries] == [NOW_MS + 9000 + wait_ms]


@pytest.mark.parametrize("attempts", [0, 3])
def test_who_could_not_be_asked_for_has_lost_no_attempt(attempts):  # S8
    sheet = Sheet(NOW_MS)
    sheet.put_off(replace(PHONE, attempts=attempts), NOW_MS + HOUR)
    assert after(sheet).retries == (Retry("ann", "phone", attempts, NOW_MS + HOUR),)
    assert after(sheet).counts == Counts()


def test_who_need_not_be_tried_again_is_over_and_counts_for_nothing():
    sheet = Sheet(NOW_MS)
    sheet.drop(PHONE)
    assert (after(sheet).settled, after(sheet).counts) == ((PHONE.key,), Counts())
