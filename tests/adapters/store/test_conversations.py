import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.stores import APP_STREAM, SqliteStores, dispatch, to_chosen, user
from laba.adapters.store.conversations import DEPTH, IN_INBOX, STAYS, _Span, merged
from laba.model.attendance import Seat, Stay
from laba.model.conversation import Reading
from laba.model.dispatch import Conversation, ConversationType
from laba.model.targets import Targets

ANN = Seat("app-1", "ann", "")
READING = Reading("app-1", "ann", 0, 0, 20)
ADMIN = Conversation(ConversationType.APP, "admin")

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)))


@given(SPANS)
def test_merged_spans_hold_the_same_offsets_each_once(pairs):
    """Newest first, apart from each other, none empty."""  # S5
    joined = merged(_Span(low, high) for low, high in pairs)
    held = [offset for span in joined for offset in range(span.high, span.low, -1)]
    assert held == sorted({offset for low, high in pairs for offset in range(low + 1, high + 1)}, reverse=True)
    assert all(later.high < earlier.low for earlier, later in pairwise(joined))
    assert all(span.low < span.high for span in joined)


@pytest.mark.anyio
async def test_a_list_looks_back_over_so_many_messages(tmp_path):
    """What lies before them is in no list any more, and does not cost the answer any time."""  # S5
    async with SqliteStores(tmp_path).open() as store:
        await store.stays.write([Stay(ANN, 0, 0, 0, 1)])
        sent = [dispatch(number, 1, sender="old" if number <= 5 else "admin") for number in range(1, DEPTH + 4)]
        for start in range(0, len(sent), 2_000):
            part = sent[start : start + 2_000]
            await asyncio.gather(*map(store.append, part))
            await store.streams.append(APP_STREAM, part)
        shelf = await store.conversations.shelf(READING)
        assert [(one.conversation.id, one.unread) for one in shelf.listed] == [("admin", DEPTH - 2), ("old", 2)]
        page = await store.conversations.messages(READING, Conversation(ConversationType.APP, "old"))
        assert [message.id for message in page.messages] == [5, 4]


@pytest.mark.anyio
async def test_a_list_looks_back_over_so_many_stays(tmp_path):
    """The newest ones count."""  # S5
    async with SqliteStores(tmp_path).open() as store:
        count = STAYS + 5
        for number in range(1, count + 1):
            await store.append(dispatch(number, 1))
        await store.streams.append(APP_STREAM, [dispatch(number, 1) for number in range(1, count + 1)])
        await store.stays.write([Stay(ANN, number, number + 1, 0, 1, ended_at_ms=0) for number in range(count)])
        (one,) = (await store.conversations.shelf(READING)).listed
        assert one.unread == STAYS


@pytest.mark.anyio
async def test_a_list_looks_back_over_so_many_places_in_an_inbox(tmp_path):
    """The newest ones count."""  # P5
    async with SqliteStores(tmp_path).open() as store:
        await store.add_users([user("ann")])
        sent = [to_chosen(number, targets=Targets(users=frozenset({"ann"}))) for number in range(1, IN_INBOX + 6)]
        await asyncio.gather(*map(store.append, sent))
        await store.streams.append(APP_STREAM, sent)
        (one,) = (await store.conversations.shelf(READING)).listed
        assert (one.unread, one.offset) == (IN_INBOX, IN_INBOX + 5)
