"""The rules of attendance (design.md section 5): named one by one, and then played through."""

from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.core.attendance import Arrival, Attendance, Due
from laba.model.attendance import Seat, Stay

GRACE_MS = 30_000
READY_MS = 1_000_000
NOW_MS = READY_MS + 500_000  # long after the restart's own grace
ANN = Seat("app-1", "ann", "phone")
WINDOW_MS = 600_000


def begun(*, ready_at_ms=READY_MS, limit=1_000_000):
    return Attendance(GRACE_MS, ready_at_ms, limit)


def arrive(attendance, here, now_ms=NOW_MS, asked=None, **rest):
    return attendance.arrived(Arrival(rest.pop("seat", ANN), now_ms, here, asked, **rest))


def was_here(*, here=5, written=10, confirmed=10, left_at_ms=NOW_MS):
    """Give an attendance where ann came at `here` without a past, and left with `written` and `confirmed`."""
    attendance = begun()
    arrive(attendance, here, NOW_MS - 100_000)
    attendance.left(ANN, written, confirmed, left_at_ms)
    attendance.take_unwritten()
    return attendance


def owed(back, offset, accepted_at_ms):
    return offset > back.start and any(due.covers(offset, accepted_at_ms) for due in back.dues)


# --- who is owed what ----------------------------------------------------------------------------------------------


def test_a_due_covers_what_is_behind_its_offset_and_not_after_its_moment():
    """Both edges: the offset itself is out, the millisecond itself is in."""
    due = Due(5, 1_000)
    assert [due.covers(offset, 1_000) for offset in (5, 6)] == [False, True]
    assert [due.covers(6, at_ms) for at_ms in (999, 1_000, 1_001)] == [True, True, False]


@pytest.mark.parametrize("asked", [None, 10])
def test_a_drop_within_the_grace_is_not_offline(asked):
    """Who is back at the grace's last millisecond is owed everything up to now."""  # A1
    back = arrive(was_here(), 20, NOW_MS + GRACE_MS, asked)
    assert back.start == 10
    assert owed(back, 11, NOW_MS + GRACE_MS)


@pytest.mark.parametrize("asked", [None, 10])
def test_a_longer_absence_owes_nothing_from_after_the_departure(asked):
    """One millisecond past the grace only what was accepted until it left is its own."""  # A1
    back = arrive(was_here(), 20, NOW_MS + GRACE_MS + 1, asked)
    assert owed(back, 11, NOW_MS)
    assert not owed(back, 11, NOW_MS + 1)


def test_what_was_before_a_stay_is_not_owed_to_it():
    """Whatever position the client presents: it was not there."""  # A1
    back = arrive(was_here(here=5), 20, NOW_MS + 1, asked=0)
    assert back.start == 0
    assert [owed(back, offset, 0) for offset in (4, 5, 6)] == [False, False, True]


def test_what_was_never_confirmed_is_owed_again_to_who_has_no_position():
    """It may have been lost on the way; it comes under the same id."""  # A1 G3
    back = arrive(was_here(written=10, confirmed=7), 20, NOW_MS + GRACE_MS + 1)
    assert (back.start, back.had) == (7, 7)
    assert [owed(back, offset, NOW_MS) for offset in (7, 8, 10)] == [False, True, True]


def test_a_position_is_believed_whatever_was_confirmed():
    """Ahead, it shows that more had arrived: `had` says from where that is news. Behind, the client lost it again."""
    ahead, behind = (arrive(was_here(confirmed=7), 20, NOW_MS + 1, asked) for asked in (9, 6))
    assert (ahead.start, ahead.had) == (9, 7)
    assert (behind.start, behind.had) == (6, 6)


def test_a_stranger_is_owed_nothing():
    """Without a past its time begins at the stream's end, whatever it presents."""  # A1
    without, with_one = arrive(begun(), 20), arrive(begun(), 20, asked=5)
    assert (without.start, without.dues) == (20, ())
    assert (with_one.start, with_one.dues) == (5, ())


def test_another_device_of_the_user_has_its_own_stays():
    """The tablet's drop excuses no phone."""  # A1
    back = arrive(was_here(), 20, NOW_MS + 1, asked=10, seat=ANN._replace(device="tablet"))
    assert back.dues == ()


