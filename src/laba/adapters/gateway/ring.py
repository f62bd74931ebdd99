"""Many sends in one system call: Linux's io_uring, by way of ctypes, where the kernel lets us have it.

One bytes object goes to many sockets: what differs from entry to entry is the socket's number, and the rest is filled
in for all of them at once. An entry is sent without waiting (MSG_DONTWAIT), so the kernel is done with it within the
call, and every entry is accounted for before `send` returns: nothing is under way between two calls.

Sources: io_uring_setup(2), io_uring_enter(2), linux/io_uring.h.
"""

import ctypes
import errno
import mmap
import os
import socket
import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

# The numbers of these system calls on every architecture but Alpha.
_IO_URING_SETUP, _IO_URING_ENTER = 425, 426
_IORING_SETUP_CQSIZE = 1 << 3
_IORING_FEAT_SINGLE_MMAP = 1 << 0
_IORING_ENTER_GETEVENTS = 1 << 0
_IORING_OP_SEND = 26
_IORING_OFF_SQ_RING, _IORING_OFF_SQES = 0, 0x10000000
# struct io_uring_params. Asked: result slots, flags. Given: features, then where things are in the shared memory: of
# the entries their head, tail and order, of the results their head, tail and themselves.
_ASKED = struct.Struct("<4xII108x")
_GIVEN = struct.Struct("<20xI16xII16xI12xII12xI16x")
# struct io_uring_sqe: opcode, fd, addr, len, msg_flags, user_data. struct io_uring_cqe: user_data, res, flags.
_ENTRY = struct.Struct("<B3xi8xQIIQ24x")
_RESULT = struct.Struct("<QiI")

_COUNTERS = 1 << 32
_SLOTS = 1024
# More than a socket takes at once.
_TRIAL = bytes(1 << 23)


