"""NetEase's REST API on a real server, with real clients of the open protocol: sample, rooms, tags, repeats."""

import asyncio
import json
import re
import time

import pytest

from neroom_caller import BROADCAST, IM_BROADCAST, JSON_TWIN, code_of, done, post, room, said, signed, user
from process_server import call

pytestmark = pytest.mark.anyio

# The request sample of seeds/003, as it stands there.
SAMPLE = rb"""{
"msg_id": "c9e6c306-804f-4ec3-b8f0-573778829419",
"high_priority": true,
"sender_user_uuid": "user01",
"msg_type": 0,
"attach": "test msg"
}"""


@pytest.fixture
def app(server):
    return server.new_app(f"acme/ne{len(server.operator('GET', '/v1/apps')['apps'])}", enable=())


def messages(listener, room_id):
    channel = f"room:{room_id}"
    return [each["data"] for each in listener.of("publication") if each["channel"] == channel]


async def until(listener, room_id, count):
    await listener.until(lambda self: len(messages(self, room_id)) >= count)
    return messages(listener, room_id)


# --- the page's sample ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [("AppKey", "Nonce", "CurTime", "CheckSum"), ("Appkey", "Nonce", "Curtime", "Checksum")],
    ids=["as the page writes them", "as the Go SDK sends them"],
)
async def test_the_page_s_sample_works_as_it_stands(app, sdk, names):  # N1, N2, N3, N9, S10
    """Re-signed: everybody in an open room has one copy for each room it is in, high, with the caller's msg_id."""
    rooms = [await room(app, name) for name in ("r1", "r2")]
    token = await user(app, "ann")
    async with sdk(app.websocket, token) as [ann]:
        await ann.until_login()
        for each in rooms:
            await ann.join(each)
        before_ms = time.time_ns() // 1_000_000
        answer = (await post(app, BROADCAST, SAMPLE, names=names)).json
        assert list(answer) == ["code", "msg", "ts", "request_id", "cost"]
        assert (answer["code"], answer["msg"]) == (0, "Success")
        assert before_ms <= answer["ts"] <= time.time_ns() // 1_000_000
        assert re.fullmatch(r"[0-9a-f]{32}", answer["request_id"])
        assert re.fullmatch(r"[0-9]+ms", answer["cost"])
        copies = [(await until(ann, each, 1))[0] for each in rooms]
        assert [copy["conversation"] for copy in copies] == [{"type": "room", "id": each} for each in rooms]
        assert len({copy["id"] for copy in copies}) == 2
        for copy in copies:
            assert (copy["kind"], copy["content"], copy["from"]) == ("txt", {"text": "test msg"}, "user01")
            assert (copy["level"], copy["broadcast"]) == ("high", True)
            assert copy["client_id"] == "c9e6c306-804f-4ec3-b8f0-573778829419"
            assert copy["original"] == {"dialect": "neroom", "type": "0", "content": {"attach": "test msg"}}


async def test_the_im_platform_s_form_and_its_json_twin_do_the_same(app, sdk):  # S11, V3
    room_id = await room(app, "r1")
    async with sdk(app.websocket, await user(app, "ann")) as [ann]:
        await ann.until_login()
        await ann.join(room_id)
        form = {"msgId": "m1", "fromAccid": "boss", "msgType": "0", "attach": "by form", "highPriority": "true"}
        answer = await done(app, IM_BROADCAST, form)
        assert answer["desc"]["msgid_client"] == "m1"
        twin = {
            "client_broadcast_id": "m2",
            "sender_id": "boss",
            "message": {"message_type": 0, "text": "by JSON"},
            "message_config": {"high_priority": False},
        }
        answer = await done(app, JSON_TWIN, twin)
        assert answer["data"]["msgid_client"] == "m2"
        first, second = await until(ann, room_id, 2)
        assert (first["content"]["text"], first["level"], first["client_id"]) == ("by form", "high", "m1")
        assert (second["content"]["text"], second["level"], second["client_id"]) == ("by JSON", "normal", "m2")


# --- who may call --------------------------------------------------------------------------------------------------


