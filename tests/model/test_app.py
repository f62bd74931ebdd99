import pytest

from builders import APP_UUID, OTHER_UUID, app
from laba.model.app import (
    DEFAULT_FEATURES,
    DEFAULT_QUOTAS,
    RESERVED_ORGS,
    AppName,
    AppPolicy,
    Apps,
    Feature,
    QuotaName,
)
from laba.model.quota import UNLIMITED, Quota


@pytest.mark.parametrize("text", ["org/app", "a/b", "Easemob-demo/wang_2.x", f"{'o' * 64}/{'a' * 64}", "007/0"])
def test_an_app_is_named_org_and_app(text):
    """The name reads back as it was written."""
    assert str(AppName.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "org", "/", "org/", "/app", "org/app/more", "-org/app", "org/.app", "o rg/app", "org/app\n", "喇/叭"]
)
def test_what_is_no_app_name_is_refused(text):
    """With a sentence that says what is."""
    with pytest.raises(ValueError, match=r"is no (app )?name"):
        AppName.parse(text)


def test_a_name_part_has_at_most_64_characters():
    """65 are too many."""
    with pytest.raises(ValueError, match="1 to 64"):
        AppName("o" * 65, "app")


@pytest.mark.parametrize("org", sorted(RESERVED_ORGS))
def test_no_organisation_is_called_like_a_path_of_laba(org):
    """It could never be reached; an app may be."""
    with pytest.raises(ValueError, match="cannot name an organisation"):
        AppName(org, "app")
    assert AppName("org", org)


def test_broadcasting_is_off_until_an_operator_switches_it_on():
    """Of the features only NERoom's broadcast is on by default."""  # A9 G2
    policy = AppPolicy()
    assert {feature for feature in Feature if policy.has(feature)} == {Feature.NEROOM_BROADCAST} == DEFAULT_FEATURES


def test_a_development_app_has_push():
    """And nothing else that was not switched on."""  # G2
    policy = AppPolicy(frozenset(), development=True)
    assert {feature for feature in Feature if policy.has(feature)} == {Feature.PUSH}


def test_the_default_quotas_are_the_vendors():
    """Every quota has one."""  # A3 V1 S9
    assert str(DEFAULT_QUOTAS[QuotaName.USERS_BROADCAST]) == "1/minute,50/day"
    assert str(DEFAULT_QUOTAS[QuotaName.ALL_USERS_BROADCAST]) == "1/30minutes,3/day"
    assert str(DEFAULT_QUOTAS[QuotaName.CHATROOMS_BROADCAST]) == "10/minute,100/day"
    assert str(DEFAULT_QUOTAS[QuotaName.ONLINE_BROADCAST]) == "60/minute"
    assert str(DEFAULT_QUOTAS[QuotaName.PUSH]) == "2/hour,3/day"
    assert DEFAULT_QUOTAS[QuotaName.NEROOM_BROADCAST] == UNLIMITED
    assert set(DEFAULT_QUOTAS) == set(QuotaName)


def test_a_quota_that_is_not_set_is_the_default():
    """One that is set takes its place, also where it is unlimited."""  # G1 S9
    policy = AppPolicy(quotas={QuotaName.PUSH: Quota.parse("9/hour"), QuotaName.ROOM_CALLS: UNLIMITED})
    assert str(policy.quota(QuotaName.PUSH)) == "9/hour"
    assert policy.quota(QuotaName.ROOM_CALLS) == UNLIMITED
    assert policy.quota(QuotaName.USERS_BROADCAST) == DEFAULT_QUOTAS[QuotaName.USERS_BROADCAST]


def test_no_secret_stands_in_a_repr():
    """An app may be logged."""
    keys = app().keys
    shown = repr(app())
    secrets = (keys.app_certificate, keys.app_secret, keys.client_secret, repr(keys.token_key))
    assert not any(secret in shown for secret in secrets)
    assert keys.app_id in shown


def test_an_app_is_found_by_each_of_its_names():
    """And by nothing else."""
    ours, theirs = app(), app(OTHER_UUID, "org/other")
    apps = Apps((ours, theirs))
    assert apps.named("org", "app") is apps.with_uuid(APP_UUID) is ours
    assert apps.with_app_id(theirs.keys.app_id) is apps.with_client_id(theirs.keys.client_id) is theirs
    assert apps.named("org", "nobody") is apps.named("v1", "app") is apps.named("", "") is None
    assert apps.with_app_id("") is apps.with_client_id("") is apps.with_uuid("") is None


def test_a_changed_app_takes_its_old_place():
    """The next snapshot has it, the one before does not; a new app comes last."""
    first, second, third = app(), app(OTHER_UUID, "org/other"), app("3" * 32, "org/third")
    apps = Apps((first, second))
    changed = first.with_policy(AppPolicy(development=True))
    after = apps.replacing(changed).replacing(third)
    assert list(after) == [changed, second, third]
    assert list(apps) == [first, second]
    assert after.with_app_id(first.keys.app_id) is changed
