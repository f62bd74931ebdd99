"""What laba asks and tells others, put together: the checker of texts, and the apps' own back ends."""

from collections.abc import Mapping
from types import MappingProxyType

from laba.adapters.moderation import CheckingModerator
from laba.adapters.store.sqlite import SqliteStore
from laba.config import Settings
from laba.dialects.easemob import callbacks as easemob
from laba.dialects.native import callbacks as native
from laba.dialects.neroom import callbacks as netease
from laba.dialects.rongcloud import callbacks as rongcloud
from laba.ports.letters import Courier, Scribe
from laba.protocols.envelope import envelope
from laba.providers.yidun import Account
from laba.service.ground import Ground
from laba.service.moderating import Moderating
from laba.service.postman import Postman, PostRules
from laba.service.tenants import Tenants

# The forms in which hooks are told, by the names that operators give them.
SCRIBES: Mapping[str, Scribe] = MappingProxyType(
    {
        "native": native.Told(envelope),
        "easemob": easemob.write,
        "rongcloud": rongcloud.write,
        "netease": netease.write,
    }
)


def postman_of(settings: Settings, store: SqliteStore, courier: Courier, tenants: Tenants, ground: Ground) -> Postman:
    callbacks = settings.callbacks
    rules = PostRules(
        callbacks.timeout_ms,
        callbacks.longest_wait_seconds * 1000,
        callbacks.give_up_seconds * 1000,
        callbacks.dead_days * 86_400_000,
        callbacks.waiting_limit,
        callbacks.max_receivers,
    )
    return Postman(store.letters, courier, tenants, SCRIBES, rules, ground)


def moderating_of(settings: Settings, store: SqliteStore, courier: Courier, ground: Ground) -> Moderating:
    moderation = settings.moderation
    checker = None
    if moderation.url:
        account = Account(moderation.url, moderation.secret_id, moderation.secret_key, moderation.business_id)
        checker = CheckingModerator(courier, account, ground, moderation.timeout_ms, moderation.max_checks)
    return Moderating(store.wordbook, checker, ground, reject_on_failure=moderation.on_failure == "reject")