async def test_who_cannot_sign_is_told_so_with_http_200(app):  # N9, S10
    """A wrong secret, a clock that is off, no signature, an unknown key or path, no JSON: all in the body."""
    await room(app, "r1")
    now = int(time.time())
    assert await code_of(app, BROADCAST, said(), secret="another") == 401
    assert await code_of(app, BROADCAST, said(), stamp=str(now - 301)) == 401
    assert await code_of(app, BROADCAST, said(), stamp=str(now + 360)) == 401
    assert await code_of(app, BROADCAST, said(), stamp="then") == 401
    assert await code_of(app, BROADCAST, said(), stamp=str(now - 240)) == 0
    assert await code_of(app, IM_BROADCAST, {}, secret="another") == 414
    assert await code_of(app, "/neroom/v9/nothing", said()) == 404
    for method, headers, code in [
        ("POST", {}, 401),
        ("POST", {**signed(app), "AppKey": "nobody"}, 401),
        ("GET", signed(app), 405),
        ("POST", {**signed(app), "Content-Type": "text/plain"}, 415),
    ]:
        answer = await call(app.server.port, method, BROADCAST, b"{}", headers)
        assert (answer.status, answer.json["code"]) == (200, code), answer
        assert answer.json["msg"]


async def test_a_bad_field_is_named(app):  # N3, N4, G4
    await room(app, "r1")
    answer = (await post(app, BROADCAST, said("x" * 4097))).json
    assert (answer["code"], answer["msg"]) == (400, "Invalid parameter. attach: must have at most 4096 characters")
    assert await code_of(app, BROADCAST, said("x" * 4096)) == 0


async def test_without_a_room_there_is_nobody_to_tell(app, server):  # N9: 1004
    """Not where a room is empty; and again once the last one is closed."""
    assert (await post(app, BROADCAST, said())).json["msg"] == "Room not found."
    room_id = await room(app, "r1")
    assert await code_of(app, BROADCAST, said()) == 0
    assert await code_of(app, f"/neroom/v3/rooms/{room_id}/messages", {"message": "hi", "sender_user_uuid": "b"}) == 0
    assert await code_of(app, "/neroom/v3/rooms/nowhere/messages", {"message": "hi"}) == 1004
    server.operator("DELETE", f"/v1/apps/{app.name}/rooms/{room_id}")
    assert await code_of(app, BROADCAST, said()) == 1004


# --- tags ----------------------------------------------------------------------------------------------------------


async def test_only_members_whose_tags_satisfy_the_expression_hear_it(app, sdk):  # N8, S3
    """By tags of the subscription, of the login, and those that REST gave; over a reconnection, too."""
    room_id = await room(app, "r1")
    ann, bob, cid = [await user(app, name) for name in ("ann", "bob", "cid")]
    async with (
        sdk(app.websocket, ann) as [ann],
        sdk(app.websocket, bob, data={"tags": ["vip"]}) as [bob],
        sdk(app.websocket, cid) as [cid],
    ):
        for each in (ann, bob, cid):
            await each.until_login()
        await ann.join(room_id, data={"tags": ["vip", "gold7"]})
        await bob.join(room_id)
        await cid.join(room_id)
        app.server.operator("PUT", f"/v1/apps/{app.name}/rooms/{room_id}/members/cid/tags", {"tags": ["gold1"]})
        for number, expression in enumerate(
            [
                '{"tag":"vip"}',
                '{"tag":"vip"} and {"tag":"gold.*","matchType":"regex"}',
                '{"tag":"vip"} and {"tag":"nobody"} or {"tag":"gold1"}',
                '{"tag":"vip"} and ({"tag":"nobody"} or {"tag":"gold1"})',
            ]
        ):
            await done(app, BROADCAST, said(str(number), f"m{number}", notify_target_tags=expression))
        await done(app, BROADCAST, said("all", "m9"))
        for each in (ann, bob, cid):
            await each.until(lambda self: "all" in self.heard(room_id))
        assert [each.heard(room_id) for each in (ann, bob, cid)] == [
            ["0", "1", "all"],
            ["0", "all"],
            ["2", "all"],
        ]
        members = app.server.operator("GET", f"/v1/apps/{app.name}/rooms/{room_id}/members")["members"]
        assert members == [
            {"user": "ann", "tags": ["gold7", "vip"]},
            {"user": "bob", "tags": ["vip"]},
            {"user": "cid", "tags": ["gold1"]},
        ]


