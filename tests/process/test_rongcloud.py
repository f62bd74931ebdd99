"""RongCloud's REST API on a real server, with real clients of the open protocol: samples, answers and faults."""

import json
from urllib.parse import urlencode

import pytest

from process_clients import python
from process_server import call, eventually
from rongcloud_caller import ENABLED, FORM, JSON, done, faulty, post, signed, token_of

pytestmark = pytest.mark.anyio

ONLINE, PUSH, TO_ALL = "/message/online/broadcast.json", "/push.json", "/message/broadcast.json"
# The request sample of seeds/002, byte by byte.
ONLINE_SAMPLE = (
    b"content=%7B%22content%22%3A%22hello%22%2C%22extra%22%3A%22helloExtra%22%7D&fromUserId=2191&objectName=RC:TxtMsg"
)
# The request sample of seeds/004, with its package as it stands there.
PUSH_SAMPLE = rb"""{ "platform":["ios","android"], "fromuserid": "fromuseId1", "audience":{ "packageName":"xxx.rong.xxx", "is_to_all":false }, "message": { "content": "{\"content\":\"1111\",\"extra\":\"aa\"}", "objectName": "RC:TxtMsg" }, "notification":{ "alert":"this is a push", "ios": {"alert": "override alert","extras": {"id": "1","name": "2"}}, "android": {"alert": "override alert","extras": {"id": "1","name": "2"}} } }"""  # noqa: E501 - as it stands
SAID = {"fromUserId": "boss", "objectName": "RC:TxtMsg", "content": '{"content":"x"}'}
ALL_FOUR = {"stored": True, "counted": True, "pushed": True, "updates_last": True, "offline": True}


@pytest.fixture
def app(server):
    return server.new_app(f"acme/rc{len(server.operator('GET', '/v1/apps')['apps'])}", enable=ENABLED)


def heard(listener):
    """Give the canonical messages that came to everybody or to the user alone, in their order."""
    return [each["data"] for each in listener.of("publication")]


async def until(listener, count):
    await listener.until(lambda self: len(self.of("publication")) >= count)
    return heard(listener)


async def out(app, uid):
    """Wait until a message with this uid has gone out to whoever is there."""
    message_id = int(uid.replace("-", ""), 36)

    async def is_out():
        return "audience" in app.server.operator("GET", f"/v1/broadcasts/{message_id}")

    await eventually(is_out)
    return str(message_id)


# --- the pages' samples --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signing", [{}, {"prefix": "RC-"}, {"prefix": "rc-"}, {"stamp": "1585127132"}])
async def test_the_page_s_online_broadcast_works_as_it_stands(app, sdk, signing):  # R1, R3, R4, R7, R8, S10
    """Re-signed, under both spellings of the headers, in seconds, milliseconds and years ago."""
    async with sdk(app.websocket, await token_of(app, "ann")) as [ann]:
        await ann.until_login()
        answer = await post(app, ONLINE, ONLINE_SAMPLE, **signing)
        assert answer.status == 200
        assert answer.json.keys() == {"code", "messageUID"}
        uid = answer.json["messageUID"]
        [message] = await until(ann, 1)
        assert message["id"] == await out(app, uid)
        assert (message["kind"], message["content"]) == ("txt", {"text": "hello"})
        assert (message["from"], message["conversation"]) == ("2191", {"type": "system", "id": "2191"})
        assert (message["flags"], message["broadcast"]) == (ALL_FOUR, True)
        assert message["original"] == {
            "dialect": "rongcloud",
            "type": "RC:TxtMsg",
            "content": {"content": "hello", "extra": "helloExtra"},
        }


async def test_the_page_s_package_push_works_as_it_stands(app, sdk):  # P1, P3, P4, P5, P9
    """It reaches who has the package, there or not yet, and nobody else."""
    described = {"platform": "ios", "package": "xxx.rong.xxx"}
    ann_token, bob_token, cid_token = [await token_of(app, user) for user in ("ann", "bob", "cid")]
    async with sdk(app.websocket, bob_token, data=described) as [bob]:
        await bob.until_login()
    async with (
        sdk(app.websocket, ann_token, data=described) as [ann],
        sdk(app.websocket, cid_token, data={"platform": "ios", "package": "yyy"}) as [cid],
    ):
        await ann.until_login()
        await cid.until_login()
        answer = await post(app, PUSH, PUSH_SAMPLE, JSON)
        assert (answer.status, answer.json["code"]) == (200, 200)
        assert answer.json["warning"] == "sender has no token"
        [message] = await until(ann, 1)
        assert message["id"] == await out(app, answer.json["id"])
        assert message["content"] == {"text": "1111"}
        assert message["conversation"] == {"type": "system", "id": "fromuseId1"}
        assert message["original"]["content"] == {"content": "1111", "extra": "aa"}
        assert ann.of("publication")[0]["channel"] == "user"
        async with sdk(app.websocket, bob_token, data=described) as [bob]:
            assert await until(bob, 1) == [message]
        await done(app, ONLINE, ONLINE_SAMPLE)
        assert [one["kind"] for one in await until(cid, 1)] == ["txt"]
        assert cid.messages == heard(cid)


