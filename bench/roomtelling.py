"""Figures of rooms as rows, beside what issue 4 aims at."""

from calling import CONNECTIONS, Answers
from rooms import LEVELS, PACE, ROOM_MEMBERS, ROOMS, SLOW_OUTBOX_BYTES, UNDER_WAY, Rooms, Run, Slowness
from telling import Row

# What issue 4 aims at: times until a delivery in milliseconds, by level and where there are many rooms; CPU per
# delivery in microseconds; deliveries per second, and how many times nchan's; the median until the last member has a
# message; calls per second; and by how many per cent a member that reads nothing may move the others' times.
AIM_P99_MS = {"high": 100, "normal": 250}
AIM_MANY_P99_MS, AIM_US = 250, 1.5
AIM_PER_SECOND, AIM_TIMES_NCHAN, AIM_WHOLE_MS = 1_500_000, 10, 60
AIM_CALLS, AIM_MOVED_PER_CENT = 5_000, 20


def room_rows(rooms: Rooms) -> list[Row]:
    """Show a room of as many members as its aim names, at the pace that it names."""
    run = rooms.paced
    rows = [
        Row(
            "Offered, and reached",
            f"{run.wanted:,} deliveries in {run.seconds:.1f} s: {run.per_second:,.0f} a second",
        ),
        _lost(run),
    ]
    for level, times in zip(LEVELS, run.levels, strict=True):
        aim = f"p99 at most {AIM_P99_MS[level]} ms" if level in AIM_P99_MS else ""
        figure = f"p50 {times.ms(0.5):.1f} ms, p99 {times.ms(0.99):.1f}, max {times.ms(1):.1f}"
        rows.append(Row(f"From the call to a member, {level}", figure, aim))
    return [
        *rows,
        _whole(run, ""),
        Row("CPU per delivery", f"{run.us:.2f} us, the calls included", f"at most {AIM_US} us"),
        Row("Calls", f"p50 {run.answers.ms(0.5):.1f} ms, p99 {run.answers.ms(0.99):.1f}, {PACE} a second"),
    ]


def saturated_rows(rooms: Rooms) -> list[Row]:
    """Show how much goes through the room at most, beside nchan's where that was measured."""
    run, nchan = rooms.saturated, rooms.nchan
    rows = [
        Row(
            f"Deliveries per second, {UNDER_WAY} messages under way",
            f"{run.per_second:,.0f}; {run.us:.2f} us of CPU each",
            f"at least {AIM_PER_SECOND:,}",
        ),
        _whole(run, f"p50 at most {AIM_WHOLE_MS} ms"),
        _lost(run),
    ]
    if nchan is None:
        return rows
    return [
        *rows,
        Row("The same, nginx + nchan", f"{nchan.per_second:,.0f}; {nchan.us:.2f} us of CPU each"),
        _whole(nchan, "", "nginx + nchan"),
        Row("laba to nchan", f"{run.per_second / nchan.per_second:.1f} times", f"at least {AIM_TIMES_NCHAN} times"),
    ]


def many_rows(run: Run) -> list[Row]:
    """Show rooms of ten, spoken in ten at a call."""
    rows = [
        Row(
            f"Messages, in {ROOMS:,} rooms of 10",
            f"{10 * run.sent / run.seconds:,.0f} a second, by {run.sent / run.seconds:,.0f} calls to 10 rooms each",
        )
    ]
    for level, times in zip(LEVELS, run.levels, strict=True):
        figure = f"p50 {times.ms(0.5):.1f} ms, p99 {times.ms(0.99):.1f}, max {times.ms(1):.1f}"
        rows.append(Row(f"From the call to a member, {level}", figure, f"p99 at most {AIM_MANY_P99_MS} ms"))
    return [*rows, _lost(run), Row("CPU per delivery", f"{run.us:.2f} us, the calls included")]


def slow_rows(slow: Slowness) -> list[Row]:
    """Show what is held for it, and what the others notice."""
    without, beside = (run.levels[1].ms(0.99) for run in (slow.without, slow.beside))
    moved = 100 * (beside / without - 1)
    held = f"{slow.unsent_bytes:,} bytes in the kernel at most, and up to {SLOW_OUTBOX_BYTES:,} in its outbox"
    return [
        Row("Held for it", held, "its bound"),
        Row("Closed as slow", "yes" if slow.closed == 1 else f"{slow.closed} times", "yes"),
        Row(
            "The others, normal, p99",
            f"{without:.1f} ms without it, {beside:.1f} beside it: {moved:+.0f} %",
            f"at most +{AIM_MOVED_PER_CENT} %",
        ),
        _lost(slow.beside),
    ]


def call_rows(calls: tuple[Answers, ...]) -> list[Row]:
    """Show wrk's own figures; none where it is not installed."""
    return [
        Row(
            f"Calls accepted, {call.what}, {CONNECTIONS} connections",
            f"{call.per_second:,.0f} per second; p50 {call.p50_ms:.1f} ms, p99 {call.p99_ms:.1f}; "
            f"{call.us:.0f} us of CPU each",
            f"at least {AIM_CALLS:,}",
        )
        for call in calls
    ]


def _lost(run: Run) -> Row:
    figure = "none" if not run.lost and not run.doubled else f"{run.lost:,} lost, {run.doubled:,} twice"
    return Row(f"Lost or twice, of {run.wanted:,}", figure, "none")


def _whole(run: Run, aim: str, of: str = "") -> Row:
    members = f"From the call until all {ROOM_MEMBERS:,} have it" + (f", {of}" if of else "")
    return Row(
        members, f"p50 {run.whole.ms(0.5):.1f} ms, p99 {run.whole.ms(0.99):.1f}, max {run.whole.ms(1):.1f}", aim
    )
