"""Rooms over the gateway's connections: what a client says of them is answered, in order, before anything live."""

import json

import pytest

from gateway_rig import APP, EPOCH, GatewayRig, until
from laba.core.window import Kept
from laba.model.room import room_stream
from laba.protocols.websocket import text_frame

pytestmark = pytest.mark.anyio

SAID = {"kind": "txt", "content": {"text": "hello"}}


def say(rig, offset, room_id="7"):
    """Put a message into a room's log."""
    frame = text_frame(json.dumps({"said": offset}).encode())
    rig.logs.find(room_stream(APP.uuid, room_id)).add(Kept(offset, offset, 1000, 10, {"json": frame}))


async def test_a_subscription_is_answered_and_what_was_missed_follows():
    """Nothing comes between the reply and the first that it missed."""  # S4
    async with GatewayRig().running() as rig:
        rig.rooms.make("7")
        ann, bob = await rig.logged_in("ann"), await rig.logged_in("bob")
        await bob.say({"id": 2, "subscribe": {"channel": "room:7"}})
        assert (await bob.reply())["subscribe"]["offset"] == 0
        say(rig, 1)
        asked = {"channel": "room:7", "recover": True, "epoch": EPOCH, "offset": 0}
        await ann.say({"id": 2, "subscribe": asked}, {"id": 3, "presence_stats": {"channel": "room:7"}})
        assert (await ann.reply())["subscribe"]["recovered"] is True
        assert await ann.reply() == {"said": 1}
        assert await ann.reply() == {"id": 3, "presence_stats": {"num_clients": 2, "num_users": 2}}


async def test_a_login_is_answered_with_the_rooms_of_its_user_and_what_was_missed_there():
    """Behind the connect reply, in one connection's life and in the next."""  # S4
    async with GatewayRig().running() as rig:
        rig.rooms.make("7", "ann")
        ann = await rig.upgraded()
        assert (await ann.log_in("ann"))["connect"]["subs"]["room:7"]["offset"] == 0
        say(rig, 1)
        ann.vanish()
        await until(lambda: not rig.roster.of_user(APP.uuid, "ann"))
        assert set(rig.membership.members(APP.uuid, "7")) == {"ann"}
        ann = await rig.upgraded()
        answer = await ann.log_in("ann", subs={"room:7": {"recover": True, "epoch": EPOCH, "offset": 0}})
        assert answer["connect"]["subs"]["room:7"]["recovered"] is True
        assert await ann.reply() == {"said": 1}


async def test_what_a_client_publishes_is_posted_and_answered():
    """In its user's name."""  # S3
    async with GatewayRig().running() as rig:
        rig.rooms.make("7")
        ann = await rig.logged_in("ann")
        await ann.say(
            {"id": 2, "subscribe": {"channel": "room:7"}},
            {"id": 3, "publish": {"channel": "room:7", "data": SAID}},
            {"id": 4, "unsubscribe": {"channel": "room:7"}},
            {"id": 5, "publish": {"channel": "room:7", "data": SAID}},
        )
        replies = [await ann.reply() for _ in range(4)]
        assert [reply["id"] for reply in replies] == [2, 3, 4, 5]
        assert (replies[1]["publish"], replies[2]["unsubscribe"]) == ({}, {})
        assert replies[3]["error"]["code"] == 103
        assert [(one[0].sender, one[2]) for one in rig.posted] == [("ann", "ann")]


async def test_wrong_tags_are_refused_by_name_and_the_session_goes_on():
    """G4: the field at fault is named."""  # S3
    async with GatewayRig().running() as rig:
        ann = await rig.logged_in("ann")
        await ann.say({"id": 2, "subscribe": {"channel": "room:7", "data": {"tags": "host"}}})
        error = (await ann.reply())["error"]
        assert (error["code"], error["message"]) == (
            107,
            "subscribe.data.tags: expected array | null, got str",
        )
        await ann.say({"id": 3, "subscribe": {"channel": "room:7"}})
        assert (await ann.reply())["error"]["code"] == 102


async def test_a_store_that_fails_is_answered_and_counted():
    """The session goes on; what it asked was not done."""  # S4
    async with GatewayRig().running() as rig:
        rig.rooms.make("7")
        rig.rooms.failure = OSError("no disk")
        ann = await rig.logged_in("ann")
        await ann.say({"id": 2, "subscribe": {"channel": "room:7"}})
        assert (await ann.reply())["error"]["code"] == 100
        assert rig.counted("laba_store_failures_total") == 1
        rig.rooms.failure = None
        await ann.say({"id": 3, "subscribe": {"channel": "room:7"}})
        assert "subscribe" in await ann.reply()


async def test_who_vanishes_while_its_rooms_are_looked_up_is_no_stranger_for_ever():
    """Else the places for those who log in would run out."""
    async with GatewayRig(capacity={"handshakes": 1}).running() as rig:
        rig.rooms.make("7", "ann")
        held = rig.logs._opening
        await held.acquire()
        ann = await rig.upgraded()
        await ann.say({"id": 1, "connect": {"token": "ann"}})
        await until(lambda: rig.roster.of_user(APP.uuid, "ann"))
        rig.of("ann").abort()
        held.release()
        await until(lambda: not rig.gateway._answering)
        await rig.logged_in("bob")
        assert rig.membership.members(APP.uuid, "7") == {}


async def test_who_only_listens_has_its_rooms_and_hears_of_its_end_in_them():
    """By a request: nobody tells it of rooms but the server."""  # S4
    async with GatewayRig().running() as rig:
        rig.rooms.make("7", "ann")
        ann = await rig.connect()
        await ann.send(b"GET /connection/uni_sse?token=ann HTTP/1.1\r\nHost: h\r\n\r\n")
        await ann.read_through(b"\r\n\r\n")
        welcome = json.loads((await ann.read_through(b"\n\n")).partition(b"data: ")[2])
        assert welcome["connect"]["subs"]["room:7"]["positioned"] is True
