import asyncio
from dataclasses import replace

import pytest

from builders import APP_UUID
from houses import opened
from laba.model.app import DEFAULT_FEATURES, AppName, Feature, QuotaName
from laba.model.calls import AppShown, ChangeApp, CreateApp
from laba.model.flags import Flags
from laba.model.hook import HOOKS_MAX, Hook, Source
from laba.model.priorities import Priorities, PrioritiesChange
from laba.model.quota import UNLIMITED, Quota
from laba.model.refusal import Code
from laba.ports import StoreBusyError

pytestmark = pytest.mark.anyio

NEW = AppName("org", "new")
MAIN = Hook("main", "http://main.example/", "native")


async def test_a_new_app_is_there_at_once_and_after_a_restart(house, tmp_path):
    """With the vendors' defaults: broadcasting off, their quotas."""  # A9 G2
    shown = await house.tenants.create(CreateApp(NEW))
    assert (shown.created, shown.app.policy.features, shown.app.policy.quotas) == (True, DEFAULT_FEATURES, {})
    assert house.tenants.apps.named("org", "new") is shown.app
    async with opened(tmp_path) as again:
        assert again.tenants.apps.named("org", "new") == shown.app


async def test_an_app_begins_with_what_it_is_given(house):
    """Features beside those that every app has, and quotas without a bound where that is wished."""  # G1 G2
    shown = await house.tenants.create(CreateApp(NEW, frozenset({Feature.USERS_BROADCAST}), unlimited=True))
    assert shown.app.policy.features == DEFAULT_FEATURES | {Feature.USERS_BROADCAST}
    assert all(shown.app.policy.quota(name) == UNLIMITED for name in QuotaName)


async def test_what_goes_first_is_changed_by_the_list(house):
    """Types and members each by their own; a change of something else leaves both."""  # E5
    first = PrioritiesChange(frozenset({"txt"}), frozenset({"vip"}))
    changes = (first, PrioritiesChange(high_types=frozenset()), PrioritiesChange(high_members=frozenset({"host"})))
    for change in changes:
        await house.tenants.change(ChangeApp(priorities=change), house.app)
    await house.tenants.change(ChangeApp(development=True), house.app)
    assert house.app.policy.priorities == Priorities(frozenset(), frozenset({"host"}))


async def test_a_name_is_given_once(house):
    """Also to two who ask at the same time; the one that has it keeps its keys."""
    answers = await asyncio.gather(*(house.tenants.create(CreateApp(NEW)) for _ in range(5)))
    created = [answer.app for answer in answers if isinstance(answer, AppShown)]
    assert [house.tenants.apps.named("org", "new")] == created
    refusal = await house.tenants.create(CreateApp(NEW))
    assert (refusal.code, refusal.subject) == (Code.APP_EXISTS, "org/new")


async def test_no_two_apps_share_a_key(house):
    """Nor is one key of an app another of its own."""
    apps = [(await house.tenants.create(CreateApp(AppName("org", name)))).app for name in ("one", "two")]
    keys = [getattr(app.keys, name) for app in apps for name in app.keys.__dataclass_fields__]
    assert len(set(keys)) == len(keys) == 14
    assert {len(app.keys.app_id) for app in apps} == {len(app.keys.app_certificate) for app in apps} == {32}
    assert len({app.uuid for app in apps}) == 2


async def test_a_change_takes_effect_at_once_and_survives(house, tmp_path):
    """Without a restart, and over one; what is not named stays as it is."""  # G1 G2 S9
    change = ChangeApp(
        features={Feature.PUSH: True, Feature.NEROOM_BROADCAST: False}, quotas={QuotaName.PUSH: Quota.parse("9/day")}
    )
    shown = await house.tenants.change(change, house.app)
    assert house.tenants.apps.with_uuid(APP_UUID) is shown.app
    policy = shown.app.policy
    assert policy.features == {Feature.USERS_BROADCAST, Feature.ALL_USERS_BROADCAST, Feature.PUSH}
    assert (policy.quota(QuotaName.PUSH), policy.development) == (Quota.parse("9/day"), False)
    assert policy.quota(QuotaName.USERS_BROADCAST) == UNLIMITED
    async with opened(tmp_path) as again:
        assert again.app == shown.app