# --- who gets a push -----------------------------------------------------------------------------------------------


async def test_a_push_by_tag_reaches_those_who_have_it_now_and_later_once(app):  # P4, P5, S2, X2
    tokens = {user: await token_of(app, user) for user in ("ann", "bob", "cid")}
    await done(app, "/user/tag/set.json", {"userId": "ann", "tags": ["a", "b"]}, JSON)
    await done(app, "/user/tag/batch/set.json", {"userIds": ["bob"], "tags": ["b", "a", "c"]}, JSON)
    push = {
        "platform": ["iOS"],
        "fromuserid": "ann",
        "audience": {"tag": ["a"], "tag_or": ["b", "z"], "is_to_all": False},
        "message": {"content": '{"content":"vip"}', "objectName": "RC:TxtMsg"},
    }
    async with python(app.websocket, tokens["ann"], tokens["cid"]) as [ann, cid]:
        await ann.until_login()
        await cid.until_login()
        answer = await done(app, PUSH, push, JSON)
        assert "warning" not in answer
        [message] = await until(ann, 1)
        await ann.rpc("ack", {"ids": [message["id"]]})

        async def has_mustered():
            report = app.server.operator("GET", f"/v1/broadcasts/{message['id']}")
            return not report["targets"]["walking"] and report["targets"]["delivered"] and report["targets"]

        assert await eventually(has_mustered) == {"targeted": 2, "delivered": 1, "expired": 0, "walking": False}
        async with python(app.websocket, tokens["bob"]) as [bob]:
            assert await until(bob, 1) == [message]
            told = await bob.rpc("conversations", {})
            assert [(each["type"], each["id"], each["unread"]) for each in told] == [("system", "ann", 1)]
            await bob.rpc("ack", {"ids": [message["id"]]})
            await bob.command("restart")
            await bob.until_login(2)
            await done(app, ONLINE, ONLINE_SAMPLE)
            assert [one["from"] for one in await until(bob, 2)] == ["ann", "2191"]
        assert [one["from"] for one in await until(cid, 1)] == ["2191"]


async def test_a_system_message_reaches_the_users_it_names(app):  # S11, P5
    tokens = {user: await token_of(app, user) for user in ("ann", "bob")}
    async with python(app.websocket, tokens["ann"]) as [ann]:
        await ann.until_login()
        fields = {"fromUserId": "sys", "toUserId": ["ann", "bob"], "objectName": "RC:InfoNtf"}
        answer = await done(app, "/message/system/publish.json", fields | {"content": '{"message":"careful"}'})
        [message] = await until(ann, 1)
        assert (message["kind"], message["content"]) == ("tip", {"text": "careful"})
        uids = {each["userId"]: each["messageUID"] for each in answer["messageUIDs"]}
        assert uids.keys() == {"ann", "bob"}
        assert await out(app, uids["ann"]) == message["id"]
        async with python(app.websocket, tokens["bob"]) as [bob]:
            assert await until(bob, 1) == [message]


async def test_nobody_replies_to_a_system_conversation(app):  # R4, P8
    async with python(app.websocket, await token_of(app, "ann")) as [ann]:
        await ann.until_login()
        await done(app, ONLINE, ONLINE_SAMPLE)
        await until(ann, 1)
        for channel in ("user", "app", "system:2191"):
            await ann.command("publish", channel=channel, data={"kind": "txt", "content": {"text": "hi"}})
        await ann.until(lambda self: len(self.of("told")) == 3)
        assert {each["code"] for each in ann.of("told")} <= {103, 102}
        assert any("cannot be replied to" in each["message"] for each in ann.of("told"))


