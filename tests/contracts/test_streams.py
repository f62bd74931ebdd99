"""What every Streams keeps to."""

import asyncio

import pytest

from contracts.stores import APP_STREAM, SqliteStores, dispatch, ids, recalling, to_chosen
from laba.adapters.store.faults import NotWaitingError
from laba.model.app import QuotaName
from laba.model.dispatch import Audience, Conversation, ConversationType
from laba.model.report import Stage
from laba.model.stream import Position, Stream

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


async def keep(store, *numbers):
    kept = [dispatch(n) for n in numbers]
    for one in kept:
        await store.append(one)
    return kept


def offsets(batch):
    return [entry.offset for entry in batch.entries]


async def test_places_follow_one_another_in_the_order_given(store):  # G3
    """The first offset is 1, the next batch goes on, and each message is its dispatch's."""
    kept = await keep(store, 5, 3, 9)
    first = await store.streams.append(APP_STREAM, kept[:2])
    second = await store.streams.append(APP_STREAM, kept[2:])
    assert (offsets(first), offsets(second)) == ([1, 2], [3])
    assert [entry.message.dispatch for entry in first.entries] == kept[:2]


async def test_an_app_wide_message_has_the_dispatch_s_id_and_its_sender_s_conversation(store):  # G3, A1
    """The id a client sees is the id the caller got; the conversation is the sender's."""
    batch = await store.streams.append(APP_STREAM, await keep(store, 2**62))
    message = batch.entries[0].message
    assert message.id == 2**62
    assert message.conversation == Conversation(ConversationType.APP, "admin")


async def test_a_placed_dispatch_waits_no_more(stores):
    """Its work is done, also after a restart."""
    async with stores.open() as store:
        kept = await keep(store, 1, 2, 3)
        await store.streams.append(APP_STREAM, [kept[0], kept[2]])
    async with stores.open() as store:
        assert ids(await store.waiting(10)) == [2]


async def test_offsets_go_on_after_a_restart(stores):
    """The epoch is the same, and no offset is given again."""
    async with stores.open() as store:
        before = await store.streams.append(APP_STREAM, await keep(store, 1, 2))
    async with stores.open() as store:
        assert await store.streams.position(APP_STREAM) == Position(before.epoch, 2)
        after = await store.streams.append(APP_STREAM, await keep(store, 3))
    assert (after.epoch, offsets(after)) == (before.epoch, [3])


async def test_the_epoch_of_a_stream_never_written_is_durable(stores):
    """Asking for a position is enough: two who ask at once and one after a restart hear the same epoch."""
    async with stores.open() as store:
        first, second = await asyncio.gather(store.streams.position(APP_STREAM), store.streams.position(APP_STREAM))
    async with stores.open() as store:
        third = await store.streams.position(APP_STREAM)
        batch = await store.streams.append(APP_STREAM, await keep(store, 1))
    assert first == second == third == Position(batch.epoch, 0)


async def test_streams_do_not_share_epochs_or_offsets(store):
    """Each channel of each app counts for itself."""
    other = Stream("app-2", "app")
    await store.streams.append(APP_STREAM, await keep(store, 1, 2))
    assert (await store.streams.position(other)).offset == 0
    assert (await store.streams.position(other)).epoch != (await store.streams.position(APP_STREAM)).epoch
    assert offsets(await store.streams.append(other, [(await keep(store, 3))[0]])) == [1]


async def test_a_dispatch_is_placed_once(store):
    """A second place is a bug that raises; it takes no offset and spoils no other placing of its group."""
    one, two, three = await keep(store, 1, 2, 3)
    await store.streams.append(APP_STREAM, [one])
    again, other = await asyncio.gather(
        store.streams.append(APP_STREAM, [two, one]),
        store.streams.append(APP_STREAM, [three]),
        return_exceptions=True,
    )
    assert isinstance(again, Exception)
    assert offsets(other) == [2]
    assert ids(await store.waiting(10)) == [2]


