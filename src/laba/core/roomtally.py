"""Counting what becomes of a room's messages, minute by minute, until it is written (E4, X2)."""

from collections import Counter, deque
from collections.abc import Iterable

from laba.model.dispatch import Level
from laba.model.room import ROOM_PREFIX
from laba.model.roomreport import MINUTE_MS, Count, RoomMinute
from laba.model.stream import Stream

# Minutes with something unwritten that are held at most: a busy node's of one minute, many times over.
UNWRITTEN_LIMIT = 100_000


class RoomTally:
    """The counters of one room's minute, as far as they are not written. One call counts a whole batch.

    It may be held and counted in for as long as anybody likes: what is counted later is written later.
    """

    __slots__ = ("_counts", "_tallies", "minute", "stream")

    def __init__(self, stream: Stream, minute: int, tallies: "RoomTallies") -> None:
        self.stream = stream
        self.minute = minute
        self._tallies = tallies
        self._counts: Counter[str] = Counter()

    def accepted(self, level: Level, *, raised: bool = False, directed: bool = False) -> None:
        """Count a message under the level it came out with; `raised` says that it had asked for a lower one (E5)."""
        self._add(f"{Count.ACCEPTED}.{level}", 1)
        if raised:
            self._add(Count.RAISED, 1)
        if directed:
            self._add(Count.DIRECTED, 1)

    def to_nobody(self, level: Level) -> None:
        """Count an accepted message for which nobody was in the room."""
        self._add(f"{Count.TO_NOBODY}.{level}", 1)

    def placed(self, level: Level, messages: int) -> None:
        """Count messages that left the lane for their places."""
        self._add(f"{Count.PLACED}.{level}", messages)

    def shed(self, level: Level, reason: str, messages: int = 1) -> None:
        """Count messages that the lane gave up."""
        self._add(f"{Count.SHED}.{level}.{reason}", messages)

    def rejected(self, level: Level) -> None:
        """Count a message that anti-spam rejected (N7)."""
        self._add(f"{Count.REJECTED}.{level}", 1)

    def offered(self, level: Level, deliveries: int) -> None:
        """Count deliveries that go out: messages times the sessions that they are for."""
        self._add(f"{Count.OFFERED}.{level}", deliveries)

    def reached(self, level: Level, deliveries: int) -> None:
        """Count deliveries whose last byte was handed to the session's socket."""
        self._add(f"{Count.REACHED}.{level}", deliveries)

    def lost(self, level: Level, reason: str, deliveries: int) -> None:
        """Count deliveries that will not reach their session over its connection."""
        self._add(f"{Count.LOST}.{level}.{reason}", deliveries)

    def add(self, minute: RoomMinute) -> None:
        """Count all that a minute holds."""
        for name, amount in minute.counts.items():
            self._add(name, amount)

    def look(self) -> RoomMinute:
        """Give what is not written yet."""
        room_id = self.stream.channel.removeprefix(ROOM_PREFIX)
        return RoomMinute(self.stream.app_uuid, room_id, self.minute, dict(self._counts))

    def take(self) -> RoomMinute:
        """Give what is not written yet, to be written now."""
        taken = self.look()
        self._counts.clear()
        return taken

    def _add(self, name: str, amount: int) -> None:
        if amount:
            if not self._counts:
                self._tallies.note(self)
            self._counts[name] += amount


class RoomTallies:
    """The tallies of this node's rooms.

    Bound: `limit` minutes with something unwritten; one more, and what the one that waits longest had counted is
    given up.
    """

    __slots__ = ("_limit", "_tallies", "_unwritten", "given_up")

    def __init__(self, limit: int = UNWRITTEN_LIMIT) -> None:
        self.given_up = 0  # minutes whose counts were given up; a metric shows it
        self._limit = limit
        self._tallies: dict[tuple[Stream, int], RoomTally] = {}
        self._unwritten: deque[RoomTally] = deque()

    def __len__(self) -> int:
        """How many minutes have something unwritten."""
        return len(self._unwritten)

    def tally(self, stream: Stream, at_ms: int) -> RoomTally:
        """Give the tally of a room's minute."""
        minute = at_ms // MINUTE_MS
        tally = self._tallies.get((stream, minute))
        if tally is None:
            tally = self._tallies[stream, minute] = RoomTally(stream, minute, self)
        return tally

    def note(self, tally: RoomTally) -> None:
        """Take up a tally that has something unwritten from now on."""
        self._unwritten.append(tally)
        if len(self._unwritten) > self._limit:
            self._unwritten.popleft().take()
            self.given_up += 1

    def take(self, most: int) -> list[RoomMinute]:
        """Give what is to be written, at most so many minutes of it; the rest is for the next time."""
        return [self._unwritten.popleft().take() for _ in range(min(most, len(self._unwritten)))]

    def put_back(self, minutes: Iterable[RoomMinute]) -> None:
        """Count again what could not be written."""
        for each in minutes:
            stream = Stream(each.app_uuid, ROOM_PREFIX + each.room_id)
            self.tally(stream, each.minute * MINUTE_MS).add(each)

    def of_room(self, stream: Stream, minutes: range) -> list[RoomMinute]:
        """Give what is not written of a room's minutes."""
        return [each.look() for each in self._unwritten if each.stream == stream and each.minute in minutes]

    def forget(self, now_ms: int) -> None:
        """Let go of the tallies of minutes that are over; who still holds one may still count in it."""
        over = now_ms // MINUTE_MS
        self._tallies = {key: tally for key, tally in self._tallies.items() if key[1] >= over}
