"""Rooms as clients have them, by the official SDKs: coming, speaking, leaving, and coming back (S3, E6)."""

import asyncio
import os

import pytest

from laba.adapters.store.sqlite import SqliteStore
from laba.model.room import Room
from process_clients import line_to
from process_server import eventually, metric

pytestmark = pytest.mark.anyio


async def make_room(app, room_id, *placed, **rest):
    async with SqliteStore.open(app.server.data / "laba.db", entropy=os.urandom) as store:
        [uuid] = [each.uuid for each in await store.apps() if str(each.name) == app.name]
        room = Room(uuid, room_id, f"room {room_id}", 0, **rest)
        assert await store.rooms.add(room, placed)


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
    await make_room(app, "7")
    ann, bob = app.user_token("ann"), app.user_token("bob")
    async with sdk(app.websocket, ann, ann, bob) as [anns_phone, anns_pad, bobs]:
        for listener in (anns_phone, anns_pad, bobs):
            await listener.until_login()
            await listener.join("7")
        assert await anns_phone.say("7", "hello", ext={"k": 1}, client_id="c1") is None
        assert await bobs.say("7", "hi") is None
        await bobs.until(lambda bobs: bobs.heard("7"))
        for listener in (anns_phone, anns_pad):
            await listener.until(lambda anns: anns.heard("7"))
            # In one room messages arrive in the order in which laba took them: ann's own was before it.
            assert listener.heard("7") == ["hi"]
        assert bobs.heard("7") == ["hello"]
        [message] = [each["data"] for each in bobs.of("publication")]
        assert (message["from"], message["ext"], message["client_id"]) == ("ann", {"k": 1}, "c1")
        assert message["conversation"] == {"type": "room", "id": "7"}


async def test_who_asked_is_told_who_comes_and_goes(app, sdk):  # S3
    await make_room(app, "7")
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob", "cid"))) as [ann, bob, cid]:
        for listener in (ann, bob, cid):
            await listener.until_login()
        await ann.join("7", joinLeave=True)
        await ann.until(lambda ann: ann.moves("7") == [("join", "ann")])
        await bob.join("7")
        await cid.join("7", data={"tags": ["host"]})
        await ann.until(lambda ann: ann.moves("7")[1:] == [("join", "bob"), ("join", "cid")])
        presence = await ann.look("presence", "7")
        assert {each["user"] for each in presence["clients"].values()} == {"ann", "bob", "cid"}
        stats = await ann.look("presenceStats", "7")
        assert (stats["numClients"], stats["numUsers"]) == (3, 3)
        await bob.leave("7")
        await ann.until(lambda ann: ann.moves("7")[3:] == [("leave", "bob")])
        assert bob.moves("7") == cid.moves("7") == []
        # Who has left neither sees nor says anything.
        assert await bob.look("presence", "7") == 103
        assert (await bob.say("7", "still here?"))[0] == 103


async def test_who_drops_and_comes_back_in_time_has_missed_nothing_and_was_never_gone(app, sdk):  # S3, E6
    await make_room(app, "7")
    ann, bob = app.user_token("ann"), app.user_token("bob")
    async with line_to(app) as (line, url), sdk(url, bob) as [bobs], sdk(app.websocket, ann) as [anns]:
        for listener in (anns, bobs):
            await listener.until_login()
            await listener.join("7", joinLeave=True)
        await anns.say("7", "before")
        await bobs.until(lambda bobs: bobs.heard("7") == ["before"])
        await bobs.say("7", "mine")
        await anns.until(lambda anns: anns.heard("7") == ["mine"])
        await cut(line, app.server)
        await anns.say("7", "away 1")
        await anns.say("7", "away 2")
        line.mend()
        await bobs.until(lambda bobs: len(bobs.entries("7")) == 2)
        await anns.say("7", "after")
        await bobs.until(lambda bobs: "after" in bobs.heard("7"))
        assert bobs.heard("7") == ["before", "away 1", "away 2", "after"]
        back = bobs.entries("7")[1]
        assert (back["was_recovering"], back["recovered"]) == (True, True)
        assert anns.moves("7") == [("join", "ann"), ("join", "bob")]


async def test_a_client_is_in_the_rooms_its_user_was_put_into(app, sdk):  # S3, S4
    await make_room(app, "7", "ann", "bob")
    await make_room(app, "8", "bob")
    ann, bob = app.user_token("ann"), app.user_token("bob")
    async with line_to(app) as (line, url), sdk(url, bob) as [bobs], sdk(app.websocket, ann) as [anns]:
        await anns.until_login()
        await bobs.until(lambda bobs: len(bobs.of("subscribed")) == 5)
        assert await anns.say("7", "one") is None
        await bobs.until(lambda bobs: bobs.heard("7") == ["one"])
        await cut(line, app.server)
        await anns.say("7", "two")
        line.mend()
        await bobs.until_login(2)
        await anns.say("7", "three")
        await bobs.until(lambda bobs: bobs.heard("7")[-1:] == ["three"])
        assert bobs.heard("7") == ["one", "two", "three"]
        recovered = [each["recovered"] for each in bobs.of("subscribed") if each["channel"] == "room:7"]
        assert recovered == [False, True]


async def test_a_room_that_the_client_is_in_already_may_be_subscribed_to_and_nothing_comes_twice(app, sdk):  # S4
    await make_room(app, "7", "ann", "bob")
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob"))) as [ann, bob]:
        await ann.until_login()
        await bob.until_login()
        await bob.join("7")
        await ann.say("7", "one")
        await ann.say("7", "two")
        await bob.until(lambda bob: "two" in bob.heard("7"))
        assert bob.heard("7") == ["one", "two"]
        # By its own will a user leaves also where REST had put it.
        await bob.leave("7")
        await bob.command("restart")
        await bob.until(lambda bob: len(bob.of("connected")) == 2)
        assert await bob.look("presence", "7") == 103


async def test_history_is_what_the_asker_may_see(app, sdk):  # E6
    await make_room(app, "7")
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob"))) as [ann, bob]:
        for listener in (ann, bob):
            await listener.until_login()
            await listener.join("7")
        for text in ("one", "two", "three"):
            await ann.say("7", text)
        await bob.say("7", "mine")
        await bob.until(lambda bob: len(bob.heard("7")) == 3)
        await ann.until(lambda ann: ann.heard("7"))

        async def told(listener, **options):
            answer = await listener.look("history", "7", **options)
            return [one["data"]["content"]["text"] for one in answer["publications"]]

        assert await told(bob, limit=10) == ["one", "two", "three"]
        assert await told(bob, limit=2, reverse=True) == ["three", "two"]
        assert await told(ann, limit=-1) == ["mine"]
        assert await told(ann, limit=0) == []


async def test_what_is_refused_says_why(app, sdk):
    await make_room(app, "7", max_members=1)
    async with sdk(app.websocket, *map(app.user_token, ("ann", "bob"))) as [ann, bob]:
        for listener in (ann, bob):
            await listener.until_login()
        await ann.join("7")
        await bob.command("join", channel="room:7", options={})
        await bob.command("join", channel="room:nowhere", options={})
        await bob.until(lambda bob: len([each for each in bob.of("unsubscribed") if "code" in each]) == 2)
        assert {(each["channel"], each["code"]) for each in bob.of("unsubscribed")} == {
            ("room:7", 106),
            ("room:nowhere", 102),
        }
        code, message = await ann.say("7", "x" * 6000)
        assert code == 107
        assert "5120" in message or "large" in message
        said = await asyncio.gather(*(ann.say("7", "again") for _ in range(1)))
        assert said == [None]
