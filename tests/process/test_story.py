"""One and the same story for every transport and codec: in, out, back, with a position and without (S4, X10, A1)."""

import time

import pytest

from process_clients import line_to
from process_server import eventually, metric, serving

pytestmark = pytest.mark.anyio

GRACE_SECONDS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server on which two seconds' absence is the end of being online."""
    data = tmp_path_factory.mktemp("story")
    with serving(data, LABA_DELIVERY__RESUME_GRACE_SECONDS=str(GRACE_SECONDS)) as server:
        yield server


async def cut(line, server):
    """Cut the line, and wait until the server has noticed; gives when that was."""

    async def ended():
        return await metric(server, "laba_sessions_closed_total")

    before = await ended()
    line.cut()

    async def noticed():
        return await ended() > before

    await eventually(noticed)
    return time.monotonic()


async def test_a_client_gets_exactly_what_it_is_entitled_to(app, sdk):  # A1, G3, S4, X10
    async with line_to(app) as (line, url), sdk(url, app.user_token("ann")) as [ann]:
        # In: it gets what is sent.
        await ann.until_login()
        one = await app.broadcast("one")
        await ann.until_heard(one)
        # A short drop, and back with its position: what was sent meanwhile comes, and nothing again.
        await cut(line, app.server)
        two = await app.broadcast("two")
        line.mend()
        await ann.until_heard(two)
        assert ann.ids == [one, two]
        assert (ann.returns[-1]["was_recovering"], ann.returns[-1]["recovered"]) == (True, True)
        assert await ann.rpc("ack", {"ids": [two]}) == {}
        # A short drop, and back as an app that starts anew: without a position it gets again what it never confirmed.
        three = await app.broadcast("three")
        await ann.until_heard(three)
        await cut(line, app.server)
        four = await app.broadcast("four")
        line.mend()
        await ann.command("restart")
        await ann.until_heard(four)
        assert ann.ids == [one, two, three, three, four]
        # All is confirmed, and it starts anew once more: nothing old comes.
        assert await ann.rpc("ack", {"ids": [four]}) == {}
        logins = len(ann.returns)
        await ann.command("restart")
        await ann.until_login(logins + 1)
        five = await app.broadcast("five")
        await ann.until_heard(five)
        assert ann.ids == [one, two, three, three, four, five]
        # Away for longer than the grace: what was sent meanwhile is not for it, position or not.
        gone_at = await cut(line, app.server)

        async def past():
            return time.monotonic() - gone_at > GRACE_SECONDS + 0.1

        await eventually(past)
        await app.broadcast_out("not for ann")
        logins = len(ann.returns)
        line.mend()
        await ann.until_login(logins + 1)
        last = await app.broadcast("last")
        await ann.until_heard(last)
        assert ann.ids == [one, two, three, three, four, five, last]
