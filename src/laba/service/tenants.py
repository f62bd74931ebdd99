"""Apps: creating them, changing what they may do, and the one snapshot that everything else reads."""

import asyncio
from base64 import urlsafe_b64encode
from uuid import UUID

from laba.model.app import DEFAULT_FEATURES, App, AppKeys, AppPolicy, Apps, Feature, QuotaName
from laba.model.calls import AppShown, AppsListed, ChangeApp, CreateApp, GetApp
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

    async def show(self, _call: GetApp, app: App) -> AppShown:
        return AppShown(app)

    async def list(self) -> AppsListed:
        return AppsListed(tuple(self.apps))

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
    policy = AppPolicy(
        features=frozenset[Feature]((app.policy.features | switched_on) - switched_off),
        quotas={**app.policy.quotas, **call.quotas},
        development=app.policy.development if call.development is None else call.development,
        priorities=call.priorities.applied(app.policy.priorities),
        types={name: flags for name, flags in types.items() if flags is not None},
    )
    return app.with_policy(policy)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
