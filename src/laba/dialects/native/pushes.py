"""Push providers, devices, and what is pushed, as laba's own callers write and read them (S2, S8)."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, Final

import msgspec

from laba.dialects.native.members import Members, compact_bytes, invalid
from laba.model.device import Address, Registration
from laba.model.notification import Notification, Override
from laba.model.provider import Account, Provider
from laba.model.push import JobState, PushReport
from laba.model.pushcalls import (
    DeviceRemoved,
    DevicesShown,
    ProviderChecked,
    ProviderRemoved,
    ProviderShown,
    ProvidersShown,
    PushAnswer,
    PushSet,
    PutDevice,
    PutProvider,
    RemoveDevice,
)
from laba.model.targets import TAGS_LIMIT, USERS_LIMIT, Targets

TEXT_MAX: Final = 256
# As long as a client may name them when it connects.
DEVICE_MAX: Final = 64
PLATFORM_MAX: Final = 32
PACKAGE_MAX: Final = 128
KEY_MAX: Final = 16_384
TOKEN_MAX: Final = 4096
RATE_MAX: Final = 100_000
# Services take 4 KB in all; so much is left beside what laba adds.
NOTIFICATION_MAX_BYTES: Final = 3072
# fcm asks to stay below 600,000 a minute, and to begin gently (FCM: throttling and scaling).
_FCM_PER_SECOND: Final = 5000
_BADGE_MAX: Final = 2**31 - 1
_LEVELS: Final = ("passive", "active", "time-sensitive", "critical")  # Apple: Generating a remote notification
_LOCALE: Final = re.compile(r"[A-Za-z0-9]{1,8}([-_][A-Za-z0-9]{1,8})*")
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
# What goes into headers, paths and claims as it is.
_WORD: Final = re.compile(r"[!-~]*")
_URL: Final = re.compile(r"https?://[!-~]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
PUSH_ACTIONS: Final[Mapping[str, JobState]] = MappingProxyType(
    {"pause": JobState.PAUSED, "resume": JobState.UNDER_WAY, "cancel": JobState.CANCELLED}
)

# --- providers -----------------------------------------------------------------------------------------------------


def put(members: Members, name: str, kinds: AbstractSet[str]) -> PutProvider:
    """Read a provider; `kinds` are those that laba can speak to."""
    kind = members.text("kind")
    if kind not in kinds:
        raise invalid("kind", f"must be one of {', '.join(sorted(kinds))}")
    rate = members.integer("per_second", 0, RATE_MAX) if "per_second" in members else _RATES.get(kind, 0)
    account = _ACCOUNTS[kind](members)
    serves = (_word(members, "package"), _word(members, "topic"), _flag(members, "sandbox"))
    try:
        return PutProvider(Provider(name, kind, account, *serves, rate))
    except ValueError as error:
        raise invalid("url" if "URL" in str(error) else "name", f"will not do: {error}") from error


def _apns(members: Members) -> Account:
    owner, key_id = _required(members, "team_id"), _required(members, "key_id")
    if "package" not in members and "topic" not in members:
        raise invalid("topic", "is missing, and so is package: one of them names the app (its bundle id)")
    return Account(_key(members, "key"), key_id, owner, _word(members, "url"))


def _fcm(members: Members) -> Account:
    """Take the service account's file as it is, under `service_account`."""
    file = members.members("service_account")
    email, project = _required(file, "client_email"), _required(file, "project_id")
    token_url = _word(file, "token_uri")
    if token_url and not _URL.fullmatch(token_url):
        raise invalid(file.path("token_uri"), "must be http:// or https:// with a host")
    return Account(_key(file, "private_key"), email, project, _word(members, "url"), token_url)


def _web_push(members: Members) -> Account:
    subject = _required(members, "subject")
    if not subject.startswith(("mailto:", "https://")):
        raise invalid("subject", "must be a mailto: or https: address (RFC 8292)")
    return Account(_key(members, "key"), subject)


_ACCOUNTS: Final[Mapping[str, Callable[[Members], Account]]] = {"apns": _apns, "fcm": _fcm, "webpush": _web_push}
_RATES: Final = {"fcm": _FCM_PER_SECOND}


