"""Broadcasts to every open room, in three forms, and messages to one room (N1-N8, V3, vendor-apis.md 3.3)."""

from collections.abc import Mapping
from typing import Any, Final

from laba.dialects.neroom import contents, expressions
from laba.dialects.neroom.faults import invalid
from laba.dialects.neroom.fields import Fields, from_form, from_json
from laba.dialects.strictjson import compact
from laba.model.app import Feature, QuotaName
from laba.model.calls import Claim
from laba.model.content import Content, Kind
from laba.model.dispatch import Again, Audience, Level, Submission
from laba.model.moderation import Screening
from laba.model.tags import TagExpression
from laba.model.user import USERNAME_MAX_BYTES

ANTISPAM_MAX_CHARS: Final = 5000
CHEATING_MAX_CHARS: Final = 1024
ROOM_TEXT_MAX_CHARS: Final = 500
# Bounds of names that the vendor's page does not give.
NAME_MAX_CHARS: Final = 128
SIZE_LIMIT_BYTES: Final = 512 * 1024  # G4: the body's own bound; what is in it has bounds of its own
ANTISPAM_TEXT, ANTISPAM_IMAGE = 1, 2

# The same fields as the older platform's forms name them, and its newer JSON.
FORM_NAMES: Final[Mapping[str, str]] = {
    "msg_id": "msgId",
    "sender_user_uuid": "fromAccid",
    "msg_type": "msgType",
    "sub_type": "subType",
    "resend_flag": "resendFlag",
    "attach": "attach",
    "ext": "ext",
    "route": "route",
    "high_priority": "highPriority",
    "use_yidun": "useYidun",
    "yidun_anti_cheating": "yidunAntiCheating",
    "bid": "bid",
    "antispam": "antispam",
    "antispam_custom": "antispamCustom",
    "notify_target_tags": "notifyTargetTags",
    "env": "env",
}
# Of `antispam_config` the members are unverified: they are named as the vendor's client SDKs name them.
JSON_PATHS: Final[Mapping[str, str]] = {
    "msg_id": "client_broadcast_id",
    "sender_user_uuid": "sender_id",
    "msg_type": "message.message_type",
    "sub_type": "message.sub_type",
    "resend_flag": "resend_flag",
    "ext": "extension",
    "route": "route_config.route_enabled",
    "env": "route_config.route_environment",
    "high_priority": "message_config.high_priority",
    "notify_target_tags": "message_config.notify_target_tags",
    "use_yidun": "antispam_config.antispam_enabled",
    "bid": "antispam_config.antispam_business_id",
    "yidun_anti_cheating": "antispam_config.antispam_cheating",
    "antispam_custom": "antispam_config.antispam_custom_message",
}


def broadcast(body: bytes, _claim: Claim) -> Submission:
    return _broadcast(Fields(from_json(body)), QuotaName.NEROOM_BROADCAST)


def im_broadcast(body: bytes, _claim: Claim) -> Submission:
    given = from_form(body)
    values = {ours: given[theirs] for ours, theirs in FORM_NAMES.items() if theirs in given}
    return _broadcast(Fields(values, FORM_NAMES, worded=True), QuotaName.NIM_BROADCAST)


def im_json_broadcast(body: bytes, _claim: Claim) -> Submission:
    """Read the JSON twin (V3): switches are truths there, and a text has a member of its own."""
    given = from_json(body)
    values = {ours: _at(given, path) for ours, path in JSON_PATHS.items()}
    for switch in ("route", "resend_flag", "use_yidun"):
        if isinstance(values[switch], bool):
            values[switch] = int(values[switch])
    # Only to leave the check out can be asked for; `true` is what holds anyway.
    if values["use_yidun"] == 1:
        values["use_yidun"] = None
    values["antispam"] = values["antispam_custom"] is not None
    spoken, attached = _at(given, "message.text"), _at(given, "message.attachment")
    values["attach"] = spoken if spoken is not None else _as_text(attached)
    paths = {**JSON_PATHS, "attach": "message.text" if spoken is not None else "message.attachment"}
    return _broadcast(Fields(values, paths), QuotaName.NIM_BROADCAST)


