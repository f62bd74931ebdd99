"""The request samples about rooms of the vendors' pages, as they stand but for host, ids and token, on a real server.

Each goes out to real clients, of whom exactly those get it for whom it is.
"""

import json
import re
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from process_clients import SDKS
from process_server import HOST, call

pytestmark = pytest.mark.anyio

SAMPLES = Path(__file__).parents[1] / "dialects" / "easemob" / "samples" / "rooms"
ROOM_OF_THE_PAGE = b"185145305923585"
KINDS = ("txt", "img", "audio", "video", "file", "loc", "cmd", "custom")
MESSAGES, DIRECTED, BROADCAST = "/messages/chatrooms", "/messages/chatrooms/users", "/messages/chatrooms/broadcast"
INVALID = (400, "invalid_request_body", "Request body is invalid. Please check body is correct.")

FILES = "https://XXXX/XXXX/XXXX/chatfiles"
AGORA_FILES = "https://XXXX/app-id/XXXX/chatfiles"


def contents(text, files, **custom):
    """What a client sees of each sample: every member of the page, under laba's name for it (design.md section 4)."""
    return {
        "txt": {"text": text},
        "img": {
            "url": f"{files}/55f12940-XXXX-XXXX-8a5b-ff2336f03252",
            "filename": "testimg.jpg",
            "secret": "VfXXXXNb_",
            "width": 480,
            "height": 720,
        },
        "audio": {
            "url": f"{files}/1dfc7f50-XXXX-XXXX-8a07-7d75b8fb3d42",
            "filename": "testaudio.amr",
            "duration": 10,
            "secret": "HfXXXXCjM",
        },
        "video": {
            "url": f"{files}/671dfe30-XXXX-XXXX-ba67-8fef0d502f46",
            "duration": 0,
            "secret": "VfXXXXNb_",
            "size": 58103,
            "thumbnail_url": f"{files}/67279b20-7f69-11e4-8eee-21d3334b3a97",
            "thumbnail_secret": "ZyXXXX2I",
        },
        "file": {"url": f"{files}/d7eXXXX7444", "filename": "test.txt", "secret": "1-g0XXXXua"},
        "loc": {"latitude": 39.966, "longitude": 116.322, "address": "中国北京市海淀区中关村"},
        "cmd": {"action": "action1"},
        "custom": {"event": "custom_event", **custom},
    }


CONTENTS = {
    "message": contents("testmessages", FILES, exts={"ext_key1": "ext_value1"}),
    "broadcast": contents("send broadcast to all chatroom", FILES),
    "agora_broadcast": contents("send broadcast to all chatroom", AGORA_FILES),
}
SHOWN = {"stored": True, "counted": True, "pushed": False, "updates_last": True, "offline": False}
# Only here the neutral content cannot give back what was sent: the page writes numbers as text.
LOCATION = {"lat": "39.966", "lng": "116.322", "addr": "中国北京市海淀区中关村"}


def sample(name):
    return (SAMPLES / f"{name}.json").read_bytes().removesuffix(b"\n")


def mended(body):
    """Take the comma away that makes the page's custom broadcast no JSON."""
    return body.replace(b'"custom_event",', b'"custom_event"')


@pytest.fixture
def app(server):
    """An app of the test's own that may broadcast to users and to rooms, without a limit."""
    count = len(server.operator("GET", "/v1/apps")["apps"])
    return server.new_app(f"rooms/app{count}", enable=("users_broadcast", "chatrooms_broadcast"))