def test_a_second_connection_of_a_present_seat_begins_here_unless_it_asks():
    """The first one has the rest; a position is answered from where the seat came."""  # A1
    attendance = begun()
    arrive(attendance, 5)
    assert arrive(attendance, 20, NOW_MS + 1).start == 20
    back = arrive(attendance, 20, NOW_MS + 10 * GRACE_MS, asked=0)
    assert [owed(back, offset, NOW_MS + GRACE_MS) for offset in (5, 6)] == [False, True]
    assert (back.had, attendance.present) == (back.start, 1)


def test_after_a_crash_a_position_shows_who_was_there():
    """The old process wrote nothing down: until the grace after readiness the client is believed."""  # A1
    for away_ms, dues in ((GRACE_MS, (Due(7, READY_MS + GRACE_MS),)), (GRACE_MS + 1, ())):
        back = arrive(begun(), 20, READY_MS + away_ms, asked=7)
        assert (back.start, back.dues) == (7, dues)


@pytest.mark.parametrize(("user_since_ms", "owed_any"), [(READY_MS, True), (READY_MS + 1, False)])
def test_who_was_registered_after_the_crash_was_not_there_before(user_since_ms, owed_any):
    """Whatever position it presents."""  # A1 S1
    back = arrive(begun(), 20, READY_MS + 2, asked=7, user_since_ms=user_since_ms)
    assert bool(back.dues) is owed_any


def test_a_position_is_no_proof_against_what_the_store_knows():
    """Also right after a restart: a stay that ended long before it ended then."""  # A1
    stay = Stay(ANN, 5, 10, 10, 1, ended_at_ms=READY_MS - GRACE_MS)
    back = arrive(begun(), 20, READY_MS + 1, asked=10, earlier=[stay])
    assert back.dues == (Due(5, READY_MS - GRACE_MS),)


def test_every_earlier_stay_owes_what_it_saw():
    """Only the newest may still go on; from before each of them nothing is due."""  # A1
    earlier = [
        Stay(ANN, 30, 40, 10, 1, ended_at_ms=NOW_MS - 1),
        Stay(ANN, 5, 12, 10, 1, ended_at_ms=NOW_MS - 100_000),
    ]
    back = arrive(begun(), 50, earlier=earlier)
    assert back.start == 10
    assert back.dues == (Due(30, NOW_MS), Due(5, NOW_MS - 100_000))


def test_what_is_remembered_here_is_newer_than_the_store_s_word():
    """The same stay, read while it was open, does not count beside its end; older ones do."""  # A1
    attendance = was_here(here=5, left_at_ms=NOW_MS - GRACE_MS - 1)
    stale, older = Stay(ANN, 5, 5, 5, 1), Stay(ANN, 1, 3, 2, 1, ended_at_ms=9)
    back = arrive(attendance, 20, earlier=[stale, older])
    assert back.dues == (Due(5, NOW_MS - GRACE_MS - 1), Due(1, 9))


@pytest.mark.parametrize("ended_at_ms", [None, NOW_MS - 1])
def test_an_earlier_bearer_of_the_name_leaves_nothing_behind(ended_at_ms):
    """Neither in the store nor here; its session may even end after the new one was registered."""  # S1
    stay = Stay(ANN, 5, 10, 8, NOW_MS - 3, ended_at_ms)
    assert arrive(begun(), 20, earlier=[stay], user_since_ms=NOW_MS - 3).start == 8
    assert arrive(begun(), 20, earlier=[stay], user_since_ms=NOW_MS - 2).dues == ()
    back = arrive(was_here(left_at_ms=NOW_MS), 20, user_since_ms=NOW_MS - 2)
    assert (back.start, back.dues) == (20, ())


def test_who_takes_the_seat_of_an_earlier_bearer_of_the_name_begins_here():
    """Its session is about to be ended; until then the seat is not the new one's."""  # S1
    attendance = begun()
    arrive(attendance, 5, NOW_MS - 3)
    assert arrive(attendance, 20, asked=0, user_since_ms=NOW_MS - 2).dues == ()
    attendance.left(ANN, 20, 20, NOW_MS)
    assert attendance.take_unwritten() == [Stay(ANN, 5, 5, 5, NOW_MS - 3), Stay(ANN, 20, 20, 20, NOW_MS, NOW_MS)]


