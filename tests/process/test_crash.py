"""`kill -9` at any moment: what was answered is in the ledger, and arrives once (design.md section 8)."""

import asyncio
import random
import sqlite3
import time
from contextlib import AsyncExitStack, closing

import pytest

from laba.adapters.store.sqlite import SqliteStore
from laba.model.app import QuotaName
from laba.model.content import Content, Kind
from laba.model.dispatch import Audience, Dispatch
from laba.model.flags import Flags
from process_clients import SDKS
from process_server import BROADCAST, metric, serving, steady_port

pytestmark = pytest.mark.anyio

CALLERS = 200
KILLS = 5
TEXT = {"msg": {"type": "txt", "msg": "hello"}}


def kept(data):
    """Give the ids in the ledger, oldest first."""
    with closing(sqlite3.connect(data / "laba.db")) as ledger:
        return [str(number) for (number,) in ledger.execute("SELECT id FROM ledger ORDER BY number")]


async def kill_amid_sends(app, answers_before):
    """Let 200 callers send without a pause, kill the server behind that many answers, and give the ids answered."""
    answered = []
    fatal = asyncio.Event()

    async def send():
        while not fatal.is_set():
            try:
                answer = await app.call("POST", BROADCAST, TEXT)
            except OSError:
                return
            assert answer.status == 200
            answered.append(str(answer.json["data"]["id"]))
            if len(answered) >= answers_before:
                fatal.set()
                app.server.process.kill()

    await asyncio.gather(*(send() for _ in range(CALLERS)))
    app.server.kill()
    return answered


async def both(stack, app):
    """Log in a client of each SDK, for as long as the stack lasts."""
    clients = [sdk(app.websocket, app.user_token(language)) for language, sdk in SDKS.items()]
    listeners = [(await stack.enter_async_context(client))[0] for client in clients]
    for listener in listeners:
        await listener.until_login()
    return listeners


async def catch_up(listeners, app, answered):
    """Check that all that was answered is kept, and that all that is kept arrives, each once, in its order."""
    # Sent last, so it arrives last: whatever was to come has come before it.
    last = await app.broadcast("last")
    ledger = kept(app.server.data)
    assert set(answered) <= set(ledger)
    for listener in listeners:
        await listener.until_heard(last)
        # What is in the ledger without having been answered is no exception.
        assert listener.ids == ledger
        assert listener.returns[-1]["recovered"] is True


async def test_every_answered_send_survives_every_kill_and_arrives_once(tmp_path):  # A1, G3
    """Killed at moments of chance, restarted on the same data and port, with clients of both SDKs throughout."""
    data = tmp_path / "data"
    moments = [random.Random(seed).randrange(1, 2 * CALLERS) for seed in range(KILLS)]
    async with AsyncExitStack() as stack:
        with serving(data, steady_port()) as server:
            app = server.new_app()
            listeners = await both(stack, app)
            answered = await kill_amid_sends(app, moments[0])
        for life, moment in enumerate(moments[1:], start=2):
            with serving(data, server.port) as server:
                for listener in listeners:
                    await listener.until_login(life)
                await catch_up(listeners, app.on(server), answered)
                answered += await kill_amid_sends(app.on(server), moment)
        with serving(data, server.port) as server:
            for listener in listeners:
                await listener.until_login(KILLS + 1)
            await catch_up(listeners, app.on(server), answered)


async def accept(data, app, *ages_seconds):
    """Keep dispatches as a server does that dies before it gives them their places; give their ids."""
    dispatches = [
        Dispatch(
            id=(now_ms << 20) + age,
            app_uuid=app.keys["application"],
            accepted_at_ms=now_ms - age * 1000,
            sender="admin",
            content=Content(Kind.TXT, {"text": f"{age} s old"}),
            flags=Flags(stored=True, counted=True, pushed=False, updates_last=True),
            audience=Audience.ONLINE_USERS,
            quota=QuotaName.USERS_BROADCAST,
        )
        for age in ages_seconds
        for now_ms in [time.time_ns() // 1_000_000]
    ]
    async with SqliteStore.open(data / "laba.db", entropy=random.randbytes) as store:
        for dispatch in dispatches:
            await store.append(dispatch)
    return [str(dispatch.id) for dispatch in dispatches]


async def test_what_was_accepted_and_not_sent_out_is_sent_after_the_restart(tmp_path, sdk):  # A1
    """Inside the window it goes to those who were online; what is older is given up, and counted."""
    data = tmp_path / "data"
    async with AsyncExitStack() as stack:
        with serving(data, steady_port()) as server:
            app = server.new_app()
            [ann] = await stack.enter_async_context(sdk(app.websocket, app.user_token("ann")))
            await ann.until_login()
            first = await app.broadcast("first")
            await ann.until_heard(first)
            server.kill()
        _, young = await accept(data, app, 601, 5)
        with serving(data, server.port) as server:
            await ann.until_login(2)
            await ann.until_heard(young)
            last = await app.on(server).broadcast("last")
            await ann.until_heard(last)
            assert ann.ids == [first, young, last]
            assert await metric(server, "laba_broadcasts_expired_total") == 1


async def test_a_restart_in_order_loses_and_repeats_nothing(tmp_path, sdk):  # A1, G3
    """What is accepted in the moment before SIGTERM reaches some clients before it, and the others behind it."""
    data = tmp_path / "data"
    async with AsyncExitStack() as stack:
        with serving(data, steady_port()) as server:
            app = server.new_app()
            tokens = [app.user_token(f"user{number}") for number in range(10)]
            listeners = await stack.enter_async_context(sdk(app.websocket, *tokens))
            for listener in listeners:
                await listener.until_login()
            sent = [await app.broadcast("first"), await app.broadcast("second")]
            assert await asyncio.to_thread(server.terminate) == 0
        with serving(data, server.port) as server:
            for listener in listeners:
                await listener.until_login(2)
            sent.append(await app.on(server).broadcast("last"))
            for listener in listeners:
                await listener.until_heard(sent[-1])
                assert listener.ids == sent
                assert listener.returns[-1]["recovered"] is True
