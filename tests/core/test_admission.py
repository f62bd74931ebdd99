import pytest

from builders import app, submission
from laba.core.admission import exhausted, is_raised, objection, wants
from laba.model.app import DEFAULT_QUOTAS, AppPolicy, Feature, QuotaName, Want
from laba.model.priorities import Priorities
from laba.model.quota import Quota
from laba.model.refusal import Code
from laba.model.targets import Targets


@pytest.mark.parametrize("feature", [Feature.USERS_BROADCAST, Feature.CHATROOMS_BROADCAST])
def test_a_feature_is_off_until_the_operator_switches_it_on(feature):
    """The refusal tells the operator how."""  # A7 A9 G2
    refusal = objection(submission(feature=feature), app(policy=AppPolicy()))
    assert refusal.code is Code.FEATURE_OFF
    assert f"laba app set org/app {feature}=on" in refusal.reason
    assert objection(submission(feature=feature), app(policy=AppPolicy(frozenset({feature})))) is None


def test_a_message_may_fill_its_limit_but_not_pass_it():
    """5120 bytes are allowed, 5121 are not."""  # E2
    assert objection(submission(size_bytes=5120, size_limit_bytes=5120), app()) is None
    refusal = objection(submission(size_bytes=5121, size_limit_bytes=5120), app())
    assert refusal.code is Code.MESSAGE_TOO_LARGE
    assert "5121" in refusal.reason


def test_a_switched_off_feature_is_told_before_the_size():
    """The caller of a feature it does not have need not mend its message first."""  # A7
    refusal = objection(submission(size_bytes=9999), app(policy=AppPolicy()))
    assert refusal.code is Code.FEATURE_OFF


def test_an_exhausted_quota_says_which_one_and_when_to_come_back():
    """The span decides what a dialect answers: the minute 429, the day 403."""  # A3
    policy = AppPolicy(quotas={QuotaName.USERS_BROADCAST: Quota.parse("1/minute,50/day")})
    refusal = exhausted(app(policy=policy), QuotaName.USERS_BROADCAST, span_seconds=60, retry_after_seconds=7)
    assert (refusal.code, refusal.subject) == (Code.QUOTA_EXHAUSTED, "users_broadcast")
    assert (refusal.span_seconds, refusal.retry_after_seconds) == (60, 7)
    assert "1/minute,50/day; it has room again in 7 s" in refusal.reason


def test_what_never_fits_is_not_told_to_come_back():
    """A quota of five messages has no room for a call of six at any time."""  # G1
    policy = AppPolicy(quotas={QuotaName.ROOM_MESSAGES: Quota.parse("5/second")})
    refusal = exhausted(app(policy=policy), QuotaName.ROOM_MESSAGES, span_seconds=1, retry_after_seconds=None)
    assert refusal.retry_after_seconds is None
    assert "never has room for so many at once" in refusal.reason


def test_a_message_to_rooms_takes_one_call_and_as_many_messages_as_rooms():
    """The calls are judged first: where both are full, that is what the caller is told."""  # E3
    asked = submission(quota=QuotaName.ROOM_MESSAGES, rooms=("a", "b", "c"))
    assert wants(asked, app()) == (
        Want(QuotaName.ROOM_CALLS, Quota.parse("20/second"), 1),
        Want(QuotaName.ROOM_MESSAGES, Quota.parse("100/second"), 3),
    )


def test_where_only_messages_are_limited_no_call_is_counted():  # S11
    asked = submission(quota=QuotaName.ROOM_MESSAGES, rooms=("a", "b"), counts_call=False)
    assert wants(asked, app()) == (Want(QuotaName.ROOM_MESSAGES, Quota.parse("100/second"), 2),)


@pytest.mark.parametrize(("users", "amount"), [(["ann"], 1), (["ann", "bob", "cid"], 3)])
def test_a_message_to_named_users_counts_for_each_of_them(users, amount):  # S11
    asked = submission(quota=QuotaName.SYSTEM_MESSAGES, targets=Targets(users=frozenset(users)))
    assert wants(asked, app()) == (Want(QuotaName.SYSTEM_MESSAGES, Quota.parse("100/second"), amount),)


@pytest.mark.parametrize("name", [QuotaName.DIRECTED_CALLS, QuotaName.CHATROOMS_BROADCAST, QuotaName.USERS_BROADCAST])
def test_everything_else_takes_one_of_its_own_quota(name):
    """A directed message takes nothing from what the others have."""  # E10, A3, A8
    assert wants(submission(quota=name, rooms=("a",)), app(policy=AppPolicy())) == (
        Want(name, DEFAULT_QUOTAS[name], 1),
    )


def test_a_message_is_raised_by_its_kind_or_its_sender():
    """By the app's settings or by the room's."""  # E5
    kinds, members = Priorities(frozenset({"txt"})), Priorities(frozenset(), frozenset({"ann"}))
    assert is_raised(submission(), kinds)
    assert is_raised(submission(sender="ann"), members)
    assert not is_raised(submission(sender="bob"), members)
    assert not is_raised(submission(), Priorities(frozenset({"cmd"})))
    assert not is_raised(submission(sender="ann"), Priorities())