def room_message(body: bytes, claim: Claim) -> Submission:
    """Read a text for one room, which must be there (N9)."""
    fields = Fields(from_json(body))
    text = fields.text("message", ROOM_TEXT_MAX_CHARS)
    sender = "admin" if fields.value("sender_user_uuid") is None else _sender(fields)
    return Submission(
        sender=sender,
        content=Content(Kind.TXT, {"text": text}),
        flags=contents.FLAGS,
        audience=Audience.ROOMS,
        feature=None,
        quota=QuotaName.ROOM_MESSAGES,
        size_bytes=len(body),
        size_limit_bytes=SIZE_LIMIT_BYTES,
        level=Level.HIGH if fields.flag("high_priority") else Level.NORMAL,
        rooms=(claim.arguments["room"],),
        counts_call=False,
        needs_room=True,
    )


def _broadcast(fields: Fields, quota: QuotaName) -> Submission:
    """Read a broadcast; fields are judged in the order of the vendor's page (seeds/003)."""
    client_id, sender = fields.text("msg_id", NAME_MAX_CHARS), _sender(fields)
    number = contents.type_of(fields)
    resent = fields.integer("resend_flag", 0, 1) == 1
    content = contents.content_of(number, fields)
    ext = fields.json("ext", contents.EXT_MAX_CHARS)
    told = fields.integer("route", 0, 1) != 0
    high = fields.flag("high_priority")
    screening = _screening(number, fields)
    members = _members(fields)
    original = contents.original_of(number, fields)
    return Submission(
        sender=sender,
        content=content,
        flags=contents.FLAGS,
        audience=Audience.OPEN_ROOMS,
        feature=Feature.NEROOM_BROADCAST,
        quota=quota,
        size_bytes=len(compact(original.content)),
        size_limit_bytes=SIZE_LIMIT_BYTES,
        original=original,
        ext=ext if isinstance(ext, dict) else None,
        level=Level.HIGH if high else Level.NORMAL,
        client_id=client_id,
        members=members,
        # N6: a high one is not for who left and comes back; N1: none is in a history.
        again=Again.DROPPED if high else Again.RETURNING,
        budgeted=high,
        needs_room=True,
        once=resent,
        told=told,
        env=fields.optional("env", NAME_MAX_CHARS) or None,
        screening=screening,
    )


def _sender(fields: Fields) -> str:
    """Take the sender, who need not exist (G5)."""
    return fields.identifier("sender_user_uuid", USERNAME_MAX_BYTES)


def _members(fields: Fields) -> TagExpression | None:
    text = fields.optional("notify_target_tags", expressions.EXPRESSION_MAX_CHARS)
    if text is None:
        return None
    try:
        return expressions.parse(text)
    except ValueError as fault:
        raise invalid(fields.path("notify_target_tags"), str(fault)) from None


def _screening(number: int, fields: Fields) -> Screening:
    """Read how the message is to be checked (N7).

    Of a custom message there is nothing to check but what it names. An image is named by its address; laba has no
    checker of images.
    """
    skip = fields.integer("use_yidun", 0, 0) == 0
    extras = fields.json("yidun_anti_cheating", CHEATING_MAX_CHARS)
    if extras is not None and not isinstance(extras, dict):
        raise invalid(fields.path("yidun_anti_cheating"), "must be a JSON object, as text")
    business_id = fields.optional("bid", NAME_MAX_CHARS) or None
    named = fields.flag("antispam")
    custom = fields.json("antispam_custom", ANTISPAM_MAX_CHARS)
    text = None
    if number == contents.CUSTOM:
        text = _named_text(custom, fields.path("antispam_custom")) if named and custom is not None else ""
    return Screening(skip, text, business_id, {name: _as_text(value) or "" for name, value in (extras or {}).items()})


def _named_text(custom: Any, path: str) -> str:
    kind = custom.get("type") if isinstance(custom, dict) else None
    # True is 1 to Python, and no number to JSON.
    if isinstance(kind, bool) or kind not in (ANTISPAM_TEXT, ANTISPAM_IMAGE):
        raise invalid(path, 'must be {"type": 1 for text or 2 for an image, "data": ...}')
    if not isinstance(custom.get("data"), str):
        raise invalid(f"{path}.data", "must be a string")
    return str(custom["data"]) if kind == ANTISPAM_TEXT else ""


def _at(given: Mapping[str, Any], path: str) -> Any:
    """Give the value at a path of members, None where there is none."""
    value: Any = given
    for name in path.split("."):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise invalid(path.rpartition(".")[0], "must be an object")
        value = value.get(name)
    return value


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else compact(value).decode()
