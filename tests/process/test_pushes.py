"""Pushes of a real server to services that speak as Apple's, Google's and browsers' do: who gets what, who not."""

import json

import pytest

from process_clients import python
from process_pushes import apple, native, people, register, told, until_over
from process_server import BROADCAST
from rongcloud_caller import JSON, done, token_of

pytestmark = pytest.mark.anyio

PUSH, TO_USERS, TO_DEVICES = "/push.json", "/push/user.json", "/push/custom.json"
# The request sample of seeds/004.
SAMPLE = rb"""{ "platform":["ios","android"], "fromuserid": "fromuseId1", "audience":{ "packageName":"xxx.rong.xxx", "is_to_all":false }, "message": { "content": "{\"content\":\"1111\",\"extra\":\"aa\"}", "objectName": "RC:TxtMsg" }, "notification":{ "alert":"this is a push", "ios": {"alert": "override alert","extras": {"id": "1","name": "2"}}, "android": {"alert": "override alert","extras": {"id": "1","name": "2"}} } }"""  # noqa: E501 - as it stands
EXTRAS = {"id": "1", "name": "2"}


def shown(push):
    """Give what a push of Google's shows."""
    return push.payload["notification"]


# --- the page's sample ---------------------------------------------------------------------------------------------


async def test_the_page_s_sample_shows_each_platform_s_own_alert_with_its_extras(services):  # P5, P6, P9, S8
    """Who has the app open has the message itself, and is not pushed to; a browser's platform was not asked for."""
    app, tokens = services.app, await people(services)
    await register(app, "eve", "apns", apple(9), package="another.package", platform="ios")
    there = [await token_of(app, user) for user in ("anton", "bert")]
    async with python(app.websocket, *there) as listeners:
        for listener in listeners:
            await listener.until_login()
        answer = await done(app, PUSH, SAMPLE, JSON)
        message_id = str(int(answer["id"].replace("-", ""), 36))
        await until_over(app, message_id)
        for listener in listeners:
            await listener.until(lambda self: self.of("publication"))
            assert listener.of("publication")[0]["data"]["content"] == {"text": "1111"}
    assert (told(services.apns), told(services.fcm), told(services.web)) == ([tokens["ann"]], [tokens["bob"]], [])
    message = {"id": message_id, "from": "fromuseId1", "conversation": "system", "kind": "txt"}
    [push] = services.apns.pushes
    assert push.payload == {
        "aps": {"alert": {"body": "override alert"}, "sound": "default"},
        "extras": EXTRAS,
        "laba": message,
    }
    assert (push.headers["apns-push-type"], push.headers["apns-priority"]) == ("alert", "10")
    [push] = services.fcm.pushes
    assert shown(push) == {"body": "override alert"}
    assert {name: json.loads(value) for name, value in push.payload["data"].items()} == {
        "extras": EXTRAS,
        "laba": message,
    }


async def test_a_platform_without_words_of_its_own_shows_the_common_alert_under_the_sender_s_name(services):  # P6, P9
    app, tokens = services.app, await people(services)
    await token_of(app, "boss", name="The Boss")
    push = json.loads(SAMPLE) | {"fromuserid": "boss"}
    push["notification"] = {"alert": "for all", "android": {"alert": "on Android", "extras": '{"as": "text"}'}}
    assert "warning" not in await done(app, PUSH, push, JSON)
    await services.apns.until(2)
    await services.fcm.until(2)
    for push in services.apns.pushes:
        assert push.payload["aps"]["alert"] == {"title": "The Boss", "body": "for all"}
        assert "extras" not in push.payload
    for push in services.fcm.pushes:
        assert shown(push) == {"title": "The Boss", "body": "on Android"}
        assert json.loads(push.payload["data"]["extras"]) == {"as": "text"}
    assert (told(services.apns), told(services.fcm)) == (
        sorted([tokens["ann"], tokens["anton"]]),
        sorted([tokens["bob"], tokens["bert"]]),
    )


async def test_content_available_is_a_silent_push_on_ios_and_none_on_android(services):  # P6
    await people(services)
    push = json.loads(SAMPLE)
    push["notification"]["ios"]["contentAvailable"] = 1
    push["notification"]["android"]["contentAvailable"] = 1
    await done(services.app, PUSH, push, JSON)
    await services.apns.until(2)
    await services.fcm.until(2)
    for push in services.apns.pushes:
        assert push.payload["aps"] == {"content-available": 1}
        assert push.payload["extras"] == EXTRAS
        assert (push.headers["apns-push-type"], push.headers["apns-priority"]) == ("background", "5")
    assert [shown(push) for push in services.fcm.pushes] == [{"body": "override alert"}] * 2


