"""How long to wait before the next attempt at what failed."""

from typing import Final

FIRST_WAIT_MS: Final = 1000
# Doubling any further would only make a large number larger.
_DOUBLINGS_MAX: Final = 30


def wait_ms(attempts: int, longest_ms: int) -> int:
    """Tell how long to wait after so many failures in a row: a second after the first, then always twice as long."""
    return min(longest_ms, FIRST_WAIT_MS << min(max(attempts - 1, 0), _DOUBLINGS_MAX))
