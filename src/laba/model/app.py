"""An app: the tenant that broadcasts, its names, its keys and what it may do."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from laba.model.flags import Flags
from laba.model.hook import Hook
from laba.model.priorities import Priorities
from laba.model.provider import Provider
from laba.model.quota import UNLIMITED, Quota

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

# First path segments that laba serves itself; an organisation of that name could never be reached.
RESERVED_ORGS = frozenset(
    {
        "v1",
        "app-id",
        "connection",
        "emulation",
        "console",
        "docs",
        "health",
        "ready",
        "metrics",
        "websocket",
        "ws",
        # Under these a dialect claims every path, whatever is called (G4).
        "im",
        "neroom",
        "nimserver",
    }
)


class Feature(StrEnum):
    """What an operator switches per app without a restart (G2).

    `room_cap` makes the budgets of the app's rooms bind at all times, not only under pressure (design.md section 7).
    `signature_time` refuses signed calls whose time is off, `signature_once` also those that come twice (S10).
    `word_filter` rejects messages that hold a word of the app's list, `text_check` has them judged by the configured
    checker (S7). `message_push` has who is not online pushed to for messages that by themselves start no push (E13).
    """

    USERS_BROADCAST = "users_broadcast"
    ALL_USERS_BROADCAST = "all_users_broadcast"
    CHATROOMS_BROADCAST = "chatrooms_broadcast"
    ONLINE_BROADCAST = "online_broadcast"
    PUSH = "push"
    NEROOM_BROADCAST = "neroom_broadcast"
    ROAMING = "roaming"
    ROOM_CAP = "room_cap"
    SIGNATURE_TIME = "signature_time"
    SIGNATURE_ONCE = "signature_once"
    WORD_FILTER = "word_filter"
    TEXT_CHECK = "text_check"
    MESSAGE_PUSH = "message_push"


class QuotaName(StrEnum):
    """What is counted per app: one quota per sending feature, three for rooms, and those of other calls (S9)."""

    USERS_BROADCAST = "users_broadcast"
    ALL_USERS_BROADCAST = "all_users_broadcast"
    CHATROOMS_BROADCAST = "chatrooms_broadcast"
    ONLINE_BROADCAST = "online_broadcast"
    PUSH = "push"
    NEROOM_BROADCAST = "neroom_broadcast"
    NIM_BROADCAST = "nim_broadcast"
    ROOM_MESSAGES = "room_messages"
    ROOM_CALLS = "room_calls"
    DIRECTED_CALLS = "directed_calls"
    ROOM_NOTICES = "room_notices"
    SYSTEM_MESSAGES = "system_messages"
    RECALLS = "recalls"


DEFAULT_FEATURES = frozenset({Feature.NEROOM_BROADCAST})

# The vendors' own limits: A3, V1, A8, R2, P2, N9, E3, E10, vendor-apis.md 3.2 and 3.3; `recalls` is laba's.
DEFAULT_QUOTAS: Mapping[QuotaName, Quota] = MappingProxyType(
    {
        QuotaName.USERS_BROADCAST: Quota.parse("1/minute,50/day"),
        QuotaName.ALL_USERS_BROADCAST: Quota.parse("1/30minutes,3/day"),
        QuotaName.CHATROOMS_BROADCAST: Quota.parse("10/minute,100/day"),
        QuotaName.ONLINE_BROADCAST: Quota.parse("60/minute"),
        QuotaName.PUSH: Quota.parse("2/hour,3/day"),
        QuotaName.NEROOM_BROADCAST: UNLIMITED,
        QuotaName.NIM_BROADCAST: Quota.parse("10/minute"),
        QuotaName.ROOM_MESSAGES: Quota.parse("100/second"),
        QuotaName.ROOM_CALLS: Quota.parse("20/second"),
        QuotaName.DIRECTED_CALLS: Quota.parse("100/second"),
        QuotaName.ROOM_NOTICES: Quota.parse("1/second"),
        QuotaName.SYSTEM_MESSAGES: Quota.parse("100/second"),
        QuotaName.RECALLS: Quota.parse("100/second"),
    }
)


class Want(NamedTuple):
    """What a call takes from one quota: so many of what that counts."""

    name: QuotaName
    quota: Quota
    amount: int = 1


@dataclass(frozen=True, slots=True, order=True)
class AppName:
    """`org_name/app_name`, the name an operator types."""

    org: str
    app: str

    def __post_init__(self) -> None:
        for part in (self.org, self.app):
            if not _NAME.fullmatch(part):
                raise ValueError(
                    f"{part!r} is no name: 1 to 64 of A-Z a-z 0-9 _ . - are allowed, beginning with a letter or digit"
                )
        if self.org in RESERVED_ORGS:
            raise ValueError(f"{self.org!r} cannot name an organisation: laba serves paths of its own under it")

    @classmethod
    def parse(cls, text: str) -> "AppName":
        """Read `ORG/APP`; ValueError says what is wrong."""
        org, slash, app = text.partition("/")
        if not slash:
            raise ValueError(f"{text!r} is no app name: write ORG/APP")
        return cls(org, app)

    def __str__(self) -> str:
        return f"{self.org}/{self.app}"


@dataclass(frozen=True, slots=True)
class AppKeys:
    """What proves that a caller may act for the app. Never logged: the repr shows no secret."""

    app_id: str
    app_key: str
    client_id: str
    app_certificate: str = field(repr=False)
    app_secret: str = field(repr=False)
    client_secret: str = field(repr=False)
    token_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppPolicy:
    """What the operator has switched on, and how often it may be used. An absent quota is the default one.

    `types` are the properties of the message types that the app has defined itself, by name (R8). `hooks` are told of
    its messages (S6); no two have a name or a URL in common. By `providers` its devices are pushed to (S8).
    """

    features: frozenset[Feature] = DEFAULT_FEATURES
    quotas: Mapping[QuotaName, Quota] = field(default_factory=dict)
    development: bool = False
    priorities: Priorities = field(default_factory=Priorities)
    types: Mapping[str, Flags] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()
    providers: tuple[Provider, ...] = ()

    def __post_init__(self) -> None:
        for what in ("name", "url"):
            if len({getattr(hook, what) for hook in self.hooks}) < len(self.hooks):
                raise ValueError(f"an app has no two hooks of one {what}")
        for taken in ([one.name for one in self.providers], [one.serves for one in self.providers]):
            if len(set(taken)) < len(taken):
                raise ValueError("an app has no two providers of one name, or for the same devices")

    def provider(self, name: str) -> Provider | None:
        return next((one for one in self.providers if one.name == name), None)

    def has(self, feature: Feature) -> bool:
        """Tell whether the feature is on; `push` is always on in development (G2)."""
        return feature in self.features or (self.development and feature is Feature.PUSH)

    def quota(self, name: QuotaName) -> Quota:
        return self.quotas.get(name, DEFAULT_QUOTAS[name])

    def want(self, name: QuotaName, amount: int = 1) -> Want:
        return Want(name, self.quota(name), amount)


@dataclass(frozen=True, slots=True)
class App:
    """One tenant. `uuid` is the name that never changes (the vendors' `application`)."""

    uuid: str
    name: AppName
    keys: AppKeys
    created_at_ms: int
    policy: AppPolicy = AppPolicy()

    def with_policy(self, policy: AppPolicy) -> "App":
        return replace(self, policy=policy)


class Apps:
    """Every app, as one snapshot that is replaced whole when one of them changes."""

    __slots__ = ("_by_app_id", "_by_app_key", "_by_client_id", "_by_name", "_by_uuid")

    def __init__(self, apps: tuple[App, ...] = ()) -> None:
        self._by_name = {app.name: app for app in apps}
        self._by_app_id = {app.keys.app_id: app for app in apps}
        self._by_app_key = {app.keys.app_key: app for app in apps}
        self._by_client_id = {app.keys.client_id: app for app in apps}
        self._by_uuid = {app.uuid: app for app in apps}

    def __iter__(self) -> Iterator[App]:
        return iter(self._by_name.values())

    def named(self, org: str, app: str) -> App | None:
        try:
            return self._by_name.get(AppName(org, app))
        except ValueError:
            return None

    def with_app_id(self, app_id: str) -> App | None:
        return self._by_app_id.get(app_id)

    def with_app_key(self, app_key: str) -> App | None:
        return self._by_app_key.get(app_key)

    def with_client_id(self, client_id: str) -> App | None:
        return self._by_client_id.get(client_id)

    def with_uuid(self, uuid: str) -> App | None:
        return self._by_uuid.get(uuid)

    def replacing(self, app: App) -> "Apps":
        """Give the next snapshot, in which `app` stands in place of the one with its uuid, or at the end."""
        by_uuid = {**self._by_uuid, app.uuid: app}
        return Apps(tuple(by_uuid.values()))