# --- repeats -------------------------------------------------------------------------------------------------------


async def test_a_resent_message_is_dropped_and_answered_like_the_first(app, sdk):  # N2
    """Without the flag it is delivered again, under the same client id; and the server knows it after kill -9."""
    room_id = await room(app, "r1")
    async with sdk(app.websocket, await user(app, "ann")) as [ann]:
        await ann.until_login()
        await ann.join(room_id)
        await done(app, BROADCAST, said("one", "m1"))
        await done(app, BROADCAST, said("one again", "m1", resend_flag=1))
        await done(app, BROADCAST, said("one once more", "m1"))
        await done(app, BROADCAST, said("two", "m2", resend_flag=1))
        await ann.until(lambda self: "two" in self.heard(room_id))
        assert ann.heard(room_id) == ["one", "one once more", "two"]
        assert [each["client_id"] for each in messages(ann, room_id)] == ["m1", "m1", "m2"]


# --- rooms and users -----------------------------------------------------------------------------------------------


async def test_a_room_is_opened_under_the_caller_s_name_and_once(app):  # S3, S11
    await user(app, "host")
    assert await room(app, "mine", host_user_uuid="host") == "mine"
    assert await code_of(app, "/neroom/v4/rooms", {"template_id": 40, "room_uuid": "mine"}) == 409
    assert await code_of(app, "/neroom/v4/rooms", {"template_id": 40, "host_user_uuid": "nobody"}) == 404
    chatroom = (await done(app, "/nimserver/chatroom/create.action", {"creator": "host", "name": "hall"}))["chatroom"]
    assert (chatroom["name"], chatroom["creator"], chatroom["valid"]) == ("hall", "host", True)
    assert isinstance(chatroom["roomid"], int)


async def test_users_of_the_im_platform_come_and_go(app, sdk):  # S1, S2, S11
    """A token that was given lets in until its user is blocked."""
    info = (await done(app, "/nimserver/user/create.action", {"accid": "ann", "name": "Ann"}))["info"]
    assert (info["accid"], info["name"]) == ("ann", "Ann")
    online = {"accids": json.dumps(["ann", "nobody"])}
    async with sdk(app.websocket, info["token"]) as [ann]:
        await ann.until_login()
        statuses = (await done(app, "/nimserver/user/userOnlineStatus.action", online))["data"]
        assert statuses == [{"accid": "ann", "status": 1}, {"accid": "nobody", "status": 0}]
        await done(app, "/nimserver/user/block.action", {"accid": "ann"})
        await ann.until_closed()
    assert await code_of(app, "/nimserver/user/refreshToken.action", {"accid": "nobody"}) == 404
    await done(app, "/nimserver/user/unblock.action", {"accid": "ann"})
    token = (await done(app, "/nimserver/user/refreshToken.action", {"accid": "ann"}))["info"]["token"]
    async with sdk(app.websocket, token) as [ann]:
        await ann.until_login()


async def test_ten_a_minute_by_the_im_platform(server):  # vendor-apis.md 3.3
    app = server.new_app("acme/ne-limited", enable=(), unlimited=False)
    await room(app, "r1")
    form = {"msgId": "m1", "fromAccid": "boss", "msgType": "0", "attach": "hi"}
    codes = [await code_of(app, IM_BROADCAST, form) for _ in range(11)]
    assert codes == [200] * 10 + [416]
    assert await code_of(app, BROADCAST, said()) == 0  # N9: NERoom's own has no limit


async def test_of_high_ones_past_ten_a_second_the_rest_is_normal(app, sdk):  # N6
    room_id = await room(app, "r1")
    async with sdk(app.websocket, await user(app, "ann")) as [ann]:
        await ann.until_login()
        await ann.join(room_id)
        answers = [done(app, BROADCAST, said(str(n), f"m{n}", high_priority=True)) for n in range(15)]
        began = time.monotonic()
        await asyncio.gather(*answers)
        took = time.monotonic() - began
        levels = [message["level"] for message in await until(ann, room_id, 15)]
        high = levels.count("high")
        assert 10 <= high <= 10 * (1 + int(took + 1))
        assert high + levels.count("normal") == 15
        assert took > 1 or high == 10
