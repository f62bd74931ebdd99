"""An order that holds though some of those who are in it have to wait, and others have not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Ordering:
    """Whoever enters later goes on later, though it may be ready sooner; of each key by itself."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Future[None]] = {}

    def holds(self, key: str) -> bool:
        """Tell whether anybody is in it."""
        return key in self._last

    @asynccontextmanager
    async def entered(self, key: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Be in it, from the call on; gives what is to be awaited before going on. Who fails holds up nobody."""
        before = self._last.get(key)
        mine = self._last[key] = asyncio.get_running_loop().create_future()

        async def turn() -> None:
            if before is not None:
                await asyncio.wait([before])

        try:
            yield turn
        finally:
            # Who gives up before its turn leaves those behind it behind those before it.
            if before is None or before.done():
                self._leave(key, mine)
            else:
                before.add_done_callback(lambda _: self._leave(key, mine))

    def _leave(self, key: str, mine: asyncio.Future[None]) -> None:
        mine.set_result(None)
        if self._last[key] is mine:
            del self._last[key]
