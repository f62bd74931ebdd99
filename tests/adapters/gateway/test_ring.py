"""Sends through io_uring, on real sockets: what the kernel promises, seen from outside."""

import errno
import os
import resource
import socket
import struct
from contextlib import ExitStack
from pathlib import Path

import pytest

from laba.adapters.gateway import ring
from laba.adapters.gateway.ring import SendRing

# More than any socket takes at once.
HUGE = bytes(1 << 23)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def sends(stack):
    """A ring of four slots, so that every few sends go round it."""
    sends = SendRing(4)
    stack.callback(sends.close)
    return sends


def pairs(stack, count):
    """Give connected TCP sockets: the ones to send on, and their peers."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    peers = [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(count)]
    ours = [stack.enter_context(listener.accept()[0]) for _ in peers]
    return ours, peers


def received(sock, size):
    found = b""
    # A ring that is closed wakes up its thread's waits, as a signal does, and MSG_WAITALL would then give less.
    while len(found) < size:
        found += sock.recv(size - len(found))
    return found


def descriptors():
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 11])
def test_everyone_gets_the_same_bytes_however_often_the_ring_goes_round(sends, stack, count):
    """Whatever the number of sockets is to the number of slots."""
    ours, peers = pairs(stack, count)
    for size in (1, 359, 4096):
        for number in range(7):
            data = bytes([number]) * size
            assert sends.send(data, [sock.fileno() for sock in ours]) == []
            assert [received(peer, size) for peer in peers] == [data] * count


def test_who_did_not_take_all_is_named_and_nobody_else_suffers(sends, stack):
    """A short send says how much went out; then the socket is full, and says so without waiting."""
    ours, peers = pairs(stack, 6)
    numbers = [sock.fileno() for sock in ours]
    ((index, taken),) = sends.send(HUGE, [numbers[4]])
    assert index == 0
    assert 0 < taken < len(HUGE)
    for _ in range(5):
        assert sends.send(b"next", numbers) == [(4, -errno.EAGAIN)]
    assert [received(peer, 20) for peer in peers[:4] + peers[5:]] == [b"next" * 5] * 5
    assert received(peers[4], taken) == bytes(taken)
    assert sends.send(b"again", numbers) == []
    assert received(peers[4], 5) == b"again"


def test_broken_sockets_are_told_apart_from_full_ones(sends, stack):
    """A reset, and a number that is nobody's, are errors of their own, each in its place; no signal comes of them."""
    ours, peers = pairs(stack, 3)
    reset(peers[1])
    assert sends.send(b"to all", [ours[0].fileno(), ours[1].fileno(), 1 << 20, ours[2].fileno()]) == [
        (1, -errno.ECONNRESET),
        (2, -errno.EBADF),
    ]
    assert sends.send(b"to all", [sock.fileno() for sock in ours]) == [(1, -errno.EPIPE)]
    assert received(peers[0], 12) == received(peers[2], 12) == b"to all" * 2


def test_all_may_fail_at_once(sends, stack):
    """Results in every slot, and the ring is as good as before."""
    ours, peers = pairs(stack, 5)
    assert sends.send(b"x", [1 << 20] * 9) == [(index, -errno.EBADF) for index in range(9)]
    assert sends.send(b"x", [sock.fileno() for sock in ours]) == []
    assert [received(peer, 1) for peer in peers] == [b"x"] * 5


def test_there_is_none_where_the_kernel_refuses():
    """A process may be out of descriptors, or confined: what is left is one system call per client."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = os.dup(0)
    os.close(probe)
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))
    try:
        with ring.opened() as sends:
            assert sends is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_ring_leaves_no_descriptor_behind():
    """Its memory is mapped by descriptors of its own."""
    before = descriptors()
    with ring.opened():
        pass
    assert descriptors() == before
