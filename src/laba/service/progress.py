"""How far a delivery has come: told by the gateway, counted in the tallies of the messages that it carries."""

from collections.abc import Sequence
from typing import Protocol

from laba.core.tally import Tally
from laba.service.ground import Ground


class Counts(Protocol):
    """Who wants to know what became of something that was to be written."""

    def handed(self, sessions: int) -> None:
        """Note that the last byte was handed to the sockets of so many sessions."""

    def lost(self, sessions: int, reason: str) -> None:
        """Note that so many sessions will not get it."""


class Progress:
    """What the gateway says of the sessions of one delivery. It goes along with frames that wait in an outbox."""

    __slots__ = ("_ground", "_tallies")

    def __init__(self, tallies: Sequence[Tally], ground: Ground) -> None:
        self._tallies = tallies
        self._ground = ground

    def handed(self, sessions: int) -> None:
        """Note that the last byte was handed to the sockets of so many sessions."""
        if not sessions:
            return
        now_ms = self._ground.clock()
        for tally in self._tallies:
            tally.hand(sessions, now_ms)
        self._ground.meter.count("laba_deliveries_total", sessions * len(self._tallies))

    def lost(self, sessions: int, reason: str) -> None:
        """Note that so many sessions ended before the last byte was handed to their sockets."""
        if not sessions:
            return
        for tally in self._tallies:
            tally.lose(sessions, reason)
        self._ground.meter.count("laba_deliveries_lost_total", sessions * len(self._tallies), reason=reason)
