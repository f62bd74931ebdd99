"""What a message's `ext` says of the push that is made for it (E13); clients receive `ext` as it is.

No page that the seeds hold names the members of these objects: which are read is unverified, and docs/push.md lists
them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from laba.model.content import Content, Kind
from laba.model.notification import Notification, Override

IGNORE: Final = "em_ignore_notification"
COMMON: Final = "em_push_ext"
PLATFORMS: Final = MappingProxyType({"ios": "em_apns_ext", "android": "em_android_push_ext"})
_TITLES: Final = ("em_push_title", "title")
_TEXTS: Final = ("em_push_content", "content")
_OPTIONS: Final = MappingProxyType(
    {
        "em_push_sound": ("sound", str),
        "em_push_badge": ("badge", int),
        "em_push_category": ("category", str),
        "em_push_mutable_content": ("mutable", bool),
        "fcm_channel_id": ("channel", str),
    }
)
# What a push shows of a message that is no text, in the words of the other vendor's page (P10).
_SHOWN: Final = MappingProxyType(
    {Kind.IMG: "[图片]", Kind.AUDIO: "[语音]", Kind.VIDEO: "[小视频]", Kind.LOC: "[位置]", Kind.FILE: "[文件]"}
)


def notification(content: Content, ext: Mapping[str, Any] | None) -> Notification | None:
    """Say what a push shows of a message; None where it starts none: it is a command, or is to be ignored.

    What is not of its type is passed over: it says nothing of the message.
    """
    ext = ext or {}
    common = _object(ext, COMMON)
    alert = _first(common, _TEXTS) or _text_of(content)
    if not alert or content.kind is Kind.CMD or ext.get(IGNORE) is True:
        return None
    overrides = {platform: _override(_object(ext, name), common) for platform, name in PLATFORMS.items()}
    # Browsers have no words of their own there; what travels along does so to them, too.
    return Notification(alert, _first(common, _TITLES), {**overrides, "web": _override({}, common)})


def _text_of(content: Content) -> str:
    text = content.fields.get("text") if content.kind is Kind.TXT else None
    return text if isinstance(text, str) else _SHOWN.get(content.kind, "")


def _override(own: Mapping[str, Any], common: Mapping[str, Any]) -> Override:
    """Take what one platform shows; what is not known here travels along."""
    given = {**common, **own}
    options = {
        option: given[name]
        for name, (option, kind) in _OPTIONS.items()
        if isinstance(given.get(name), kind) and not (kind is int and isinstance(given[name], bool))
    }
    known = {*_TITLES, *_TEXTS, *_OPTIONS}
    extras = {name: value for name, value in given.items() if name not in known}
    return Override(_first(own, _TEXTS), extras, title=_first(own, _TITLES), options=options)


def _object(ext: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = ext.get(name)
    return value if isinstance(value, dict) else {}


def _first(own: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((own[name] for name in names if isinstance(own.get(name), str) and own[name]), None)
