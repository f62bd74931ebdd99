import pytest

from laba.core.attendance import Due
from laba.core.session import NEXT, Session, State, Step
from laba.core.window import Kept, Reach
from laba.model.closing import Closing
from laba.model.session import (
    Ask,
    Count,
    Join,
    Leave,
    Login,
    Look,
    Malformed,
    Pong,
    Review,
    Say,
    Unsupported,
)
from laba.model.targets import Targets

LOGIN = Login(1, "token")
EVENTS = (LOGIN, Pong(), Ask(2, "read"), Unsupported(3, "refresh"), Malformed("no JSON"))
OF_ROOMS = (Join(4, "r"), Leave(5, "r"), Say(6, "r", b"{}"), Look(7, "r"), Count(8, "r"), Review(9, "r"))


def heard(state, event):
    session = Session(None, "json")
    session.state = state
    return session.heard(event)


def test_a_session_begins_new_and_with_nothing_written():
    """Its first event is yet to come."""
    session = Session(None, "json")
    assert (session.state, session.seat, session.platform, session.owed) == (State.NEW, None, None, ())
    assert (session.written, session.pinged, session.confirmed, session.joined_at) == (0, 0, 0, 0)


def test_the_first_command_is_the_login():
    """Anything before it is not this protocol."""
    assert [heard(State.NEW, event) for event in EVENTS] == [Step.LOG_IN] + [Closing.BAD_REQUEST] * 4


@pytest.mark.parametrize("state", [State.CATCHING_UP, State.LIVE])
def test_who_is_in_may_answer_pings_and_ask(state):
    """A second login or nonsense ends the session; a command that laba does not serve is only refused."""
    assert [heard(state, event) for event in EVENTS] == [
        Closing.BAD_REQUEST,
        Step.NOTE_PONG,
        Step.ASK,
        Step.DENY,
        Closing.BAD_REQUEST,
    ]


@pytest.mark.parametrize("state", [State.LOGGING_IN, State.CLOSED])
@pytest.mark.parametrize("event", EVENTS)
def test_what_the_table_does_not_know_ends_the_session(state, event):
    """During a login and after the end nothing may come."""
    assert heard(state, event) is Closing.BAD_REQUEST


@pytest.mark.parametrize("event", OF_ROOMS)
def test_who_is_in_may_go_into_rooms_and_speak_there(event):
    """Before the login it is not this protocol."""  # S3
    assert [heard(state, event) for state in (State.NEW, State.CATCHING_UP, State.LIVE)] == [
        Closing.BAD_REQUEST,
        Step.TALK,
        Step.TALK,
    ]


def test_the_table_answers_every_event_where_one_may_come():
    """No pair is left to chance."""
    events = (*EVENTS, *OF_ROOMS)
    expected = {(state, type(event)) for state in (State.NEW, State.CATCHING_UP, State.LIVE) for event in events}
    assert set(NEXT) == expected


def kept(offset, accepted_at_ms, **rest):
    return Kept(offset, offset, accepted_at_ms, 0, {}, **rest)


def test_what_came_after_joining_is_for_the_session():
    """Whenever it was accepted: it was in the roster when the message got its place."""  # A1
    session = Session(None, "json")
    session.joined_at = 10
    assert [session.entitled(kept(offset, 6_000)) for offset in (9, 10, 11)] == [False, False, True]


def test_of_what_was_before_it_joined_a_session_is_for_what_its_dues_cover():
    """Behind the offset where a stay began, accepted until its end; one of several stays is enough."""  # A1
    session = Session(None, "json")
    session.joined_at, session.owed = 10, (Due(7, 9_000), Due(2, 5_000))
    assert [session.entitled(kept(3, accepted)) for accepted in (4_999, 5_000, 5_001)] == [True, True, False]
    assert [session.entitled(kept(offset, 5_000)) for offset in (1, 2, 3, 7, 8)] == [False, False, True, True, True]
    assert [session.entitled(kept(offset, 9_000)) for offset in (3, 7, 8, 10)] == [False, False, True, True]


def test_what_is_for_other_platforms_is_not_for_the_session_even_live():
    """A session that declared nothing has everything."""  # P4
    session = Session(None, "json")
    for_ios = kept(1, 0, targets=Targets(platforms=frozenset({"ios"})))
    assert session.entitled(for_ios)
    session.platform = "android"
    assert not session.entitled(for_ios)


def test_what_is_in_its_inbox_is_for_the_session_whenever_it_came():  # P5
    session = Session(None, "json")
    session.joined_at = 10
    assert session.entitled(kept(3, 0, reach=Reach.CHOSEN))
    assert not session.entitled(kept(3, 0, reach=Reach.CHOSEN, withdrawn=True))  # X3
