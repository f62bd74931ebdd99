"""Messages as forms: broadcasts, those to rooms and to users, and their recall (R1-R9, V2, vendor-apis.md 3.2)."""

from dataclasses import replace
from typing import Final

from laba.dialects import groupedids
from laba.dialects.rongcloud.contents import SIZE_LIMIT_BYTES, Said, said
from laba.dialects.rongcloud.faults import invalid
from laba.dialects.rongcloud.forms import Form, form
from laba.model.app import App, Feature, QuotaName
from laba.model.dispatch import Audience, ConversationType, Submission
from laba.model.flags import Flags
from laba.model.notification import Notification, Override
from laba.model.recordcalls import Recall
from laba.model.targets import Targets
from laba.model.user import USERNAME_MAX_BYTES

ROOM_ID_MAX_BYTES: Final = 64
# The vendor names no bound; each of them counts as a message (E3).
ROOMS_MAX: Final = 100
USERS_MAX: Final = 100  # vendor-apis.md 3.2, system/publish
# Broadcasts to all users, and what /push.json sent, as the vendor's page of that endpoint says
# (docs.rongcloud.cn/platform-chat-api/system/recall-message-broadcast-to-all); never what was for who is online (R9).
RECALLABLE: Final = frozenset({Audience.ALL_USERS, Audience.TARGETS})


def online_broadcast(body: bytes, app: App) -> Submission:
    """Read a broadcast to who is online, and for types that wait to who comes soon after (R1, R2, R5).

    `msgRandom` and other fields are accepted and ignored (R2, G5).
    """
    message, _ = _message(form(body), app)
    return replace(
        message,
        audience=Audience.RECENT_USERS if message.flags.offline else Audience.ONLINE_USERS,
        feature=Feature.ONLINE_BROADCAST,
        quota=QuotaName.ONLINE_BROADCAST,
        counts_first=True,
        conversation=ConversationType.SYSTEM,
    )


def all_users_broadcast(body: bytes, app: App) -> Submission:
    """Read a broadcast to all users, offline ones included where the type waits (V2)."""
    fields = form(body)
    message, told = _message(fields, app)
    return replace(
        message,
        audience=Audience.ALL_USERS if message.flags.offline else Audience.ONLINE_USERS,
        feature=Feature.PUSH,
        quota=QuotaName.PUSH,
        conversation=ConversationType.SYSTEM,
        notification=_notification(fields, told),
    )


def system_message(body: bytes, app: App) -> Submission:
    """Read a message to users by name."""
    fields = form(body)
    message, told = _message(fields, app)
    users = fields.texts("toUserId", USERS_MAX, USERNAME_MAX_BYTES)
    return replace(
        message,
        audience=Audience.TARGETS,
        quota=QuotaName.SYSTEM_MESSAGES,
        conversation=ConversationType.SYSTEM,
        targets=Targets(users=frozenset(users)),
        notification=_notification(fields, told),
    )


def room_message(body: bytes, app: App) -> Submission:
    """Read a message to rooms. `isPersisted` 0 keeps it out of what is stored, however its type is."""
    fields = form(body)
    message, _ = _message(fields, app)
    rooms = fields.texts("toChatroomId", ROOMS_MAX, ROOM_ID_MAX_BYTES)
    persisted = fields.flag("isPersisted", default=True)
    return replace(
        message,
        rooms=rooms,
        flags=message.flags if persisted else replace(message.flags, stored=False, updates_last=False),
        to_sender=fields.flag("isIncludeSender"),
    )


def rooms_broadcast(body: bytes, app: App) -> Submission:
    """Read a message to every room with anybody in it."""
    fields = form(body)
    message, _ = _message(fields, app)
    return replace(
        message,
        audience=Audience.OPEN_ROOMS,
        feature=Feature.CHATROOMS_BROADCAST,
        quota=QuotaName.ROOM_NOTICES,
        to_sender=fields.flag("isIncludeSender"),
    )


def recall(body: bytes, _app: App) -> Recall:
    """Read which broadcast is withdrawn; what else the vendor's page has for it is for its own clients' screens."""
    fields = form(body)
    sender = fields.text("fromUserId", USERNAME_MAX_BYTES)
    dispatch_id = groupedids.read(fields.filled("messageUID"))
    if dispatch_id is None:
        raise invalid("messageUID", "must be what an earlier answer gave")
    return Recall(dispatch_id, RECALLABLE, sender)


def silenced(flags: Flags, *, disabled: bool) -> Flags:
    """Leave the conversation's last message as it was, where that is asked for (R6)."""
    return replace(flags, updates_last=False) if disabled else flags


def submitted(sender: str, told: Said, flags: Flags) -> Submission:
    """Give a message to rooms that are not named yet."""
    return Submission(
        sender=sender,
        content=told.content,
        flags=flags,
        audience=Audience.ROOMS,
        feature=None,
        quota=QuotaName.ROOM_MESSAGES,
        size_bytes=told.size_bytes,
        size_limit_bytes=SIZE_LIMIT_BYTES,
        original=told.original,
        # This vendor limits messages, not calls (vendor-apis.md 3.2).
        counts_call=False,
    )


def _message(fields: Form, app: App) -> tuple[Submission, Said]:
    """Read what all of them have: `fromUserId`, `objectName`, `content` and `disableUpdateLastMsg`, in this order."""
    sender = fields.text("fromUserId", USERNAME_MAX_BYTES)
    told = said(fields.filled("objectName"), fields.filled("content"), app)
    flags = silenced(told.flags, disabled=fields.flag("disableUpdateLastMsg"))
    return submitted(sender, told, flags), told


def _notification(fields: Form, told: Said) -> Notification | None:
    """Read what a push shows: `pushContent`, else the type's own text (P10); without either there is none.

    `pushData` travels along; `pushExt` and `os` are accepted and ignored.
    """
    alert = fields.optional("pushContent", SIZE_LIMIT_BYTES) or told.push_text
    silent = fields.flag("contentAvailable")
    if not alert or not told.flags.pushed:
        return None
    data = fields.optional("pushData", SIZE_LIMIT_BYTES)
    extras = {"pushData": data} if data else {}
    shown = {platform: Override(None, extras) for platform in ("android", "web")}
    return Notification(alert, platforms={"ios": Override(None, extras, silent=silent), **shown})
