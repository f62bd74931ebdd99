"""From a room's batch to its members: one write for each, also where several rooms have something for one of them."""

import os
from collections.abc import Iterator, Sequence

from laba.adapters.gateway.links import Link
from laba.adapters.gateway.ring import SendRing
from laba.adapters.gateway.writing import take_up
from laba.core.session import Session
from laba.service.outgoing import Piece
from laba.service.roomdeliveries import RoomDelivery, View

# Linux: IOV_MAX. One writev takes no more buffers.
_FRAMES_AT_ONCE = 1024
_LEFT, _CLOSED = "left", "closed"

Pieces = Sequence[Piece[RoomDelivery[Link]]]


class RoomWriter:
    """Writes deliveries in slices of `slice_writes`; through the ring, where there is one, to who gets the same."""

    def __init__(self, slice_writes: int, sends: SendRing | None) -> None:
        self._slice_writes = slice_writes
        self._sends = sends

    def slices(self, pieces: Pieces) -> Iterator[int]:
        """Write the pieces; gives the number of writes after each slice, so that others may have a turn then."""
        if len(pieces) == 1:
            yield from self._of_one(pieces[0])
        else:
            yield from self._of_several(pieces)

    def _of_one(self, piece: Piece[RoomDelivery[Link]]) -> Iterator[int]:
        write = self._write_slice if self._sends is None else self._write_slice_at_once
        for begin in range(piece.begin, piece.end, self._slice_writes):
            sessions = piece.item.sessions[begin : min(piece.end, begin + self._slice_writes)]
            write(piece.item, sessions)
            yield len(sessions)

    def _of_several(self, pieces: Pieces) -> Iterator[int]:
        """Turn deliveries with their sessions into sessions with their deliveries."""
        planned: dict[Session[Link], list[RoomDelivery[Link]]] = {}
        for piece in pieces:
            sessions = piece.item.sessions
            whole = piece.begin == 0 and piece.end == len(sessions)
            for session in sessions if whole else sessions[piece.begin : piece.end]:
                planned.setdefault(session, []).append(piece.item)
        work = list(planned.items())
        for begin in range(0, len(work), self._slice_writes):
            some = work[begin : begin + self._slice_writes]
            handed: dict[View, int] = {}
            for session, deliveries in some:
                _write_all(session, deliveries, handed)
            for view, sessions_of_it in handed.items():
                view.handed(sessions_of_it)
            yield len(some)

    def _write_slice(self, delivery: RoomDelivery[Link], sessions: Sequence[Session[Link]]) -> None:
        """Write with one system call per session."""
        channel, first, common, own = delivery.key.channel, delivery.first, delivery.common, delivery.own
        joined, write = common.joined, os.write
        handed = gone = 0
        for session in sessions:
            rooms, link = session.rooms, session.link
            if rooms is None or rooms.get(channel, first) >= first or link.outbox is not None or session in own:
                _write_apart(delivery, session)
                continue
            fd = link.fd
            if fd < 0:
                gone += 1
                continue
            frame = joined[session.codec]
            try:
                sent = write(fd, frame)
            except BlockingIOError:
                link.hold(frame, 0, common)
            except OSError:
                gone += 1
                link.abort()
            else:
                if sent == len(frame):
                    handed += 1
                else:
                    link.hold(frame, sent, common)
        common.handed(handed)
        common.lost(gone, _CLOSED)

    def _write_slice_at_once(self, delivery: RoomDelivery[Link], sessions: Sequence[Session[Link]]) -> None:
        """Write with one system call for all the sessions that get the same bytes."""
        if self._sends is None:
            raise RuntimeError("there is no ring")
        channel, first, common, own = delivery.key.channel, delivery.first, delivery.common, delivery.own
        numbers: dict[bytes, list[int]] = {}
        codec, gone = None, 0
        for session in sessions:
            rooms, link = session.rooms, session.link
            if rooms is None or rooms.get(channel, first) >= first or link.outbox is not None or session in own:
                _write_apart(delivery, session)
                continue
            if session.codec is not codec:
                codec = session.codec
                add = numbers.setdefault(common.joined[codec], []).append
            if link.fd < 0:
                gone += 1
            else:
                add(link.fd)
        handed = 0
        for frame, some in numbers.items():
            short = self._sends.send(frame, some)
            handed += len(some) - len(short)
            if short:
                gone += take_up(frame, [(some[at], result) for at, result in short], common, sessions)
        common.handed(handed)
        common.lost(gone, _CLOSED)


def _write_apart(delivery: RoomDelivery[Link], session: Session[Link]) -> None:
    """Write to a session that is not like the rest."""
    handed: dict[View, int] = {}
    _write_all(session, (delivery,), handed)
    for view, sessions in handed.items():
        view.handed(sessions)


def _write_all(session: Session[Link], deliveries: Sequence[RoomDelivery[Link]], handed: dict[View, int]) -> None:
    """Write what a session sees of these deliveries, with one system call; note in `handed` what it took whole."""
    views = []
    for delivery in deliveries:
        view = delivery.seen_by(session)
        if view is None:
            delivery.own.get(session, delivery.common).lost(1, _LEFT)
        elif view.parts:
            views.append((delivery.key.channel, view))
    link = session.link
    if not views:
        return
    if link.outbox is not None:
        for channel, view in views:
            for part in view.parts:
                link.queue(part.frames[session.codec], part.progress, part.level, channel)
    elif link.fd < 0:
        for _, view in views:
            view.lost(1, _CLOSED)
    else:
        _write_now(session, [view for _, view in views], handed)


def _write_now(session: Session[Link], views: list[View], handed: dict[View, int]) -> None:
    codec, link = session.codec, session.link
    frames = [view.joined[codec] for view in views]
    if len(frames) > _FRAMES_AT_ONCE:
        frames = [b"".join(frames)]
    try:
        sent = os.write(link.fd, frames[0]) if len(frames) == 1 else os.writev(link.fd, frames)
    except BlockingIOError:
        sent = 0
    except OSError:
        link.abort()
        for view in views:
            view.lost(1, _CLOSED)
        return
    if sent == sum(map(len, frames)):
        for view in views:
            handed[view] = handed.get(view, 0) + 1
    else:
        link.hold_rest([(view.joined[codec], view) for view in views], sent)
