"""What is pushed, to whom, and what became of it, as laba's own callers write and read it (S8)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from laba.dialects.native import devices, providers
from laba.dialects.native.members import Members, compact_bytes, invalid
from laba.model.notification import Notification, Override
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
)
from laba.model.targets import TAGS_LIMIT, USERS_LIMIT, Targets

# Services take 4 KB in all; so much is left beside what laba adds.
NOTIFICATION_MAX_BYTES: Final = 3072
_BADGE_MAX: Final = 2**31 - 1
_LEVELS: Final = ("passive", "active", "time-sensitive", "critical")  # Apple: Generating a remote notification
PUSH_ACTIONS: Final[Mapping[str, JobState]] = MappingProxyType(
    {"pause": JobState.PAUSED, "resume": JobState.UNDER_WAY, "cancel": JobState.CANCELLED}
)

# --- what is pushed ------------------------------------------------------------------------------------------------


def notification(members: Members, name: str) -> Notification | None:
    """Read what a push shows; None where nothing is to be pushed."""
    if name not in members:
        return None
    given = members.members(name)
    if compact_bytes(given.plain()) > NOTIFICATION_MAX_BYTES:
        raise invalid(name, f"may have at most {NOTIFICATION_MAX_BYTES} bytes")
    others = _shown(given, Override())
    platforms = given.members("platforms")
    own = {platform.lower(): _shown(platforms.members(platform), others) for platform in platforms}
    if not all(one.silent or one.alert for one in (others, *own.values())):
        given.required("alert")
    return Notification(others.alert or "", others.title, own, replace(others, alert=None, title=None))


def _shown(given: Members, otherwise: Override) -> Override:
    """Read what is shown; each member that is not there is as it is otherwise."""
    return Override(
        alert=given.optional_text("alert"),
        extras=given.members("extras").plain() if "extras" in given else otherwise.extras,
        silent=given.optional_flag("silent", otherwise=otherwise.silent),
        title=given.optional_text("title"),
        options=_options(given.members("options")) if "options" in given else otherwise.options,
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
    package = members.bounded("package")
    everybody = members.optional_flag("everybody")
    if users and (tags or any_tags or package or everybody or platforms):
        raise invalid("users", "stand alone: tags, any_tags, package, everybody and platforms choose among all")
    if users:
        return Targets(users=frozenset(users))
    if everybody == bool(tags or any_tags or package):
        if everybody:
            raise invalid("everybody", "stands alone: tags, any_tags and package choose among all")
        raise invalid("users", "is missing: name users, tags, any_tags or a package, or set everybody to true")
    return Targets(None, frozenset(tags), frozenset(any_tags), package, platforms)


_COUNTED: Final = ("targeted", "sent", "accepted", "retried", "waiting")


def shown_pushes(reports: tuple[PushReport, ...]) -> dict[str, Any]:
    """Give how a push stands, with each provider and in all; nothing where there is none."""
    if not reports:
        return {}
    told = [_push(report) for report in reports]
    total = {name: sum(one[name] for one in told) for name in _COUNTED}
    rejected = sum(sum(one["rejected"].values()) for one in told)
    return {"push": {**total, "rejected": rejected, "providers": told}}


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


def _texts(members: Members, name: str, most: int) -> tuple[str, ...]:
    if name not in members:
        return ()
    listed = members.value(name)
    if not isinstance(listed, list) or len(listed) > most:
        raise invalid(name, f"must be a list of at most {most} strings")
    for at, one in enumerate(listed):
        if not isinstance(one, str) or not one:
            raise invalid(f"{name}[{at}]", "must be a string that is not empty")
    return tuple(dict.fromkeys(listed))


# --- what is answered ----------------------------------------------------------------------------------------------


def told(answer: PushAnswer) -> dict[str, Any]:
    match answer:
        case ProvidersShown(listed, reach, strays):
            shown = [providers.shown(one) for one in listed]
            return {"providers": shown, "devices": dict(reach), "strays": dict(strays)}
        case ProviderShown():
            return providers.shown(answer)
        case ProviderRemoved(name) | DeviceRemoved(name):
            return {"name": name}
        case ProviderChecked(name, fault, asked):
            return {"name": name, "ok": not fault, "fault": fault, "asked": asked}
        case DevicesShown(listed):
            return {"devices": [devices.shown(one) for one in listed]}
        case PushSet(dispatch_id, state, count):
            return {"id": str(dispatch_id), "state": state, "providers": count}
