"""Anti-spam on a real server, with a checker that speaks Yidun's protocol over a socket (N7, S7)."""

import json

import pytest

import neroom_caller
import rongcloud_caller
from neroom_caller import BROADCAST, done, said
from process_server import call, laba, metric, serving
from receiver import receiving
from yidun import BUSINESS, SECRET_ID, SECRET_KEY, checking

pytestmark = pytest.mark.anyio

CHECKED = ("text_check", "word_filter", "users_broadcast", "online_broadcast")


def settings(yidun, **rest):
    return {
        "LABA_MODERATION__URL": yidun.url,
        "LABA_MODERATION__SECRET_ID": SECRET_ID,
        "LABA_MODERATION__SECRET_KEY": SECRET_KEY,
        "LABA_MODERATION__BUSINESS_ID": BUSINESS,
        "LABA_MODERATION__TIMEOUT_MS": "1500",
    } | rest


@pytest.fixture(params=["pass", "reject"])
async def checked(request, tmp_path):
    """Give an app on a server whose messages are checked, and the checker."""
    async with checking() as yidun:
        with serving(tmp_path / "data", **settings(yidun, LABA_MODERATION__ON_FAILURE=request.param)) as server:
            yield server.new_app("acme/chat", enable=CHECKED), yidun, request.param


@pytest.fixture
async def plain(tmp_path):
    async with checking() as yidun:
        with serving(tmp_path / "data", **settings(yidun)) as server:
            yield server.new_app("acme/chat", enable=CHECKED), yidun


async def test_a_rejected_broadcast_is_answered_like_the_others_and_heard_by_nobody(plain, sdk):  # N7
    """It is in the report as rejected, with the label; and the app's back end is told of it."""
    app, yidun = plain
    async with receiving() as receiver:
        app.server.operator("PUT", f"/v1/apps/{app.name}/callbacks/main", {"url": receiver.url})
        room = await neroom_caller.room(app, "r1")
        async with sdk(app.websocket, await neroom_caller.user(app, "ann")) as [ann]:
            await ann.until_login()
            await ann.join(room)
            await done(app, BROADCAST, said("hello", "m1"))
            await done(app, BROADCAST, said("block this", "m2"))
            await done(app, BROADCAST, said("a suspect thing", "m3"))
            await done(app, BROADCAST, said("good bye", "m4"))
            await ann.until(lambda self: "good bye" in self.heard(room))
            assert ann.heard(room) == ["hello", "a suspect thing", "good bye"]
        await receiver.told(4)
        told = [json.loads(delivery.body) for delivery in receiver.taken]
        verdicts = [body["verdict"] and (body["verdict"]["decision"], body["verdict"]["label"]) for body in told]
        assert verdicts == [None, ("rejected", "200 ad"), ("suspect", "600 abuse"), None]
        ids = [body["message"]["id"] for body in told]
        statuses = [app.server.operator("GET", f"/v1/broadcasts/{each}")["status"] for each in ids]
        assert statuses == ["sent", "rejected", "sent", "sent"]
        code, shown, _ = await laba("report", ids[1], "--data", app.server.data)
        assert code == 0
        assert "rejected by the checker: 200 ad" in shown
        assert {form["businessId"] for form in yidun.forms} == {BUSINESS}


async def test_a_call_says_how_it_is_to_be_checked(plain):  # N7
    """Not at all, under another business, with fields of its own, or by another text than its content."""
    app, yidun = plain
    await neroom_caller.room(app, "r1")
    custom = {"msg_type": 100, "attach": "block"}
    for how in [
        {"use_yidun": 0, "attach": "block"},
        {**custom},
        {**custom, "antispam": True, "antispam_custom": json.dumps({"type": 2, "data": "http://image"})},
        {**custom, "antispam": True, "antispam_custom": json.dumps({"type": 1, "data": "named"})},
        {"bid": "b2", "yidun_anti_cheating": json.dumps({"deviceId": "d1"}), "attach": "asked"},
        {"antispam": True, "antispam_custom": json.dumps({"type": 1, "data": "block"}), "attach": "ignored"},
    ]:
        await done(app, BROADCAST, said(**{"msg_id": "m1", **how}))
    asked = [(form["content"], form["businessId"], form.get("deviceId")) for form in yidun.forms]
    assert asked == [("named", BUSINESS, None), ("asked", "b2", "d1"), ("ignored", BUSINESS, None)]


async def test_every_dialect_s_messages_are_judged_by_the_app_s_policy(plain, sdk):  # N7, S7, X1
    """Broadcasts, a caller's message to a room, and what a client says there; words first."""
    app, yidun = plain
    app.server.operator("PUT", f"/v1/apps/{app.name}/words", {"words": ["加微信", "viagra"]})
    room = await neroom_caller.room(app, "r1")
    async with sdk(app.websocket, app.user_token("ann"), app.user_token("bob")) as [ann, bob]:
        for each in (ann, bob):
            await each.until_login()
            await each.join(room)
        await app.broadcast("buy ＶＩＡＧＲＡ")
        rong = {"fromUserId": "boss", "objectName": "RC:TxtMsg", "content": json.dumps({"content": "请加微信聊"})}
        await rongcloud_caller.done(app, "/message/online/broadcast.json", rong)
        body = {"to": [room], "type": "txt", "body": {"msg": "block"}, "from": "boss"}
        headers = {"Authorization": f"Bearer {app.app_token}", "Content-Type": "application/json"}
        path = f"/app-id/{app.keys['app_id']}/messages/chatrooms"
        assert (await call(app.server.port, "POST", path, body, headers)).status == 200
        code, sentence = await ann.say(room, "viagra for all")
        assert (code, "rejected" in sentence) == (103, True)
        await app.broadcast("an honest word")
        await ann.say(room, "hello, bob")
        await bob.until(lambda self: "hello, bob" in self.heard(room))
        assert bob.heard(room) == ["hello, bob"]
        await bob.until(lambda self: len(self.messages) == 1)
        assert [message["content"]["text"] for message in bob.messages] == ["an honest word"]
    assert "viagra" not in " ".join(form["content"] for form in yidun.forms)
    report = app.server.operator("GET", f"/v1/apps/{app.name}/rooms/{room}/report?minutes=60")
    assert report["totals"]["rejected"]["normal"] == 2
    assert await metric(app.server, "laba_moderation_verdicts_total", decision="rejected", judge="words") == 3


async def test_without_a_verdict_in_time_a_message_goes_out_or_not_as_configured(checked, sdk):  # S7
    """The checker hangs, closes, answers 500 or nonsense; what hangs costs its time-out, and no more."""
    app, yidun, on_failure = checked
    async with sdk(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        for number, mood in enumerate(["hang", "close", "half", 500, b"<html>"]):
            yidun.moods.append(mood)
            await app.broadcast(str(number))
        last = await app.broadcast("last")
        await ann.until_heard(last)
        heard = [message["content"]["text"] for message in ann.messages]
        assert heard == (["0", "1", "2", "3", "4", "last"] if on_failure == "pass" else ["last"])
    assert await metric(app.server, "laba_moderation_failures_total") == 5


async def test_an_app_that_has_not_turned_it_on_is_not_checked(plain):
    app, yidun = plain
    other = app.server.new_app("acme/other")
    await other.broadcast("block")
    assert yidun.forms == []
