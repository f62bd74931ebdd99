import pytest

from builders import app, submission
from laba.core.admission import exhausted, objection
from laba.model.app import AppPolicy, Feature, QuotaName
from laba.model.quota import Quota
from laba.model.refusal import Code


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
    refusal = exhausted(submission(), app(policy=policy), span_seconds=60, retry_after_seconds=7)
    assert (refusal.code, refusal.span_seconds, refusal.retry_after_seconds) == (Code.QUOTA_EXHAUSTED, 60, 7)
    assert "1/minute,50/day" in refusal.reason
