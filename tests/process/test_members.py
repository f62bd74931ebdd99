"""Rooms as clients have them, by the official SDKs: coming, speaking, leaving, and coming back (S3, E6)."""

import pytest

from process_clients import line_to
from process_server import eventually, metric

pytestmark = pytest.mark.anyio


async def make_room(app, *members, **rest):
    """Have the app's back end make a room of `host`, who has no client, and give its id."""
    for user in ("host", *members):
        app.user_token(user)
    answer = await app.call("POST", "/chatrooms", {"name": "a room", "owner": "host", "members": members, **rest})
    assert answer.status == 200, answer
    return answer.json["data"]["id"]


async def cut(line, server):
    """Cut the line, and wait until the server knows."""

    async def ended():
        return await metric(server, "laba_sessions_closed_total")

    before = await ended()
    line.cut()

    async def noticed():
        return await ended() > before

    await eventually(noticed)


async def test_what_one_member_publishes_the_others_receive_and_its_own_devices_do_not(app, sdk):  # E6, S3, S4
    room = await make_room(app)
    ann, bob = app.user_token("ann"), app.user_token("bob")
    async with sdk(app.websocket, ann, ann, bob) as [anns_phone, anns_pad, bobs]:
        for listener in (anns_phone, anns_pad, bobs):
            await listener.until_login()
            await listener.join(room)
        assert await anns_phone.say(room, "hello", ext={"k": 1}, client_id="c1") is None
        assert await bobs.say(room, "hi") is None
        await bobs.until(lambda bobs: bobs.heard(room))
        for listener in (anns_phone, anns_pad):
            await listener.until(lambda anns: anns.heard(room))
            # In one room messages arrive in the order in which laba took them: ann's own was before it.
            assert listener.heard(room) == ["hi"]
        assert bobs.heard(room) == ["hello"]
        [message] = [each["data"] for each in bobs.of("publication")]
        assert (message["from"], message["ext"], message["client_id"]) == ("ann", {"k": 1}, "c1")
        assert message["conversation"] == {"type": "room", "id": room}


async def test_who_asked_is_told_who_comes_and_goes(app, sdk):  # S3
    room = await make_room(app)
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob", "cid"))) as [ann, bob, cid]:
        for listener in (ann, bob, cid):
            await listener.until_login()
        await ann.join(room, joinLeave=True)
        await ann.until(lambda ann: ann.moves(room) == [("join", "ann")])
        await bob.join(room)
        await cid.join(room, data={"tags": ["host"]})
        await ann.until(lambda ann: ann.moves(room)[1:] == [("join", "bob"), ("join", "cid")])
        presence = await ann.look("presence", room)
        assert {each["user"] for each in presence["clients"].values()} == {"ann", "bob", "cid"}
        stats = await ann.look("presenceStats", room)
        assert (stats["numClients"], stats["numUsers"]) == (3, 3)
        await bob.leave(room)
        await ann.until(lambda ann: ann.moves(room)[3:] == [("leave", "bob")])
        assert bob.moves(room) == cid.moves(room) == []
        # Who has left neither sees nor says anything.
        assert await bob.look("presence", room) == 103
        assert (await bob.say(room, "still here?"))[0] == 103


async def test_who_drops_and_comes_back_in_time_has_missed_nothing_and_was_never_gone(app, sdk):  # S3, E6
    room = await make_room(app)
    ann, bob = app.user_token("ann"), app.user_token("bob")
    async with line_to(app) as (line, url), sdk(url, bob) as [bobs], sdk(app.websocket, ann) as [anns]:
        for listener in (anns, bobs):
            await listener.until_login()
            await listener.join(room, joinLeave=True)
        await anns.say(room, "before")
        await bobs.until(lambda bobs: bobs.heard(room) == ["before"])
        await bobs.say(room, "mine")
        await anns.until(lambda anns: anns.heard(room) == ["mine"])
        await cut(line, app.server)
        await anns.say(room, "away 1")
        await anns.say(room, "away 2")
        line.mend()
        await bobs.until(lambda bobs: len(bobs.entries(room)) == 2)
        await anns.say(room, "after")
        await bobs.until(lambda bobs: "after" in bobs.heard(room))
        assert bobs.heard(room) == ["before", "away 1", "away 2", "after"]
        back = bobs.entries(room)[1]
        assert (back["was_recovering"], back["recovered"]) == (True, True)
        # The drop was never told of: the next that is told of bob is that he leaves.
        await bobs.leave(room)
        await anns.until(lambda anns: ("leave", "bob") in anns.moves(room))
        assert anns.moves(room) == [("join", "ann"), ("join", "bob"), ("leave", "bob")]


