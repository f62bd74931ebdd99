"""How hard a node is pressed, as one number (design.md section 7)."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Load:
    """What is measured of a node, in milliseconds.

    How late its event loop is, the age of the oldest delivery not yet written, and how long the last round of writing
    took.
    """

    lag_ms: float
    backlog_ms: float
    flush_ms: float

    def __post_init__(self) -> None:
        for each in fields(self):
            if not getattr(self, each.name) >= 0:
                raise ValueError(f"{each.name} is 0 or more")


@dataclass(frozen=True, slots=True)
class LoadBounds:
    """The load at which budgets begin to bind, each figure for itself, in milliseconds.

    A quarter of a second is what a normal message may take to its last member; half of one is where people notice.
    """

    lag_ms: float = 100
    backlog_ms: float = 500
    flush_ms: float = 250

    def __post_init__(self) -> None:
        for each in fields(self):
            if not getattr(self, each.name) > 0:
                raise ValueError(f"{each.name} is more than 0")


def pressure(load: Load, bounds: LoadBounds) -> float:
    """Tell how far the worst of the three figures is towards its bound: 0 is idle, 1 is at the bound, 2 is twice it.

    It never falls while one of them grows.
    """
    return max(
        load.lag_ms / bounds.lag_ms,
        load.backlog_ms / bounds.backlog_ms,
        load.flush_ms / bounds.flush_ms,
    )
