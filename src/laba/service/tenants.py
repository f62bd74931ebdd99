"""Apps: creating them, changing what they may do, and the one snapshot that everything else reads."""

import asyncio
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from laba.model.app import DEFAULT_FEATURES, App, AppKeys, AppPolicy, Apps, Feature, QuotaName
from laba.model.calls import AppShown, AppsListed, ChangeApp, CreateApp, GetApp
from laba.model.hook import HOOKS_MAX, Hook
from laba.model.provider import PROVIDERS_MAX, Provider
from laba.model.quota import UNLIMITED
from laba.model.refusal import Code, Refusal
from laba.ports import Store
from laba.service.ground import Ground


class Tenants:
    """Holds the snapshot; a change is in the store before it is in the snapshot, and takes effect at once."""

    def __init__(self, store: Store, ground: Ground) -> None:
        self._store = store
        self._ground = ground
        self._changing = asyncio.Lock()
        self.apps = Apps()

    async def load(self) -> None:
        self.apps = Apps(await self._store.apps())

    async def create(self, call: CreateApp) -> AppShown | Refusal:
        features = DEFAULT_FEATURES if call.features is None else DEFAULT_FEATURES | call.features
        quotas = dict.fromkeys(QuotaName, UNLIMITED) if call.unlimited else {}
        app = App(
            uuid=str(UUID(bytes=self._ground.entropy(16), version=4)),
            name=call.name,
            keys=self._new_keys(),
            created_at_ms=self._ground.clock(),
            policy=AppPolicy(features, quotas),
        )
        if not await self._store.add_app(app):
            return Refusal(Code.APP_EXISTS, f"{call.name} exists already", subject=str(call.name))
        self.apps = self.apps.replacing(app)
        return AppShown(app, created=True)

    async def change(self, call: ChangeApp, app: App) -> AppShown:
        """Change the app as it is now: `app` may have been found before another change."""
        async with self._changing:
            changed = _changed(call, self.apps.with_uuid(app.uuid) or app)
            await self._store.change_app(changed)
            self.apps = self.apps.replacing(changed)
        return AppShown(changed)

    async def put_hook(self, hook: Hook, app: App) -> Hook | Refusal:
        """Have a hook, in place of one of its name. Without a secret it keeps the one it had, or gets a new one."""
        async with self._changing:
            now = self.apps.with_uuid(app.uuid) or app
            before = {one.name: one for one in now.policy.hooks}
            if hook.name not in before and len(before) >= HOOKS_MAX:
                return Refusal(Code.HOOKS_TOO_MANY, f"{app.name} has {HOOKS_MAX} hooks already: no more")
            if any(one.url == hook.url and one.name != hook.name for one in before.values()):
                return Refusal(Code.FIELD_INVALID, "url is another hook's of the app", field="url")
            kept = before[hook.name].secret if hook.name in before else ""
            put = replace(hook, secret=hook.secret or kept or self._new_secret())
            await self._replace(now, {**before, put.name: put})
        return put

    async def remove_hook(self, name: str, app: App) -> Refusal | None:
        """Have a hook no more."""
        async with self._changing:
            now = self.apps.with_uuid(app.uuid) or app
            left = {one.name: one for one in now.policy.hooks if one.name != name}
            if len(left) == len(now.policy.hooks):
                return Refusal(Code.HOOK_UNKNOWN, f"{app.name} has no hook {name}", subject=name)
            await self._replace(now, left)
        return None

    async def put_provider(self, provider: Provider, app: App) -> Refusal | None:
        """Have a push provider, in place of one of its name."""
        async with self._changing:
            now = self.apps.with_uuid(app.uuid) or app
            others = {one.name: one for one in now.policy.providers if one.name != provider.name}
            if len(others) >= PROVIDERS_MAX:
                reason = f"{app.name} has {PROVIDERS_MAX} push providers already: no more"
                return Refusal(Code.PROVIDERS_TOO_MANY, reason)
            rival = next((one.name for one in others.values() if one.serves == provider.serves), None)
            if rival is not None:
                reason = f"package is that of the provider {rival} already"
                return Refusal(Code.FIELD_INVALID, reason, field="package")
            await self._provided(now, {**others, provider.name: provider})
        return None

    async def remove_provider(self, name: str, app: App) -> Refusal | None:
        """Have a push provider no more."""
        async with self._changing:
            now = self.apps.with_uuid(app.uuid) or app
            if now.policy.provider(name) is None:
                return Refusal(Code.PROVIDER_UNKNOWN, f"{app.name} has no push provider {name}", subject=name)
            await self._provided(now, {one.name: one for one in now.policy.providers if one.name != name})
        return None

    async def _provided(self, app: App, providers: Mapping[str, Provider]) -> None:
        """Have these providers, and no others."""
        listed = tuple(providers[name] for name in sorted(providers))
        await self._keep(app.with_policy(replace(app.policy, providers=listed)))

    async def _replace(self, app: App, hooks: Mapping[str, Hook]) -> None:
        """Have these hooks, and no others."""
        listed = tuple(hooks[name] for name in sorted(hooks))
        await self._keep(app.with_policy(replace(app.policy, hooks=listed)))

    async def _keep(self, changed: App) -> None:
        await self._store.change_app(changed)
        self.apps = self.apps.replacing(changed)

    async def show(self, _call: GetApp, app: App) -> AppShown:
        return AppShown(app)

    async def list(self) -> AppsListed:
        return AppsListed(tuple(self.apps))

    def _new_secret(self) -> str:
        """Make a hook's secret as Standard Webhooks writes them (standardwebhooks.com)."""
        return f"whsec_{b64encode(self._ground.entropy(24)).decode()}"

    def _new_keys(self) -> AppKeys:
        entropy = self._ground.entropy
        return AppKeys(
            app_id=entropy(16).hex(),
            app_certificate=entropy(16).hex(),
            app_key=entropy(8).hex(),
            app_secret=entropy(16).hex(),
            client_id=_text(entropy(16)),
            client_secret=_text(entropy(24)),
            token_key=entropy(32),
        )


def _changed(call: ChangeApp, app: App) -> App:
    switched_on = {feature for feature, on in call.features.items() if on}
    switched_off = {feature for feature, on in call.features.items() if not on}
    types = {**app.policy.types, **call.types}
    policy = replace(
        app.policy,
        features=frozenset[Feature]((app.policy.features | switched_on) - switched_off),
        quotas={**app.policy.quotas, **call.quotas},
        development=app.policy.development if call.development is None else call.development,
        priorities=call.priorities.applied(app.policy.priorities),
        types={name: flags for name, flags in types.items() if flags is not None},
    )
    return app.with_policy(policy)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
