import pytest

from builders import EPOCH, STREAM, batch
from laba.model.stream import Batch


def test_a_batch_goes_from_its_first_to_its_last_offset():
    """Gaps do not matter."""
    assert (batch(3, 4, 9).first, batch(3, 4, 9).last) == (3, 9)
    assert batch(3).first == batch(3).last == 3


def test_a_batch_holds_something():
    """An empty one would have no place in its stream."""
    with pytest.raises(ValueError, match="at least one"):
        Batch(STREAM, EPOCH, ())
