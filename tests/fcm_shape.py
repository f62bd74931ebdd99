"""The shape of FCM's messages:send, as its protobuf definition reads JSON: no member that it does not know."""

import re

from push_ledger import RefusalError

_DURATION = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?s")
_PERIOD = 28 * 24 * 3600


class ShapeError(RefusalError):
    """What is wrong, and where in the message."""

    def __init__(self, where, text, *, token=False):
        super().__init__(400, "INVALID_ARGUMENT", text)
        self.where, self.token = where, token


def _fail(where, value):
    raise ShapeError(where, f"Invalid value at '{where}', {value!r}")


def _text(value, where):
    if not isinstance(value, str):
        _fail(where, value)


def _flag(value, where):
    if not isinstance(value, bool):
        _fail(where, value)


def _whole(value, where):
    if type(value) is not int:
        _fail(where, value)


def _texts(value, where):
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        _fail(where, value)


def _map(value, where):
    """Take an object whose values are all strings."""
    if not isinstance(value, dict):
        _fail(where, value)
    for name, each in value.items():
        _text(each, f"{where}[{name}]")


def _struct(value, where):
    if not isinstance(value, dict):
        _fail(where, value)


def _apns_payload(value, where):
    _struct(value, where)
    if not isinstance(value.get("aps"), dict):
        _fail(f"{where}.aps", value.get("aps"))


def _data(value, where):
    _map(value, where)
    for name in value:
        if name in {"from", "message_type", "gcm", ""} or name.startswith(("google.", "gcm.")):
            raise ShapeError(where, f"Invalid data payload key: {name}")
    if sum(len(name.encode()) + len(each.encode()) for name, each in value.items()) > 4096:
        raise ShapeError(where, "Android message is too big")


def _duration(value, where):
    if not isinstance(value, str) or not _DURATION.fullmatch(value) or float(value[:-1]) > _PERIOD:
        _fail(where, value)


def _one_of(*words):
    def check(value, where):
        if value not in words:
            _fail(where, value)

    return check


_NOTIFICATION = {"title": _text, "body": _text, "image": _text}
_OPTIONS = {"analytics_label": _text}
_TEXTS = ("title", "body", "icon", "color", "sound", "tag", "click_action", "body_loc_key", "title_loc_key")
_TEXTS += ("channel_id", "ticker", "image", "event_time")
_FLAGS = ("sticky", "local_only", "default_sound", "default_vibrate_timings", "default_light_settings")
_FLAGS += ("bypass_proxy_notification",)
_ANDROID_NOTIFICATION = (
    dict.fromkeys(_TEXTS, _text)
    | dict.fromkeys(["body_loc_args", "title_loc_args", "vibrate_timings"], _texts)
    | dict.fromkeys(_FLAGS, _flag)
    | {
        "notification_count": _whole,
        "light_settings": _struct,
        "visibility": _one_of("VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"),
        "proxy": _one_of("PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"),
        "notification_priority": _one_of(
            *(f"PRIORITY_{word}" for word in ("UNSPECIFIED", "MIN", "LOW", "DEFAULT", "HIGH", "MAX"))
        ),
    }
)
_ANDROID = {
    "collapse_key": _text,
    "priority": _one_of("NORMAL", "HIGH", "normal", "high"),
    "ttl": _duration,
    "restricted_package_name": _text,
    "data": _data,
    "notification": _ANDROID_NOTIFICATION,
    "fcm_options": _OPTIONS,
    "direct_boot_ok": _flag,
    "bandwidth_constrained_ok": _flag,
    "restricted_satellite_ok": _flag,
}
_APNS = {"headers": _map, "payload": _apns_payload, "fcm_options": _OPTIONS | {"image": _text}}
_WEB = {
    "headers": _map,
    "data": _data,
    "notification": _struct,
    "fcm_options": _OPTIONS | {"link": _text},
}
_MESSAGE = {
    "data": _data,
    "notification": _NOTIFICATION,
    "android": _ANDROID,
    "webpush": _WEB,
    "apns": _APNS | {"live_activity_token": _text},
    "fcm_options": _OPTIONS,
    "token": _text,
    "topic": _text,
    "condition": _text,
}
_REQUEST = {"message": _MESSAGE, "validate_only": _flag}


def _snake(name):
    return re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)


def _check(value, shape, where):
    if callable(shape):
        shape(value, where)
        return
    if not isinstance(value, dict):
        _fail(where, value)
    seen = set()
    for name, each in value.items():
        known = _snake(name)
        if known not in shape:
            said = f'Invalid JSON payload received. Unknown name "{name}"' + (f" at '{where}'" if where else "")
            raise ShapeError(where, f"{said}: Cannot find field.")
        if known in seen:
            raise ShapeError(where, f"Invalid JSON payload received. {name} is already set.")
        seen.add(known)
        _check(each, shape[known], f"{where}.{known}" if where else known)


def check_send(request):
    """Refuse a body of messages:send that is not right; give the token that it is for."""
    _check(request, _REQUEST, "")
    message = request.get("message")
    if message is None:
        raise ShapeError("message", "Request contains an invalid argument.")
    if len(message.keys() & {"token", "topic", "condition"}) != 1 or "token" not in message:
        raise ShapeError("message", "Recipient of the message is not set.")
    if not re.fullmatch(r"[A-Za-z0-9_:.-]{8,4096}", message["token"]):
        raise ShapeError("message.token", "The registration token is not a valid FCM registration token", token=True)
    return message["token"]
