import asyncio
from dataclasses import replace

import pytest

from builders import APP_UUID, OTHER_UUID, STREAM, LeapingLoop, app, counted, dispatch, ground
from houses import OFFLINE_MS, WINDOW_MS, offsets, opened
from laba.adapters.bus.local import LocalBus
from laba.model.app import QuotaName
from laba.model.dispatch import Audience
from laba.model.report import Stage
from laba.model.stream import Stream
from laba.ports import StoreBusyError
from laba.service.dispatching import Dispatcher, Patience, Ways, stream_of

pytestmark = pytest.mark.anyio


def sent(batches):
    """Give (dispatch id, offset) of everything in some batches, in order."""
    return [(entry.message.dispatch.id, entry.offset) for batch in batches for entry in batch.entries]


async def turned(house):
    """Let the dispatcher work until nothing waits, and give what came out on the bus."""
    notices = house.bus.subscribe()
    while await house.dispatcher.turn():
        pass
    batches = list(notices._notices)
    await notices.aclose()
    return batches


async def test_what_waits_goes_out_in_the_order_it_was_kept(house):
    """With ascending places, under the ids it was accepted with."""  # G3
    await house.kept(1, 2, 3)
    assert sent(await turned(house)) == [(1, 1), (2, 2), (3, 3)]
    await house.kept(9, 4)
    assert sent(await turned(house)) == [(9, 4), (4, 5)]


async def test_order_is_kept_across_batches(house):
    """One batch takes at most 256; nothing overtakes at the seam, and nothing gets two places."""  # G3
    await house.kept(*range(1, 601))
    batches = await turned(house)
    assert [len(batch.entries) for batch in batches] == [256, 256, 88]
    assert sent(batches) == [(number, number) for number in range(1, 601)]


async def test_every_app_has_its_own_order(house):
    """However the two mix in the ledger."""  # G3
    await house.store.add_app(app(OTHER_UUID, "org/other"))
    for number in range(1, 9):
        await house.store.append(dispatch(number, house.clock.now_ms, (APP_UUID, OTHER_UUID)[number % 2]))
    batches = await turned(house)
    assert {batch.stream: sent([batch]) for batch in batches} == {
        STREAM: [(2, 1), (4, 2), (6, 3), (8, 4)],
        Stream(OTHER_UUID, "app"): [(1, 1), (3, 2), (5, 3), (7, 4)],
    }


async def test_what_an_earlier_process_left_is_sent_inside_its_window(house, tmp_path):
    """To the last millisecond; what is older is given up and counted, and comes never again."""
    for number, age_ms in ((1, WINDOW_MS + 1), (2, WINDOW_MS), (3, WINDOW_MS + 2), (4, 0)):
        await house.store.append(dispatch(number, house.clock.now_ms - age_ms))
    async with opened(tmp_path, house.clock) as again:
        assert sent(await turned(again)) == [(2, 1), (4, 2)]
        assert counted(again.meter, "laba_broadcasts_expired_total") == 2
        assert await again.store.waiting(10) == ()
        again.clock.pass_ms(-WINDOW_MS)
        assert await turned(again) == []


async def test_what_is_for_all_users_is_sent_however_late_the_server_comes_back(house, tmp_path):
    """Within the days that it waits for who is offline, to the last millisecond."""  # V1
    audience = {"audience": Audience.ALL_USERS, "quota": QuotaName.ALL_USERS_BROADCAST}
    for number, age_ms in ((1, OFFLINE_MS + 1), (2, OFFLINE_MS), (3, WINDOW_MS + 1)):
        await house.store.append(replace(dispatch(number, house.clock.now_ms - age_ms), **audience))
    async with opened(tmp_path, house.clock) as again:
        assert sent(await turned(again)) == [(2, 1), (3, 2)]
        assert counted(again.meter, "laba_broadcasts_expired_total") == 1


async def test_no_message_gets_two_places(house, tmp_path):
    """What was placed before a restart is not placed again, and what waited comes after it."""  # G3
    await house.kept(1, 2)
    assert sent(await turned(house)) == [(1, 1), (2, 2)]
    await house.kept(3)
    async with opened(tmp_path, house.clock) as again:
        assert sent(await turned(again)) == [(3, 3)]
        assert sent(await again.store.streams.read(STREAM, 0)) == [(1, 1), (2, 2), (3, 3)]


