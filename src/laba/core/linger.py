"""When a lane is due: how long it waits to merge what comes into one write per member (design.md section 6.3).

The system call is the price of a delivery, not its bytes. So a lane that costs much waits in proportion to what
writing one batch to all its members takes, and never so long that a person notices. Times are milliseconds of one
clock that does not run backwards.
"""

# A lane waits this many times what a batch costs, so that about a quarter of the time goes into it.
LINGER_PER_COST = 4
LINGER_MAX_MS = 50
# Where nothing high is queued nobody is in a hurry.
LINGER_MAX_WITHOUT_HIGH_MS = 100
# A shorter wait merges nothing worth the timer: small rooms write at once.
LINGER_MIN_MS = 1

# Something high hurries a lane on, at most once in this time.
HURRY_PER_COST = 3
HURRY_MIN_MS = 20
HURRY_MAX_MS = 50

# A write of this many bytes costs nearly twice a small one's: merging more gains nothing (design.md section 6).
FULL_BYTES = 12 * 1024

# The share of the last second spent writing from which on every lane waits longer, up to its most at 1.
BUSY_FROM = 0.6


def due_ms(
    first_queued_ms: float,
    first_high_ms: float | None,
    last_flush_ms: float,
    queued_bytes: int,
    cost_ms: float,
    busy: float,
) -> float:
    """Tell from when on a lane with something in it is to be flushed.

    `last_flush_ms` is when its last flush began, minus infinity where there was none; `cost_ms` is what writing one
    batch to all its members takes; `busy` is the share of the last second this process spent writing, 0 to 1. A lane
    that was not flushed for its linger is due with the first that comes; a flush takes along all that is queued.
    """
    due = last_flush_ms + _linger_ms(cost_ms, busy, hurried=first_high_ms is not None)
    if first_high_ms is not None:
        early = last_flush_ms + min(max(cost_ms * HURRY_PER_COST, HURRY_MIN_MS), HURRY_MAX_MS)
        due = min(due, max(first_high_ms, early))
    if queued_bytes >= FULL_BYTES:
        due = min(due, last_flush_ms + cost_ms)
    return max(first_queued_ms, due)


def _linger_ms(cost_ms: float, busy: float, *, hurried: bool) -> float:
    longest = LINGER_MAX_MS if hurried else LINGER_MAX_WITHOUT_HIGH_MS
    linger = min(cost_ms * LINGER_PER_COST, longest)
    if linger < LINGER_MIN_MS:
        linger = 0
    excess = max(0.0, min(busy, 1.0) - BUSY_FROM) / (1 - BUSY_FROM)
    return linger + (longest - linger) * excess