@pytest.mark.parametrize("placing", [[dispatch(1)], [dispatch(2), dispatch(2)], [dispatch(3)], []])
async def test_what_does_not_wait_has_no_place(store, placing):
    """An expired dispatch, one given twice, one never kept, and none at all: each is a bug that raises."""
    kept = await keep(store, 1, 2)
    await store.expire(kept[:1])
    with pytest.raises((NotWaitingError, ValueError)):
        await store.streams.append(APP_STREAM, placing)
    assert (await store.streams.position(APP_STREAM)).offset == 0
    assert ids(await store.waiting(10)) == [2]


async def test_batches_of_many_writers_never_overlap(store):  # G3
    """Writers at once get offsets without a gap or a repetition, each batch's own in a row."""
    kept = await keep(store, *range(1, 61))
    batches = await asyncio.gather(*(store.streams.append(APP_STREAM, kept[n : n + 3]) for n in range(0, 60, 3)))
    assert [offset for batch in batches for offset in offsets(batch)] == list(range(1, 61))


async def test_read_gives_what_was_accepted_since_in_the_order_of_places(stores):
    """Not in the order of acceptance, not what waits or expired, nothing older, nothing of another stream."""
    async with stores.open() as store:
        kept = await keep(store, *range(1, 8))
        await store.streams.append(APP_STREAM, [kept[4], kept[0], kept[2], kept[3]])
        await store.streams.append(Stream("app-2", "app"), [kept[5]])
        await store.expire([kept[6]])
    async with stores.open() as store:
        (batch,) = await store.streams.read(APP_STREAM, 3)
        assert batch.stream == APP_STREAM
        assert batch.epoch == (await store.streams.position(APP_STREAM)).epoch
        assert [(entry.offset, entry.message.id) for entry in batch.entries] == [(1, 5), (3, 3), (4, 4)]
        assert batch.entries[0].message.dispatch == kept[4]
        assert await store.streams.read(APP_STREAM, 100) == ()
        assert await store.streams.read(Stream("app-3", "app"), 0) == ()


async def test_a_long_read_comes_in_batches_that_follow_one_another(store):
    """No batch is as long as a window, and nothing is missing between two."""
    kept = [dispatch(n) for n in range(1, 251)]
    await asyncio.gather(*(store.append(one) for one in kept))
    await store.streams.append(APP_STREAM, kept)
    batches = await store.streams.read(APP_STREAM, 0)
    assert [offset for batch in batches for offset in offsets(batch)] == list(range(1, 251))
    assert max(len(batch.entries) for batch in batches) <= 100


async def test_read_to_all_gives_the_latest_of_what_is_for_all_users_in_the_order_of_places(stores):
    """Nothing that is for who is online only, nothing older, nothing that waits, nothing of another stream."""  # V1
    to_all = {"audience": Audience.ALL_USERS, "quota": QuotaName.ALL_USERS_BROADCAST}
    async with stores.open() as store:
        kept = [dispatch(n, **({} if n == 4 else to_all)) for n in range(1, 8)]
        for one in kept:
            await store.append(one)
        await store.streams.append(APP_STREAM, [kept[n - 1] for n in (1, 5, 4, 2, 3)])
        await store.streams.append(Stream("app-2", "app"), [kept[5]])
    async with stores.open() as store:
        batch = await store.streams.read_to_all(APP_STREAM, 2, 10)
        assert [(entry.offset, entry.message.id) for entry in batch.entries] == [(2, 5), (4, 2), (5, 3)]
        assert batch.epoch == (await store.streams.position(APP_STREAM)).epoch
        assert batch.entries[0].message.dispatch == kept[4]
        assert offsets(await store.streams.read_to_all(APP_STREAM, 0, 2)) == [2, 5]
        assert await store.streams.read_to_all(APP_STREAM, 100, 10) is None
        assert await store.streams.read_to_all(Stream("app-3", "app"), 0, 10) is None


# --- recall --------------------------------------------------------------------------------------------------------