async def test_a_turn_says_how_much_waited(house):
    """Also where all of it was too old."""
    assert await house.dispatcher.turn() == 0
    await house.store.append(dispatch(1, house.clock.now_ms - WINDOW_MS - 1))
    assert await house.dispatcher.turn() == 1
    assert await house.dispatcher.turn() == 0


async def test_more_than_a_batch_goes_out_without_being_woken_again(house):
    """One wake is enough for whatever waits."""  # G3
    notices = house.bus.subscribe()
    await house.kept(*range(1, 300))
    running = asyncio.create_task(house.dispatcher.run())
    assert offsets(await anext(notices)) == [*range(1, 257)]
    assert offsets(await anext(notices)) == [*range(257, 300)]
    running.cancel()


async def test_running_begins_with_what_an_earlier_process_left(house):
    """Nobody has to wake it for that; later it waits to be woken."""
    notices = house.bus.subscribe()
    await house.kept(1)
    running = asyncio.create_task(house.dispatcher.run())
    assert offsets(await anext(notices)) == [1]
    await house.kept(2)
    house.dispatcher.wake()
    assert offsets(await anext(notices)) == [2]
    running.cancel()


async def test_settled_means_that_everything_accepted_is_on_the_bus(house):
    """A server that stops waits for it, and then lets its clients go."""
    notices = house.bus.subscribe()
    running = asyncio.create_task(house.dispatcher.run())
    await house.dispatcher.settled()
    await house.kept(1, 2)
    house.dispatcher.wake()
    await house.dispatcher.settled()
    assert offsets(await anext(notices)) == [1, 2]
    assert await house.store.waiting(10) == ()
    running.cancel()


async def test_it_is_settled_once_all_that_was_accepted_is_on_the_bus(house):
    """Before a server stops, it waits for that."""
    notices = house.bus.subscribe()
    running = asyncio.create_task(house.dispatcher.run())
    for number in range(1, 6):
        await house.kept(number)
        house.dispatcher.wake()
        await house.dispatcher.settled()
        assert await house.store.waiting(10) == ()
        assert offsets(await anext(notices)) == [number]
    running.cancel()


async def test_a_dispatch_belongs_to_the_stream_of_its_app():
    """Online users are one stream."""
    assert stream_of(dispatch(1, app_uuid=OTHER_UUID)) == Stream(OTHER_UUID, "app")


# --- to all rooms --------------------------------------------------------------------------------------------------


async def kept_for_rooms(house, *numbers, age_ms=0, app_uuid=APP_UUID):
    for number in numbers:
        at_ms = house.clock.now_ms - age_ms
        await house.store.append(replace(dispatch(number, at_ms, app_uuid), audience=Audience.ACTIVE_ROOMS))


def heralded(house):
    return [one.id for one in house.lanes.broadcasts]


async def test_what_is_for_rooms_goes_to_the_lanes_and_is_done(house):  # A8
    """It has no place in any stream, and goes out once."""
    await kept_for_rooms(house, 1, 2)
    assert await turned(house) == []
    assert heralded(house) == [1, 2]
    assert await house.store.waiting(10) == ()
    assert (await house.store.reports.find(1)).stage is Stage.SENT


async def test_it_goes_out_in_the_order_of_the_ledger_with_the_others(house):  # G3
    """What came before it is on the bus when the lanes get it, what came after it is not yet."""
    await house.kept(1, 2)
    await kept_for_rooms(house, 3)
    await house.kept(4)
    notices = house.bus.subscribe()
    seen = []

    async def broadcast(asked):
        seen.append((asked.id, sent(list(notices._notices))))

    house.lanes.broadcast = broadcast
    await house.dispatcher.turn()
    assert seen == [(3, [(1, 1), (2, 2)])]
    assert sent(list(notices._notices)) == [(1, 1), (2, 2), (4, 3)]


async def test_what_no_lane_has_taken_is_not_done(house):  # design.md section 8
    """A crash in between repeats it, under the same ids."""
    await kept_for_rooms(house, 1)

    async def broadcast(asked):
        raise OSError("gone")

    taking, house.lanes.broadcast = house.lanes.broadcast, broadcast
    with pytest.raises(OSError, match="gone"):
        await house.dispatcher.turn()
    assert [one.id for one in await house.store.waiting(10)] == [1]
    house.lanes.broadcast = taking
    await house.dispatcher.turn()
    assert heralded(house) == [1]


