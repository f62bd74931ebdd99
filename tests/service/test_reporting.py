import asyncio

import pytest

from builders import OTHER_UUID, STREAM, LeapingLoop, app, counted, dispatch, ground, to_targets
from houses import WINDOW_MS, opened
from laba.adapters.telemetry import PrometheusMeter
from laba.core.tally import Tally
from laba.model.campaign import Muster
from laba.model.recordcalls import GetReport, ReportShown
from laba.model.refusal import Code
from laba.model.report import Report, Stage
from laba.service.reporting import Reporting, report_of

pytestmark = pytest.mark.anyio


async def sent(house, number, audience=10):
    """Have a dispatch placed and watched; gives its tally."""
    await house.placed(number)
    tally = Tally(house.clock.now_ms, audience)
    house.reporting.watch(number, tally)
    return tally


async def shown(house, number, of=None):
    answer = await house.reporting.show(GetReport(number), of)
    assert isinstance(answer, ReportShown)
    return answer.kept


async def test_a_report_is_live_before_it_is_kept(house):
    """As it stands at the moment of asking; the ledger knows nothing of it yet."""  # X2
    tally = await sent(house, 7)
    tally.hand(5, house.clock.now_ms + 3)
    tally.lose(1, "slow")
    tally.confirmed = 4
    kept = await shown(house, 7)
    assert (kept.dispatch.id, kept.stage) == (7, Stage.SENDING)
    assert kept.report == Report(7, 10, 5, 4, {"slow": 1}, 3, None, None)
    assert (await house.store.reports.find(7)).report is None


async def test_a_report_is_in_the_ledger_after_keeping(house, tmp_path):
    """Also for the next process, which never watched it."""  # X2
    tally = await sent(house, 7)
    tally.hand(10, house.clock.now_ms)
    await house.reporting.keep()
    async with opened(tmp_path, house.clock) as again:
        kept = await shown(again, 7)
    assert (kept.stage, kept.report) == (Stage.SENT, report_of(7, tally))


async def test_who_is_on_the_way_makes_the_difference(house):
    """Sending, until everybody was reached or lost."""  # X2
    tally = await sent(house, 7, audience=2)
    stages = [(await shown(house, 7)).stage]
    tally.hand(1, house.clock.now_ms)
    stages.append((await shown(house, 7)).stage)
    tally.lose(1, "closed")
    stages.append((await shown(house, 7)).stage)
    assert stages == [Stage.SENDING, Stage.SENDING, Stage.SENT]


async def test_a_broadcast_to_nobody_is_sent_at_once(house):
    """It has an audience of 0 and no times."""  # X2
    await sent(house, 7, audience=0)
    kept = await shown(house, 7)
    assert (kept.stage, kept.report) == (Stage.SENT, Report(7))


async def test_what_waits_says_so(house):
    """It has no report yet."""  # X2
    await house.kept(7)
    kept = await shown(house, 7)
    assert (kept.stage, kept.report) == (Stage.WAITING, None)


async def test_a_report_is_its_app_s_own(house):
    """Another app's does not exist for it; the operator, who names no app, sees all."""  # X2 A10
    await sent(house, 7)
    other = app(OTHER_UUID, "org/other")
    refusal = await house.reporting.show(GetReport(7), other)
    assert (refusal.code, refusal.subject) == (Code.BROADCAST_UNKNOWN, "7")
    assert (await house.reporting.show(GetReport(8), None)).code is Code.BROADCAST_UNKNOWN
    assert (await shown(house, 7, house.app)) == (await shown(house, 7))


class Ledger:
    """Reports that remember what was kept, on a medium that can fail."""

    def __init__(self):
        self.kept = []
        self.failures = 0

    async def keep(self, reports):
        if self.failures:
            self.failures -= 1
            raise OSError("disk")
        self.kept.append([report.dispatch_id for report in reports])


async def test_only_what_changed_is_written(house):
    """A report that stands still costs nothing."""  # X2
    ledger = Ledger()
    reporting = Reporting(ledger, None, house.reporting.rooms, house.pushing, WINDOW_MS, house.ground)
    tallies = [Tally(house.clock.now_ms, 10) for _ in range(3)]
    for number, tally in enumerate(tallies):
        reporting.watch(number, tally)
    await reporting.keep()
    tallies[1].hand(1, house.clock.now_ms)
    await reporting.keep()
    await reporting.keep()
    assert ledger.kept == [[0, 1, 2], [1], []]


