"""A slice of a delivery, by either writer: design.md 6.2, and the same outcome however the kernel is asked."""

import pytest

from gateway_rig import STREAM, GatewayRig, Recorder, numbered, until
from laba.adapters.gateway import ring, writing
from laba.protocols.websocket import Text, text_frame
from laba.service.fanout import Delivery

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("io_uring", [False, True])]


async def test_the_ring_is_used_where_there_is_one_and_wanted(io_uring):
    """Else a test of it would be a test of the other."""
    with ring.opened() as sends:
        write = writing.writer(sends if io_uring else None)
        assert (write is writing.write_slice) is (sends is None or not io_uring)


async def test_one_slow_and_one_broken_client_do_not_hold_up_the_others(io_uring):
    """The slow one gets all of it, in order, as fast as it reads; the broken one is let go."""
    async with GatewayRig(limits={"outbox_bytes": 1 << 23}, io_uring=io_uring).running() as rig:
        names = ["first", "slow", "broken", "last"]
        clients = {name: await rig.logged_in(name, receive_bytes=16384 if name == "slow" else None) for name in names}
        slow, broken = rig.of("slow"), rig.of("broken")
        clients["broken"].vanish()
        frames = [numbered(number, 200_000) for number in range(5)]
        for frame in frames:
            rig.deliver(frame)
        assert slow.outbox is not None
        assert broken.fd == -1
        for name in ("first", "slow", "last"):
            for frame in frames:
                assert await clients[name].read_exactly(len(frame)) == frame
        await until(lambda: slow.outbox is None)
        assert rig.deliver(text_frame(b"direct")).handed_to == 3
        for name in ("first", "slow", "last"):
            assert await clients[name].next() == Text("direct")
        await until(lambda: broken not in rig.gateway._connections)


async def test_each_gets_what_it_has_not_had_and_only_that(io_uring):
    """In one slice: the whole batch, the rest of it, and nothing."""
    async with GatewayRig(io_uring=io_uring).running() as rig:
        clients = [await rig.logged_in(name) for name in ("none", "half", "all", "also_half")]
        kept = [rig.kept(text_frame(b"1")), rig.kept(text_frame(b"2"))]
        for name, written in (("half", 1), ("all", 2), ("also_half", 1)):
            rig.of(name).session.written = written
        told = Recorder()
        batch = Delivery(STREAM, tuple(kept), {"json": text_frame(b"1") + text_frame(b"2")}, list(rig.roster), told)
        rig.write(batch, batch.sessions)
        assert told.handed_to == 3
        rig.write(batch, batch.sessions)
        assert told.handed_to == 3
        assert rig.deliver(text_frame(b"3")).handed_to == 4
        assert [await clients[0].next() for _ in range(3)] == [Text("1"), Text("2"), Text("3")]
        assert [await clients[1].next() for _ in range(2)] == [Text("2"), Text("3")]
        assert await clients[2].next() == Text("3")
        assert [await clients[3].next() for _ in range(2)] == [Text("2"), Text("3")]
