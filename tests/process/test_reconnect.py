"""What a client has missed when its line was cut, told by the official SDKs that come back by themselves."""

import time

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


async def test_a_line_that_is_cut_again_and_again_loses_and_doubles_nothing(app, sdk):  # A1, G3
    async with line_to(app) as (line, url), sdk(url, app.user_token("ann")) as [ann]:
        sent = []
        for login in range(1, 6):
            await ann.until_login(login)
            sent += [await app.broadcast(f"{login}.{number}") for number in range(10)]
            # Not waited for: what is on its way falls with the line.
            line.cut()
            sent.append(await app.broadcast(f"{login} away"))
            line.mend()
        await ann.until_heard(sent[-1])
        assert ann.ids == sent


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


@pytest.mark.parametrize("grace_seconds", [0, 1])
async def test_past_the_grace_a_client_gets_nothing_of_its_absence(tmp_path, sdk, grace_seconds):  # A1
    with serving(tmp_path / "data", LABA_DELIVERY__RESUME_GRACE_SECONDS=str(grace_seconds)) as server:
        app = server.new_app()
        async with line_to(app) as (line, url), sdk(url, app.user_token("ann")) as [ann]:
            await ann.until_login()
            before = await app.broadcast("before")
            await ann.until_heard(before)
            await cut(line, server)
            cut_at = time.monotonic()

            async def over():
                return time.monotonic() - cut_at > grace_seconds + 0.1

            await eventually(over)
            await app.broadcast("too late for ann")
            line.mend()
            await ann.until_login(2)
            after = await app.broadcast("after")
            await ann.until_heard(after)
            assert ann.ids == [before, after]
