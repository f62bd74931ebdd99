from collections import Counter

from builders import Clock, counted, ground
from laba.adapters.telemetry import PrometheusMeter
from laba.core.tally import Tally
from laba.service.progress import Progress


def test_what_reaches_a_session_reaches_it_for_every_message_of_the_delivery():
    """At the time it was told; the metric counts messages, not deliveries."""  # X2
    clock, meter = Clock(), PrometheusMeter()
    tallies = [Tally(clock.now_ms, 4), Tally(clock.now_ms - 100, 2)]
    progress = Progress(tallies, ground(clock, meter))
    clock.pass_ms(7)
    progress.handed(2)
    assert [tally.reached for tally in tallies] == [2, 2]
    assert [tally.reached_after_ms for tally in tallies] == [{500: 7}, {500: 107, 990: 107, 1000: 107}]
    assert counted(meter, "laba_deliveries_total") == 4


def test_what_a_session_loses_it_loses_of_every_message():
    """By its reason, in the report and in the metric."""  # X2
    meter = PrometheusMeter()
    tallies = [Tally(0, 4), Tally(0, 4)]
    progress = Progress(tallies, ground(meter=meter))
    progress.lost(2, "slow")
    progress.lost(1, "closed")
    assert [tally.lost for tally in tallies] == [Counter(slow=2, closed=1)] * 2
    lost = [counted(meter, "laba_deliveries_lost_total", f'{{reason="{reason}"}}') for reason in ("slow", "closed")]
    assert lost == [4, 2]


def test_nobody_is_nothing():
    """A slice that reached nobody sets no time, and a reason nobody had is in no report."""  # X2
    meter = PrometheusMeter()
    tally = Tally(0, 0)
    progress = Progress([tally], ground(meter=meter))
    progress.handed(0)
    progress.lost(0, "slow")
    assert (tally.reached_after_ms, dict(tally.lost)) == ({}, {})
    assert counted(meter, "laba_deliveries_total") == 0


def test_frames_of_before_the_process_began_are_counted_as_deliveries_of_nothing():
    """They have no tally: their report was the earlier process's."""  # X2
    meter = PrometheusMeter()
    Progress([], ground(meter=meter)).handed(5)
    assert counted(meter, "laba_deliveries_total") == 0
