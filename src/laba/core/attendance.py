"""Who was online when: what a client that comes back is owed, and what the store must be told (design.md section 5).

The rules. Who was connected, or came back within the grace, was never offline (A1). Who was away longer is owed what
was accepted until it left. What was written and never confirmed is owed again, under the same id. What is for all
users is owed to every device that has not had it, wherever that was meanwhile (V1); likewise what waits in its user's
inbox (P5), and what was for whoever comes within the window (R5).
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from laba.model.attendance import Seat, Stay


class Due(NamedTuple):
    """A stretch of the past that a session is entitled to: behind an offset, and accepted until a moment."""

    after: int
    until_ms: int

    def covers(self, offset: int, accepted_at_ms: int) -> bool:
        return offset > self.after and accepted_at_ms <= self.until_ms


@dataclass(frozen=True, slots=True)
class Arrival:
    """A client comes: when, with which position if it has one, while the stream's last offset is `here`.

    `earlier` are the stays that the store knows of its seat, newest first. What began before `user_since_ms`, when
    the user was registered, was of somebody else with its name, whose session may end a little after its removal.
    `lasting` are the offsets of what is owed wherever the seat was meanwhile, ascending: what is for all users (V1),
    for whoever comes now (R5), and for this user by choice (P5).
    """

    seat: Seat
    now_ms: int
    here: int
    asked: int | None = None
    earlier: Sequence[Stay] = ()
    user_since_ms: int = 0
    lasting: Sequence[int] = ()

    def first_lasting(self, after: int) -> int | None:
        """Give the first of what is owed wherever the seat was, behind an offset."""
        return next((offset for offset in self.lasting if offset > after), None)

    def is_own(self, stay: Stay) -> bool:
        return stay.since_ms >= self.user_since_ms


@dataclass(frozen=True, slots=True)
class Return:
    """What an arrival is owed: what follows `start` and is covered by one of the dues.

    By coming with a position the client shows that it has what was written to it: `had` is the offset behind which
    that was not known before, and equals `start` where nothing is learnt. `first_lasting` is the first of what is
    lasting that the device has not had, None where it has had all of it: it is owed that and all that follow it.
    """

    start: int
    dues: tuple[Due, ...]
    had: int
    first_lasting: int | None = None


class Attendance:
    """The stays of this node's seats: those that go on, those that ended lately, and what is not in the store yet.

    Of ended stays it holds at most `limit`; at the bound the oldest is forgotten here, and the store asked instead.
    Of stays that are to be written it holds at most `limit`, too; at the bound the oldest is given up, and `given_up`
    counts them: the store then goes by its earlier word about them, if it has one.
    """

    def __init__(self, grace_ms: int, ready_at_ms: int, limit: int = 1_000_000) -> None:
        self.given_up = 0
        self._grace_ms = grace_ms
        self._ready_at_ms = ready_at_ms
        self._limit = limit
        self._present: dict[Seat, Stay] = {}
        self._ended: OrderedDict[Seat, Stay] = OrderedDict()
        self._unwritten: OrderedDict[tuple[Seat, int], Stay] = OrderedDict()

    def known(self, seat: Seat) -> Stay | None:
        """Give the last stay of a seat, as far as it is remembered here."""
        return self._present.get(seat) or self._ended.get(seat)

    def lacks(self, seat: Seat, asked: int | None) -> bool:
        """Tell whether the store must be asked for the seat's earlier stays before it arrives."""
        last = self.known(seat)
        return last is None or (last.confirmed_offset if asked is None else asked) < last.from_offset

    def seen(self, seat: Seat, asked: int | None, earlier: Sequence[Stay]) -> int:
        """Tell an offset up to which the seat has all that it is owed, whatever comes out of its arrival."""
        if asked is not None:
            return asked
        last = self.known(seat) or (earlier[0] if earlier else None)
        return 0 if last is None else last.confirmed_offset

    def arrived(self, arrival: Arrival) -> Return:
        """Seat a client, beside others or alone, and say what it is owed."""
        seat = arrival.seat
        present = self._present.get(seat)
        known = self._stays(present or self._ended.pop(seat, None), arrival)
        stays = [stay for stay in known if arrival.is_own(stay)]
        last = stays[0] if stays else None
        dues = tuple(Due(stay.from_offset, self._owed_until_ms(stay, arrival.now_ms, last)) for stay in stays)
        start = arrival.here if arrival.asked is None else arrival.asked
        if present is not None and last is present:
            # The other connection may be dead, and nobody knows yet: what it has not confirmed is owed to this one.
            seen = present.confirmed_offset if arrival.asked is None else start
            return Return(start, dues, start, arrival.first_lasting(seen))
        seen = start
        if last is None:
            # Nothing shows that a new device has had anything.
            seen = arrival.asked or 0
            if self._is_proof(arrival):
                # The process that knew this seat crashed before it wrote that down; the position shows it was there.
                dues = (Due(start, arrival.now_ms),)
        elif arrival.asked is None:
            seen = start = last.confirmed_offset
        first = arrival.first_lasting(seen)
        # The stay confirms no more than the device has had: what it does not receive now is owed again.
        confirmed = start if first is None else min(start, first - 1)
        self._present[seat] = stay = self._begun(arrival, last, start, confirmed)
        self._write(stay)
        had = start if last is None else min(start, last.confirmed_offset)
        return Return(start, dues, had, first)

    def left(self, seat: Seat, written: int, confirmed: int, ended_at_ms: int | None) -> None:
        """Note that the last connection of a seat has ended; None where it did not leave, but the server stops."""
        stay = self._present.pop(seat, None)
        if stay is None:
            return
        ended = replace(
            stay,
            to_offset=max(stay.to_offset, written),
            confirmed_offset=max(stay.confirmed_offset, confirmed),
            ended_at_ms=ended_at_ms,
        )
        self._write(ended)
        if ended_at_ms is not None:
            self._ended[seat] = ended
            self._ended.move_to_end(seat)
            while len(self._ended) > self._limit:
                self._ended.popitem(last=False)

    def confirmed(self, seat: Seat, offset: int) -> None:
        """Note what a seat has for sure, while it stays; it is written with the stay's end."""
        stay = self._present.get(seat)
        if stay is not None and offset > stay.confirmed_offset:
            self._present[seat] = replace(stay, confirmed_offset=offset)

    def trim(self, window_ms: int, now_ms: int) -> None:
        """Forget stays that ended before the window: nothing that they could be owed is at hand any more."""
        while self._ended:
            seat, stay = next(iter(self._ended.items()))
            if (stay.ended_at_ms or 0) >= now_ms - window_ms:
                return
            del self._ended[seat]

    # --- what the store does not have yet --------------------------------------------------------------------------

    @property
    def present(self) -> int:
        """How many seats are taken."""
        return len(self._present)

    @property
    def unwritten(self) -> int:
        return len(self._unwritten)

    def take_unwritten(self) -> list[Stay]:
        """Give what is to be written, and hold it for written."""
        taken = list(self._unwritten.values())
        self._unwritten.clear()
        return taken

    def put_back(self, stays: Sequence[Stay]) -> None:
        """Take back what could not be written; what changed meanwhile is newer."""
        newer = self._unwritten
        self._unwritten = OrderedDict(((stay.seat, stay.from_offset), stay) for stay in stays)
        for stay in newer.values():
            self._write(stay)

    # --- the rules -------------------------------------------------------------------------------------------------

    def _stays(self, last: Stay | None, arrival: Arrival) -> list[Stay]:
        """Give what is known of the seat, newest first; what is remembered here is newer than the store's word."""
        if last is None:
            return list(arrival.earlier)
        return [last, *(stay for stay in arrival.earlier if stay.from_offset < last.from_offset)]

    def _owed_until_ms(self, stay: Stay, now_ms: int, last: Stay | None) -> int:
        """Tell until when a stay's messages were accepted: only the last one can still go on."""
        if stay is last and (stay.ended_at_ms is None or now_ms - stay.ended_at_ms <= self._grace_ms):
            return now_ms
        return stay.ended_at_ms or 0

    def _is_proof(self, arrival: Arrival) -> bool:
        # Who was registered since then was not there before.
        in_time = arrival.user_since_ms <= self._ready_at_ms and arrival.now_ms - self._ready_at_ms <= self._grace_ms
        return arrival.asked is not None and in_time

    def _begun(self, arrival: Arrival, last: Stay | None, start: int, confirmed: int) -> Stay:
        """Go on with the last stay where nothing was missed in between, or begin a new one."""
        now_ms = arrival.now_ms
        if last is not None and (self._owed_until_ms(last, now_ms, last) == now_ms or last.to_offset == arrival.here):
            return replace(last, confirmed_offset=confirmed, since_ms=now_ms, ended_at_ms=None)
        origin = start if last is None and self._is_proof(arrival) else arrival.here
        return Stay(arrival.seat, origin, origin, confirmed, now_ms)

    def _write(self, stay: Stay) -> None:
        key = (stay.seat, stay.from_offset)
        self._unwritten[key] = stay
        self._unwritten.move_to_end(key)
        if len(self._unwritten) > self._limit:
            self._unwritten.popitem(last=False)
            self.given_up += 1