async def post(app, form, path, body):
    """Send it by one form of the path, with the headers of the page."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {app.app_token}"}
    return await call(app.server.port, "POST", app.prefixes[form] + path, body, headers)


async def made(app, owner, *members):
    """Make a room by REST, and give its id."""
    for user in (owner, *members):
        app.user_token(user)
    room = {"name": "a room", "description": "of a test", "owner": owner, "members": list(members)}
    answer = await app.call("POST", "/chatrooms", room)
    assert answer.status == 200, answer.body
    return answer.json["data"]["id"]


async def woken(app, room):
    """Make a room active."""
    await said(app, room, "the first words")


async def said(app, room, text, level="normal"):
    """Send a text to a room from somebody who is in none, and give its id."""
    body = {"from": "nobody", "to": [room], "type": "txt", "body": {"msg": text}, "chatroom_msg_level": level}
    answer = await app.call("POST", MESSAGES, body)
    assert answer.status == 200, answer.body
    return answer.json["data"][room]


@asynccontextmanager
async def present(app, *names):
    """Log users in, by the two official SDKs in turn; gives name -> listener."""
    tokens = {name: app.user_token(name) for name in names}
    ours, theirs = names[::2], names[1::2]
    async with (
        SDKS["js"](app.websocket, *map(tokens.get, ours)) as one,
        SDKS["python-protobuf"](app.websocket, *map(tokens.get, theirs)) as two,
    ):
        there = dict(zip(ours, one, strict=True)) | dict(zip(theirs, two, strict=True))
        for listener in there.values():
            await listener.until_login()
        yield there


async def in_room(listener, room):
    """Wait until a client is in a room that its user was put into."""
    await listener.until(lambda one: any(each["channel"] == f"room:{room}" for each in one.of("subscribed")))


def received(listener, room):
    """Give the messages that came from a room, in order."""
    return [each["data"] for each in listener.of("publication") if each["channel"] == f"room:{room}"]


async def upto(listener, room, message_id):
    """Wait for a message that was sent behind all others of its level, and give those before it."""
    await listener.until(lambda one: any(each["id"] == message_id for each in received(one, room)))
    return [message for message in received(listener, room) if message["id"] != message_id]


def expected(page, kind, room, message_id, **rest):
    return {
        "id": message_id,
        "kind": kind,
        "content": CONTENTS[page][kind],
        "conversation": {"type": "room", "id": room},
        "ext": None,
        "flags": dict.fromkeys(SHOWN, False) if kind == "cmd" else SHOWN,
        "client_id": None,
        "original": {"dialect": "easemob", "type": "loc", "content": LOCATION} if kind == "loc" else None,
        **rest,
    }


def untimed(messages):
    return [{name: value for name, value in message.items() if name != "sent_at"} for message in messages]


# --- to rooms that are named ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_reaches_the_members_of_its_room_and_not_its_sender(app, kind):  # E1, E6, E7, E9
    """Those whom REST put there and those who came by themselves; by either form of the path."""
    room = await made(app, "owner", "user1", "user2")
    async with present(app, "owner", "user1", "user2", "guest", "outsider") as there:
        await there["guest"].join(room)
        for name in ("owner", "user1", "user2"):
            await in_room(there[name], room)
        sent = []
        for form in app.prefixes:
            answer = await post(
                app, form, MESSAGES, sample(f"message_{kind}").replace(ROOM_OF_THE_PAGE, room.encode())
            )
            assert answer.status == 200, answer.body
            assert answer.json["data"].keys() == {room}
            sent.append(answer.json["data"][room])
        last = await said(app, room, "last")
        wanted = [
            expected("message", kind, room, message_id, **{"from": "user1", "level": "normal", "broadcast": False})
            for message_id in sent
        ]
        for name in ("owner", "user2", "guest"):
            assert untimed(await upto(there[name], room, last)) == wanted, name
        assert await upto(there["user1"], room, last) == []
        await there["outsider"].until_heard(await app.broadcast())
        assert received(there["outsider"], room) == []


async def test_a_directed_message_reaches_the_listed_members_alone(app):  # E10, E6
    """At the path of the page's sample and at that of its text; who is listed and not a member is skipped."""
    room = await made(app, "owner", "user1", "user2", "user4")
    async with present(app, "owner", "user1", "user2", "user3", "user4") as there:
        for name in ("owner", "user1", "user2", "user4"):
            await in_room(there[name], room)
        body = sample("directed_txt").replace(ROOM_OF_THE_PAGE, room.encode())
        sent = []
        for path, form in ((MESSAGES, "org/app"), (DIRECTED, "app-id")):
            answer = await post(app, form, path, body)
            assert answer.status == 200, answer.body
            sent.append(answer.json["data"][room])
        last = await said(app, room, "last")
        assert untimed(await upto(there["user2"], room, last)) == [
            expected("message", "txt", room, message_id, **{"from": "user1", "level": "normal", "broadcast": False})
            for message_id in sent
        ]
        for name in ("owner", "user1", "user4"):
            assert await upto(there[name], room, last) == [], name
        await there["user3"].until_heard(await app.broadcast())
        assert received(there["user3"], room) == []


