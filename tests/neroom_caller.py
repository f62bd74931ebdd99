"""A back end that signs its calls as NetEase's documents say (N1): written from the rule, for the tests."""

import hashlib
import itertools
import json
import time
from urllib.parse import urlencode

from process_server import call

BROADCAST = "/neroom/v1/broadcast"
IM_BROADCAST = "/nimserver/chatroom/broadcast.action"
JSON_TWIN = "/im/v2.1/broadcast_notification/actions/chatroom"
_NONCES = itertools.count(1)


def signed(app, secret=None, stamp=None, names=("AppKey", "Nonce", "CurTime", "CheckSum")):
    """Give the four headers of a call; `stamp` in seconds, now where none is given."""
    nonce, stamp = f"nonce-{next(_NONCES)}", stamp or str(int(time.time()))
    digest = hashlib.sha1(f"{secret or app.keys['app_secret']}{nonce}{stamp}".encode()).hexdigest()
    return dict(zip(names, (app.keys["app_key"], nonce, stamp, digest), strict=True))


async def post(app, path, body, **signing):
    """Make a signed call: a dict as JSON, or as a form on the paths that take one; bytes as they are."""
    is_form = path.startswith("/nimserver/")
    if not isinstance(body, bytes):
        body = urlencode(body).encode() if is_form else json.dumps(body).encode()
    media_type = "application/x-www-form-urlencoded" if is_form else "application/json; charset=utf-8"
    answer = await call(app.server.port, "POST", path, body, {**signed(app, **signing), "Content-Type": media_type})
    assert answer.status == 200, answer  # N9: whatever happened
    return answer


async def done(app, path, body):
    """Make a signed call that must succeed, and give its answer."""
    answer = (await post(app, path, body)).json
    assert answer["code"] == (0 if path.startswith("/neroom/") else 200), answer
    return answer


async def code_of(app, path, body, **signing):
    return (await post(app, path, body, **signing)).json["code"]


def said(text="hello", msg_id="m1", **rest):
    """Give the body of a broadcast."""
    return {"msg_id": msg_id, "sender_user_uuid": "boss", "msg_type": 0, "attach": text, **rest}


async def user(app, name):
    """Register a user, and give its token."""
    answer = await done(app, "/neroom/v3/users", {"user_uuid": name, "user_name": name.title()})
    return answer["data"]["user_token"]


async def room(app, name, **rest):
    """Open a room, and give the id by which clients enter it."""
    answer = await done(app, "/neroom/v4/rooms", {"template_id": 40, "room_uuid": name, "room_name": name, **rest})
    return answer["data"]["room_archive_id"]