class SendRing:
    """A ring of `slots` sends, a power of two. Raises OSError where the kernel refuses one.

    The slots are used in turn. There are as many for results as for entries, and both are used up together, so the
    result of an entry has the same slot, unless the kernel was done with a later one first.
    """

    __slots__ = (
        "_addresses",
        "_call",
        "_counters",
        "_data",
        "_expected",
        "_expected_lengths",
        "_fd",
        "_lengths",
        "_memory",
        "_next",
        "_numbers",
        "_places",
        "_slots",
    )

    def __init__(self, slots: int) -> None:
        self._call = _system_call()
        self._slots = slots
        self._next = 0
        self._data: bytes | None = None
        params = ctypes.create_string_buffer(_ASKED.pack(slots, _IORING_SETUP_CQSIZE), _ASKED.size)
        self._fd = self._call(_IO_URING_SETUP, slots, ctypes.addressof(params), 0, 0, 0, 0)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        features, *self._places = _GIVEN.unpack(params.raw)
        if not features & _IORING_FEAT_SINGLE_MMAP:
            self.close()
            raise OSError(errno.ENOSYS, "the kernel is older than Linux 5.4")
        try:
            self._share()
        except OSError:
            self.close()
            raise

    def _share(self) -> None:
        """Map what the kernel shares, and fill in what stays the same for ever."""
        slots, (_, _, order, _, _, results) = self._slots, self._places
        size = max(order + slots * 4, results + slots * _RESULT.size)
        self._memory = mmap.mmap(self._fd, size, offset=_IORING_OFF_SQ_RING)
        entries = mmap.mmap(self._fd, slots * _ENTRY.size, offset=_IORING_OFF_SQES)
        flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
        entries[:] = b"".join(_ENTRY.pack(_IORING_OP_SEND, -1, 0, 0, flags, slot) for slot in range(slots))
        self._expected = bytearray().join(_RESULT.pack(slot, 0, 0) for slot in range(slots))
        self._counters = memoryview(self._memory).cast("I")
        self._counters[order // 4 : order // 4 + slots] = array("I", range(slots))
        whole = memoryview(entries)
        self._numbers = whole.cast("i")[1 :: _ENTRY.size // 4]
        self._addresses = whole.cast("Q")[2 :: _ENTRY.size // 8]
        self._lengths = whole.cast("I")[6 :: _ENTRY.size // 4]
        self._expected_lengths = memoryview(self._expected).cast("I")[2 :: _RESULT.size // 4]

    def close(self) -> None:
        os.close(self._fd)

    def send(self, data: bytes, sockets: Sequence[int]) -> list[tuple[int, int]]:
        """Send `data` to each of the sockets, and tell of those that did not take all of it.

        That is where in `sockets` it is, and how many bytes it took, or the error as a negative number: -EAGAIN also
        where the kernel would take no more entries. Raises OSError only where the kernel has broken its word.
        """
        if data is not self._data:
            self._load(data)
        short: list[tuple[int, int]] = []
        done = 0
        while done < len(sockets):
            slot = self._next % self._slots
            piece = sockets[done : done + self._slots - slot]
            self._numbers[slot : slot + len(piece)] = array("i", piece)
            taken = self._submit(len(piece))
            short += ((done + at, result) for at, result in self._results(slot, taken) if result != len(data))
            done += taken
            if taken < len(piece):
                return short + [(index, -errno.EAGAIN) for index in range(done, len(sockets))]
        return short

    def _load(self, data: bytes) -> None:
        """Fill in what the entries have in common. Kept: while we hold it, its address is nobody else's."""
        self._data = data
        address = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
        self._addresses[:] = array("Q", [address]) * self._slots
        self._lengths[:] = self._expected_lengths[:] = array("I", [len(data)]) * self._slots

    def _submit(self, count: int) -> int:
        """Have the next entries sent, and give how many the kernel took; all of those are done."""
        head, tail, _, results_head, results_tail, _ = (place // 4 for place in self._places)
        begin = self._next
        self._counters[tail] = (begin + count) % _COUNTERS
        # Where it fails (no memory, say) the counters tell how far it came, and the rest is taken back.
        self._call(_IO_URING_ENTER, self._fd, count, 0, 0, 0, 0)
        taken: int = (self._counters[head] - begin) % _COUNTERS
        self._next = self._counters[tail] = (begin + taken) % _COUNTERS
        while missing := (self._next - self._counters[results_tail]) % _COUNTERS:
            # Never seen: with MSG_DONTWAIT there is nothing to wait for. But nothing may be under way behind us.
            waited = self._call(_IO_URING_ENTER, self._fd, 0, missing, _IORING_ENTER_GETEVENTS, 0, 0)
            if waited < 0 and ctypes.get_errno() != errno.EINTR:
                raise OSError(ctypes.get_errno(), "the kernel does not say what came of a send")
        self._counters[results_head] = self._next
        return taken

    def _results(self, slot: int, count: int) -> Iterator[tuple[int, int]]:
        """Give what came of the entries from `slot` on; nothing at all where all came as expected."""
        at = slot * _RESULT.size
        end = at + count * _RESULT.size
        came = self._memory[self._places[-1] + at : self._places[-1] + end]
        if came != self._expected[at:end]:
            for user_data, result, _ in _RESULT.iter_unpack(came):
                yield user_data - slot, result


@contextmanager
def opened() -> Iterator[SendRing | None]:
    """Give a ring that was tried out; None where the kernel, or what confines this process, lets us have none."""
    if sys.platform != "linux":
        # The same numbers are other calls elsewhere.
        yield None
        return
    try:
        ring = SendRing(_SLOTS)
    except OSError:
        yield None
        return
    try:
        yield ring if _works(ring) else None
    finally:
        ring.close()


def _works(ring: SendRing) -> bool:
    """Try what is relied on: a socket takes what it can, and one that is full says so at once."""
    left, right = socket.socketpair()
    with left, right:
        results = [result for _ in range(2) for _, result in ring.send(_TRIAL, [left.fileno()])]
    return len(results) == 2 and 0 < results[0] < len(_TRIAL) and results[1] == -errno.EAGAIN


def _system_call() -> Callable[..., int]:
    call = ctypes.CDLL(None, use_errno=True).syscall
    # Seven whole registers: what is passed as a C int leaves half of one to chance.
    call.argtypes, call.restype = [ctypes.c_long] * 7, ctypes.c_long
    return call
