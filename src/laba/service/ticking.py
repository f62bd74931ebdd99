"""The one task that turns the timer wheel and does what is due every few seconds."""

import asyncio
from collections.abc import Callable, Sequence

from laba.core.wheel import Timed, TimerWheel

# After so many deadlines the loop is given to others: ten thousand pings at once must not hold up a broadcast.
_AT_ONCE = 256
_CHORE_TICKS = 5


async def tick(wheel: TimerWheel[Timed], chores: Sequence[Callable[[], None]]) -> None:
    """Turn the wheel every second, and do the chores every five, until cancelled."""
    loop = asyncio.get_running_loop()
    turns = 0
    while True:
        await asyncio.sleep(1.0)
        turns += 1
        for count, item in enumerate(wheel.advance(loop.time()), start=1):
            item.due(loop.time())
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
        if turns % _CHORE_TICKS == 0:
            for chore in chores:
                chore()
