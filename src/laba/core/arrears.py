"""What a session is owed whether its device was there or not: it reaches also those who were offline (V1, R5)."""

from typing import NamedTuple

from laba.core.window import Kept, Reach


class Arrears(NamedTuple):
    """Messages from before the session joined, behind `after`.

    What is for all users is owed as far as it was accepted since `since_ms`, when the session's user was registered;
    what is for whoever comes within the window, as far as it was accepted since `recent_since_ms`, when that began.
    Up to `upto` all of it stands in the lasting log; what has a higher offset is in the window's, among all the rest
    that the session is owed.
    """

    after: int
    since_ms: int
    recent_since_ms: int
    upto: int

    def covers(self, kept: Kept) -> bool:
        if kept.offset <= self.after or kept.reach is Reach.PRESENT:
            return False
        return kept.accepted_at_ms >= (self.recent_since_ms if kept.reach is Reach.RECENT else self.since_ms)