async def test_development_is_switched_like_a_feature(house):
    """And stays when something else is changed."""  # G2
    await house.tenants.change(ChangeApp(development=True), house.app)
    await house.tenants.change(ChangeApp(features={Feature.ROAMING: True}), house.app)
    assert house.app.policy.development
    assert house.app.policy.has(Feature.PUSH)
    await house.tenants.change(ChangeApp(development=False), house.app)
    assert not house.app.policy.has(Feature.PUSH)


async def test_an_app_defines_its_own_types(house, tmp_path):
    """One that is named as None has the default again; what is not named stays, over a restart too."""  # R8
    gift = Flags(stored=True, counted=False, pushed=False, updates_last=True, offline=True)
    seen = Flags(stored=False, counted=False, pushed=False, updates_last=False)
    await house.tenants.change(ChangeApp(types={"app:gift": gift, "app:old": gift}), house.app)
    await house.tenants.change(ChangeApp(types={"app:seen": seen, "app:old": None, "app:never": None}), house.app)
    await house.tenants.change(ChangeApp(development=True), house.app)
    assert house.app.policy.types == {"app:gift": gift, "app:seen": seen}
    async with opened(tmp_path) as again:
        assert again.app.policy.types == house.app.policy.types


async def test_changes_at_the_same_time_do_not_undo_each_other(house):
    """Each is made of the app as it is, not as its caller found it."""  # G2 S9
    found = house.app
    await asyncio.gather(
        house.tenants.change(ChangeApp(features={Feature.PUSH: True}), found),
        house.tenants.change(ChangeApp(quotas={QuotaName.PUSH: UNLIMITED}), found),
        house.tenants.change(ChangeApp(development=True), found),
    )
    assert house.app.policy.has(Feature.PUSH)
    assert house.app.policy.quota(QuotaName.PUSH) == UNLIMITED
    assert house.app.policy.development
    assert house.app in await house.store.apps()


async def test_a_change_that_was_not_kept_has_no_effect(tmp_path):
    """The store comes first: a full one leaves the app as it was, here and after a restart."""
    async with opened(tmp_path):
        pass
    async with opened(tmp_path, writes_waiting_limit=0) as house:
        with pytest.raises(StoreBusyError):
            await house.tenants.change(ChangeApp(development=True), house.app)
        assert not house.app.policy.development


async def test_apps_are_listed_in_the_order_they_came(house):
    """A change does not move one."""
    await house.tenants.create(CreateApp(NEW))
    await house.tenants.change(ChangeApp(development=True), house.app)
    names = [str(app.name) for app in (await house.tenants.list()).apps]
    assert names == ["org/app", "org/new"]
    assert names == [str(app.name) for app in await house.store.apps()]


# --- hooks (S6) ----------------------------------------------------------------------------------------------------


async def test_a_hook_keeps_its_secret_until_it_is_given_another(house, tmp_path):
    """One that never had any gets a new one, which no other hook has."""  # S6
    made = await house.tenants.put_hook(MAIN, house.app)
    other = await house.tenants.put_hook(Hook("other", "http://other.example/", "native"), house.app)
    assert made == replace(MAIN, secret=made.secret)
    assert (made.secret.startswith("whsec_"), made.secret == other.secret) == (True, False)
    moved = replace(MAIN, url="http://moved.example/", form="netease", env="test", sources=frozenset({Source.CLIENT}))
    assert await house.tenants.put_hook(moved, house.app) == replace(moved, secret=made.secret)
    given = await house.tenants.put_hook(replace(moved, secret="mine"), house.app)
    assert given.secret == "mine"
    assert await house.tenants.put_hook(moved, house.app) == given
    async with opened(tmp_path) as again:
        assert again.app.policy.hooks == (given, other)


async def test_a_removed_hook_s_secret_is_forgotten(house):
    """One of the same name is another hook."""  # S6
    made = await house.tenants.put_hook(MAIN, house.app)
    assert await house.tenants.remove_hook("main", house.app) is None
    assert house.app.policy.hooks == ()
    assert (await house.tenants.put_hook(MAIN, house.app)).secret != made.secret


