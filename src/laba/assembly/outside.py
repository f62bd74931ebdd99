"""What laba asks and tells others, put together: the checker of texts, back ends of apps, and push services."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from laba.adapters.courier import HttpCourier
from laba.adapters.moderation import CheckingModerator
from laba.adapters.push.sender import PushSender, trusting
from laba.adapters.store.sqlite import SqliteStore
from laba.config import Settings
from laba.dialects.easemob import callbacks as easemob
from laba.dialects.native import callbacks as native
from laba.dialects.neroom import callbacks as netease
from laba.dialects.rongcloud import callbacks as rongcloud
from laba.ports import Presence, Reports
from laba.ports.letters import Courier, Scribe
from laba.ports.pushing import PushForm
from laba.protocols.envelope import envelope
from laba.providers.apns import ApnsForm
from laba.providers.fcm import FcmForm
from laba.providers.webpush import WebPushForm
from laba.providers.yidun import Account
from laba.service.ground import Ground
from laba.service.moderating import Moderating
from laba.service.postman import Postman, PostRules
from laba.service.pushdesk import PushDesk, Registry
from laba.service.pushing import Pushing
from laba.service.pushlanes import Tools
from laba.service.pushwalk import PushRules, PushWalk
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


# The services by which devices are pushed to, by the names that operators and clients give them.
FORMS: Mapping[str, PushForm] = MappingProxyType({"apns": ApnsForm(), "fcm": FcmForm(), "webpush": WebPushForm()})


class UnusableSettingError(Exception):
    """A setting names something in the world that will not do; the message says which, and why."""


@asynccontextmanager
async def push_tools(settings: Settings, ground: Ground) -> AsyncIterator[Tools]:
    """Be ready to push; on leaving all connections are closed."""
    push = settings.push
    ca_file = Path(push.ca_file) if push.ca_file else None
    # Each has its own: either says in it what it speaks, for every connection to come.
    async with (
        HttpCourier.open(_trusting(ca_file)) as fallback,
        PushSender.open(_trusting(ca_file), fallback, connections_max=push.max_connections) as sender,
    ):
        yield Tools(FORMS, sender, ground, push.timeout_ms, push.ramp_seconds * 1000)


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Give how services are trusted. Raises UnusableSettingError where the file will not do."""
    try:
        return trusting(ca_file)
    except ssl.SSLError as error:
        raise UnusableSettingError(f"push.ca_file: {ca_file} holds no certificate (PEM)") from error
    except OSError as error:
        raise UnusableSettingError(f"push.ca_file: {ca_file}: {error.strerror}") from error


def pushing_of(settings: Settings, store: SqliteStore, tenants: Tenants, presence: Presence, tools: Tools) -> Pushing:
    rules = PushRules(offline_ms(settings), settings.push.max_streams)
    return Pushing(store.pushes, tenants, PushWalk(store.pushes, store, tenants, presence, rules), tools)


def pushdesk_of(settings: Settings, pushing: Pushing, tools: Tools, registry: Registry, reports: Reports) -> PushDesk:
    hosts = tuple(settings.push.web_hosts.split(","))
    return PushDesk(pushing.tenants, pushing, tools, registry, reports, hosts)


def offline_ms(settings: Settings) -> int:
    """Give how long what is for all users waits for those who are away."""
    return settings.delivery.offline_days * 86_400_000


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
