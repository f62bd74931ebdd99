"""What a client has missed when its line was cut, told by the official SDKs that come back by themselves."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest

from process_clients import line_to
from process_server import eventually, metric, serving

pytestmark = pytest.mark.anyio


async def cut(line, server):
    """Cut the line, and wait until the server knows."""

    async def ended():
        return await metric(server, "laba_sessions_closed_total")

    before = await ended()
    line.cut()

    async def noticed():
        return await ended() > before

    await eventually(noticed)


async def test_what_was_sent_while_away_within_the_grace_comes_first_and_once(app, sdk):  # A1, G3
    async with line_to(app) as (line, url), sdk(url, app.user_token("ann")) as [ann]:
        await ann.until_login()
        sent = [await app.broadcast("before")]
        await ann.until_heard(sent[0])
        await cut(line, app.server)
        sent += [await app.broadcast("away 1"), await app.broadcast("away 2")]
        line.mend()
        await ann.until_login(2)
        sent.append(await app.broadcast("after"))
        await ann.until_heard(sent[-1])
        assert ann.ids == sent
        assert ann.returns[0]["was_recovering"] is False
        assert (ann.returns[1]["was_recovering"], ann.returns[1]["recovered"]) == (True, True)


@asynccontextmanager
async def sending(app):
    """Broadcast without a pause from several callers at once; give the ids as they are answered."""
    sent, enough = [], asyncio.Event()

    async def send():
        while not enough.is_set():
            sent.append(await app.broadcast())

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(send())
        yield sent
        enough.set()


async def test_lines_that_are_cut_again_and_again_amid_broadcasts_lose_and_double_nothing(app, sdk):  # A1, G3
    tokens = [app.user_token(f"user{number}") for number in range(10)]
    async with line_to(app) as (line, url), sdk(url, *tokens) as listeners:
        for listener in listeners:
            await listener.until_login()
        async with sending(app) as sent:
            for login in range(2, 7):
                line.cut()
                line.mend()
                for listener in listeners:
                    await listener.until_login(login)
        last = await app.broadcast("last")
        for listener in listeners:
            await listener.until_heard(last)
            assert listener.ids == [*sorted(sent, key=int), last]
            assert [each["recovered"] for each in listener.returns] == [False] + [True] * (len(listener.returns) - 1)


async def test_a_login_amid_broadcasts_misses_nothing_behind_its_position(app, sdk):  # A1, G3
    """The position in the connect reply, and what comes live: between the two there is neither gap nor double."""
    tokens = [app.user_token(f"user{number}") for number in range(50)]
    async with AsyncExitStack() as stack:
        async with sending(app) as sent:
            listeners = await stack.enter_async_context(sdk(app.websocket, *tokens))
            for listener in listeners:
                await listener.until_login()
        last = await app.broadcast("last")
        expected = [*sorted(sent, key=int), last]
        for listener in listeners:
            await listener.until_heard(last)
            # This app's stream has a message at every offset, from 1.
            assert listener.ids == expected[listener.returns[0]["position"]["offset"] :]


async def test_a_client_without_a_position_gets_nothing_old(app, sdk):  # A1
    """A second device of a user who is online, and one that was online and comes back anew."""
    token = app.user_token("ann")
    async with sdk(app.websocket, token) as [first]:
        await first.until_login()
        await first.until_heard(await app.broadcast("old"))
        async with sdk(app.websocket, token) as [second]:
            await second.until_login()
            assert second.returns[0]["was_recovering"] is False
            await second.until_heard(await app.broadcast("new"))
            assert [message["content"]["text"] for message in second.messages] == ["new"]


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A server to which a second's absence is the end of being online."""
    with serving(tmp_path_factory.mktemp("impatient"), LABA_DELIVERY__RESUME_GRACE_SECONDS="1") as server:
        yield server


async def test_past_the_grace_a_client_gets_nothing_of_its_absence(impatient, sdk):  # A1
    app = impatient.new_app(f"acme/{uuid4().hex}")
    async with line_to(app) as (line, url), sdk(url, app.user_token("ann")) as [ann]:
        await ann.until_login()
        before = await app.broadcast("before")
        await ann.until_heard(before)
        await cut(line, impatient)
        cut_at = time.monotonic()

        async def over():
            return time.monotonic() - cut_at > 1.1

        await eventually(over)
        await app.broadcast_out("too late for ann")
        line.mend()
        await ann.until_login(2)
        after = await app.broadcast("after")
        await ann.until_heard(after)
        assert ann.ids == [before, after]
