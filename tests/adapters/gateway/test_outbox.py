import os

from laba.adapters.gateway.outbox import Outbox


def filled(*frames):
    outbox = Outbox()
    for frame in frames:
        outbox.add(frame)
    return outbox


def test_frames_come_out_in_the_order_they_went_in():
    """First in, first out, and nothing is left."""
    outbox = filled(b"one", b"two", b"three")
    assert outbox.take(100) == [b"one", b"two", b"three"]
    assert outbox.take(100) == []
    assert outbox.size_bytes == 0


def test_a_take_stays_within_its_limit():
    """Whole frames up to the limit; the rest waits."""
    outbox = filled(b"12345", b"12345", b"12345")
    assert outbox.take(10) == [b"12345", b"12345"]
    assert outbox.take(10) == [b"12345"]


def test_a_frame_over_the_limit_comes_alone():
    """A frame is never cut."""
    outbox = filled(b"x" * 50, b"y")
    assert outbox.take(10) == [b"x" * 50]
    assert outbox.take(10) == [b"y"]


def test_what_is_taken_at_once_fits_one_writev(tmp_path):
    """However small the frames: the kernel refuses a writev of more than IOV_MAX buffers."""
    outbox = filled(*[b"\x8a\x00"] * 3000)
    sink = os.open(tmp_path / "sink", os.O_WRONLY | os.O_CREAT)
    try:
        written = 0
        while frames := outbox.take(32768):
            written += os.writev(sink, frames)
    finally:
        os.close(sink)
    assert written == 6000
    assert outbox.size_bytes == 0


def test_a_frame_of_two_bytes_counts_for_the_memory_it_takes():
    """Else a client could make the server hold twenty times its bound in empty pongs."""
    assert filled(*[b"\x8a\x00"] * 100).size_bytes > 100 * 40


def test_clearing_keeps_what_the_transport_holds():
    """The rest of a frame that has begun still counts."""
    outbox = filled(b"one", b"two")
    outbox.held_bytes = 7
    outbox.clear()
    assert outbox.take(100) == []
    assert outbox.size_bytes == 7
