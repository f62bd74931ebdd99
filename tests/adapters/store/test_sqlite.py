"""What the SQLite store promises beyond the contract of every Store."""

import asyncio
import threading

import pytest

from contracts.stores import SqliteStores, app, dispatch, ids, user
from laba.ports import StoreBusyError

pytestmark = pytest.mark.anyio


@pytest.fixture
def stores(tmp_path):
    return SqliteStores(tmp_path)


class Obstacle:
    """A job that occupies a worker's thread until it is released."""

    def __init__(self):
        self._started, self._released = threading.Event(), threading.Event()

    def __call__(self, connection):
        self._started.set()
        self._released.wait()

    async def occupy(self, worker):
        self._done = asyncio.ensure_future(worker.do(self))
        await asyncio.to_thread(self._started.wait)

    async def release(self):
        self._released.set()
        await self._done


async def test_writes_that_wait_together_are_committed_together(stores):
    """Two hundred callers that found the writer busy are answered by one commit, in the order of their calls."""
    async with stores.open() as store:
        obstacle = Obstacle()
        await obstacle.occupy(store._writer)
        before = store.commits
        writes = [store.append(dispatch(n)) for n in range(100, 0, -1)]
        writes += [store.add_users([user(f"user{n}")]) for n in range(50)]
        writes += [store.append(dispatch(n)) for n in range(200, 150, -1)]
        waiting = asyncio.gather(*writes)
        await asyncio.sleep(0)
        assert store.writes_waiting == 201
        await obstacle.release()
        await waiting
        assert store.commits == before + 2
        assert store.writes_waiting == 0
        assert ids(await store.waiting(1000)) == [*range(100, 0, -1), *range(200, 150, -1)]


async def test_reads_beyond_the_bound_are_refused(stores):
    """With room for three reads the fourth is refused; a login's read never is."""
    async with stores.open(reads_waiting_limit=3) as store:
        obstacle = Obstacle()
        await obstacle.occupy(store._reader)
        reads = asyncio.gather(store.last_id(), store.last_id())
        await asyncio.sleep(0)
        with pytest.raises(StoreBusyError):
            await store.last_id()
        assert await store.user("app-1", "ann") is None
        await obstacle.release()
        assert await reads == [0, 0]


async def test_a_full_disk_is_an_oserror_and_no_dispatch_is_half_kept(stores):
    """Nothing of the refused write is there, and what follows once there is room again is kept."""
    async with stores.open() as store:
        pages = await store._writer.do(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
        limit = f"PRAGMA max_page_count={pages + 4}"
        await store._writer.do(lambda c: c.exec_driver_sql(limit).scalar_one())
        with pytest.raises(OSError, match="medium"):
            await store.append(dispatch(1, ext={"k": "x" * 100_000}))
        await store._writer.do(lambda c: c.exec_driver_sql("PRAGMA max_page_count=100000").scalar_one())
        await store.append(dispatch(2))
        assert ids(await store.waiting(10)) == [2]


async def test_a_medium_that_fails_a_read_is_an_oserror(stores):
    """A file whose pages are gone under the running store fails each kind of read."""
    async with stores.open() as store:
        await store.add_users([user(f"user{n}") for n in range(1000)])
    whole = stores.path.read_bytes()
    async with stores.open() as store:
        stores.path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
        with pytest.raises(OSError, match="medium"):
            await store.user("app-1", "user500")
        with pytest.raises(OSError, match="medium"):
            await store.apps()
        stores.path.write_bytes(whole)


async def test_a_caller_that_gives_up_harms_nobody(stores):
    """Its write is done all the same, and the others are answered."""
    async with stores.open() as store:
        obstacle = Obstacle()
        await obstacle.occupy(store._writer)
        impatient, patient = (asyncio.ensure_future(store.append(dispatch(n))) for n in (1, 2))
        await asyncio.sleep(0)
        impatient.cancel()
        await obstacle.release()
        await patient
        assert ids(await store.waiting(10)) == [1, 2]


async def test_a_closed_store_says_so(stores):
    """Using it after its end is a bug that raises at once."""
    async with stores.open() as store:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await store.append(dispatch(1))


async def test_changing_an_app_that_is_not_there_is_a_bug(stores):
    """Nothing is changed in silence."""
    async with stores.open() as store:
        with pytest.raises(LookupError):
            await store.change_app(app())


async def test_a_broadcast_costs_well_under_a_kilobyte(stores):
    """A thousand dispatches of a short text, indexes included."""
    async with stores.open():
        pass
    before = stores.path.stat().st_size
    async with stores.open() as store:
        await asyncio.gather(*(store.append(dispatch(2**60 + n)) for n in range(1000)))
    assert (stores.path.stat().st_size - before) / 1000 < 500


async def test_only_the_file_is_left_after_closing(stores):
    """The last checkpoint is done: no log remains beside the file."""
    async with stores.open() as store:
        await store.append(dispatch(1))
    assert [file.name for file in stores.path.parent.iterdir()] == [stores.path.name]
