"""What sessions are told unasked, beside messages: written at once, as they are few."""

from collections.abc import Mapping, Sequence

from laba.adapters.gateway.links import Link
from laba.core.session import Session


def tell(sessions: Sequence[Session[Link]], frames: Mapping[str, bytes], *, may_shed: bool) -> int:
    """Write a frame to each in its codec, behind its backlog if it has one, or not at all where it `may_shed`.

    Tells how many were passed over so.
    """
    passed_over = 0
    for session in sessions:
        link = session.link
        if link.outbox is None and link.fd >= 0:
            # Nothing of it has gone out yet: the link tries, and keeps what the socket does not take.
            link.hold(frames[session.codec], 0)
        elif may_shed:
            passed_over += 1
        else:
            link.queue(frames[session.codec])
    return passed_over
