"""From a delivery to its sockets: per session one send, and as little else as can be. This is what laba is for.

A link that nothing can be written to directly has an outbox. A session that is catching up reads the delivery from
the log; one that has it already is passed over.
"""

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from laba.adapters.gateway.links import Link
from laba.adapters.gateway.ring import SendRing
from laba.core.session import Session, State
from laba.service.fanout import Delivery
from laba.service.progress import Counts

# Writes a delivery to some of its sessions, and tells its progress.
Writer = Callable[[Delivery[Link], Sequence[Session[Link]]], None]

_CLOSED = "closed"


def writer(sends: SendRing | None) -> Writer:
    """Give the quickest writer that there is here."""
    return write_slice if sends is None else partial(write_slice_at_once, sends)


def write_slice(delivery: Delivery[Link], sessions: Sequence[Session[Link]]) -> None:
    """Write with one system call per session."""
    first, last, joined, write = delivery.first, delivery.last, delivery.joined, os.write
    live, closed = State.LIVE, State.CLOSED
    handed = gone = 0
    for session in sessions:
        if session.written >= last:
            continue
        if session.state is not live:
            gone += session.state is closed
            continue
        frame = joined[session.codec] if session.written < first else delivery.rest(session)
        session.written = last
        link = session.link
        if link.outbox is not None:
            link.queue(frame, delivery.progress)
            continue
        fd = link.fd
        if fd < 0:
            gone += 1
            continue
        try:
            sent = write(fd, frame)
        except BlockingIOError:
            link.hold(frame, 0, delivery.progress)
        except OSError:
            gone += 1
            link.abort()
        else:
            if sent == len(frame):
                handed += 1
            else:
                link.hold(frame, sent, delivery.progress)
    delivery.progress.handed(handed)
    delivery.progress.lost(gone, _CLOSED)


def write_slice_at_once(sends: SendRing, delivery: Delivery[Link], sessions: Sequence[Session[Link]]) -> None:
    """Write with one system call for all the sessions that get the same bytes.

    No number is kept beyond the call, and nothing closes a socket within it: a transport closes its own in a later
    turn of the loop.
    """
    first, last, joined, live = delivery.first, delivery.last, delivery.joined, State.LIVE
    numbers: dict[bytes, list[int]] = {}
    codec, gone = None, 0
    for session in sessions:
        if session.codec is not codec:
            codec = session.codec
            add = numbers.setdefault(joined[codec], []).append
        link = session.link
        # So it is for nearly everybody, and what is asked here is asked ten thousand times.
        if session.written < first and session.state is live and link.outbox is None and (number := link.fd) >= 0:
            session.written = last
            add(number)
        elif session.written < last:
            gone += _apart(delivery, session, numbers)
    handed = 0
    for frame, some in numbers.items():
        short = sends.send(frame, some)
        handed += len(some) - len(short)
        if short:
            gone += take_up(frame, [(some[at], result) for at, result in short], delivery.progress, sessions)
    delivery.progress.handed(handed)
    delivery.progress.lost(gone, _CLOSED)


def _apart(delivery: Delivery[Link], session: Session[Link], numbers: dict[bytes, list[int]]) -> int:
    """Deal with a session that is not like the rest; tells whether it is gone."""
    if session.state is not State.LIVE:
        return session.state is State.CLOSED
    whole = session.written < delivery.first
    frame = delivery.joined[session.codec] if whole else delivery.rest(session)
    session.written = delivery.last
    link = session.link
    if link.outbox is not None:
        link.queue(frame, delivery.progress)
    elif link.fd < 0:
        return True
    else:
        numbers.setdefault(frame, []).append(link.fd)
    return False


def take_up(
    frame: bytes, short: Iterable[tuple[int, int]], progress: Counts, sessions: Sequence[Session[Link]]
) -> int:
    """Go on with the sockets that did not take all of a frame, each by its number; tells how many are broken."""
    links = {session.link.fd: session.link for session in sessions}
    broken = 0
    for number, result in short:
        link = links[number]
        if result >= 0:
            link.hold(frame, result, progress)
        elif result == -errno.EAGAIN:
            link.hold(frame, 0, progress)
        else:
            broken += 1
            link.abort()
    return broken