async def test_a_push_alone_goes_to_devices_of_users_who_are_there_too_and_to_no_session(services):  # V2, P11
    """By name, and by platform and criteria; what a session has next is the next message."""
    app, tokens = services.app, await people(services)
    async with python(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        body = {"userIds": ["ann", "bob"], "notification": {"title": "T", "pushContent": "by name", "ios": {}}}
        await done(app, TO_USERS, body, JSON)
        await services.apns.until(1)
        await services.fcm.until(1)
        body = {"platform": ["iOS"], "audience": {"is_to_all": True}, "notification": {"alert": "by platform"}}
        answer = await done(app, TO_DEVICES, body, JSON)
        await until_over(app, int(answer["id"].replace("-", ""), 36))
        await ann.until_heard(await app.broadcast("a message"))
        assert [message["content"]["text"] for message in ann.messages] == ["a message"]
        assert len(ann.of("publication")) == 1
    [by_name, *by_platform] = services.apns.pushes
    assert (by_name.token, by_name.payload["aps"]["alert"]) == (tokens["ann"], {"title": "T", "body": "by name"})
    assert sorted(push.token for push in by_platform) == sorted([tokens["ann"], tokens["anton"]])
    assert [push.payload["aps"]["alert"] for push in by_platform] == [{"body": "by platform"}] * 2
    assert [(push.token, shown(push)) for push in services.fcm.pushes] == [
        (tokens["bob"], {"title": "T", "body": "by name"})
    ]


# --- laba's own API ------------------------------------------------------------------------------------------------


async def test_a_push_to_everybody_is_written_as_each_service_reads_it(services):  # S8
    app = services.app
    tokens = await people(services)
    ios = {"options": {"sound": "horn.caf", "badge": 3, "thread": "sales", "interruption": "time-sensitive"}}
    android = {"alert": "on Android", "options": {"channel": "sales"}}
    asked = {"alert": "It begins 🎉", "title": "Sale", "platforms": {"iOS": ios, "android": android}}
    accepted = await native(app, "POST", "/pushes", {"everybody": True, "push": asked})
    push = await until_over(app, accepted["id"])
    assert (push["targeted"], push["accepted"], push["rejected"]) == (5, 5, 0)
    for push in services.apns.pushes:
        assert push.payload["aps"] == {
            "alert": {"title": "Sale", "body": "It begins 🎉"},
            "sound": "horn.caf",
            "badge": 3,
            "thread-id": "sales",
            "interruption-level": "time-sensitive",
        }
        assert push.headers["apns-collapse-id"] == accepted["id"]
    for push in services.fcm.pushes:
        assert shown(push) == {"title": "Sale", "body": "on Android"}
        assert push.payload["android"]["notification"] == {"tag": accepted["id"], "channel_id": "sales"}
    [push] = services.web.pushes
    assert (push.token, push.headers["topic"]) == (tokens["cid"], accepted["id"])
    assert push.payload == {
        "title": "Sale",
        "body": "It begins 🎉",
        "message": {"id": accepted["id"], "conversation": "system", "kind": "txt"},
        "extras": {},
    }


async def test_a_broadcast_with_a_push_reaches_who_is_there_as_a_message_and_the_others_as_a_push(services):
    """S8, P5: each user in one of the two ways."""
    app, tokens = services.app, await people(services)
    async with python(app.websocket, app.user_token("ann")) as [ann]:
        await ann.until_login()
        said = {
            "kind": "txt",
            "content": {"text": "come"},
            "audience": "all_users",
            "push": {"alert": "You are wanted"},
        }
        accepted = await native(app, "POST", "/broadcasts", said)
        await ann.until_heard(accepted["id"])
        await until_over(app, accepted["id"])
    assert told(services.apns) == [tokens["anton"]]
    assert told(services.fcm) == sorted([tokens["bob"], tokens["bert"]])
    assert told(services.web) == [tokens["cid"]]


# --- the keys of Easemob's ext -------------------------------------------------------------------------------------

EXT = {
    "em_push_ext": {"title": "Common title", "content": "Common text", "route": "/live"},
    "em_apns_ext": {"em_push_title": "On iOS", "em_push_content": "Text on iOS", "em_push_badge": 5, "extern": "x"},
    "em_android_push_ext": {"fcm_channel_id": "live"},
    "mine": 1,
}


async def room_of(app, *members):
    body = {"name": "live", "maxusers": 100, "owner": "boss", "members": list(members)}
    answer = await app.call("POST", "/chatrooms", body)
    assert answer.status == 200, answer
    return answer.json["data"]["id"]


async def to_room(app, room, ext, text="hello", **rest):
    body = {"to": [room], "type": "txt", "body": {"msg": text}, "from": "boss", "ext": ext, **rest}
    answer = await app.call("POST", "/messages/chatrooms", body)
    assert answer.status == 200, answer
    return str(answer.json["data"][room])


def let_push(app):
    app.server.operator("PATCH", f"/v1/apps/{app.name}", {"features": {"message_push": True}})


async def test_a_room_s_message_is_pushed_to_members_who_are_away_as_its_ext_says(services, sdk):  # E13
    """Once the app turns it on; `em_ignore_notification` starts nothing. Who is there gets `ext` as it was sent."""
    app, tokens = services.app, await people(services)
    app.user_token("boss")
    room = await room_of(app, *tokens)
    async with sdk(app.websocket, app.user_token("anton")) as [anton]:
        await anton.until_login()
        await anton.join(room)
        await to_room(app, room, EXT, "before it is on")
        let_push(app)
        await to_room(app, room, EXT | {"em_ignore_notification": True}, "to be ignored")
        message_id = await to_room(app, room, EXT)
        directed = await to_room(app, room, {}, "for two", users=["ann", "cid"])
        for each in (message_id, directed):
            await until_over(app, each)
        await anton.until(lambda self: "hello" in self.heard(room))
        [message] = [each["data"] for each in anton.of("publication") if each["data"]["id"] == message_id]
        assert message["ext"] == EXT
        assert anton.heard(room) == ["before it is on", "to be ignored", "hello"]
    first, second = sorted(services.apns.pushes, key=lambda push: int(push.headers["apns-collapse-id"]))
    assert {first.token, second.token} == {tokens["ann"]}
    assert first.payload == {
        "aps": {"alert": {"title": "On iOS", "body": "Text on iOS"}, "sound": "default", "badge": 5},
        "extras": {"route": "/live", "extern": "x"},
        "laba": {"id": message_id, "from": "boss", "conversation": "room", "kind": "txt"},
    }
    assert second.payload["aps"]["alert"] == {"body": "for two"}
    assert told(services.fcm) == sorted([tokens["bob"], tokens["bert"]])
    for push in services.fcm.pushes:
        assert shown(push) == {"title": "Common title", "body": "Common text"}
        assert push.payload["android"]["notification"]["channel_id"] == "live"
        assert json.loads(push.payload["data"]["extras"]) == {"route": "/live"}
    assert [push.payload["body"] for push in services.web.pushes] == ["Common text", "for two"]


@pytest.mark.parametrize("path", [BROADCAST, "/messages/broadcast"])
async def test_a_broadcast_s_ext_says_what_is_pushed_to_users_who_are_away(services, path):  # E13, V1
    """To all users by itself, to those who are online once the app turns it on."""
    app, tokens = services.app, await people(services)
    let_push(app)
    everybody = {"target_type": "users"} if path != BROADCAST else {}
    ignored = {"msg": {"type": "txt", "msg": "nothing"}, "ext": {"em_ignore_notification": True}, **everybody}
    image = {"type": "img", "url": "https://example.com/1.jpg"}
    for body in (ignored, {"msg": image, "ext": {"em_apns_ext": {"em_push_sound": "horn.caf"}}, **everybody}):
        answer = await app.call("POST", path, body)
        assert answer.status == 200, answer
    await until_over(app, answer.json["data"]["id"])
    assert told(services.apns) == sorted([tokens["ann"], tokens["anton"]])
    for push in services.apns.pushes:
        assert push.payload["aps"] == {"alert": {"body": "[图片]"}, "sound": "horn.caf"}
    assert [push.payload["body"] for push in services.web.pushes] == ["[图片]"]
