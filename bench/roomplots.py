"""Measurements of rooms as pictures, in the style of the others."""

from pathlib import Path

from matplotlib.axes import Axes

from measuring import Buckets
from plots import AIM, OURS, THEIRS, THIRD, named, page, saved, shares
from rooms import LEVELS, Rooms
from roomtelling import AIM_MANY_P99_MS, AIM_P99_MS, AIM_PER_SECOND

_COLOURS = (OURS, THEIRS, THIRD)


def drawn(rooms: Rooms, folder: Path) -> list[Path]:
    """Draw rooms; give the files."""
    return [
        _levels("A room of 2,000, 200 messages a second", rooms.paced.levels, AIM_P99_MS, folder / "room.svg"),
        _levels(
            "10,000 rooms of 10, 3,000 messages a second",
            rooms.many.levels,
            dict.fromkeys(LEVELS[:1], AIM_MANY_P99_MS),
            folder / "rooms.svg",
        ),
        _saturated(rooms, folder / "saturated.svg"),
    ]


def _levels(title: str, levels: tuple[Buckets, ...], aims: dict[str, int], path: Path) -> Path:
    figure, axes = page(f"{title}: from the call to a member", "milliseconds, at most")
    for level, times, colour in zip(LEVELS, levels, _COLOURS, strict=True):
        _rising(axes, times, level, colour)
        if level in aims:
            axes.axvline(aims[level], color=colour, linestyle=":", label=f"aim at 99 %, {level}")
    shares(axes)
    axes.set_ylabel("share of deliveries")
    return saved(figure, path)


def _rising(axes: Axes, times: Buckets, name: str, colour: str) -> None:
    rising = times.rising()
    total = rising[-1][1] if rising else 1
    axes.step(
        [(tenths + 1) / 10 for tenths, _ in rising],
        [passed / total for _, passed in rising],
        where="post",
        label=name,
        c=colour,
    )


def _saturated(rooms: Rooms, path: Path) -> Path:
    figure, axes = page("A room of 2,000 with 40 messages under way", "million deliveries per second, on one core")
    runs = [("laba", rooms.saturated, OURS)]
    if rooms.nchan is not None:
        runs.append(("nginx + nchan", rooms.nchan, THEIRS))
    for row, (_, run, colour) in enumerate(runs):
        axes.barh(row, run.per_second / 1e6, color=colour, height=0.5)
    axes.axvline(AIM_PER_SECOND / 1e6, color=AIM, linestyle=":", label="aim")
    axes.legend()
    named(axes, [name for name, _, _ in runs])
    return saved(figure, path)