async def test_ten_rooms_get_one_message_each(app):  # E1, E9, G3
    """With an id of its own, the one that the caller was told; a room that there is not is named like the others."""
    rooms = [await made(app, "ann") for _ in range(3)]
    async with present(app, "ann", "bob") as there:
        for room in rooms:
            await in_room(there["ann"], room)
        nowhere = [f"99{number}" for number in range(7)]
        body = {"to": [*rooms, *nowhere, rooms[0]], "type": "txt", "body": {"msg": "hello"}}
        answer = await app.call("POST", MESSAGES, body)
        assert list(answer.json["data"]) == [*rooms, *nowhere]
        assert len(set(answer.json["data"].values())) == 10
        assert all(re.fullmatch("[0-9]{15,19}", message_id) for message_id in answer.json["data"].values())
        for room in rooms:
            last = await said(app, room, "last")
            [message] = await upto(there["ann"], room, last)
            assert (message["id"], message["from"]) == (answer.json["data"][room], "admin")


async def test_push_keys_in_ext_reach_clients_unchanged(app):  # E13, E8
    """As does everything else in it."""
    room = await made(app, "ann")
    ext = {
        "em_apns_ext": {"em_push_title": "t", "extern": {"k": [1, None]}},
        "em_android_push_ext": {},
        "em_push_ext": {"custom": {}},
        "em_ignore_notification": True,
        "em_force_notification": False,
        "mine": "yes",
    }
    async with present(app, "ann", "bob") as there:
        await in_room(there["ann"], room)
        await app.call("POST", MESSAGES, {"to": [room], "type": "txt", "body": {"msg": "x"}, "ext": ext})
        [message] = await upto(there["ann"], room, await said(app, room, "last"))
        assert message["ext"] == ext


async def test_messages_of_one_level_arrive_in_the_order_of_their_answers(app):  # G3, E4
    """However they were merged on their way."""
    room = await made(app, "ann")
    async with present(app, "ann", "bob") as there:
        await in_room(there["ann"], room)
        sent = [await said(app, room, f"{number}") for number in range(30)]
        await upto(there["ann"], room, sent[-1])
        assert [message["id"] for message in received(there["ann"], room)] == sent


# --- to all active rooms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("page", ["agora_broadcast", "broadcast"])
async def test_a_broadcast_reaches_the_members_of_all_active_rooms(app, page, kind):  # A8, E11, E6, A5, A6
    """A copy in each, with an id of its own; not the user in `from`, nor a room in which nobody ever spoke."""
    first, second = await made(app, "ann", "bob", "admin"), await made(app, "bob")
    silent, empty = await made(app, "quiet"), await made(app, "away")
    for room in (first, second, empty):
        await woken(app, room)
    async with present(app, "ann", "bob", "admin", "quiet", "outsider") as there:
        for name, room in (("ann", first), ("bob", first), ("bob", second), ("admin", first), ("quiet", silent)):
            await in_room(there[name], room)
        body = sample(f"{page}_{kind}")
        if kind == "custom":
            for form in app.prefixes:
                refused = await post(app, form, BROADCAST, body)
                assert (refused.status, refused.json["error"], refused.json["error_description"]) == INVALID  # A7
            body = mended(body)
        # Each page has one form of the path.
        answer = await post(app, "app-id" if page == "agora_broadcast" else "org/app", BROADCAST, body)
        assert answer.status == 200, answer.body
        assert answer.json["data"].keys() == {"id"}
        rest = {"from": "admin", "level": "low", "broadcast": True, "ext": {"extKey": "extValue"}}
        # It is kept before it comes to the lanes, which what is said by name does at once: that must not overtake it.
        await there["ann"].until(lambda ann: received(ann, first))
        await there["bob"].until(lambda bob: received(bob, second))
        last = {room: await said(app, room, "last", level="low") for room in (first, second, silent)}
        copies = {}
        for name, room in (("ann", first), ("bob", first), ("bob", second)):
            [copy] = await upto(there[name], room, last[room])
            assert untimed([copy]) == [expected(page, kind, room, copy["id"], **rest)], (name, room)
            copies[name, room] = copy["id"]
        assert copies["ann", first] == copies["bob", first] != copies["bob", second]
        # Copies lie behind the broadcast's own id (design.md section 4).
        assert min(map(int, copies.values())) > answer.json["data"]["id"]
        assert await upto(there["admin"], first, last[first]) == []
        assert await upto(there["quiet"], silent, last[silent]) == []
        await there["outsider"].until_heard(await app.broadcast())
        assert [each for each in there["outsider"].of("publication") if each["channel"].startswith("room:")] == []


