"""What went out lately to chosen users, as encoded: of a herd that comes for one message, only the first reads it."""

from collections import OrderedDict

from laba.core.window import Kept
from laba.model.stream import Stream

_LIMIT_MESSAGES = 1000
_LIMIT_BYTES = 8 * 1024 * 1024


class ChosenLogs:
    """A cache over all apps. At its bounds the oldest is forgotten; it is then read from the ledger, and encoded."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Stream, int], Kept] = OrderedDict()
        self._bytes = 0

    def add(self, stream: Stream, kept: Kept) -> None:
        self._kept[stream, kept.offset] = kept
        self._bytes += kept.size_bytes
        while len(self._kept) > _LIMIT_MESSAGES or self._bytes > _LIMIT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.size_bytes

    def find(self, stream: Stream, offset: int) -> Kept | None:
        return self._kept.get((stream, offset))

    def withdraw(self, stream: Stream, message_id: int) -> None:
        """Forget a message that was recalled."""
        for key in [key for key, kept in self._kept.items() if key[0] == stream and kept.message_id == message_id]:
            self._bytes -= self._kept.pop(key).size_bytes
