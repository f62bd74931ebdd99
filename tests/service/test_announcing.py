import pytest

from builders import Clock, counted, ground, joined
from laba.adapters.telemetry import PrometheusMeter
from laba.core.register import Register
from laba.core.roster import Roster
from laba.model.room import room_stream
from laba.model.session import Came, Member
from laba.service.announcing import SLICE, Announcer, Framed, Voice

pytestmark = pytest.mark.anyio

STREAM = room_stream("app-1", "7")
ANN, BOB = Came("room:7", Member("ann")), Came("room:7", Member("bob"))


def spell(command):
    return f"{command.member.user};".encode()


class Sockets:
    """Notes what is written: slices of sessions with their frames. Who is in `backlogged` is passed over."""

    def __init__(self):
        self.writes = []
        self.backlogged = set()

    def __call__(self, sessions, frames, *, may_shed):
        assert may_shed
        self.writes.append((len(sessions), frames["json"]))
        return len(self.backlogged & set(sessions))


async def test_what_happened_meanwhile_is_one_write_for_each_listener_in_slices():
    """So that nothing else has to wait long."""  # S3
    sockets, register, roster = Sockets(), Register(50), Roster()
    announcer = Announcer(Voice({"json": spell}, sockets), ground())
    register.listeners = {joined(roster, f"user{number}") for number in range(SLICE + 1)}
    announcer.note(STREAM, register, ANN)
    announcer.note(STREAM, register, BOB)
    await announcer.flush()
    await announcer.flush()
    assert sockets.writes == [(SLICE, b"ann;bob;"), (1, b"ann;bob;")]


async def test_a_listener_with_a_backlog_is_passed_over_and_counted():
    """Messages come first; who is slow is not made slower."""  # S3
    sockets, register, roster, meter = Sockets(), Register(50), Roster(), PrometheusMeter()
    announcer = Announcer(Voice({"json": spell}, sockets), ground(Clock(), meter))
    slow = joined(roster, "slow")
    register.listeners, sockets.backlogged = {slow, joined(roster, "quick")}, {slow}
    announcer.note(STREAM, register, ANN)
    announcer.note(STREAM, register, BOB)
    await announcer.flush()
    assert counted(meter, "laba_room_moves_shed_total", '{reason="slow"}') == 2


async def test_where_nobody_listens_nothing_is_gathered_nor_counted():
    """A room of ten thousand costs nothing while they come."""
    sockets, meter = Sockets(), PrometheusMeter()
    announcer = Announcer(Voice({"json": spell}, sockets), ground(Clock(), meter))
    register = Register(1)
    for _ in range(3):
        announcer.note(STREAM, register, ANN)
    await announcer.flush()
    assert sockets.writes == []
    assert counted(meter, "laba_room_moves_shed_total", '{reason="pace"}') == 0


def test_commands_are_written_once_in_each_codec_that_is_asked_for():
    """The same bytes go to everyone."""
    frames = Framed((ANN, BOB), {"json": spell})
    assert frames["json"] is frames["json"]
    assert frames["json"] == b"ann;bob;"
