"""Callbacks of a real server: each form by its vendor's rule, through kill -9 and every fault of a receiver."""

import base64
import hashlib
import json
from contextlib import AsyncExitStack
from urllib.parse import parse_qsl, urlsplit

import pytest
from standardwebhooks.webhooks import Webhook

import neroom_caller
import rongcloud_caller
from process_server import call, eventually, metric, serving, steady_port
from receiver import receiving

pytestmark = pytest.mark.anyio

QUICK = {"LABA_CALLBACKS__TIMEOUT_MS": "300", "LABA_CALLBACKS__LONGEST_WAIT_SECONDS": "1"}
SECRET = "whsec_" + base64.b64encode(b"known to both").decode()
EVERYTHING = ("users_broadcast", "chatrooms_broadcast", "online_broadcast", "push")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("data"), **QUICK) as server:
        yield server


@pytest.fixture
def app(server):
    return server.new_app(f"acme/cb{len(server.operator('GET', '/v1/apps')['apps'])}", enable=EVERYTHING)


def hook(app, name, receiver, form="native", **rest):
    body = {"url": receiver.url, "form": form, "secret": SECRET, **rest}
    app.server.operator("PUT", f"/v1/apps/{app.name}/callbacks/{name}", body)


async def until_mailbox(app, waiting, dead):
    """Wait until so much waits, and so much was given up: what arrived is noted a moment later."""

    async def is_so():
        (listed,) = app.server.operator("GET", f"/v1/apps/{app.name}/callbacks")["callbacks"]
        return (listed["waiting"], listed["dead"]) == (waiting, dead)

    await eventually(is_so)


def texts(deliveries):
    """Give what was told, each delivery id once, in the order in which it arrived first."""
    told = {}
    for delivery in deliveries:
        body = json.loads(delivery.body)
        told.setdefault(delivery.headers["webhook-id"], body["message"]["content"]["text"])
    return list(told.values())


# --- each form, judged by its vendor's rule ------------------------------------------------------------------------


def by_webhooks(delivery, app):
    return Webhook(SECRET).verify(delivery.body, delivery.headers)["message"]["content"]["text"]


def by_netease(delivery, app):
    """MD5 of the body as it came, and SHA1 of secret, MD5 and CurTime (vendor-apis.md 3.3)."""
    headers, secret = delivery.headers, app.keys["app_secret"]
    assert headers["appkey"] == app.keys["app_key"]
    assert headers["md5"] == hashlib.md5(delivery.body).hexdigest()
    assert headers["checksum"] == hashlib.sha1((secret + headers["md5"] + headers["curtime"]).encode()).hexdigest()
    body = json.loads(delivery.body)
    assert all(isinstance(value, str) for value in body.values())
    wanted = {"eventType", "attach", "fromAccount", "msgTimestamp", "msgType", "msgidClient", "roomId"}
    assert wanted <= body.keys()
    assert body["eventType"] == "4"
    return body["attach"]


def by_easemob(delivery, app):
    """MD5 of callId, the rule's secret and timestamp (vendor-apis.md 3.1)."""
    body = json.loads(delivery.body)
    right = hashlib.md5(f"{body['callId']}{SECRET}{body['timestamp']}".encode()).hexdigest()
    assert body["security"] == right
    return body["payload"]["bodies"][0]["msg"]


def by_rongcloud(delivery, app):
    """SHA1 of secret, nonce and signTimestamp, in the query (vendor-apis.md 3.2)."""
    asked = dict(parse_qsl(urlsplit(delivery.target).query))
    right = hashlib.sha1((app.keys["app_secret"] + asked["nonce"] + asked["signTimestamp"]).encode()).hexdigest()
    assert asked["signature"] == right
    return json.loads(dict(parse_qsl(delivery.body.decode()))["content"])["content"]


VERIFIERS = {"native": by_webhooks, "netease": by_netease, "easemob": by_easemob, "rongcloud": by_rongcloud}


