"""What became of one message: the counts of its report (X2)."""

from collections import Counter
from dataclasses import dataclass, field

# The shares of an audience whose times a report tells, in thousandths: 50 %, 99 %, 100 %.
SHARES = (500, 990, 1000)


@dataclass(slots=True)
class Tally:
    """Counts sessions, on one node. Times are milliseconds from acceptance to the moment a share was reached.

    `audience` are the live sessions that the message was for when it went out; `reached` those to whose socket its
    last byte was handed; `confirmed` those of which a sign came that can only follow it; `lost` those that it did not
    reach, by reason. What is neither reached nor lost is under way. `expected` says how many of the audience were
    counted for channels in which the message has no place yet.
    """

    accepted_at_ms: int
    audience: int
    reached: int = 0
    confirmed: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    reached_after_ms: dict[int, int] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)

    @property
    def pending(self) -> int:
        return self.audience - self.reached - self.lost.total()

    @property
    def events(self) -> int:
        """How much was counted so far: it grows with every change."""
        return self.reached + self.confirmed + self.lost.total()

    def expect(self, channel: str, sessions: int) -> None:
        """Count sessions in the audience of a channel that will get its copy soon."""
        self.audience += sessions
        self.expected[channel] = sessions

    def settle(self, channel: str, sessions: int) -> None:
        """Correct what was expected of a channel: its copy goes out now, to so many."""
        self.audience += sessions - self.expected.pop(channel, 0)

    def shed(self, channel: str, reason: str) -> None:
        """Note that a channel's copy will not go out at all."""
        self.lose(self.expected.pop(channel, 0), reason)

    def hand(self, sessions: int, now_ms: int) -> None:
        """Count sessions that have the message now."""
        self.reached += sessions
        for share in SHARES:
            if share not in self.reached_after_ms and self.reached * 1000 >= self.audience * share:
                self.reached_after_ms[share] = max(0, now_ms - self.accepted_at_ms)

    def lose(self, sessions: int, reason: str) -> None:
        """Count sessions that will not get the message over this connection."""
        self.lost[reason] += sessions
