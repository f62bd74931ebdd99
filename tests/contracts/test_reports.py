"""What every Reports keeps to."""

import pytest

from contracts.stores import APP_STREAM, SqliteStores, dispatch
from laba.model.report import KeptReport, Report, Stage

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[SqliteStores])
def stores(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
async def store(stores):
    async with stores.open() as store:
        yield store


async def test_a_report_is_with_its_dispatch_after_a_restart(stores):  # X2
    """Every count, every reason, every time, and the dispatch as it was kept."""
    report = Report(7, 100, 60, 50, {"slow": 3, "closed": 1}, 12, 90, None)
    async with stores.open() as store:
        await store.append(dispatch(7))
        await store.streams.append(APP_STREAM, [dispatch(7)])
        await store.reports.keep([report])
    async with stores.open() as store:
        assert await store.reports.find(7) == KeptReport(dispatch(7), Stage.SENT, report)
        assert report.pending == 36


async def test_a_dispatch_says_how_far_it_is(store):  # X2
    """Without a report, too: what waits, what was sent, and what came too late."""
    for number in (1, 2, 3):
        await store.append(dispatch(number))
    await store.streams.append(APP_STREAM, [dispatch(2)])
    await store.expire([dispatch(3)])
    found = [await store.reports.find(number) for number in (1, 2, 3)]
    assert [one.stage for one in found] == [Stage.WAITING, Stage.SENT, Stage.EXPIRED]
    assert [one.report for one in found] == [None] * 3


async def test_the_last_word_about_a_dispatch_counts(store):  # X2
    """And is nobody else's."""
    for number in (1, 2):
        await store.append(dispatch(number))
    await store.reports.keep([Report(1, 5, 1), Report(2, 9, 9)])
    await store.reports.keep([Report(1, 5, 5, 2)])
    found = [(await store.reports.find(number)).report for number in (1, 2)]
    assert found == [Report(1, 5, 5, 2), Report(2, 9, 9)]


async def test_what_was_never_kept_is_not_found(store):  # X2
    """Nor does a report without a dispatch make one."""
    await store.reports.keep([Report(404, 5)])
    assert await store.reports.find(404) is None


async def test_keeping_nothing_changes_nothing(store):
    """And needs no commit."""
    before = store.commits
    await store.reports.keep([])
    assert store.commits == before


async def test_a_report_takes_no_row_of_its_own_and_waits_for_nobody(store):  # X2
    """A dispatch whose report is kept early still waits to be sent."""
    await store.append(dispatch(1))
    await store.reports.keep([Report(1)])
    assert [one.id for one in await store.waiting(10)] == [1]
    assert len(await store.accepted_since("app-1", dispatch(1).quota, 0, 10)) == 1