def _shown(shown: ProviderShown) -> dict[str, Any]:
    provider, account = shown.provider, shown.provider.account
    by_kind: dict[str, dict[str, Any]] = {
        "apns": {"team_id": account.owner, "key_id": account.id},
        "fcm": {"project_id": account.owner, "client_email": account.id},
        "webpush": {"subject": account.id, "public_key": shown.public_key},
    }
    return {
        "name": provider.name,
        "kind": provider.kind,
        "package": provider.package,
        "topic": provider.topic,
        "sandbox": provider.sandbox,
        "per_second": provider.per_second,
        "url": account.url,
        **by_kind[provider.kind],
        "fault": shown.fault,
    }


# --- devices -------------------------------------------------------------------------------------------------------


def put_device(members: Members, user: str, device: str | None, kinds: AbstractSet[str]) -> PutDevice:
    """Read a device. A token is text, or the subscription of a browser as it gives it."""
    if device is not None and (len(device) > DEVICE_MAX or _CONTROL.search(device)):
        raise invalid("device", f"may have at most {DEVICE_MAX} characters, and no control characters")
    locale, time_zone = _bounded(members, "locale"), _bounded(members, "time_zone")
    if locale is not None and not _LOCALE.fullmatch(locale):
        raise invalid("locale", "must be a language tag, such as zh-CN (BCP 47)")
    if time_zone is not None and not _ZONE.fullmatch(time_zone):
        raise invalid("time_zone", "must be a name of the IANA database, such as Asia/Shanghai")
    about = (_bounded(members, "platform", PLATFORM_MAX), _bounded(members, "package", PACKAGE_MAX))
    return PutDevice(user, device, *about, _address(members, kinds), locale, time_zone)


def _address(members: Members, kinds: AbstractSet[str]) -> Address | None:
    sandbox = _flag(members, "sandbox")
    if "provider" not in members and "token" not in members:
        return None
    kind = members.text("provider")
    if kind not in kinds:
        raise invalid("provider", f"must be one of {', '.join(sorted(kinds))}")
    given = members.required("token")
    if not isinstance(given, str | dict):
        raise invalid("token", "must be a string, or the subscription of a browser")
    token = given if isinstance(given, str) else msgspec.json.encode(given).decode()
    if not 0 < len(token) <= TOKEN_MAX:
        raise invalid("token", f"must have 1 to {TOKEN_MAX} characters")
    return Address(kind, token, sandbox)


def remove_device(user: str, device: str | None) -> RemoveDevice:
    return RemoveDevice(user, device)


def _device(registration: Registration) -> dict[str, Any]:
    """Show a device without its token, which is a secret of its owner's."""
    address = registration.address
    return {
        "device": registration.device.seat.device,
        "platform": registration.device.platform,
        "package": registration.device.package,
        "provider": None if address is None else address.kind,
        "sandbox": address is not None and address.sandbox,
        "locale": registration.locale,
        "time_zone": registration.time_zone,
        "registered_at": registration.registered_at_ms or None,
        "dead": registration.dead,
    }


# --- what is pushed ------------------------------------------------------------------------------------------------


def notification(members: Members, name: str) -> Notification | None:
    """Read what a push shows; None where nothing is to be pushed."""
    if name not in members:
        return None
    given = members.members(name)
    if compact_bytes(given.plain()) > NOTIFICATION_MAX_BYTES:
        raise invalid(name, f"may have at most {NOTIFICATION_MAX_BYTES} bytes")
    platforms = given.members("platforms")
    overrides = {platform.lower(): _override(platforms.members(platform)) for platform in platforms}
    return Notification(given.text("alert"), given.optional_text("title"), overrides)


def _override(own: Members) -> Override:
    return Override(
        alert=own.optional_text("alert"),
        extras=own.members("extras").plain(),
        silent=_flag(own, "silent"),
        title=own.optional_text("title"),
        options=_options(own.members("options")),
    )


def _options(given: Members) -> dict[str, Any]:
    for name in given:
        if name not in _OPTIONS:
            raise invalid(given.path(name), f"is none of {', '.join(sorted(_OPTIONS))}")
        _OPTIONS[name](given, name)
    return given.plain()


def _level(given: Members, name: str) -> None:
    if given.text(name) not in _LEVELS:
        raise invalid(given.path(name), f"must be one of {', '.join(_LEVELS)}")


def _sound(given: Members, name: str) -> None:
    """Take a sound's name; `null` is for none at all."""
    if given.value(name) is not None:
        given.text(name)