def test_a_device_is_owed_what_is_for_all_behind_what_it_has_had():
    """That is behind its position, else behind what it confirmed; a device that was never seen has had nothing."""
    to_all = [3, 8, 12]  # V1
    assert arrive(was_here(confirmed=7), 20, NOW_MS + 1, lasting=to_all).first_lasting == 8
    assert arrive(was_here(confirmed=7), 20, NOW_MS + 1, asked=9, lasting=to_all).first_lasting == 12
    assert arrive(was_here(), 20, NOW_MS + 1, asked=12, lasting=to_all).first_lasting is None
    assert arrive(begun(), 20, lasting=to_all).first_lasting == 3
    assert arrive(begun(), 20, asked=4, lasting=to_all).first_lasting == 8


def test_a_second_connection_of_a_present_seat_is_owed_what_is_for_all_and_not_confirmed():
    """The first one may be dead. Who presents a position is owed what follows it."""  # V1
    attendance = begun()
    arrive(attendance, 5)
    assert arrive(attendance, 20, lasting=[12]).first_lasting == 12
    attendance.confirmed(ANN, 12)
    assert arrive(attendance, 20, lasting=[12]).first_lasting is None
    assert arrive(attendance, 20, asked=7, lasting=[12]).first_lasting == 12


def test_a_new_device_s_stay_confirms_nothing_that_it_is_still_owed():
    """Should it leave before it has it, that is owed again."""  # V1
    attendance = begun()
    arrive(attendance, 20, lasting=[12])
    assert attendance.take_unwritten() == [Stay(ANN, 20, 20, 11, NOW_MS)]
    attendance.left(ANN, 20, 0, NOW_MS)
    assert arrive(attendance, 30, NOW_MS + 10 * GRACE_MS, lasting=[12, 25]).first_lasting == 12


# --- stays ---------------------------------------------------------------------------------------------------------


def test_an_arrival_is_written_as_an_open_stay():
    """Before anybody leaves: whoever is online is in the store."""  # A2
    attendance = begun()
    arrive(attendance, 5)
    assert attendance.take_unwritten() == [Stay(ANN, 5, 5, 5, NOW_MS)]
    assert (attendance.present, attendance.unwritten) == (1, 0)


def test_an_end_is_written_with_what_was_written_and_confirmed():
    """In place of the open stay; a second leaving is none."""  # A2
    attendance = begun()
    arrive(attendance, 5)
    attendance.confirmed(ANN, 8)
    attendance.confirmed(ANN, 6)
    attendance.left(ANN, 12, 7, NOW_MS + 9)
    attendance.left(ANN, 99, 99, NOW_MS + 10)
    assert attendance.take_unwritten() == [Stay(ANN, 5, 12, 8, NOW_MS, NOW_MS + 9)]
    assert attendance.present == 0


def test_a_server_that_stops_ends_nobody_s_stay():
    """It is written as far as it came, and the next process ends it when it is ready."""  # A1
    attendance = begun()
    arrive(attendance, 5)
    attendance.left(ANN, 12, 7, None)
    assert attendance.take_unwritten() == [Stay(ANN, 5, 12, 7, NOW_MS)]
    assert attendance.known(ANN) is None


@pytest.mark.parametrize(("away_ms", "here"), [(GRACE_MS, 20), (10 * GRACE_MS, 10)])
def test_a_stay_goes_on_where_nothing_was_missed(away_ms, here):
    """Over a drop within the grace, and over any where nothing was sent: one row, not one per login."""  # A2
    attendance = was_here()
    arrive(attendance, here, NOW_MS + away_ms)
    assert attendance.take_unwritten() == [Stay(ANN, 5, 10, 10, NOW_MS + away_ms)]


def test_a_stay_begins_anew_behind_what_was_missed():
    """What is not confirmed of the old one stays due: it lies before the new stay."""  # A2
    attendance = was_here(confirmed=7)
    arrive(attendance, 20, NOW_MS + GRACE_MS + 1)
    assert attendance.take_unwritten() == [Stay(ANN, 20, 20, 7, NOW_MS + GRACE_MS + 1)]
    assert attendance.lacks(ANN, None)


def test_who_proves_its_presence_over_a_crash_has_been_there_since_its_position():
    """Its list shows what it is owed."""  # A2
    attendance = begun()
    arrive(attendance, 20, READY_MS + 1, asked=7)
    assert attendance.take_unwritten() == [Stay(ANN, 7, 7, 7, READY_MS + 1)]


# --- what memory knows, and its bounds -----------------------------------------------------------------------------


