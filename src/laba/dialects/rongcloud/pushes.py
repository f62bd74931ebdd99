"""Pushes as JSON: with a message, or a notification alone (P1-P11, V2, vendor-apis.md 3.2)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from laba.dialects.rongcloud.audience import chosen
from laba.dialects.rongcloud.contents import SIZE_LIMIT_BYTES, Said, said
from laba.dialects.rongcloud.faults import empty, invalid
from laba.dialects.rongcloud.members import Members, members
from laba.dialects.rongcloud.messages import silenced, submitted
from laba.dialects.strictjson import parse
from laba.model.app import App, Feature, QuotaName
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, ConversationType, Submission
from laba.model.flags import Flags
from laba.model.notification import Notification, Override
from laba.model.targets import Targets
from laba.model.user import USERNAME_MAX_BYTES

USERS_MAX: Final = 100  # vendor-apis.md 3.2, push/user
PLATFORMS: Final = ("ios", "android")
# vendor-apis.md 3.2: of `ios`, and of `android.fcm`.
_OPTIONS: Final[Mapping[str, tuple[str, type]]] = {
    "badge": ("badge", int),
    "category": ("category", str),
    "thread-id": ("thread", str),
    "interruption-level": ("interruption", str),
    "channelId": ("channel", str),
    "image": ("image", str),
}
_NOTHING: Final = Flags(stored=False, counted=False, pushed=False, updates_last=False)


def push(body: bytes, app: App) -> Submission:
    """Read a push. Without `message` and `fromuserid` it is its notification alone (P11).

    Of several faults the first in this order is named: `audience`, `platform`, `fromuserid`, `message`,
    `notification`.
    """
    asked = members(body)
    audience, targets = chosen(asked)
    if asked.value("message") is None and not asked.value("fromuserid"):
        return _to_devices(_notification(asked.members("notification"), "alert"), targets)
    sender = asked.text("fromuserid", USERNAME_MAX_BYTES)
    inner = asked.members("message")
    told = said(inner.filled("objectName"), _content(inner), app, inner.path(""))
    flags = silenced(told.flags, disabled=inner.flag("disableUpdateLastMsg"))
    return replace(
        submitted(sender, told, flags),
        audience=audience,
        targets=targets,
        feature=Feature.PUSH,
        quota=QuotaName.PUSH,
        conversation=ConversationType.SYSTEM,
        notification=_beside(asked.optional_members("notification"), told),
    )


def push_to_users(body: bytes, _app: App) -> Submission:
    """Read a notification for users by name; its text is called `pushContent` here."""
    asked = members(body)
    users = asked.required_texts("userIds", USERS_MAX, USERNAME_MAX_BYTES)
    notification = _notification(asked.members("notification"), "pushContent")
    return _to_devices(notification, Targets(users=frozenset(users)))


def push_to_devices(body: bytes, _app: App) -> Submission:
    """Read a notification for whom `audience` chooses."""
    asked = members(body)
    _, targets = chosen(asked)
    return _to_devices(_notification(asked.members("notification"), "alert"), targets)


def _content(message: Members) -> str | Mapping[str, Any]:
    """Take the content: text, as the vendor's page has it, or the JSON object itself."""
    content = message.value("content")
    return content if isinstance(content, dict) else message.filled("content")


def _to_devices(notification: Notification, targets: Targets) -> Submission:
    """Give a push that is no message: nobody sent it, and no session gets it (P11)."""
    return Submission(
        sender="",
        content=Content(Kind.TXT, {"text": notification.alert}),
        flags=_NOTHING,
        audience=Audience.DEVICES,
        feature=Feature.PUSH,
        quota=QuotaName.PUSH,
        size_bytes=len(notification.alert.encode()),
        size_limit_bytes=SIZE_LIMIT_BYTES,
        conversation=ConversationType.SYSTEM,
        targets=targets,
        notification=notification,
    )


def _beside(given: Members | None, told: Said) -> Notification | None:
    """Take a message's notification; without one its type's own text is pushed, if the type is (P6)."""
    if given is not None:
        return _notification(given, "alert")
    return Notification(told.push_text) if told.push_text and told.flags.pushed else None


def _notification(given: Members, alert: str) -> Notification:
    """Read a notification. What it has beside these members is accepted and ignored (P6, G5).

    Of the newer SDKs' members (vendor-apis.md 3.2) those are taken that a service of laba's can show.
    """
    text = given.filled(alert)
    overrides = {name: _override(given, name) for name in PLATFORMS}
    return Notification(
        text, given.optional("title"), {name: one for name, one in overrides.items() if one is not None}
    )


def _override(given: Members, platform: str) -> Override | None:
    own = given.optional_members(platform)
    if own is None:
        return None
    if own.value("alert") == "":
        raise empty(own.path("alert"))
    silent = own.value("contentAvailable")
    if silent is not None and (silent not in (0, 1) or isinstance(silent, bool)):
        raise invalid(own.path("contentAvailable"), "must be 0 or 1")
    # Only iOS knows a silent push (P6).
    return Override(
        own.optional("alert"),
        _extras(own),
        silent=silent == 1 and platform == "ios",
        title=own.optional("title"),
        options=_options(own),
    )


def _options(own: Members) -> Mapping[str, Any]:
    """Take what else is shown; what is not of its type is passed over, like what is not known."""
    fcm = own.value("fcm")
    given = {name: own.value(name) for name in _OPTIONS} | (fcm if isinstance(fcm, dict) else {})
    return {
        option: given[name]
        for name, (option, kind) in _OPTIONS.items()
        if isinstance(given.get(name), kind) and not isinstance(given[name], bool)
    }


def _extras(own: Members) -> Mapping[str, Any]:
    """Take what travels along: an object, or its JSON as a string (P6); none where it is empty."""
    extras = own.value("extras")
    if extras is None or extras == "":
        return {}
    try:
        value = parse(extras) if isinstance(extras, str) else extras
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise invalid(own.path("extras"), "must be an object, or a string that holds one")
    return value
