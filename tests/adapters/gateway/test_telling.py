import pytest

from gateway_rig import GatewayRig, text_frame
from laba.adapters.gateway.telling import tell

pytestmark = pytest.mark.anyio

FRAME = text_frame(b"told")


async def test_who_is_told_gets_it_at_once_and_behind_what_waits():
    """Nothing that a session is told overtakes what was written to it."""
    async with GatewayRig().running() as rig:
        ann = await rig.logged_in("ann")
        session = rig.of("ann").session
        assert tell([session], {"json": FRAME}, may_shed=True) == 0
        assert (await ann.next()).text == "told"
        assert session.link.outbox is None


async def test_what_may_be_shed_is_not_added_to_a_backlog():
    """The rest is, and comes in order."""
    async with GatewayRig().running() as rig:
        ann = await rig.logged_in("ann", receive_bytes=4096)
        session = rig.of("ann").session
        while session.link.outbox is None:
            session.link.write(text_frame(b"x" * 8192))
        assert tell([session], {"json": text_frame(b"shed")}, may_shed=True) == 1
        assert tell([session], {"json": FRAME}, may_shed=False) == 0
        frames = []
        while "told" not in frames:
            frames.append((await ann.next()).text)
        assert "shed" not in frames


async def test_nobody_is_told_anything_when_its_connection_is_closed():
    """Nor is anything kept for it."""
    async with GatewayRig().running() as rig:
        ann = await rig.logged_in("ann")
        session = rig.of("ann").session
        session.link.abort()
        tell([session], {"json": FRAME}, may_shed=False)
        assert session.link.outbox is None
        assert await ann.next() is None