async def test_to_all_users_and_its_recall(app):  # V2, R9, X3
    """Who has it is told to withdraw it, who has not never gets it; an online broadcast cannot be recalled so."""
    tokens = [await token_of(app, user) for user in ("ann", "bob")]
    async with python(app.websocket, tokens[0]) as [ann]:
        await ann.until_login()
        sent = await done(
            app, TO_ALL, {"fromUserId": "boss", "objectName": "RC:TxtMsg", "content": '{"content":"x"}'}
        )
        [message] = await until(ann, 1)
        recall = {"fromUserId": "boss", "messageUID": sent["messageUID"], "sentTime": message["sent_at"]}
        await done(app, "/message/broadcast/recall.json", recall)
        word = (await until(ann, 2))[1]
        assert (word["kind"], word["content"]) == ("notice", {"operation": "recall", "data": {"id": message["id"]}})
        async with python(app.websocket, tokens[1]) as [bob]:
            assert await until(bob, 1) == [word]
        online = await done(app, ONLINE, ONLINE_SAMPLE)
        refused = await post(
            app, "/message/broadcast/recall.json", {"fromUserId": "2191", "messageUID": online["messageUID"]}
        )
        assert faulty(refused) == (400, 1002)


async def test_a_recalled_conversation_is_as_if_it_had_never_been(app):  # X3, S5
    async with python(app.websocket, await token_of(app, "ann")) as [ann]:
        await ann.until_login()
        sent = await done(
            app, TO_ALL, {"fromUserId": "boss", "objectName": "RC:TxtMsg", "content": '{"content":"x"}'}
        )
        await until(ann, 1)
        assert [each["id"] for each in await ann.rpc("conversations", {})] == ["boss"]
        await done(app, "/message/broadcast/recall.json", {"fromUserId": "boss", "messageUID": sent["messageUID"]})
        await until(ann, 2)
        assert await ann.rpc("conversations", {}) == []


async def test_disable_update_last_message_counts_and_leaves_the_last_as_it_was(app):  # R6
    async with python(app.websocket, await token_of(app, "ann")) as [ann]:
        await ann.until_login()
        await done(app, ONLINE, ONLINE_SAMPLE)
        await done(app, ONLINE, ONLINE_SAMPLE.replace(b"hello", b"later") + b"&disableUpdateLastMsg=true")
        await until(ann, 2)
        [conversation] = await ann.rpc("conversations", {})
        assert (conversation["unread"], conversation["last_message"]["content"]) == (2, {"text": "hello"})


async def test_the_operator_says_what_a_custom_type_does(app):  # R8
    types = {"app:gift": {"stored": True, "counted": False, "offline": False, "pushed": False}}
    app.server.operator("PATCH", f"/v1/apps/{app.name}", {"types": types})
    fields = {"fromUserId": "2191", "objectName": "app:gift", "content": "a rose, not JSON: %41"}
    async with python(app.websocket, await token_of(app, "ann")) as [ann]:
        await ann.until_login()
        await done(app, ONLINE, fields)
        [message] = await until(ann, 1)
        assert message["original"]["content"] == "a rose, not JSON: %41"
        assert message["flags"] == ALL_FOUR | {"counted": False, "pushed": False, "offline": False}
        assert [each["unread"] for each in await ann.rpc("conversations", {})] == [0]
    async with python(app.websocket, await token_of(app, "late")) as [late]:
        await done(app, ONLINE, ONLINE_SAMPLE)
        assert [one["from"] for one in await until(late, 1)] == ["2191"]
        assert heard(late)[-1]["kind"] == "txt"


# --- chatrooms and users -------------------------------------------------------------------------------------------


