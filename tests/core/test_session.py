import pytest

from laba.core.session import NEXT, Session, State, Step
from laba.model.closing import Closing
from laba.model.session import Login, Malformed, Pong, Unsupported

LOGIN = Login(1, "token")
EVENTS = (LOGIN, Pong(), Unsupported(2, "rpc"), Malformed("no JSON"))


def heard(state, event):
    session = Session(None, "json")
    session.state = state
    return session.heard(event)


def test_a_session_begins_new_and_with_nothing_written():
    """Its first event is yet to come."""
    session = Session(None, "json")
    assert (session.state, session.seat, session.platform, session.written) == (State.NEW, None, None, 0)
    assert (session.owed_to_offset, session.owed_until_ms) == (0, 0)


def test_the_first_command_is_the_login():
    """Anything before it is not this protocol."""
    assert [heard(State.NEW, event) for event in EVENTS] == [Step.LOG_IN] + [Closing.BAD_REQUEST] * 3


@pytest.mark.parametrize("state", [State.CATCHING_UP, State.LIVE])
def test_who_is_in_may_answer_pings_and_ask_in_vain(state):
    """A second login or nonsense ends the session; a command that laba does not serve is only refused."""
    assert [heard(state, event) for event in EVENTS] == [
        Closing.BAD_REQUEST,
        Step.NOTE_PONG,
        Step.DENY,
        Closing.BAD_REQUEST,
    ]


@pytest.mark.parametrize("state", [State.LOGGING_IN, State.CLOSED])
@pytest.mark.parametrize("event", EVENTS)
def test_what_the_table_does_not_know_ends_the_session(state, event):
    """During a login and after the end nothing may come."""
    assert heard(state, event) is Closing.BAD_REQUEST


def test_the_table_answers_every_event_where_one_may_come():
    """No pair is left to chance."""
    expected = {(state, type(event)) for state in (State.NEW, State.CATCHING_UP, State.LIVE) for event in EVENTS}
    assert set(NEXT) == expected


def test_what_came_after_joining_is_for_the_session():
    """Of what was before it is entitled to what was accepted up to the time it is owed."""  # A1
    session = Session(None, "json")
    session.owed_to_offset, session.owed_until_ms = 10, 5_000
    assert [session.entitled(offset, 6_000) for offset in (9, 10, 11)] == [False, False, True]
    assert [session.entitled(3, accepted) for accepted in (4_999, 5_000, 5_001)] == [True, True, False]
