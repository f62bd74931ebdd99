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
from laba.model.dispatch import Audience, Dispatch, Flags
from process_clients import SDKS
from process_server import BROADCAST, metric, serving

pytestmark = pytest.mark.anyio

CALLERS = 200
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


@pytest.mark.parametrize("seed", range(5))
async def test_every_answered_send_survives_the_kill_and_arrives_once(tmp_path, seed):  # A1, G3
    answers_before = random.Random(seed).randrange(1, 2 * CALLERS)
    print(f"seed {seed}: killed behind {answers_before} answers of {CALLERS} callers")
    data = tmp_path / "data"
    async with AsyncExitStack() as stack:
        with serving(data) as server:
            app = server.new_app()
            _ = app.app_token
            listeners = [
                (await stack.enter_async_context(sdk(app.websocket, app.user_token(language))))[0]
                for language, sdk in SDKS.items()
            ]
            for listener in listeners:
                await listener.until_login()
            answered = await kill_amid_sends(app, answers_before)
        assert len(answered) >= answers_before
        with serving(data, server.port) as server:
            for listener in listeners:
                await listener.until_login(2)
            # Sent last, so it arrives last: whatever was to come has come before it.
            last = await app.on(server).broadcast("last")
            ledger = kept(data)
            assert set(answered) <= set(ledger)
            for listener in listeners:
                await listener.until_heard(last)
                # Whatever is in the ledger, answered or not: all of it, each once, in its order.
                assert listener.ids == ledger
                assert listener.returns[-1]["recovered"] is True


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
        with serving(data) as server:
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


async def test_a_quiet_restart_repeats_nothing(tmp_path, sdk):  # A1
    """SIGTERM, for once: the SDKs come back by themselves, and their position holds."""
    data = tmp_path / "data"
    async with AsyncExitStack() as stack:
        with serving(data) as server:
            app = server.new_app()
            [ann] = await stack.enter_async_context(sdk(app.websocket, app.user_token("ann")))
            await ann.until_login()
            first = await app.broadcast("first")
            await ann.until_heard(first)
            assert server.terminate() == 0
        with serving(data, server.port) as server:
            await ann.until_login(2)
            assert ann.returns[-1]["recovered"] is True
            last = await app.on(server).broadcast("last")
            await ann.until_heard(last)
            assert ann.ids == [first, last]