async def test_a_client_is_in_the_rooms_its_user_was_put_into(app, sdk):  # S3, S4
    room = await make_room(app, "ann", "bob")
    await make_room(app, "bob")
    ann, bob = app.user_token("ann"), app.user_token("bob")
    async with line_to(app) as (line, url), sdk(url, bob) as [bobs], sdk(app.websocket, ann) as [anns]:
        await anns.until_login()
        await bobs.until(lambda bobs: len(bobs.of("subscribed")) == 5)
        assert await anns.say(room, "one") is None
        await bobs.until(lambda bobs: bobs.heard(room) == ["one"])
        await cut(line, app.server)
        await anns.say(room, "two")
        line.mend()
        await bobs.until_login(2)
        await anns.say(room, "three")
        await bobs.until(lambda bobs: bobs.heard(room)[-1:] == ["three"])
        assert bobs.heard(room) == ["one", "two", "three"]
        recovered = [each["recovered"] for each in bobs.of("subscribed") if each["channel"] == f"room:{room}"]
        assert recovered == [False, True]


async def test_a_room_that_the_client_is_in_already_may_be_subscribed_to_and_nothing_comes_twice(app, sdk):  # S4
    room = await make_room(app, "ann", "bob")
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob"))) as [ann, bob]:
        await ann.until_login()
        await bob.until_login()
        await bob.join(room)
        await ann.say(room, "one")
        await ann.say(room, "two")
        await bob.until(lambda bob: "two" in bob.heard(room))
        assert bob.heard(room) == ["one", "two"]
        # By its own will a user leaves also where REST had put it.
        await bob.leave(room)
        assert await bob.look("presence", room) == 103
        await bob.command("restart")
        await bob.until(lambda bob: len(bob.of("connected")) == 2)
        assert await bob.look("presence", room) == 103


async def test_a_subscription_of_ones_own_beside_the_servers_loses_nothing_in_a_drop(app, sdk):  # S4
    room = await make_room(app, "ann", "bob")
    ann, bob = app.user_token("ann"), app.user_token("bob")
    async with line_to(app) as (line, url), sdk(url, bob) as [bobs], sdk(app.websocket, ann) as [anns]:
        await anns.until_login()
        await bobs.until_login()
        await bobs.join(room)
        await anns.say(room, "one")
        await bobs.until(lambda bobs: bobs.heard(room) == ["one"])
        await cut(line, app.server)
        await anns.say(room, "two")
        line.mend()
        await bobs.until(lambda bobs: len(bobs.entries(room)) == 2)
        await anns.say(room, "three")
        await bobs.until(lambda bobs: "three" in bobs.heard(room))
        own = [each["data"]["content"]["text"] for each in bobs.of("publication") if each.get("own")]
        assert own == ["one", "two", "three"]


async def test_history_is_what_the_asker_may_see(app, sdk):  # E6
    room = await make_room(app)
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob"))) as [ann, bob]:
        for listener in (ann, bob):
            await listener.until_login()
            await listener.join(room)
        for text in ("one", "two", "three"):
            await ann.say(room, text)
        await bob.say(room, "mine")
        await bob.until(lambda bob: len(bob.heard(room)) == 3)
        await ann.until(lambda ann: ann.heard(room))

        async def told(listener, **options):
            answer = await listener.look("history", room, **options)
            return [one["data"]["content"]["text"] for one in answer["publications"]]

        assert await told(bob, limit=10) == ["one", "two", "three"]
        assert await told(bob, limit=2, reverse=True) == ["three", "two"]
        assert await told(ann, limit=-1) == ["mine"]
        assert await told(ann, limit=0) == []


