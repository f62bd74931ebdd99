"""The catch-up window of an online broadcast through a real server that is killed in the middle (R5)."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from process_clients import SDKS
from process_server import call, eventually, serving, steady_port
from rongcloud_caller import done, token_of

pytestmark = pytest.mark.anyio

ONLINE = "/message/online/broadcast.json"


def said(text):
    return {"fromUserId": "boss", "objectName": "RC:TxtMsg", "content": f'{{"content":"{text}"}}'}


async def broadcast(app, text):
    uid = (await done(app, ONLINE, said(text)))["messageUID"]
    return str(int(uid.replace("-", ""), 36))


async def pull(app, token, cursor="", wait=0):
    """Ask for messages as a client that polls; gives their ids and the next cursor."""
    path = f"/connection/pull?cursor={cursor}&wait={wait}"
    answer = await call(app.server.port, "GET", path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200, answer
    return [message["id"] for message in answer.json["messages"]], answer.json["cursor"]


async def test_kill_9_in_the_window_repeats_nothing_and_loses_nobody(tmp_path):
    """Every SDK has one client that is there and comes back by itself, and one that comes after the restart."""
    # R5
    data = tmp_path / "data"
    async with AsyncExitStack() as stack:
        with serving(data, steady_port()) as server:
            app = server.new_app(enable=("online_broadcast",))
            tokens = {who: await token_of(app, who) for name in SDKS for who in (f"there {name}", f"later {name}")}
            there = []
            for name, sdk in SDKS.items():
                [one] = await stack.enter_async_context(sdk(app.websocket, tokens[f"there {name}"]))
                there.append(one)
            for one in there:
                await one.until_login()
            first = await broadcast(app, "before the kill")
            for one in there:
                await one.until_heard(first)
            # Accepted, and perhaps on its way to some of them.
            second = await broadcast(app, "as it is killed")
            server.kill()
        with serving(data, server.port) as server:
            app = app.on(server)
            for one in there:
                await one.until_login(2)
            later = []
            for name, sdk in SDKS.items():
                [one] = await stack.enter_async_context(sdk(app.websocket, tokens[f"later {name}"]))
                later.append(one)
            for one in later:
                await one.until_heard(second)
            third = await broadcast(app, "after the restart")
            for one in (*there, *later):
                await one.until_heard(third)
                assert one.ids == [first, second, third]


async def test_coming_back_again_and_again_brings_nothing_twice(tmp_path):
    """With its position, three times; two devices of one user each have it once."""
    # R5
    with serving(tmp_path / "data") as server:
        app = server.new_app(enable=("online_broadcast",))
        token = await token_of(app, "ann")
        first = await broadcast(app, "first")
        async with AsyncExitStack() as stack:
            devices = []
            for name, device in (("js", "phone"), ("python", "tablet")):
                client = SDKS[name](app.websocket, token, data={"device_id": device})
                devices += await stack.enter_async_context(client)
            for listener in devices:
                await listener.until_heard(first)
            for time in (2, 3, 4):
                for listener in devices:
                    await listener.command("disconnect")
                    await listener.command("connect")
                    await listener.until_login(time)
            last = await broadcast(app, "last")
            for listener in devices:
                await listener.until_heard(last)
                assert listener.ids == [first, last]


async def test_a_window_that_is_over_is_over(tmp_path):
    """One of two seconds: who comes in time gets it, who comes later never does."""  # R5
    with serving(tmp_path / "data", LABA_DELIVERY__WINDOW_SECONDS="2") as server:
        app = server.new_app(enable=("online_broadcast",))
        first = await broadcast(app, "first")
        assert (await pull(app, await token_of(app, "in time")))[0] == [first]
        late = [await token_of(app, f"late {number}") for number in range(200)]
        fresh = iter(late)

        async def is_over():
            return (await pull(app, next(fresh)))[0] == []

        await eventually(is_over)
        assert (await pull(app, await token_of(app, "too late")))[0] == []


async def test_a_client_that_polls_gets_everything_once_over_a_restart(tmp_path):
    """By its cursor; a long poll is answered as soon as there is something."""  # R5
    data = tmp_path / "data"
    with serving(data, steady_port()) as server:
        app = server.new_app(enable=("online_broadcast",))
        token = await token_of(app, "ann")
        first = await broadcast(app, "first")
        ids, cursor = await pull(app, token)
        assert ids == [first]
        waiting = asyncio.create_task(pull(app, token, cursor, wait=20))
        second = await broadcast(app, "second")
        assert (await waiting)[0] == [second]
        server.kill()
    with serving(data, server.port) as server:
        app = app.on(server)
        # The cursor from before the long poll: what that brought is asked for again, and nothing before it.
        ids, cursor = await pull(app, token, cursor)
        assert ids == [second]
        assert (await pull(app, token, cursor))[0] == []
