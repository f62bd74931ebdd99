import os

from gateway_rig import Recorder
from laba.adapters.gateway.outbox import Outbox, Waiting
from laba.model.dispatch import Level


def filled(*frames):
    outbox = Outbox()
    for frame in frames:
        outbox.add(Waiting(frame, None))
    return outbox


def frames(outbox, limit_bytes):
    return [waiting.frame for waiting in outbox.take(limit_bytes)]


def test_frames_come_out_in_the_order_they_went_in():
    """First in, first out, and nothing is left."""
    outbox = filled(b"one", b"two", b"three")
    assert frames(outbox, 100) == [b"one", b"two", b"three"]
    assert frames(outbox, 100) == []
    assert outbox.size_bytes == 0


def test_a_take_stays_within_its_limit():
    """Whole frames up to the limit; the rest waits."""
    outbox = filled(b"12345", b"12345", b"12345")
    assert frames(outbox, 10) == [b"12345", b"12345"]
    assert frames(outbox, 10) == [b"12345"]


def test_a_frame_over_the_limit_comes_alone():
    """A frame is never cut."""
    outbox = filled(b"x" * 50, b"y")
    assert frames(outbox, 10) == [b"x" * 50]
    assert frames(outbox, 10) == [b"y"]


def test_what_is_taken_at_once_fits_one_writev(tmp_path):
    """However small the frames: the kernel refuses a writev of more than IOV_MAX buffers."""
    outbox = filled(*[b"\x8a\x00"] * 3000)
    sink = os.open(tmp_path / "sink", os.O_WRONLY | os.O_CREAT)
    try:
        written = 0
        while taken := frames(outbox, 32768):
            written += os.writev(sink, taken)
    finally:
        os.close(sink)
    assert written == 6000
    assert outbox.size_bytes == 0


def test_a_frame_of_two_bytes_counts_for_the_memory_it_takes():
    """Else a client could make the server hold twenty times its bound in empty pongs."""
    assert filled(*[b"\x8a\x00"] * 100).size_bytes > 100 * 100


def test_clearing_keeps_what_the_transport_holds():
    """The rest of a frame that has begun still counts."""
    outbox = filled(b"one", b"two")
    outbox.held_bytes = 7
    outbox.clear("slow")
    assert frames(outbox, 100) == []
    assert outbox.size_bytes == 7


def test_whoever_wants_to_know_of_a_frame_is_told_once():
    """X2: what waits is lost with the reason, what the transport holds is handed over when it is empty."""
    held, waiting = Recorder(), Recorder()
    outbox = Outbox()
    outbox.hold(held)
    outbox.hold(None)
    outbox.add(Waiting(b"two", waiting))
    outbox.clear("slow")
    assert (waiting.reasons, held.reasons, held.handed_to) == (["slow"], [], 0)
    outbox.release()
    outbox.abandon()
    assert (waiting.reasons, held.reasons, held.handed_to) == (["slow"], [], 1)


def test_what_a_transport_takes_with_it_is_lost_for_the_reason_of_the_end():
    """X2: the frame had begun, and its last byte never went out."""
    held = Recorder()
    outbox = Outbox()
    outbox.hold(held)
    outbox.clear("no_pong")
    outbox.abandon()
    assert (held.reasons, held.handed_to) == (["no_pong"], 0)


def queued(*frames):
    """Give an outbox with (level, room, frame) in it, and who is told what became of each."""
    outbox, told = Outbox(), []
    for level, channel, frame in frames:
        told.append(Recorder())
        outbox.add(Waiting(frame, told[-1], level, channel))
    return outbox, told


def test_low_is_left_out_before_normal_and_high_never():
    """E4, design 7: for a client that does not keep up; the oldest first, and no more than must be."""
    frame = bytes(1000)
    levels = (Level.HIGH, Level.LOW, Level.NORMAL, Level.LOW, None)
    outbox, told = queued(*((level, "room:1", frame) for level in levels))
    outbox.shed(1)
    assert [one.reasons for one in told] == [[], ["low"], [], [], []]
    outbox.shed(1500)
    assert [one.reasons for one in told] == [[], ["low"], ["normal"], ["low"], []]
    before = outbox.size_bytes
    outbox.shed(1)
    assert outbox.size_bytes == before
    assert len(outbox.take(100_000)) == 2


def test_the_loudest_room_is_left_out_first():
    """A member of many rooms is not starved by the loudest."""
    outbox, told = queued(
        (Level.NORMAL, "room:quiet", bytes(100)),
        *((Level.NORMAL, "room:loud", bytes(100)) for _ in range(3)),
    )
    outbox.shed(400)
    assert [one.reasons for one in told] == [[], ["normal"], ["normal"], []]


def test_what_is_left_out_is_free_again():
    outbox, _ = queued((Level.LOW, "room:1", bytes(1000)), (Level.HIGH, "room:1", b"x"))
    outbox.shed(1)
    alone, _ = queued((Level.HIGH, "room:1", b"x"))
    assert outbox.size_bytes == alone.size_bytes