# Each refuses what is not of its type.
_OPTIONS: Final[Mapping[str, Callable[[Members, str], Any]]] = MappingProxyType(
    {
        "sound": _sound,
        "badge": lambda given, name: given.integer(name, 0, _BADGE_MAX),
        "category": Members.text,
        "thread": Members.text,
        "mutable": Members.flag,
        "interruption": _level,
        "channel": Members.text,
        "image": Members.text,
    }
)


def targets(members: Members) -> Targets:
    """Read whom a push is for: users by name, or by criteria that must all hold, or everybody."""
    platforms = frozenset(name.lower() for name in _texts(members, "platforms", TAGS_LIMIT))
    users = _texts(members, "users", USERS_LIMIT)
    tags, any_tags = _texts(members, "tags", TAGS_LIMIT), _texts(members, "any_tags", TAGS_LIMIT)
    package = _bounded(members, "package")
    everybody = _flag(members, "everybody")
    if users and (tags or any_tags or package or everybody or platforms):
        raise invalid("users", "stand alone: tags, any_tags, package, everybody and platforms choose among all")
    if users:
        return Targets(users=frozenset(users))
    if everybody == bool(tags or any_tags or package):
        raise invalid("users", "is missing: name users, tags, any_tags or a package, or set everybody to true")
    return Targets(None, frozenset(tags), frozenset(any_tags), package, platforms)


_COUNTED: Final = ("targeted", "sent", "accepted", "retried", "waiting")


def shown_pushes(reports: tuple[PushReport, ...]) -> dict[str, Any]:
    """Give how a push stands, with each provider and in all; nothing where there is none."""
    if not reports:
        return {}
    providers = [_push(report) for report in reports]
    total = {name: sum(one[name] for one in providers) for name in _COUNTED}
    rejected = sum(sum(one["rejected"].values()) for one in providers)
    return {"push": {**total, "rejected": rejected, "providers": providers}}


def _push(report: PushReport) -> dict[str, Any]:
    counts = report.counts
    return {
        "provider": report.provider,
        "state": report.state,
        "targeted": counts.targeted,
        "sent": counts.sent,
        "accepted": counts.accepted,
        "rejected": dict(counts.rejected),
        "retried": counts.retried,
        "waiting": report.waiting,
        "fault": report.fault,
    }


# --- what is answered ----------------------------------------------------------------------------------------------


def told(answer: PushAnswer) -> dict[str, Any]:
    match answer:
        case ProvidersShown(providers, reach):
            return {"providers": [_shown(one) for one in providers], "devices": dict(reach)}
        case ProviderShown():
            return _shown(answer)
        case ProviderRemoved(name) | DeviceRemoved(name):
            return {"name": name}
        case ProviderChecked(name, fault):
            return {"name": name, "ok": not fault, "fault": fault}
        case DevicesShown(devices):
            return {"devices": [_device(one) for one in devices]}
        case PushSet(dispatch_id, state, providers):
            return {"id": str(dispatch_id), "state": state, "providers": providers}


def _required(members: Members, name: str) -> str:
    members.text(name)
    return _word(members, name)


def _word(members: Members, name: str) -> str:
    """Take what a service is told as it is; an absent one is empty."""
    word = _bounded(members, name) or ""
    if not _WORD.fullmatch(word):
        raise invalid(members.path(name), "may have printable characters of ASCII only, and no spaces")
    return word


def _key(members: Members, name: str) -> str:
    key = members.optional_text(name) or ""
    if len(key) > KEY_MAX:
        raise invalid(members.path(name), f"may have at most {KEY_MAX} characters")
    return key


def _bounded(members: Members, name: str, most: int = TEXT_MAX) -> str | None:
    text = members.optional_text(name)
    if text is not None and (len(text) > most or _CONTROL.search(text)):
        raise invalid(members.path(name), f"may have at most {most} characters, and no control characters")
    return text


def _flag(members: Members, name: str) -> bool:
    return members.flag(name) if name in members else False


def _texts(members: Members, name: str, most: int) -> tuple[str, ...]:
    if name not in members:
        return ()
    listed = members.value(name)
    if not isinstance(listed, list) or len(listed) > most:
        raise invalid(name, f"must be a list of at most {most}")
    for at, one in enumerate(listed):
        if not isinstance(one, str) or not one:
            raise invalid(f"{name}[{at}]", "must be a string that is not empty")
    return tuple(dict.fromkeys(listed))
