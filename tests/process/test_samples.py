"""The request samples of the vendor's page, as they stand but for host, ids and token, against a real server."""

import re
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from process_clients import SDKS
from process_server import BROADCAST, HOST, call

pytestmark = pytest.mark.anyio

SAMPLES = Path(__file__).parents[1] / "dialects" / "easemob" / "samples"
CHATFILES = "https://XXXX/XXXX/XXXX/chatfiles"
SHOWN = {"stored": True, "counted": True, "pushed": False, "updates_last": True, "offline": False}
SILENT = dict.fromkeys(SHOWN, False)

# What a client sees of each sample: every member of the page, under laba's name for it (design.md section 4).
CONTENTS = {
    "txt": {"text": "send broadcast to all online users"},
    "img": {
        "url": f"{CHATFILES}/55f12940-XXXX-XXXX-8a5b-ff2336f03252",
        "filename": "testimg.jpg",
        "secret": "VfXXXXNb_",
        "width": 480,
        "height": 720,
    },
    "audio": {
        "url": f"{CHATFILES}/1dfc7f50-XXXX-XXXX-8a07-7d75b8fb3d42",
        "filename": "testaudio.amr",
        "duration": 10,
        "secret": "HfXXXXCjM",
    },
    "video": {
        "url": f"{CHATFILES}/671dfe30-XXXX-XXXX-ba67-8fef0d502f46",
        "duration": 0,
        "secret": "VfXXXXNb_",
        "size": 58103,
        "thumbnail_url": f"{CHATFILES}/67279b20-7f69-11e4-8eee-21d3334b3a97",
        "thumbnail_secret": "ZyXXXX2I",
    },
    "file": {"url": "https://XXXX/XXXX/XXXX/chatfiles/d7eXXXX7444", "filename": "test.txt", "secret": "1-g0XXXXua"},
    "loc": {"latitude": 39.966, "longitude": 116.322, "address": "中国北京市海淀区中关村"},
    "cmd": {"action": "action1"},
    "custom_mended": {"event": "custom_event"},
}
# Only here the neutral content cannot give back what was sent: the page writes numbers as text.
ORIGINALS = {
    "loc": {
        "dialect": "easemob",
        "type": "loc",
        "content": {"lat": "39.966", "lng": "116.322", "addr": "中国北京市海淀区中关村"},
    }
}


def sample(name):
    return (SAMPLES / f"{name}.json").read_bytes().removesuffix(b"\n")


@pytest.fixture(params=["app-id", "org/app"])
def prefix(app, request):
    """Both forms of the path (E1)."""
    return app.prefixes[request.param]


async def post(app, prefix, body):
    """Send it with the headers of the page."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {app.app_token}"}
    return await call(app.server.port, "POST", prefix + BROADCAST, body, headers)


@pytest.mark.parametrize("name", CONTENTS)
async def test_every_sample_reaches_both_official_clients_with_every_field(app, prefix, name):  # A1, A4, A5, A6, G3
    async with AsyncExitStack() as stack:
        listeners = [
            (await stack.enter_async_context(sdk(app.websocket, app.user_token(language))))[0]
            for language, sdk in SDKS.items()
        ]
        for listener in listeners:
            await listener.until_login()
        before_ms = time.time_ns() // 1_000_000
        answer = await post(app, prefix, sample(name))
        assert answer.status == 200
        message_id = answer.json["data"]["id"]
        for listener in listeners:
            await listener.until_heard(str(message_id))
            [message] = listener.messages
            assert before_ms <= message.pop("sent_at") <= answer.json["timestamp"]
            kind = name.removesuffix("_mended")
            assert message == {
                "id": str(message_id),
                "kind": kind,
                "content": CONTENTS[name],
                "from": "admin",
                "conversation": {"type": "app", "id": "admin"},
                "level": "normal",
                "ext": {"extKey": "extValue"},
                "broadcast": True,
                "flags": SILENT if kind == "cmd" else SHOWN,
                "client_id": None,
                "original": ORIGINALS.get(name),
            }


async def test_the_sample_with_the_trailing_comma_is_400_and_reaches_nobody(app, prefix, sdk):  # A7
    async with sdk(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        answer = await post(app, prefix, sample("custom"))
        assert (answer.status, answer.json["error"], answer.json["error_description"]) == (
            400,
            "invalid_request_body",
            "Request body is invalid. Please check body is correct.",
        )
        await ann.until_heard(await app.broadcast())
        assert len(ann.messages) == 1


async def test_a_user_who_is_offline_at_the_send_does_not_get_it(app, sdk):  # A1
    token = app.user_token("late")
    await post(app, app.prefixes["app-id"], sample("txt"))
    async with sdk(app.websocket, token) as [late]:
        await late.until_login()
        await late.until_heard(await app.broadcast("later"))
        assert [message["content"]["text"] for message in late.messages] == ["later"]


async def test_the_sender_gets_its_own_broadcast(app, sdk):  # A1
    async with sdk(app.websocket, app.user_token("admin")) as [admin]:
        await admin.until_login()
        await admin.until_heard(str((await post(app, app.prefixes["app-id"], sample("txt"))).json["data"]["id"]))
        assert [message["from"] for message in admin.messages] == ["admin"]


async def test_another_apps_clients_do_not_get_it(app, server, sdk):  # A1
    other = server.new_app(f"other/{app.keys['app_name']}")
    async with sdk(other.websocket, other.user_token("ann")) as [ann]:
        await ann.until_login()
        await app.broadcast_out("not for ann")
        await ann.until_heard(await other.broadcast("for ann"))
        assert len(ann.messages) == 1


async def test_the_answer_is_that_of_the_page(app, prefix):  # A6
    before_ms = time.time_ns() // 1_000_000
    answer = await post(app, prefix, sample("txt"))
    body = answer.json
    assert before_ms <= body.pop("timestamp") <= time.time_ns() // 1_000_000
    assert 0 <= body.pop("duration") < 10_000
    assert body.pop("data").keys() == {"id"}
    assert body == {
        "path": "/messages/users/broadcast",
        "uri": f"http://{HOST}:{app.server.port}/{app.name}/messages/users/broadcast",
        "organization": app.keys["org_name"],
        "application": app.keys["application"],
        "applicationName": app.keys["app_name"],
        "action": "post",
    }
    # A JSON number of 64 bits, more than a double holds exactly.
    [digits] = re.findall(rb'"id":([0-9]+)', answer.body)
    assert 2**53 < int(digits) < 2**63


async def test_two_broadcasts_arrive_in_the_order_of_their_answers(app, sdk):  # G3
    async with sdk(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        sent = [await app.broadcast(f"{number}") for number in range(20)]
        await ann.until_heard(sent[-1])
        assert ann.ids == sent
