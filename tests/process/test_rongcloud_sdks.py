"""RongCloud's official server SDKs for Python and Node.js, unmodified: every call that they make is a success.

And what goes wrong they report with the vendor's code (vendor-apis.md 5).
"""

import asyncio
import json
import subprocess
import sys

import pytest

from process_clients import NODE, js
from process_server import HOST, environment_of
from rongcloud_caller import ENABLED, token_of

pytestmark = pytest.mark.anyio

SAID = {"from_user_id": "u1", "object_name": "RC:TxtMsg", "content": {"content": "x"}}
AUDIENCE = {"tag": ["a"], "tag_or": ["b", "a"], "is_to_all": False}
PYTHON_PUSH = {
    "platforms": ["ios", "android"],
    "from_user_id": "u1",
    "tags": ["a"],
    "tags_or": ["b", "a"],
    "user_ids": None,
    "is_to_all": False,
    "content": {"content": "from python"},
    "object_name": "RC:TxtMsg",
    "alert": "hi",
    "ios_alert": "on ios",
    "ios_extras": {"id": "1"},
    "ios_content_available": 0,
    "android_alert": "on android",
    "android_extras": {"id": "1"},
}
PYTHON_CALLS = [
    ["register", "get_user.register", {"user_id": "u1", "name": "one", "portrait_uri": "http://p"}],
    ["update", "get_user.update", {"user_id": "u1", "name": "uno", "portrait_uri": "http://q"}],
    ["online", "get_user.check_online", {"user_id": "u1"}],
    ["set tags", "get_user.get_tag.set", {"user_ids": "u1", "tags": ["a"]}],
    ["get tags", "get_user.get_tag.get", {"user_ids": ["u1"]}],
    ["create", "get_chatroom.create", {"room_info_list": [["r1", "room"]]}],
    ["query", "get_chatroom.query", {"room_ids": ["r1"]}],
    ["room", "get_message.get_chatroom.send", SAID | {"to_chatroom_id": "r1"}],
    ["rooms", "get_message.get_chatroom.broadcast", SAID],
    ["system", "get_message.get_system.send", SAID | {"to_user_ids": ["u1"]}],
    ["to all", "get_message.broadcast", SAID],
    ["push", "get_push.broadcast", PYTHON_PUSH],
    ["destroy", "get_chatroom.destroy", {"room_ids": ["r1"]}],
]
NODE_PUSH = {
    "platform": ["ios", "android"],
    "fromUserId": "u1",
    "audience": AUDIENCE,
    "message": {"content": {"content": "from node"}, "objectName": "RC:TxtMsg"},
    "notification": {
        "title": "t",
        "alert": "hi",
        "ios": {"alert": "i", "extras": {"id": "1"}},
        "android": {"alert": "a"},
    },
}
NODE_SAID = {"senderId": "u1", "objectName": "RC:TxtMsg", "content": {"content": "x"}}
NODE_CALLS = [
    ["register", "User.register", {"id": "u1", "name": "one", "portrait": "http://p"}],
    ["update", "User.update", {"id": "u1", "name": "uno", "portrait": "http://q"}],
    ["set tags", "User.Tag.set", {"id": "u1", "tags": ["a"]}],
    ["create", "Chatroom.create", {"id": "r1", "name": "room"}],
    ["rooms", "Message.Chatroom.broadcast", NODE_SAID],
    ["room", "Message.Chatroom.send", NODE_SAID | {"targetId": "r1"}],
    ["system", "Message.System.send", NODE_SAID | {"targetId": ["u1"]}],
    ["push", "Push.message", NODE_PUSH],
    ["destroy", "Chatroom.destroy", {"id": "r1"}],
]


def python_sdk(app, calls, secret=None):
    return [sys.executable, "rongcloud_calls.py", *_of(app, secret), json.dumps(calls)]


def node_sdk(app, calls, secret=None):
    return ["node", "rongcloud.js", *_of(app, secret), json.dumps(calls)]


def _of(app, secret):
    return f"http://{HOST}:{app.server.port}", app.keys["app_key"], secret or app.keys["app_secret"]


async def told_by(command):
    """Run an SDK's program, and give what it was told, by the name of each call."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=NODE, stdout=subprocess.PIPE, env=environment_of(NO_PROXY="*")
    )
    stdout, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(stdout)


@pytest.fixture
def app(server):
    return server.new_app(f"acme/sdk{len(server.operator('GET', '/v1/apps')['apps'])}", enable=ENABLED)


@pytest.mark.parametrize(
    ("sdk", "calls", "text"),
    [(python_sdk, PYTHON_CALLS, "from python"), (node_sdk, NODE_CALLS, "from node")],
)
async def test_every_call_of_an_official_sdk_succeeds_and_its_push_arrives(app, sdk, calls, text):
    """The Python SDK percent-encodes a push's content, the Node SDK sends an object and one nonce for ever."""
    # P1, P11, S10, S11
    async with js(app.websocket, await token_of(app, "u1")) as [ann]:
        await ann.until_login()
        told = await told_by(sdk(app, calls))
        assert {name: answer.get("code") for name, answer in told.items()} == dict.fromkeys(told, 200), told
        await ann.until(lambda self: pushed(self, text))
        [message] = pushed(ann, text)
        assert message["original"] == {"dialect": "rongcloud", "type": "RC:TxtMsg", "content": {"content": text}}


@pytest.mark.parametrize(
    ("sdk", "calls", "codes"),
    [
        (python_sdk, [["push", "get_push.broadcast", PYTHON_PUSH]], (1004, 1009, 1008)),
        # The Node SDK has numbers of its own for two of them.
        (node_sdk, [["push", "Push.message", NODE_PUSH]], ("20000", 1009, "20001")),
    ],
)
async def test_an_official_sdk_reports_the_vendor_s_code(server, sdk, calls, codes):  # R1, R2, P2, G2
    """For a wrong secret, a feature that is off, and a quota that is exhausted."""
    wrong_secret, switched_off, exhausted = codes
    name = f"acme/fault{len(server.operator('GET', '/v1/apps')['apps'])}"
    app = server.new_app(name, enable=(), unlimited=False)
    assert code(await told_by(sdk(app, calls, secret="wrong"))) == wrong_secret
    assert code(await told_by(sdk(app, calls))) == switched_off
    server.operator("PATCH", f"/v1/apps/{app.name}", {"features": {"push": True}, "quotas": {"push": "1/hour"}})
    assert code(await told_by(sdk(app, calls))) == 200
    assert code(await told_by(sdk(app, calls))) == exhausted


def pushed(listener, text):
    messages = [each["data"] for each in listener.of("publication")]
    return [message for message in messages if message["content"].get("text") == text]


def code(told):
    """Give the code that the SDK shows; the Python SDK gives the body as text where the status is no success."""
    [answer] = told.values()
    return (json.loads(answer) if isinstance(answer, str) else answer)["code"]