# --- answers and faults --------------------------------------------------------------------------------------------


async def test_the_answer_is_that_of_the_page(app):  # E9, A6
    """The same keys, in both forms of the path, without `entities`."""
    for form in app.prefixes:
        answer = await post(app, form, MESSAGES, sample("message_txt"))
        body = answer.json
        assert re.fullmatch("[0-9]+", body["data"].pop(ROOM_OF_THE_PAGE.decode()))
        assert body.pop("timestamp") > 1_600_000_000_000
        assert body.pop("duration") >= 0
        assert body == {
            "path": MESSAGES,
            "uri": f"http://{HOST}:{app.server.port}/{app.name}{MESSAGES}",
            "organization": app.keys["org_name"],
            "application": app.keys["application"],
            "applicationName": app.keys["app_name"],
            "action": "post",
            "data": {},
        }


SAID = {"to": ["1"], "type": "txt", "body": {"msg": "hello"}}


@pytest.mark.parametrize(
    ("change", "error", "description"),
    [
        ({"from": ""}, "message_send_error", "param from can't be empty"),
        ({"to": ...}, "message_send_error", "param to can't be empty"),
        ({"to": []}, "message_send_error", "params to's size can't exceed limit 10"),
        ({"to": [*map(str, range(11))]}, "message_send_error", "params to's size can't exceed limit 10"),
        ({"type": ...}, "message_send_error", "param type can't be empty"),
        ({"body": ...}, "message_send_error", "param body can't be empty"),
        ({"ext": None}, "message_send_error", "param ext must be JSONObject"),
        ({"users": []}, "message_send_error", "param users can't be empty"),
        ({"users": ["ann"], "to": ["1", "2"]}, "message_send_error", "params to's size can't exceed limit 1"),
        ({"users": [*map(str, range(21))]}, "message_send_error", "params users's size can't exceed limit 20"),
        ({"body": {"msg": "x" * 5120}}, "message_send_error", "message is too large"),
        ({"to": "1"}, *INVALID[1:]),
        ({"to": [1]}, *INVALID[1:]),
        ({"type": "tip"}, *INVALID[1:]),
        ({"body": "hello"}, *INVALID[1:]),
        ({"chatroom_msg_level": "urgent"}, *INVALID[1:]),
    ],
)
async def test_a_fault_is_told_in_the_vendors_words(app, change, error, description):  # E1, E2, E4, E8, E10, G4
    """With status 400, and the member at fault named beside them."""
    body = {name: value for name, value in (SAID | change).items() if value is not ...}
    answer = await app.call("POST", MESSAGES, body)
    assert (answer.status, answer.json["error"], answer.json["error_description"]) == (400, error, description)
    assert answer.json.get("field", "").split("[")[0] in (*change, "")


async def test_broken_json_is_an_invalid_body(app):  # E1, A7
    """At every endpoint that sends to rooms."""
    for path in (MESSAGES, DIRECTED, BROADCAST):
        answer = await app.call("POST", path, b'{"to": ["1"],}')
        assert (answer.status, answer.json["error"], answer.json["error_description"]) == INVALID


async def test_five_kilobytes_pass_and_one_byte_more_does_not(app):  # E2
    """Counted as compact JSON of `body` and `ext`, in UTF-8."""
    around = len(json.dumps({"msg": ""}, separators=(",", ":"))) + len('{"k":"v"}')
    for room_bytes, status in ((5120, 200), (5121, 400)):
        text = "喇" * ((room_bytes - around) // 3) + "x" * ((room_bytes - around) % 3)
        body = SAID | {"body": {"msg": text}, "ext": {"k": "v"}}
        for path, more in ((MESSAGES, {}), (DIRECTED, {"users": ["ann"]})):
            assert (await app.call("POST", path, body | more)).status == status
        around_broadcast = len('{"type":"txt","msg":""}') + len('{"k":"v"}')
        text = "x" * (room_bytes - around_broadcast)
        message = {"msg": {"type": "txt", "msg": text}, "ext": {"k": "v"}}
        assert (await app.call("POST", BROADCAST, message)).status == status
