"""From measurements to figures: as rows for the terminal and for docs/performance.md."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rich.table import Table

from deliveries import LABA, NCHAN, C, Deliveries, Turn
from measuring import Spread, quantile
from sessions import Sessions

# What issue 3 aims at: laba's CPU per delivery in that of the C loop, registered users' logins per second and core,
# the longest time in which the event loop stands still, and resident memory per idle session.
AIM_RATIO, AIM_LOGINS, AIM_STALL_MS, AIM_RESIDENT_KB = 1.15, 3000, 20, 5


class Row(NamedTuple):
    """One figure as words, beside what issue 3 aims at."""

    what: str
    figure: str
    aim: str = ""


class Cost(NamedTuple):
    """One contestant over all rounds. The ratio is to the C loop's turn of the same round."""

    name: str
    us: Spread
    ratio: Spread
    all_ms: Spread


def costs(deliveries: Deliveries) -> list[Cost]:
    """Give the contestants, the C loop first and laba last."""
    names = sorted({turn.name for turn in deliveries.rounds[0]}, key=lambda name: (name != C, name == LABA, name))
    return [_cost(deliveries, name) for name in names]


def _cost(deliveries: Deliveries, name: str) -> Cost:
    turns = [_turn(turns, name) for turns in deliveries.rounds]
    limits = [_turn(turns, C) for turns in deliveries.rounds]
    return Cost(
        name,
        Spread.of([turn.us for turn in turns]),
        Spread.of([turn.us / limit.us for turn, limit in zip(turns, limits, strict=True)]),
        Spread.of([ms for turn in turns for ms in turn.all_ms]),
    )


def _turn(turns: Iterable[Turn], name: str) -> Turn:
    return next(turn for turn in turns if turn.name == name)


def delivery_rows(deliveries: Deliveries) -> list[Row]:
    rows = []
    for name, us, ratio, _ in costs(deliveries):
        aim = f"at most {AIM_RATIO} times" if name == LABA else ""
        figure = f"{us.median:.2f} us ({us.least:.2f} to {us.most:.2f})"
        if name != C:
            figure += f"; {ratio.median:.3f} times C ({ratio.least:.3f} to {ratio.most:.3f})"
        rows.append(Row(f"CPU per delivery, {name}", figure, aim))
    if any(turn.name == NCHAN for turn in deliveries.rounds[0]):
        against = [_turn(turns, LABA).us / _turn(turns, NCHAN).us for turns in deliveries.rounds]
        spread = Spread.of(against)
        figure = f"{spread.median:.3f} times nchan ({spread.least:.3f} to {spread.most:.3f})"
        rows.append(Row("CPU per delivery, laba to nchan", figure, "below 1"))
    return rows


def arrival_rows(deliveries: Deliveries) -> list[Row]:
    turns = [_turn(turns, LABA) for turns in deliveries.rounds]
    half, everybody = [ms for turn in turns for ms in turn.half_ms], [ms for turn in turns for ms in turn.all_ms]
    stalls = deliveries.stalls
    rows = [
        Row("From the POST until half have it", f"p50 {quantile(half, 0.5):.1f} ms, max {max(half):.1f}"),
        Row(
            "From the POST until the last has it", f"p50 {quantile(everybody, 0.5):.1f} ms, max {max(everybody):.1f}"
        ),
    ]
    others = ((name, all_ms) for name, _, _, all_ms in costs(deliveries) if name != LABA)
    rows += [Row(f"The same, {name}", f"p50 {ms.median:.1f} ms, max {ms.most:.1f}") for name, ms in others]
    during = (
        f"max {max(stalls.broadcast_ms):.1f} ms, p99 {quantile(stalls.broadcast_ms, 0.99):.1f}, "
        f"p50 {quantile(stalls.broadcast_ms, 0.5):.1f} of {len(stalls.broadcast_ms):,}"
    )
    idle = (
        f"max {max(stalls.idle_ms):.1f} ms, p99 {quantile(stalls.idle_ms, 0.99):.1f}, "
        f"p50 {quantile(stalls.idle_ms, 0.5):.1f} of {len(stalls.idle_ms):,}"
    )
    return [
        *rows,
        Row("A ping waits for its pong, during broadcasts", during, f"at most {AIM_STALL_MS} ms"),
        Row("A ping waits for its pong, at other times", idle),
    ]


def session_rows(sessions: Sessions) -> list[Row]:
    idle = sessions.idle
    return [
        _logins(sessions, "Logins of registered users", f"at least {AIM_LOGINS:,}", first=False),
        _logins(sessions, "First logins, which register", "", first=True),
        Row(
            "Resident memory per idle session",
            f"{sessions.resident_bytes / 1000:.2f} KB",
            f"at most {AIM_RESIDENT_KB} KB",
        ),
        Row("Resident memory without clients", f"{sessions.empty_bytes / 1e6:.0f} MB"),
        Row(
            f"CPU with {idle.connections:,} idle sessions",
            f"{idle.per_cent:.2f} % of a core, {idle.us_per_connection_minute:.0f} us per session and minute "
            f"({idle.pings:,} pings in {idle.seconds:.0f} s)",
        ),
    ]


def _logins(sessions: Sessions, what: str, aim: str, *, first: bool) -> Row:
    chosen = [logins for logins in sessions.logins if logins.first is first]
    rate = Spread.of([logins.per_second for logins in chosen])
    cpu = Spread.of([logins.cpu_us for logins in chosen])
    figure = f"{rate.median:,.0f} per second ({rate.least:,.0f} to {rate.most:,.0f}); {cpu.median:.0f} us of CPU each"
    return Row(what, figure, aim)


def each(figures: Sequence[float], shape: str) -> str:
    """Write the median and, in their order, all of them; `shape` has one place to fill, `{:.1f} ms`."""
    number = shape[: shape.index("}") + 1]
    return f"{shape.format(Spread.of(figures).median)} ({', '.join(map(number.format, figures))})"


# --- forms ---------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Row], title: str) -> Table:
    shown = Table("what", "measured", "aim", title=title)
    for row in rows:
        shown.add_row(*row)
    return shown


def markdown(parts: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Write the same tables for docs/performance.md."""
    lines: list[str] = []
    for title, rows in parts:
        lines += [f"## {title}", "", "| what | measured | aim |", "|---|---|---|"]
        lines += [f"| {row.what} | {row.figure} | {row.aim or '-'} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def report(
    plan: Mapping[str, Any], where: Mapping[str, Any], told: Sequence[Row], measured: Mapping[str, Any]
) -> dict[str, Any]:
    """Give all of a run, for the file that holds every single measurement."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": where,
        "plan": plan,
        "figures": [row._asdict() for row in told],
        "measured": measured,
    }
