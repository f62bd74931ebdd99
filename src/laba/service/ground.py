"""What the services stand on: time, chance and counters, handed in so that tests can choose them."""

from collections.abc import Callable
from dataclasses import dataclass

from laba.ports import Meter


@dataclass(frozen=True, slots=True)
class Ground:
    """`clock` gives milliseconds since 1970, `entropy` unguessable bytes."""

    clock: Callable[[], int]
    entropy: Callable[[int], bytes]
    meter: Meter