def test_the_store_is_asked_only_where_memory_does_not_reach():
    """For a seat that nobody knows, and for what lies before the last stay."""
    attendance = was_here(here=5, confirmed=7)
    assert attendance.lacks(ANN._replace(device="tablet"), None)
    assert not attendance.lacks(ANN, None)
    assert [attendance.lacks(ANN, asked) for asked in (4, 5, 6)] == [True, False, False]


def test_departures_older_than_the_window_are_forgotten():
    """At the window's edge one is still known: something of its time may be at hand, too."""
    attendance = begun()
    for age_ms in (601, 600, 599):
        seat = ANN._replace(user=str(age_ms))
        arrive(attendance, 5, NOW_MS - 1_000, seat=seat)
        attendance.left(seat, 5, 5, NOW_MS - age_ms)
    attendance.trim(600, NOW_MS)
    known = [attendance.known(ANN._replace(user=user)) is not None for user in ("601", "600", "599")]
    assert known == [False, True, True]


def test_at_the_bound_the_oldest_departure_is_forgotten():
    """The store is asked instead; a seat that left again is not the oldest any more."""
    attendance = begun(limit=2)
    bob, eve = ANN._replace(user="bob"), ANN._replace(user="eve")
    for seat in (ANN, bob, ANN, eve):
        arrive(attendance, 5, seat=seat)
        attendance.left(seat, 5, 5, NOW_MS)
    assert [attendance.known(seat) is not None for seat in (ANN, bob, eve)] == [True, False, True]
    assert attendance.lacks(bob, 5)


def test_at_the_bound_the_oldest_unwritten_stay_is_given_up_and_counted():
    """A store that fails for long costs no more memory than that; a stay that changes again is not the oldest."""
    attendance = begun(limit=2)
    bob, eve = ANN._replace(user="bob"), ANN._replace(user="eve")
    for seat in (ANN, bob):
        arrive(attendance, 5, seat=seat)
    attendance.left(ANN, 6, 6, NOW_MS)
    arrive(attendance, 5, seat=eve)
    assert (attendance.given_up, attendance.unwritten) == (1, 2)
    assert [stay.seat for stay in attendance.take_unwritten()] == [ANN, eve]


def test_what_could_not_be_written_is_taken_back_behind_the_newer_word():
    """The end that came meanwhile is not overwritten by the beginning; what nobody touched is still there."""
    attendance = begun()
    bob, eve = ANN._replace(user="bob"), ANN._replace(user="eve")
    arrive(attendance, 5)
    arrive(attendance, 5, seat=bob)
    taken = attendance.take_unwritten()
    attendance.left(ANN, 6, 6, NOW_MS + 1)
    arrive(attendance, 6, seat=eve)
    attendance.put_back(taken)
    stays = {stay.seat: stay.ended_at_ms for stay in attendance.take_unwritten()}
    assert stays == {ANN: NOW_MS + 1, bob: None, eve: None}


def test_what_is_taken_back_obeys_the_bound():
    """The oldest goes."""
    attendance = begun(limit=2)
    seats = [ANN._replace(user=str(number)) for number in range(3)]
    for seat in seats[:2]:
        arrive(attendance, 5, seat=seat)
    taken = attendance.take_unwritten()
    arrive(attendance, 5, seat=seats[2])
    attendance.put_back(taken)
    assert [stay.seat for stay in attendance.take_unwritten()] == seats[1:]
    assert attendance.given_up == 1


# --- played through ------------------------------------------------------------------------------------------------