async def test_chatrooms_from_creation_to_the_end(app):  # S3, S11
    await done(app, "/chatroom/create.json", {"chatroom[r1]": "one", "chatroom[r2]": "two"})
    await done(app, "/chatroom/create_new.json", {"chatroomId": "r3"})
    shown = await done(app, "/chatroom/query.json", {"chatroomId": ["r1", "r3", "none"]})
    assert [(room["chrmId"], room["name"]) for room in shown["chatRooms"]] == [("r1", "one"), ("r3", "r3")]
    async with python(app.websocket, await token_of(app, "ann")) as [ann]:
        await ann.until_login()
        await ann.join("r1")
        members = await done(app, "/chatroom/user/query.json", {"chatroomId": "r1", "count": 10, "order": 1})
        assert (members["total"], [each["id"] for each in members["users"]]) == (1, ["ann"])
        exists = await done(app, "/chatroom/users/exist.json", {"chatroomId": "r1", "userId": ["ann", "bob"]})
        assert [each["isInChrm"] for each in exists["result"]] == [1, 0]
        fields = {"fromUserId": "host", "objectName": "RC:TxtMsg", "content": '{"content":"hi"}'}
        sent = await done(app, "/message/chatroom/publish.json", fields | {"toChatroomId": ["r1", "r2"]})
        assert [each["chatroomId"] for each in sent["messageUIDs"]] == ["r1", "r2"]
        await done(app, "/message/chatroom/broadcast.json", fields)
        # What is kept goes out after its answer: a message to one room may come before it.
        await until(ann, 2)
        # To its own sender only where it is asked for.
        own = fields | {"fromUserId": "ann", "toChatroomId": "r1"}
        await done(app, "/message/chatroom/publish.json", own)
        await done(app, "/message/chatroom/publish.json", own | {"isIncludeSender": 1})
        messages = await until(ann, 3)
        assert [(one["from"], one["broadcast"]) for one in messages] == [
            ("host", False),
            ("host", True),
            ("ann", False),
        ]
        assert all(one["conversation"] == {"type": "room", "id": "r1"} for one in messages)
        await done(app, "/chatroom/destroy.json", {"chatroomId": ["r1", "r2", "r3"]})
        gone = await done(app, "/chatroom/query.json", {"chatroomId": ["r1", "r2", "r3"]})
        assert gone["chatRooms"] == []


async def test_a_chatroom_s_message_has_one_shape_whoever_sent_it(app):  # X1
    """Easemob's and RongCloud's differ in their values only."""
    room = (await done(app, "/chatroom/create.json", {"chatroom[r1]": "one"})) and "r1"
    async with python(app.websocket, await token_of(app, "ann")) as [ann]:
        await ann.until_login()
        await ann.join(room)
        fields = {"fromUserId": "host", "objectName": "RC:TxtMsg", "content": '{"content":"hi"}'}
        await done(app, "/message/chatroom/publish.json", fields | {"toChatroomId": room})
        body = {"from": "host", "to": [room], "type": "txt", "body": {"msg": "hi"}}
        assert (await app.call("POST", "/messages/chatrooms", body)).status == 200
        ours, theirs = await until(ann, 2)
        assert list(ours) == list(theirs)
        assert list(ours["flags"]) == list(theirs["flags"])
        same = ("kind", "content", "from", "conversation", "level", "broadcast", "client_id")
        assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}


async def test_users_from_their_first_token_to_their_tags(app):  # S1, S2
    answer = await done(app, "/user/getToken.json", {"userId": "ann", "name": "Ann", "portraitUri": "http://p"})
    assert (answer["userId"], len(answer["token"]) <= 256) == ("ann", True)
    again = await done(app, "/user/getToken.json", {"userId": "ann", "name": "Anne"})
    info = await done(app, "/user/info.json", {"userId": "ann"})
    assert (info["userName"], info["userPortrait"]) == ("Anne", "http://p")
    await done(app, "/user/refresh.json", {"userId": "ann", "portraitUri": "http://q"})
    assert (await done(app, "/user/info.json", {"userId": "ann"}))["userPortrait"] == "http://q"
    assert (await done(app, "/user/checkOnline.json", {"userId": "ann"}))["status"] == "0"
    # Old tokens live.
    async with python(app.websocket, answer["token"], again["token"]) as listeners:
        for listener in listeners:
            await listener.until_login()
        assert (await done(app, "/user/checkOnline.json", {"userId": "ann"}))["status"] == "1"
    await done(app, "/user/tag/set.json", {"userId": "ann", "tags": ["b", "a"]}, JSON)
    tags = await done(app, "/user/tags/get.json", {"userIds": ["ann", "bob"]})
    assert {user: sorted(some) for user, some in tags["result"].items()} == {"ann": ["a", "b"], "bob": []}
    assert faulty(await post(app, "/user/info.json", {"userId": "nobody"}))[0] == 400


# --- faults --------------------------------------------------------------------------------------------------------


async def test_a_wrong_signature_and_a_wrong_key_are_told_apart(app):  # R1
    assert faulty(await post(app, ONLINE, ONLINE_SAMPLE, secret="wrong")) == (401, 1004)
    headers = signed(app) | {"Content-Type": FORM}
    unsigned = {name: value for name, value in headers.items() if name != "Signature"}
    assert faulty(await call(app.server.port, "POST", ONLINE, ONLINE_SAMPLE, unsigned)) == (401, 1004)
    strange = await call(app.server.port, "POST", ONLINE, ONLINE_SAMPLE, headers | {"App-Key": "strange"})
    assert faulty(strange) == (400, 1002)
    assert strange.json["url"] == ONLINE