async def test_what_an_earlier_process_left_for_rooms_waits_for_their_members(house, tmp_path):  # A8
    """Nothing else waits behind it; and what is newer and for rooms of that app does not overtake it (G3)."""
    await kept_for_rooms(house, 1)
    await house.kept(2)
    async with opened(tmp_path, house.clock) as again:
        await again.store.add_app(app(OTHER_UUID, "org/other"))
        await again.kept(3)
        await kept_for_rooms(again, 4)
        await kept_for_rooms(again, 5, app_uuid=OTHER_UUID)
        assert sent(await turned(again)) == [(2, 1), (3, 2)]
        assert heralded(again) == [5]
        again.dispatcher._let_go()
        await turned(again)
        assert heralded(again) == [5, 1, 4]


async def test_more_than_a_batch_may_be_left_for_rooms(house, tmp_path):  # A8
    """What comes behind it goes out all the same, and then all of it."""
    await kept_for_rooms(house, *range(1, 300))
    await house.kept(300)
    async with opened(tmp_path, house.clock) as again:
        assert sent(await turned(again)) == [(300, 1)]
        again.dispatcher._let_go()
        await turned(again)
        assert heralded(again) == [*range(1, 300)]


async def test_what_was_left_for_rooms_may_come_too_late(house, tmp_path):  # A8
    """It is given up like the rest."""
    await kept_for_rooms(house, 1, age_ms=WINDOW_MS + 1)
    async with opened(tmp_path, house.clock) as again:
        await turned(again)
        again.dispatcher._let_go()
        await turned(again)
        assert heralded(again) == []
        assert (await again.store.reports.find(1)).stage is Stage.EXPIRED


class TestGrace:
    """On a loop whose time leaps, for what happens half a minute later."""

    @pytest.fixture
    def anyio_backend(self):
        return "asyncio", {"loop_factory": LeapingLoop}

    async def test_is_counted_from_readiness(self):  # A8
        """What was left for rooms goes out once it is over, without anybody asking; not a moment before."""
        left = replace(dispatch(1), audience=Audience.ACTIVE_ROOMS)
        loop = asyncio.get_running_loop()
        out = asyncio.Event()

        class Ledger:
            def __init__(self):
                self.waits = [left]

            async def waiting(self, limit, besides):
                return tuple(one for one in self.waits if one.id not in besides)

            async def done(self, one):
                self.waits.remove(one)

        class Herald:
            async def broadcast(self, one):
                self.at = (one, loop.time())
                out.set()

        ledger, herald, begun = Ledger(), Herald(), loop.time()
        dispatcher = Dispatcher(
            ledger,
            Ways(None, herald, None, None),
            LocalBus(),
            Patience(WINDOW_MS, grace_ms=30_000, left_upto=1),
            ground(),
        )
        running = asyncio.create_task(dispatcher.run())
        await dispatcher.settled()
        assert not out.is_set()
        await out.wait()
        assert herald.at == (left, pytest.approx(begun + 30))
        await dispatcher.settled()
        assert ledger.waits == []
        running.cancel()


class TestFailingStore:
    """On a loop whose time leaps, for what happens a second later."""

    @pytest.fixture
    def anyio_backend(self):
        return "asyncio", {"loop_factory": LeapingLoop}

    @pytest.mark.parametrize("fault", [OSError("disk"), StoreBusyError()])
    async def test_is_asked_again_every_second(self, fault):
        """Until it answers; each failure is counted, and nothing else ends."""
        asked_at = []
        enough = asyncio.Event()

        class Ailing:
            async def waiting(self, limit, besides):
                asked_at.append(asyncio.get_running_loop().time())
                if len(asked_at) <= 3:
                    raise fault
                enough.set()
                return ()

        base = ground()
        running = asyncio.create_task(Dispatcher(Ailing(), None, LocalBus(), Patience(WINDOW_MS), base).run())
        await enough.wait()
        assert [at - asked_at[0] for at in asked_at] == pytest.approx([0, 1, 2, 3])
        assert counted(base.meter, "laba_store_failures_total") == 3
        running.cancel()

    async def test_does_not_keep_a_server_from_stopping(self):
        """Who waits for what was accepted gives up after three seconds: it is in the ledger."""

        class Dead:
            async def waiting(self, limit, besides):
                raise OSError("disk")

        dispatcher = Dispatcher(Dead(), None, LocalBus(), Patience(WINDOW_MS), ground())
        running = asyncio.create_task(dispatcher.run())
        started = asyncio.get_running_loop().time()
        await dispatcher.settled()
        assert asyncio.get_running_loop().time() - started == pytest.approx(3)
        running.cancel()
