"""Dispatch ids: 64 bits, time-ordered, unique across nodes (design.md section 4)."""

# 2020-01-01T00:00:00Z. 41 bits of milliseconds last from here until 2089.
EPOCH_MS = 1_577_836_800_000
NODE_BITS = 10
COUNT_BITS = 12
MAX_NODE = (1 << NODE_BITS) - 1
_COUNT_MASK = (1 << COUNT_BITS) - 1


class IdSequence:
    """Ids of one node. Each is higher than every one before it, and than `after`, whatever the clock does."""

    __slots__ = ("_last_tick", "_node")

    def __init__(self, node: int, after: int = 0) -> None:
        """`after` is the highest id that may exist already, from any node."""
        if not 0 <= node <= MAX_NODE:
            raise ValueError(f"a node number lies between 0 and {MAX_NODE}")
        self._node = node
        # A tick is milliseconds and count in one number: overflowing the count borrows from the next millisecond.
        # The whole millisecond of `after` is left out: a node of a higher number may have given it.
        after_ms = after >> (NODE_BITS + COUNT_BITS)
        self._last_tick = ((after_ms + 1) << COUNT_BITS) - 1

    def next(self, now_ms: int) -> int:
        return self.block(now_ms, 1)

    def block(self, now_ms: int, size: int) -> int:
        """Give the first of `size` ids that nobody else gets; `nth` gives the others."""
        tick = max(self._last_tick + 1, (now_ms - EPOCH_MS) << COUNT_BITS)
        self._last_tick = tick + size - 1
        return _id(tick, self._node)


def nth(first: int, number: int) -> int:
    """Give the id that comes `number` places after the first one of a block, 0 being the first itself.

    Where a block is longer than what is left of its millisecond, the ids are not neighbours as numbers: those in
    between are other nodes'.
    """
    tick = (first >> (NODE_BITS + COUNT_BITS) << COUNT_BITS) | (first & _COUNT_MASK)
    return _id(tick + number, first >> COUNT_BITS & MAX_NODE)


def _id(tick: int, node: int) -> int:
    elapsed_ms, count = tick >> COUNT_BITS, tick & _COUNT_MASK
    return (elapsed_ms << (NODE_BITS + COUNT_BITS)) | (node << COUNT_BITS) | count