async def test_a_switched_off_feature_counts_all_the_same(server):  # R2, G2, A9
    """60 calls a minute are told 1009, the next 1008: the rate is counted first."""
    app = server.new_app("acme/rcoff", enable=(), unlimited=False)
    answers = [await post(app, ONLINE, ONLINE_SAMPLE) for _ in range(61)]
    assert {faulty(answer) for answer in answers[:60]} == {(403, 1009)}
    assert faulty(answers[60]) == (429, 1008)
    assert 0 < int(answers[60].headers["retry-after"]) <= 60


async def test_push_and_broadcast_to_all_share_two_an_hour_and_three_a_day(server):  # P2, V2
    app = server.new_app("acme/rcpush", enable=("push",), unlimited=False)
    await done(app, TO_ALL, SAID)
    await done(app, PUSH, PUSH_SAMPLE, JSON)
    assert faulty(await post(app, PUSH, PUSH_SAMPLE, JSON)) == (429, 1008)
    assert faulty(await post(app, TO_ALL, SAID)) == (429, 1008)
    server.operator("PATCH", f"/v1/apps/{app.name}", {"quotas": {"push": "3/day"}})
    await done(app, TO_ALL, SAID)
    assert faulty(await post(app, TO_ALL, SAID)) == (429, 1008)


async def test_replays_and_old_clocks_are_refused_where_the_operator_wants_it(app):  # S10
    headers = signed(app) | {"Content-Type": FORM}
    repeated = [await call(app.server.port, "POST", ONLINE, ONLINE_SAMPLE, headers) for _ in range(2)]
    assert [answer.status for answer in repeated] == [200, 200]
    app.server.operator("PATCH", f"/v1/apps/{app.name}", {"features": {"signature_once": True}})
    headers = signed(app) | {"Content-Type": FORM}
    once = [await call(app.server.port, "POST", ONLINE, ONLINE_SAMPLE, headers) for _ in range(2)]
    assert [answer.status for answer in once] == [200, 401]
    assert faulty(await post(app, ONLINE, ONLINE_SAMPLE, stamp="1585127132438")) == (401, 1004)


def online(name, content="{}"):
    return urlencode({"fromUserId": "u", "objectName": name, "content": content}).encode()


def push(**rest):
    said = {"content": '{"content":"x"}', "objectName": "RC:TxtMsg"}
    return json.dumps({"platform": ["ios"], "fromuserid": "u", "message": said} | rest).encode()


@pytest.mark.parametrize(
    ("path", "body", "media_type", "expected"),
    [
        (ONLINE, b"", FORM, (400, 1002)),
        (ONLINE, b"fromUserId=u&objectName=RC:TxtMsg", FORM, (400, 1002)),
        (ONLINE, online("RC:Nope"), FORM, (400, 1002)),
        (ONLINE, online("x" * 33), FORM, (400, 1002)),
        (ONLINE, online("a:b", "x" * 131_073), FORM, (400, 1005)),
        (ONLINE, b"%ff%fe=1", FORM, (400, 1002)),
        (PUSH, b"{", JSON, (400, 1002)),
        (PUSH, push(audience={}), JSON, (400, 1002)),
        (PUSH, push(audience={"userid": [f"u{at}" for at in range(1001)]}), JSON, (400, 1502)),
        (PUSH, push(audience={"is_to_all": True}, notification={"ios": {"alert": ""}}), JSON, (400, 1002)),
        ("/message/nonesuch.json", b"", FORM, (404, 404)),
    ],
)
async def test_bad_input_is_named_and_never_a_fault_of_the_server(
    app, path, body, media_type, expected
):  # G4, R3, P4
    assert faulty(await post(app, path, body, media_type)) == expected


async def test_content_of_the_largest_size_is_delivered(app):  # R3, G4
    async with python(app.websocket, await token_of(app, "ann")) as [ann]:
        await ann.until_login()
        await done(app, ONLINE, {"fromUserId": "u", "objectName": "a:b", "content": "语" * 43_690 + "xx"})
        [message] = await until(ann, 1)
        assert len(message["original"]["content"].encode()) == 131_072
