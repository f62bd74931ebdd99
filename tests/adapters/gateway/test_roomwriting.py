from contextlib import asynccontextmanager

import pytest

from builders import room, said
from gateway_rig import APP, GatewayRig, until
from laba.adapters.bus.local import LocalPlaces
from laba.adapters.gateway import ring
from laba.adapters.gateway.roomwriting import RoomWriter
from laba.core.halls import Halls
from laba.core.window import Bounds
from laba.model.dispatch import Level
from laba.model.stream import Batch, Entry, Flush
from laba.protocols.websocket import CloseFrame, Text
from laba.service.outgoing import Piece
from laba.service.press import Codecs, Press
from laba.service.roomdeliveries import RoomFanout
from laba.service.roomlogs import RoomLogs

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("io_uring", [False, True])]


class Rooms(GatewayRig):
    """Clients over real sockets, in rooms; a frame is `<id>` in text, with as much behind it as asked."""

    def __init__(self, *, padding=0, **rest):
        super().__init__(**rest)
        self.halls, self.padding, self.offsets = Halls(), padding, {}
        self.logs = RoomLogs(self.halls, LocalPlaces("epoch"), Bounds(60_000, 1 << 24, 10_000), self.ground)

    @asynccontextmanager
    async def in_rooms(self):
        async with self.running():
            with ring.opened() as sends:
                self.writer = RoomWriter(4, sends if self.io_uring else None)
                press = Press.of(Codecs(self._text, {"json": _frame}), self.fanout._reporting, self.ground)
                self.room_fanout, self.outgoing = RoomFanout(self.logs, press), press.outgoing
                yield self

    def _text(self, message):
        return str(message.id).encode() + b" " * self.padding

    async def enter(self, user, *room_ids):
        (session,) = self.roster.of_user(APP.uuid, user)
        for room_id in room_ids:
            hall = self.halls.open(room(room_id, app_uuid=APP.uuid))
            await self.logs.open(hall)
            self.logs.enter(hall, session)

    async def say(self, room_id, *messages):
        """Have one batch on its way."""
        stream = room(room_id, app_uuid=APP.uuid).stream
        before = self.offsets.get(stream, 0)
        entries = tuple(Entry(before + at, each) for at, each in enumerate(messages, start=1))
        self.offsets[stream] = before + len(messages)
        await self.room_fanout.take(Flush((Batch(stream, "epoch", entries),)))

    async def written(self):
        """Write what is on its way; gives the number of writes in each slice."""
        slices = []
        while len(self.outgoing):
            pieces = await self.outgoing.take(4, 1000)
            slices += self.writer.slices(pieces)
        return slices


def _frame(channel, position, data):
    length = len(data)
    head = bytes([0x81, length]) if length < 126 else b"\x81\x7e" + length.to_bytes(2, "big")
    return head + data


async def texts(peer, count):
    return [(await peer.next()).text.strip() for _ in range(count)]


async def test_a_batch_is_one_write_for_each_member(io_uring):
    """Design 6.3: however many messages it has; and each member has all of it."""
    async with Rooms(io_uring=io_uring).in_rooms() as rig:
        peers = [await rig.logged_in(f"user{number}") for number in range(6)]
        for number in range(6):
            await rig.enter(f"user{number}", "1")
        await rig.say("1", said(1), said(2), said(3))
        assert await rig.written() == [4, 2]
        for peer in peers:
            assert await texts(peer, 3) == ["1", "2", "3"]
        assert rig.counted("laba_deliveries_total") == 18


async def test_a_member_of_several_rooms_gets_them_in_one_write(io_uring):
    """Design 6.4: what several rooms have for it goes out together; each room in its order."""
    async with Rooms(io_uring=io_uring).in_rooms() as rig:
        ann, bob = await rig.logged_in("ann"), await rig.logged_in("bob")
        await rig.enter("ann", "1", "2", "3")
        await rig.enter("bob", "2")
        for room_id, number in (("1", 1), ("2", 2), ("3", 3), ("1", 4)):
            await rig.say(room_id, said(number))
        assert await rig.written() == [2]
        heard = await texts(ann, 4)
        assert sorted(heard) == ["1", "2", "3", "4"]
        assert heard.index("1") < heard.index("4")
        assert await texts(bob, 1) == ["2"]
        assert rig.counted("laba_deliveries_total") == 5