async def test_whichever_api_sends_every_form_is_told_and_genuine(app):  # S6, X1
    """Broadcasts and a room's message, by four dialects, told in four forms, in the order of their acceptance."""
    async with AsyncExitStack() as stack:
        receivers = {form: await stack.enter_async_context(receiving()) for form in VERIFIERS}
        for form, receiver in receivers.items():
            hook(app, form, receiver, form)
        room = await neroom_caller.room(app, "r1")
        await neroom_caller.done(app, neroom_caller.BROADCAST, neroom_caller.said("by NERoom"))
        said = {"fromUserId": "boss", "objectName": "RC:TxtMsg", "content": json.dumps({"content": "by RongCloud"})}
        await rongcloud_caller.done(app, "/message/online/broadcast.json", said)
        body = {"to": [room], "type": "txt", "body": {"msg": "by Easemob"}, "from": "boss"}
        path = f"/app-id/{app.keys['app_id']}/messages/chatrooms"
        headers = {"Authorization": f"Bearer {app.app_token}", "Content-Type": "application/json"}
        assert (await call(app.server.port, "POST", path, body, headers)).status == 200
        app.server.operator(
            "POST", f"/v1/apps/{app.name}/broadcasts", {"kind": "txt", "content": {"text": "by laba"}, "from": "boss"}
        )
        for form, receiver in receivers.items():
            await receiver.told(4)
            # On a busy machine an answer may come too late: then it is told once more.
            told = list(dict.fromkeys(VERIFIERS[form](delivery, app) for delivery in receiver.taken))
            assert told == ["by NERoom", "by RongCloud", "by Easemob", "by laba"], form


async def test_route_and_env_choose_who_is_told(app):  # N5
    async with receiving() as main, receiving() as test:
        hook(app, "main", main)
        hook(app, "test", test, env="test")
        await neroom_caller.room(app, "r1")
        for number, how in enumerate([{"route": 0}, {"env": "test"}, {"route": 1}, {"env": "none such"}, {}]):
            body = neroom_caller.said(str(number), f"m{number}", **how)
            await neroom_caller.done(app, neroom_caller.BROADCAST, body)
        await main.told(3)
        await test.told(1)
        assert (texts(main.taken), texts(test.taken)) == (["2", "3", "4"], ["1"])


# --- what may go wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mood", [500, "hang", "half", "close"])
async def test_a_receiver_with_a_fault_gets_everything_in_order_afterwards(app, mood):  # S6
    async with receiving(moods=[mood] * 2) as receiver:
        hook(app, "main", receiver)
        for number in range(10):
            await app.broadcast(str(number))
        await receiver.told(10)
        assert texts(receiver.deliveries) == texts(receiver.taken) == [str(number) for number in range(10)]
        assert len(receiver.deliveries) >= 12


async def test_a_receiver_that_hangs_slows_nothing(app, sdk):  # S6
    """Clients have a hundred broadcasts while the receiver has none, and another receiver has them all."""
    async with receiving(usual="hang") as slow, receiving() as quick:
        hook(app, "slow", slow)
        hook(app, "quick", quick)
        async with sdk(app.websocket, app.user_token("ann")) as [ann]:
            await ann.until_login()
            sent = [await app.broadcast(str(number)) for number in range(100)]
            await ann.until_heard(sent[-1])
            await quick.told(100)
        assert slow.taken == []
        assert texts(quick.taken) == [str(number) for number in range(100)]


async def test_kill_minus_nine_loses_no_event(tmp_path):  # S6
    """The receiver is down, laba is killed in the middle of everything, twice; then all arrives, in order."""
    port = steady_port()
    async with receiving() as receiver:
        with serving(tmp_path, port, **QUICK) as server:
            app = server.new_app("acme/chat", enable=EVERYTHING)
            hook(app, "main", receiver)
            await receiver.down()
            sent = [str(number) for number in range(40)]
            for text in sent[:20]:
                await app.broadcast(text)
            server.kill()
        with serving(tmp_path, port, **QUICK) as server:
            await receiver.up()
            await receiver.told(5)
            server.kill()
        with serving(tmp_path, port, **QUICK) as server:
            app = app.on(server)
            for text in sent[20:]:
                await app.broadcast(text)
            await receiver.told(40)
            assert texts(receiver.taken) == sent

            await until_mailbox(app, 0, 0)


async def test_an_event_that_is_refused_is_put_aside_and_can_be_told_again(server, app):  # S6
    """What follows it is not held back for ever."""
    async with receiving(moods=[400] * 8) as receiver:
        hook(app, "main", receiver)
        await app.broadcast("poisoned")
        await app.broadcast("good")
        await receiver.told(1)
        assert texts(receiver.taken) == ["good"]
        await until_mailbox(app, 0, 1)
        (dead,) = server.operator("GET", f"/v1/apps/{app.name}/callbacks/main/dead")["letters"]
        assert (dead["fault"], dead["attempts"]) == ("it answered 400", 8)
        assert server.operator("POST", f"/v1/apps/{app.name}/callbacks/main/dead/resend", {}) == {"resent": 1}
        await receiver.told(2)
        assert texts(receiver.taken) == ["good", "poisoned"]
        assert await metric(server, "laba_callbacks_dead_total", reason="refused") >= 1
