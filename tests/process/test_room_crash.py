"""A broadcast to all rooms that a crash cut off: it waits for the rooms' members, and comes once (A8)."""

import os
import time

import pytest

from laba.adapters.store.sqlite import SqliteStore
from laba.core.ids import IdSequence, nth
from laba.model.app import QuotaName
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, Dispatch
from laba.model.flags import Flags
from process_clients import SDKS
from process_server import serving

pytestmark = pytest.mark.anyio

GRACE_SECONDS = 5


async def left_undone(data, app, room):
    """Leave in the ledger what a process leaves that is killed between its answer and its lanes."""
    app_uuid = app.keys["application"]
    async with SqliteStore.open(data / "laba.db", entropy=os.urandom) as store:
        number = (await store.rooms.find(app_uuid, room)).number
        now_ms = time.time_ns() // 1_000_000
        first = IdSequence(0, await store.last_id()).block(now_ms, number + 1)
        await store.append(
            Dispatch(
                id=first,
                app_uuid=app_uuid,
                accepted_at_ms=now_ms,
                sender="admin",
                content=Content(Kind.TXT, {"text": "left"}),
                flags=Flags(stored=True, counted=True, pushed=False, updates_last=True),
                audience=Audience.ACTIVE_ROOMS,
                quota=QuotaName.CHATROOMS_BROADCAST,
                copies=number + 1,
            )
        )
        return str(first), str(nth(first, number))


async def test_what_was_left_for_rooms_comes_when_their_members_are_back(tmp_path):  # A8, design.md section 8
    """Under the ids it had; what is for everybody does not wait behind it."""
    with serving(tmp_path) as server:
        app = server.new_app()
        token = app.user_token("ann")
        asked = {"name": "r", "description": "d", "owner": "ann"}
        room = (await app.call("POST", "/chatrooms", asked)).json["data"]["id"]
        spoken = {"to": [room], "type": "txt", "body": {"msg": "wakes it"}}
        assert (await app.call("POST", "/messages/chatrooms", spoken)).status == 200
        server.kill()
    dispatch_id, copy_id = await left_undone(tmp_path, app, room)
    with serving(tmp_path, LABA_DELIVERY__RESUME_GRACE_SECONDS=str(GRACE_SECONDS)) as server:
        app = app.on(server)
        path = f"/v1/apps/{app.name}/broadcasts/{dispatch_id}"
        async with SDKS["python"](app.websocket, token) as [ann]:
            await ann.until_login()
            await ann.until_heard(await app.broadcast("for everybody"))
            assert server.operator("GET", path)["status"] == "waiting"
            await ann.until(lambda ann: ann.heard(room))
            assert ann.heard(room) == ["left"]
            [copy] = [each["data"] for each in ann.of("publication") if each["channel"] == f"room:{room}"]
            assert (copy["id"], copy["broadcast"]) == (copy_id, True)
        assert server.operator("GET", path)["status"] == "sent"
