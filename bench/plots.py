"""Measurements as pictures, SVG, the same bytes for the same figures."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deliveries import LABA, Deliveries, Stalls
from sessions import Idleness, Sessions
from telling import AIM_LOGINS, AIM_RATIO, AIM_STALL_MS, costs

# Of Okabe and Ito's palette, whose colours people tell apart however they see them.
OURS, THEIRS, THIRD, AIM = "#D55E00", "#0072B2", "#009E73", "#000000"
_SIZE = (7.0, 3.2)


def drawn(deliveries: Deliveries, sessions: Sessions, folder: Path) -> list[Path]:
    """Draw everything that `run.py` measures; give the files."""
    return [
        _cpu(deliveries, folder / "cpu.svg"),
        _arrival(deliveries, folder / "arrival.svg"),
        _stalls(deliveries.stalls, folder / "stalls.svg"),
        _logins(sessions, folder / "logins.svg"),
        _idle(sessions.idle, folder / "idle.svg"),
    ]


def _cpu(deliveries: Deliveries, path: Path) -> Path:
    figure, axes = page("CPU per delivery: a dot a round, the median as a line", "microseconds")
    limit, *others = costs(deliveries)
    names = [cost.name for cost in (limit, *others)]
    for row, name in enumerate(names):
        turns = [turn.us for turns in deliveries.rounds for turn in turns if turn.name == name]
        _dots(axes, row, turns, _colour(name))
    axes.axvline(AIM_RATIO * limit.us.median, color=AIM, linestyle=":", label="aim")
    axes.legend(loc="lower left")
    named(axes, names)
    return saved(figure, path)


def _arrival(deliveries: Deliveries, path: Path) -> Path:
    count = sum(len(turn.all_ms) for turns in deliveries.rounds for turn in turns if turn.name == LABA)
    title = f"Until the last client has it: a dot a broadcast, {count} each, the median as a line"
    figure, axes = page(title, "milliseconds")
    names = [cost.name for cost in costs(deliveries)]
    for row, name in enumerate(names):
        times = [ms for turns in deliveries.rounds for turn in turns if turn.name == name for ms in turn.all_ms]
        _dots(axes, row, times, _colour(name))
    named(axes, names)
    return saved(figure, path)


def _stalls(stalls: Stalls, path: Path) -> Path:
    figure, axes = page("How long a ping waits for its pong", "milliseconds, at most")
    for name, times, colour in (
        ("without broadcasts", stalls.idle_ms, THEIRS),
        ("during broadcasts", stalls.broadcast_ms, OURS),
    ):
        _rising(axes, times, name, colour)
    axes.axvline(AIM_STALL_MS, color=AIM, linestyle=":", label="aim")
    shares(axes)
    return saved(figure, path)


def _logins(sessions: Sessions, path: Path) -> Path:
    figure, axes = page("Logins on one core: a dot a round, the median as a line", "per second")
    kinds = (("registered before", False), ("first login", True))
    for row, (_, first) in enumerate(kinds):
        rates = [logins.per_second for logins in sessions.logins if logins.first is first]
        _dots(axes, row, rates, OURS)
    axes.axvline(AIM_LOGINS, color=AIM, linestyle=":", label="aim")
    axes.legend()
    named(axes, [name for name, _ in kinds])
    return saved(figure, path)


def _idle(idle: Idleness, path: Path) -> Path:
    title = f"{idle.connections:,} idle sessions, each pinged once meanwhile"
    figure, axes = page(title, "second")
    axes.bar(range(len(idle.per_cent_by_second)), idle.per_cent_by_second, color=OURS, width=1.0)
    axes.set_ylabel("per cent of a core")
    return saved(figure, path)


def latencies(title: str, series: Sequence[tuple[str, Sequence[float], float]], path: Path) -> Path:
    """Draw how many answers took at most how long; a series is its name, its milliseconds and its aim."""
    figure, axes = page(title, "milliseconds, at most")
    for (name, times, aim), colour in zip(series, (OURS, THEIRS), strict=False):
        _rising(axes, times, name, colour)
        axes.axvline(aim, color=colour, linestyle=":", label=f"aim: {name}")
    shares(axes)
    return saved(figure, path)


def walks(
    title: str, series: Sequence[tuple[str, Sequence[tuple[float, int]]]], gap: tuple[float, float], path: Path
) -> Path:
    """Draw how many users had a message in their inboxes at which second; in `gap` the last one's server was dead."""
    figure, axes = page(title, "seconds after the POST")
    for (name, counts), colour in zip(series, (OURS, THEIRS), strict=True):
        axes.plot([at for at, _ in counts], [users for _, users in counts], color=colour, label=name)
    axes.axvspan(*gap, color=AIM, alpha=0.15, linewidth=0, label="killed, and starting again")
    axes.set_ylabel("users")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend()
    return saved(figure, path)


def page(title: str, unit: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize="medium")
    axes.set_xlabel(unit)
    return figure, axes


def _dots(axes: Axes, row: int, figures: Sequence[float], colour: str) -> None:
    axes.plot(figures, [row] * len(figures), "o", color=colour, alpha=0.5, markersize=5)
    middle = sorted(figures)[(len(figures) - 1) // 2]
    axes.plot([middle, middle], [row - 0.3, row + 0.3], color=colour)


def _rising(axes: Axes, times: Sequence[float], name: str, colour: str) -> None:
    ordered = sorted(times)
    axes.step(
        ordered, [(rank + 1) / len(ordered) for rank in range(len(ordered))], where="post", label=name, c=colour
    )


def shares(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("share of answers")
    axes.legend()


def named(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.invert_yaxis()
    axes.set_xlim(left=0)


def _colour(name: str) -> str:
    return OURS if name == LABA else THEIRS


def saved(figure: Figure, path: Path) -> Path:
    with mpl.rc_context({"svg.hashsalt": "laba", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
    return path