@dataclass
class Game:
    """A server with its store, and one device. The model beside it is two lines: who was there, and the grace.

    And a third: every so many messages one is for all users, and its to have wherever it was.
    """

    every: int = 0
    now_ms: int = NOW_MS
    log: list = field(default_factory=list)  # when each message was accepted; its offset is its place, from 1 on
    attendance: Attendance = field(default_factory=begun)
    stored: dict = field(default_factory=dict)
    present: bool = False
    left_at_ms: int | None = None
    position: int | None = None  # the client's, behind what it has received
    received: list = field(default_factory=list)
    confirmed: int = 0  # the client has said that it has all up to here
    again: list = field(default_factory=list)  # what it received after that
    expected: list = field(default_factory=list)
    missed: list = field(default_factory=list)  # what may yet be due to it, if it is back within the grace

    def broadcast(self):
        self.log.append(self.now_ms)
        offset = len(self.log)
        if self.present:
            self.expected.append(offset)
            self.unread.append(offset)
        elif self.is_to_all(offset):
            self.expected.append(offset)
        elif self.left_at_ms is not None:
            self.missed.append(offset)

    def is_to_all(self, offset):
        return bool(self.every) and offset % self.every == 0

    def write(self):
        self.stored |= {stay.from_offset: stay for stay in self.attendance.take_unwritten()}

    def arrive(self, *, presents):
        asked = self.position if presents else None
        if self.attendance.lacks(ANN, asked):
            self.write()
        earlier = [self.stored[offset] for offset in sorted(self.stored, reverse=True)]
        here = len(self.log)
        to_all = [offset for offset in range(1, here + 1) if self.is_to_all(offset)]
        back = arrive(self.attendance, here, self.now_ms, asked, earlier=earlier, lasting=to_all)
        first = here + 1 if back.first_lasting is None else back.first_lasting
        # The client reads from here on; what it does not read before it leaves, it must get again.
        self.unread = [
            offset
            for offset in range(1, here + 1)
            if owed(back, offset, self.log[offset - 1]) or (offset in to_all and offset >= first)
        ]
        if not self.unread:
            self.position = here
        elif self.position is None or not presents:
            self.position = min(back.start, first - 1)
        within = self.left_at_ms is not None and self.now_ms - self.left_at_ms <= GRACE_MS
        self.expected += [o for o in self.missed if within or self.log[o - 1] == self.left_at_ms]
        self.missed, self.present = [], True

    def read(self, count):
        """Have the client receive some of what was written to it."""
        for offset in self.unread[:count]:
            self.received.append(offset)
            self.again += [offset] if offset <= self.confirmed else []
            self.position = offset
        del self.unread[:count]

    def confirm(self):
        self.confirmed = max(self.confirmed, self.position)
        self.attendance.confirmed(ANN, self.position)

    def leave(self):
        # The server wrote all of it into a socket; how much arrived it does not know.
        self.attendance.left(ANN, len(self.log), 0, self.now_ms)
        self.present, self.left_at_ms = False, self.now_ms


WAITS = st.sampled_from([0, 1, GRACE_MS - 1, GRACE_MS, GRACE_MS + 1])


class Round(NamedTuple):
    """A time of presence and one of absence."""

    sent: int
    read: int
    confirm: bool
    away: tuple[int, int]
    missed: tuple[int, int]
    memory: bool
    presents: bool

    def play(self, game, *, presents):
        for _ in range(self.sent):
            game.broadcast()
        game.read(self.read)
        if self.confirm:
            game.confirm()
        game.leave()
        for wait_ms, missed in zip(self.away, self.missed, strict=True):
            for _ in range(missed):
                game.broadcast()
            game.now_ms += wait_ms
        if not self.memory:
            game.write()
            game.attendance.trim(0, game.now_ms)
        game.arrive(presents=presents)


A_FEW = st.integers(0, 2)
ROUNDS = st.lists(
    st.builds(
        Round,
        st.integers(0, 3),
        st.integers(0, 4),
        st.booleans(),
        st.tuples(WAITS, WAITS),
        st.tuples(A_FEW, A_FEW),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


EVERY = st.integers(0, 3)


def played(rounds, every, presents=lambda each: each.presents):
    """Play, and in the end have the client read all it is given."""
    game = Game(every)
    for _ in range(every):
        game.broadcast()  # before it was ever there
    game.arrive(presents=False)
    for each in rounds:
        each.play(game, presents=presents(each))
    game.read(1_000)
    return game


@given(ROUNDS, EVERY)
def test_a_client_with_its_position_receives_exactly_what_it_was_there_for(rounds, every):
    """Each once, in order: what was accepted while it was present, or within the grace, or for all."""  # A1 V1 G3
    game = played(rounds, every, presents=lambda _: True)
    assert game.received == sorted(game.expected)


@given(ROUNDS, EVERY)
def test_a_client_that_forgets_its_position_now_and_then_lacks_nothing(rounds, every):
    """Nor does it get what it was not there for."""  # A1 G3
    game = played(rounds, every)
    assert set(game.received) == set(game.expected)


@given(ROUNDS, EVERY)
def test_what_a_client_confirmed_never_comes_again(rounds, every):
    """Even if it has forgotten where it was."""  # A1 G3
    game = played(rounds, every, presents=lambda _: False)
    assert game.again == []