async def test_what_is_refused_says_why(app, sdk):
    room = await make_room(app, maxusers=2)
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob"))) as [ann, bob]:
        for listener in (ann, bob):
            await listener.until_login()
        await ann.join(room)
        await bob.command("join", channel=f"room:{room}", options={})
        await bob.command("join", channel="room:nowhere", options={})
        await bob.until(lambda bob: len([each for each in bob.of("unsubscribed") if "code" in each]) == 2)
        assert {(each["channel"], each["code"]) for each in bob.of("unsubscribed")} == {
            (f"room:{room}", 106),
            ("room:nowhere", 102),
        }
        code, message = await ann.say(room, "x" * 6000)
        assert code == 107
        assert "5120" in message
        assert await ann.say(room, "again") is None


async def test_whom_rest_puts_in_and_takes_out_is_told_at_once(app, sdk):  # S3
    room = await make_room(app)
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob"))) as [ann, bob]:
        await ann.until_login()
        await bob.until_login()
        await bob.join(room)
        for user in ("ann", "bob"):
            assert (await app.call("POST", f"/chatrooms/{room}/users/{user}")).status == 200
        await ann.until(lambda ann: ann.of("subscribed")[-1]["channel"] == f"room:{room}")
        await bob.say(room, "welcome")
        await ann.until(lambda ann: ann.heard(room) == ["welcome"])
        for user in ("ann", "bob"):
            assert (await app.call("DELETE", f"/chatrooms/{room}/users/{user}")).status == 200
        await ann.until(lambda ann: ann.of("unsubscribed"))
        await bob.until(lambda bob: bob.of("unsubscribed"))
        # A subscription of one's own says why; the SDK does not come back to it by itself.
        [out] = bob.of("unsubscribed")
        assert (out["channel"], out["code"], out["reason"]) == (f"room:{room}", 2400, "removed from the room")
        assert (await bob.say(room, "still here?"))[0] == 103
        assert (await app.call("GET", f"/chatrooms/{room}/users")).json["data"] == [{"owner": "host"}]


async def test_the_members_of_a_room_that_is_destroyed_are_told(app, sdk):  # S3
    room = await make_room(app, "ann")
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob"))) as [ann, bob]:
        await ann.until_login()
        await bob.until_login()
        await bob.join(room)
        assert (await app.call("DELETE", f"/chatrooms/{room}")).status == 200
        await ann.until(lambda ann: ann.of("unsubscribed"))
        await bob.until(lambda bob: bob.of("unsubscribed"))
        assert bob.of("unsubscribed")[0]["code"] == 2401
        assert (await bob.say(room, "anybody?"))[0] == 103


async def test_members_by_subscription_stand_in_the_list_of_members(app, sdk):  # S3
    room = await make_room(app, "ann")
    async with sdk(app.websocket, app.user_token("bob")) as [bob]:
        await bob.until_login()
        await bob.join(room)
        listed = (await app.call("GET", f"/chatrooms/{room}/users")).json["data"]
        assert listed == [{"owner": "host"}, {"member": "ann"}, {"member": "bob"}]


async def test_messages_of_the_back_end_reach_members_but_their_sender(app, sdk):  # E1, E6, E10
    room = await make_room(app)
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob", "cid"))) as listeners:
        for listener in listeners:
            await listener.until_login()
            await listener.join(room)
        ann, bob, cid = listeners

        async def send(text, path="", **rest):
            body = {"from": "ann", "to": [room], "type": "txt", "body": {"msg": text}, **rest}
            answer = await app.call("POST", f"/messages/chatrooms{path}", body)
            assert answer.status == 200, answer

        await send("to all")
        await send("to bob", "/users", users=["bob"])
        await send("the end", **{"from": "host"})
        for listener in listeners:
            await listener.until(lambda listener: "the end" in listener.heard(room))
        assert ann.heard(room) == ["the end"]
        assert bob.heard(room) == ["to all", "to bob", "the end"]
        assert cid.heard(room) == ["to all", "the end"]