async def test_a_hook_that_there_is_not_cannot_be_removed(house):  # S6
    made = await house.tenants.put_hook(MAIN, house.app)
    refusal = await house.tenants.remove_hook("none", house.app)
    assert (refusal.code, refusal.subject, house.app.policy.hooks) == (Code.HOOK_UNKNOWN, "none", (made,))


async def test_an_app_has_twenty_hooks_and_no_more(house):
    """Those that it has can be changed all the same, and room for another is made by removing one."""  # S6
    for number in range(20):
        put = await house.tenants.put_hook(Hook(f"h{number}", f"http://h{number}.example/", "native"), house.app)
        assert isinstance(put, Hook)
    refusal = await house.tenants.put_hook(MAIN, house.app)
    assert (refusal.code, HOOKS_MAX, len(house.app.policy.hooks)) == (Code.HOOKS_TOO_MANY, 20, 20)
    changed = Hook("h7", "http://changed.example/", "native", "mine")
    assert await house.tenants.put_hook(changed, house.app) == changed
    assert await house.tenants.remove_hook("h0", house.app) is None
    assert (await house.tenants.put_hook(MAIN, house.app)).name == "main"


async def test_no_url_is_had_twice(house):
    """Whatever else parts the two; a hook may be put again with its own, and another app may have it, too."""  # S6
    made = await house.tenants.put_hook(MAIN, house.app)
    for second in (
        Hook("second", MAIN.url, "native"),
        Hook("second", MAIN.url, "netease", "mine", "test", frozenset({Source.CLIENT})),
    ):
        refusal = await house.tenants.put_hook(second, house.app)
        assert (refusal.code, refusal.field, house.app.policy.hooks) == (Code.FIELD_INVALID, "url", (made,))
    assert await house.tenants.put_hook(MAIN, house.app) == made
    new = (await house.tenants.create(CreateApp(NEW))).app
    assert (await house.tenants.put_hook(MAIN, new)).url == MAIN.url


@pytest.mark.parametrize(
    "change",
    [
        ChangeApp(features={Feature.PUSH: True}),
        ChangeApp(quotas={QuotaName.PUSH: UNLIMITED}),
        ChangeApp(development=True),
        ChangeApp(priorities=PrioritiesChange(frozenset({"txt"}))),
        ChangeApp(types={"app:seen": Flags(stored=False, counted=False, pushed=False, updates_last=False)}),
    ],
    ids=["features", "quotas", "development", "priorities", "types"],
)
async def test_other_changes_of_an_app_keep_its_hooks(house, tmp_path, change):
    """And a hook that comes or goes changes nothing else."""  # S6
    made = await house.tenants.put_hook(MAIN, house.app)
    policy = (await house.tenants.change(change, house.app)).app.policy
    assert policy.hooks == (made,)
    await house.tenants.remove_hook("main", house.app)
    assert house.app.policy == replace(policy, hooks=())
    assert await house.tenants.put_hook(replace(MAIN, secret=made.secret), house.app) == made
    async with opened(tmp_path) as again:
        assert again.app.policy == policy


async def test_hooks_that_come_at_the_same_time_are_all_there(house):
    """Each caller found the app without any; they are listed by their names, and only one has a URL."""  # S6
    found = house.app
    hooks = [Hook(name, f"http://{name}.example/", "native", "s") for name in ("c", "a", "b")]
    await asyncio.gather(*(house.tenants.put_hook(hook, found) for hook in hooks))
    assert [hook.name for hook in house.app.policy.hooks] == ["a", "b", "c"]
    rivals = [replace(MAIN, name=name) for name in ("x", "y")]
    answers = await asyncio.gather(*(house.tenants.put_hook(hook, found) for hook in rivals))
    assert [isinstance(answer, Hook) for answer in answers] == [True, False]


async def test_a_hook_that_was_not_kept_is_none(tmp_path):
    """The store comes first, here too."""  # S6
    async with opened(tmp_path):
        pass
    async with opened(tmp_path, writes_waiting_limit=0) as house:
        with pytest.raises(StoreBusyError):
            await house.tenants.put_hook(MAIN, house.app)
        assert house.app.policy.hooks == ()