async def test_a_sender_and_a_named_member_get_their_own_view(io_uring):
    """E6, E10: the rest share the batch all the same."""
    async with Rooms(io_uring=io_uring).in_rooms() as rig:
        peers = {user: await rig.logged_in(user) for user in ("ann", "bob", "eve")}
        for user in peers:
            await rig.enter(user, "1")
        await rig.say("1", said(1, sender="ann"), said(2, users=frozenset({"bob"})), said(3))
        await rig.written()
        assert await texts(peers["ann"], 1) == ["3"]
        assert await texts(peers["bob"], 3) == ["1", "2", "3"]
        assert await texts(peers["eve"], 2) == ["1", "3"]


async def test_a_client_that_does_not_read_loses_low_first_and_is_closed_as_slow(io_uring):
    """E4, design 7: it costs its bound and no more; high is what it is closed for."""
    limits = {"outbox_bytes": 200_000}
    async with Rooms(padding=10_000, limits=limits, io_uring=io_uring).in_rooms() as rig:
        slow, quick = await rig.logged_in("slow", receive_bytes=4096), await rig.logged_in("quick")
        for user in ("slow", "quick"):
            await rig.enter(user, "1")
        link, lost = rig.of("slow"), {}
        for number in range(1, 401):
            level = (Level.LOW, Level.NORMAL, Level.HIGH)[number % 3]
            await rig.say("1", said(number, level))
            await rig.written()
            assert await texts(quick, 1) == [str(number)]
            assert link.outbox is None or link.outbox.size_bytes <= limits["outbox_bytes"]
            now = {each: rig.counted("laba_deliveries_lost_total", reason=each) for each in ("low", "normal", "slow")}
            lost.setdefault("low", number) if now["low"] else None
            lost.setdefault("normal", number) if now["normal"] else None
            lost.setdefault("slow", number) if now["slow"] else None
            if link.fd < 0:
                break
        assert lost["low"] < lost["normal"] < lost["slow"]
        heard = []
        while not isinstance(frame := await slow.next(), CloseFrame):
            assert isinstance(frame, Text)
            heard.append(int(frame.text))
        assert frame == CloseFrame(3008, "slow")
        assert heard == sorted(set(heard))
        deliveries = 2 * number
        gone = sum(rig.counted("laba_deliveries_lost_total", reason=each) for each in now)
        assert rig.counted("laba_deliveries_total") + gone == deliveries


async def test_a_client_that_is_held_up_gets_the_rest_when_it_reads_again(io_uring):
    """In order, whole, and every frame once."""
    limits = {"outbox_bytes": 1 << 23}
    async with Rooms(padding=30_000, limits=limits, io_uring=io_uring).in_rooms() as rig:
        ann = await rig.logged_in("ann", receive_bytes=4096)
        await rig.enter("ann", "1", "2")
        for number in range(1, 41):
            await rig.say("1", said(2 * number - 1))
            await rig.say("2", said(2 * number))
            await rig.written()
        heard = [int(each) for each in await texts(ann, 80)]
        assert [each for each in heard if each % 2] == [*range(1, 80, 2)]
        assert [each for each in heard if not each % 2] == [*range(2, 81, 2)]
        await until(lambda: rig.counted("laba_deliveries_total") == 80)


async def test_who_left_meanwhile_or_is_gone_is_not_written_to(io_uring):
    """X2: it is counted as what it is."""
    async with Rooms(io_uring=io_uring).in_rooms() as rig:
        peers = {user: await rig.logged_in(user) for user in ("left", "gone", "here")}
        for user in peers:
            await rig.enter(user, "1", "2")
        (left,) = rig.roster.of_user(APP.uuid, "left")
        await rig.say("1", said(1))
        rig.halls.find(room("1", app_uuid=APP.uuid).stream).leave(left)
        rig.of("gone").abort()
        await rig.written()
        await rig.say("1", said(2))
        await rig.say("2", said(3))
        await rig.written()
        assert sorted(await texts(peers["here"], 3)) == ["1", "2", "3"]
        assert await texts(peers["left"], 1) == ["3"]
        assert rig.counted("laba_deliveries_lost_total", reason="left") == 1
        assert rig.counted("laba_deliveries_lost_total", reason="closed") == 3


async def test_a_piece_is_written_to_its_sessions_only(io_uring):
    """A long delivery is cut, so that what is more urgent gets in between."""
    async with Rooms(io_uring=io_uring).in_rooms() as rig:
        peers = [await rig.logged_in(f"user{number}") for number in range(3)]
        for number in range(3):
            await rig.enter(f"user{number}", "1")
        await rig.say("1", said(1))
        (piece,) = await rig.outgoing.take(10, 10)
        assert list(rig.writer.slices([Piece(piece.item, 0, 2)])) == [2]
        assert rig.counted("laba_deliveries_total") == 2
        assert list(rig.writer.slices([Piece(piece.item, 2, 3)])) == [1]
        for peer in peers:
            assert await texts(peer, 1) == ["1"]
