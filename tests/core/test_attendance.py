from laba.core.attendance import Attendance, Seat

GRACE_MS = 30_000
READY_MS = 1_000_000
LEFT_MS = READY_MS + 500_000
ANN = Seat("app-1", "ann", "phone")


def _after_leaving(away_ms):
    attendance = Attendance(GRACE_MS, READY_MS)
    attendance.left(ANN, LEFT_MS)
    return attendance.returned(ANN, LEFT_MS + away_ms)


def test_a_drop_within_the_grace_is_not_offline():
    """Who is back at the grace's last millisecond is owed everything up to now."""  # A1
    assert _after_leaving(0) == LEFT_MS
    assert _after_leaving(GRACE_MS) == LEFT_MS + GRACE_MS


def test_a_longer_absence_owes_nothing_from_after_the_departure():
    """One millisecond past the grace only what was accepted until it left is its own."""  # A1
    assert _after_leaving(GRACE_MS + 1) == LEFT_MS


def test_a_stranger_is_owed_nothing():
    """Where no departure is known there is nothing to resume."""  # A1
    assert Attendance(GRACE_MS, READY_MS).returned(ANN, READY_MS + GRACE_MS + 1) == 0


def test_after_a_restart_the_grace_counts_from_readiness():
    """Departures of an earlier process are not known: everyone who is back in time was never offline."""  # A1
    assert Attendance(GRACE_MS, READY_MS).returned(ANN, READY_MS + GRACE_MS) == READY_MS + GRACE_MS


def test_another_device_of_the_user_has_its_own_departure():
    """A seat is one device: the tablet's drop excuses no phone."""  # A1
    attendance = Attendance(GRACE_MS, READY_MS)
    attendance.left(ANN, LEFT_MS)
    assert attendance.returned(ANN._replace(device="tablet"), LEFT_MS + 1) == 0


def test_a_departure_is_good_for_one_return():
    """Who returned is present; only the next departure counts."""
    attendance = Attendance(GRACE_MS, READY_MS)
    attendance.left(ANN, LEFT_MS)
    attendance.returned(ANN, LEFT_MS + 1)
    assert len(attendance) == 0
    assert attendance.returned(ANN, LEFT_MS + 2) == 0


def test_the_last_departure_counts():
    """A seat that left twice is away since the second time."""
    attendance = Attendance(GRACE_MS, READY_MS)
    attendance.left(ANN, LEFT_MS)
    attendance.left(ANN, LEFT_MS + 40_000)
    assert attendance.returned(ANN, LEFT_MS + 40_000 + GRACE_MS) == LEFT_MS + 40_000 + GRACE_MS


def test_at_the_bound_the_oldest_departure_is_forgotten():
    """Memory is bounded; a seat that left again is not the oldest any more."""
    attendance = Attendance(GRACE_MS, READY_MS, limit=2)
    bob, eve = ANN._replace(user="bob"), ANN._replace(user="eve")
    for seat in (ANN, bob, ANN, eve):
        attendance.left(seat, LEFT_MS)
    assert len(attendance) == 2
    assert attendance.returned(bob, LEFT_MS) == 0
    assert attendance.returned(ANN, LEFT_MS) == LEFT_MS


def test_departures_older_than_the_window_are_forgotten():
    """At the window's edge one is still kept: something of its time may be, too."""
    attendance = Attendance(GRACE_MS, READY_MS)
    for age_ms in (601, 600, 599):
        attendance.left(ANN._replace(user=str(age_ms)), LEFT_MS - age_ms)
    attendance.trim(600, LEFT_MS)
    assert len(attendance) == 2
    assert attendance.returned(ANN._replace(user="601"), LEFT_MS) == 0
    assert attendance.returned(ANN._replace(user="600"), LEFT_MS) == LEFT_MS