async def test_what_could_not_be_kept_is_kept_the_next_time(house):
    """No change is lost with a failed write."""  # X2
    ledger = Ledger()
    ledger.failures = 1
    reporting = Reporting(ledger, None, house.reporting.rooms, house.pushing, WINDOW_MS, house.ground)
    reporting.watch(7, Tally(house.clock.now_ms - WINDOW_MS - 1, 10))
    with pytest.raises(OSError, match="disk"):
        await reporting.keep()
    await reporting.keep()
    assert ledger.kept == [[7]]


async def test_a_report_that_will_not_change_any_more_is_forgotten_after_its_last_word(house):
    """At the window's edge it may still; one millisecond later it was written a last time."""  # X2
    ledger = Ledger()
    reporting = Reporting(ledger, None, house.reporting.rooms, house.pushing, WINDOW_MS, house.ground)
    tally = Tally(house.clock.now_ms, 10)
    reporting.watch(7, tally)
    for passed_ms in (WINDOW_MS, 1, 0):
        house.clock.pass_ms(passed_ms)
        tally.hand(1, house.clock.now_ms)
        await reporting.keep()
    assert ledger.kept == [[7], [7], []]


async def test_at_the_bound_the_oldest_report_stops_where_it_is(house):
    """Ten thousand are counted at once."""  # X2
    await sent(house, 1)
    await house.reporting.keep()
    for number in range(10, 10_010):
        house.reporting.watch(number, Tally(house.clock.now_ms, 1))
    kept = await shown(house, 1)
    assert (kept.stage, kept.report) == (Stage.SENT, Report(1, 10))


def test_reports_are_kept_every_few_seconds_whatever_the_store_does():
    """A failure is counted and tried again; asking more often would only be more writes."""  # X2
    ledger, meter = Ledger(), PrometheusMeter()
    ledger.failures = 2
    reporting = Reporting(ledger, None, None, None, WINDOW_MS, ground(meter=meter))
    reporting.watch(7, Tally(0, 1))

    async def live():
        running = asyncio.create_task(reporting.run())
        await asyncio.sleep(16)
        running.cancel()

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(live())
    assert ledger.kept == [[7]]
    assert counted(meter, "laba_store_failures_total") == 2


def test_a_report_s_times_are_those_of_its_shares():
    """50, 99 and 100 %; None where a share was not reached."""  # X2
    tally = Tally(1_000, 100)
    tally.hand(50, 1_005)
    assert report_of(1, tally) == Report(1, 100, 50, 0, {}, 5, None, None)
    tally.hand(49, 1_007)
    tally.hand(1, 1_009)
    assert report_of(1, tally) == Report(1, 100, 100, 0, {}, 5, 7, 9)


def test_a_report_does_not_change_with_its_tally():
    """It is what it was."""  # X2
    tally = Tally(0, 2)
    before = report_of(1, tally)
    tally.lose(1, "slow")
    assert before == Report(1, 2)


async def test_the_ledger_s_own_word_is_not_needed_while_a_dispatch_is_watched(house):
    """Its stage there follows a little later."""  # X2
    await house.store.append(dispatch(9, house.clock.now_ms))
    house.reporting.watch(9, Tally(house.clock.now_ms, 3))
    assert (await shown(house, 9)).stage is Stage.SENDING
    assert (await house.store.streams.position(STREAM)).offset == 0


async def test_a_push_counts_users_from_its_acceptance_on(house):
    """Before it has its place nobody is found yet, and the search goes on."""  # X2, P5
    await house.registered("ann")
    accepted = await house.intake.accept(to_targets(), house.app)
    call = GetReport(accepted.dispatch.id)
    assert (await house.reporting.show(call, house.app)).kept.muster == Muster(0, 0, 0, walking=True)
    await house.dispatcher.turn()
    while await house.recruiting.turn():
        pass
    assert (await house.reporting.show(call, house.app)).kept.muster == Muster(1, 0, 0, walking=False)