async def test_what_was_recalled_is_read_no_more(stores):  # X3
    """Neither what is for who is online nor what is for all; the word of it is, in their place."""
    async with stores.open() as store:
        kept = [dispatch(1), dispatch(2, audience=Audience.ALL_USERS), dispatch(3), recalling(4, 1), recalling(5, 2)]
        for one in kept:
            await store.append(one)
        await store.streams.append(APP_STREAM, kept)
    async with stores.open() as store:
        (batch,) = await store.streams.read(APP_STREAM, 0)
        assert [(entry.offset, entry.message.id) for entry in batch.entries] == [(3, 3), (4, 4), (5, 5)]
        assert [entry.message.dispatch.recalls for entry in batch.entries] == [None, 1, 2]
        assert offsets(await store.streams.read_to_all(APP_STREAM, 0, 10)) == [4, 5]
        assert [(await store.reports.find(n)).recalled for n in (1, 2, 3, 4)] == [True, True, False, False]
        assert (await store.reports.find(1)).stage is Stage.SENT


async def test_what_waits_when_it_is_recalled_never_goes_out(stores):  # X3
    """It has no place, and gets none; its report says both."""
    async with stores.open() as store:
        await keep(store, 1, 2)
        await store.append(recalling(3, 1))
        await store.streams.append(APP_STREAM, [recalling(3, 1)])
    async with stores.open() as store:
        assert ids(await store.waiting(10)) == [2]
        found = await store.reports.find(1)
        assert (found.stage, found.recalled) == (Stage.EXPIRED, True)
        with pytest.raises(NotWaitingError):
            await store.streams.append(APP_STREAM, [dispatch(1)])


async def test_a_recall_withdraws_nothing_before_it_has_its_place(store):  # X3
    """Nor one that fails, nor one of another app."""
    await keep(store, 1)
    await store.streams.append(APP_STREAM, [dispatch(1)])
    await store.append(recalling(2, 1))
    await store.append(recalling(3, 1, app_uuid="app-2"))
    await store.streams.append(Stream("app-2", "app"), [recalling(3, 1, app_uuid="app-2")])
    with pytest.raises(NotWaitingError):
        await store.streams.append(APP_STREAM, [recalling(2, 1), dispatch(404)])
    assert not (await store.reports.find(1)).recalled
    (batch,) = await store.streams.read(APP_STREAM, 0)
    assert ids(entry.message for entry in batch.entries) == [1]


async def test_a_second_recall_and_one_of_nothing_are_no_fault(store):  # X3
    """Each has its place like any other."""
    await keep(store, 1)
    await store.streams.append(APP_STREAM, [dispatch(1)])
    for number, recalled in ((2, 1), (3, 1), (4, 404)):
        await store.append(recalling(number, recalled))
        await store.streams.append(APP_STREAM, [recalling(number, recalled)])
    (batch,) = await store.streams.read(APP_STREAM, 0)
    assert ids(entry.message for entry in batch.entries) == [2, 3, 4]


async def test_a_message_to_chosen_users_is_read_like_any_other(store):  # P5
    """Whose it is, its reader finds out; as what is for whoever comes within the window."""
    kept = [to_chosen(1), dispatch(2), dispatch(3, audience=Audience.RECENT_USERS)]
    for one in kept:
        await store.append(one)
    await store.streams.append(APP_STREAM, kept)
    (batch,) = await store.streams.read(APP_STREAM, 0)
    assert [entry.message.dispatch for entry in batch.entries] == kept
    assert batch.entries[0].message.conversation == Conversation(ConversationType.SYSTEM, "admin")


@pytest.mark.parametrize("audience", [Audience.DEVICES, Audience.OPEN_ROOMS, Audience.ACTIVE_ROOMS])
async def test_what_is_in_no_app_s_stream_gets_no_place_there(store, audience):  # P11
    """It is a bug that raises, and the dispatch still waits."""
    await store.append(dispatch(1, audience=audience))
    with pytest.raises(ValueError, match="stream"):
        await store.streams.append(APP_STREAM, [dispatch(1, audience=audience)])
    assert ids(await store.waiting(10)) == [1]
