"""From a delivery to its sockets: per session one send, and as little else as can be. This is what laba is for."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from laba.adapters.gateway import ring
from laba.adapters.gateway.connection import Connection
from laba.adapters.gateway.ring import SendRing
from laba.core.session import Session, State
from laba.service.fanout import Delivery

# Writes a delivery to some of its sessions, and tells to how many sockets the last byte was handed.
Writer = Callable[[Delivery[Connection], Sequence[Session[Connection]]], int]


@contextmanager
def opened(*, io_uring: bool) -> Iterator[Writer]:
    """Give the quickest writer that there is here."""
    if not io_uring:
        yield write_slice
        return
    with ring.opened() as sends:
        yield write_slice if sends is None else partial(write_slice_at_once, sends)


def write_slice(delivery: Delivery[Connection], sessions: Sequence[Session[Connection]]) -> int:
    """Write with one system call per session."""
    first, last, joined, live, write = delivery.first, delivery.last, delivery.joined, State.LIVE, os.write
    written = 0
    for session in sessions:
        if session.state is not live or session.written >= last:
            continue
        frame = joined[session.codec] if session.written < first else delivery.rest(session)
        session.written = last
        link = session.link
        fd = link.fd
        if fd < 0:
            continue
        if link.outbox is not None:
            link.queue(frame)
            continue
        try:
            sent = write(fd, frame)
        except BlockingIOError:
            link.hold(frame, 0)
        except OSError:
            link.abort()
        else:
            if sent == len(frame):
                written += 1
            else:
                link.hold(frame, sent)
    return written


def write_slice_at_once(
    sends: SendRing, delivery: Delivery[Connection], sessions: Sequence[Session[Connection]]
) -> int:
    """Write with one system call for all the sessions that get the same bytes.

    No number is kept beyond the call, and nothing closes a socket within it: a transport closes its own in a later
    turn of the loop.
    """
    first, last, joined, live = delivery.first, delivery.last, delivery.joined, State.LIVE
    numbers: dict[bytes, list[int]] = {}
    latest = None
    for session in sessions:
        if session.state is not live or session.written >= last:
            continue
        frame = joined[session.codec] if session.written < first else delivery.rest(session)
        session.written = last
        link = session.link
        if link.outbox is not None:
            link.queue(frame)
            continue
        number = link.fd
        if number < 0:
            continue
        if frame is not latest:
            latest = frame
            add = numbers.setdefault(frame, []).append
        add(number)
    written = 0
    for frame, some in numbers.items():
        short = sends.send(frame, some)
        written += len(some) - len(short)
        if short:
            _take_up(frame, [(some[index], result) for index, result in short], sessions)
    return written


def _take_up(frame: bytes, short: Iterable[tuple[int, int]], sessions: Sequence[Session[Connection]]) -> None:
    """Go on with the sockets that did not take all of a frame: each by its number, with its result."""
    links = {session.link.fd: session.link for session in sessions}
    for number, result in short:
        link = links[number]
        if result >= 0:
            link.hold(frame, result)
        elif result == -errno.EAGAIN:
            link.hold(frame, 0)
        else:
            link.abort()
