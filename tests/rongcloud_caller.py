"""A back end that signs its calls as RongCloud's documents say (R1): written from the rule, for the tests."""

import hashlib
import itertools
import json
import time
from urllib.parse import urlencode

from process_server import call

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
ENABLED = ("online_broadcast", "push", "chatrooms_broadcast")
_NONCES = itertools.count(14314)


def signed(app, prefix="", secret=None, stamp=None):
    """Give the four headers of a call; `stamp` as text, in milliseconds where none is given."""
    nonce = str(next(_NONCES))
    stamp = stamp or str(time.time_ns() // 1_000_000)
    digest = hashlib.sha1(f"{secret or app.keys['app_secret']}{nonce}{stamp}".encode()).hexdigest()
    proof = {"App-Key": app.keys["app_key"], "Nonce": nonce, "Timestamp": stamp, "Signature": digest}
    return {prefix + name: value for name, value in proof.items()}


async def post(app, path, body, media_type=FORM, **signing):
    """Make a signed call. A body that is no bytes is written as its media type asks."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode() if media_type == JSON else urlencode(body, doseq=True).encode()
    return await call(app.server.port, "POST", path, body, signed(app, **signing) | {"Content-Type": media_type})


async def done(app, path, body, media_type=FORM):
    """Make a signed call that must succeed, and give its answer."""
    answer = await post(app, path, body, media_type)
    assert (answer.status, answer.json["code"]) == (200, 200), (path, answer)
    return answer.json


async def token_of(app, user, **profile):
    return (await done(app, "/user/getToken.json", {"userId": user, **profile}))["token"]


def faulty(answer):
    """Give what a caller sees of a refusal: HTTP status and the vendor's code."""
    assert set(answer.json) == {"url", "code", "errorMessage"}, answer
    return answer.status, answer.json["code"]
