"""Clients that only listen: centrifugal.dev, "Unidirectional client protocol"."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laba.model.closing import Closing
from laba.model.http import RequestHead
from laba.model.session import Denial, Denied, Login, Malformed, Ping, Subscription, Welcome
from laba.model.stream import Position
from laba.protocols.centrifuge.unidirectional import farewell, position, push, read, write

CONNECT = {
    "token": "t",
    "data": {"device_id": "d1", "platform": "web", "tags": ["a"]},
    "subs": {"app": {"recover": True, "epoch": "e1", "offset": 7}, "user": {"recover": True, "epoch": "e1"}},
}
LOGIN = Login(0, "t", "d1", "web", tags=("a",), positions={"app": Position("e1", 7), "user": Position("e1", 0)})


def head(query=None, **headers):
    return RequestHead("GET", "/", query or {}, {name.replace("_", "-"): value for name, value in headers.items()})


def test_a_login_comes_in_the_address_or_the_body():
    """The same connect request either way, without a command around it."""
    # S4
    assert read(head({"cf_connect": json.dumps(CONNECT)}), b"") == [LOGIN]
    assert read(head(), json.dumps(CONNECT).encode()) == [LOGIN]


def test_a_login_may_stand_in_the_address_word_by_word():
    """For curl."""
    # S4
    words = {"token": "t", "device_id": "d1", "platform": "cli", "package": "p", "other": "x"}
    assert read(head(words), b"") == [Login(0, "t", "d1", "cli", "p")]
    assert read(head({"token": "t"}), b"") == [Login(0, "t")]


def test_a_token_may_come_in_its_header():
    """Where addresses are logged; what is said in the request itself wins."""
    # S4
    assert read(head(authorization="Bearer h"), b"") == [Login(0, "h")]
    assert read(head({"token": "t"}, authorization="Bearer h"), b"") == [Login(0, "t")]
    assert read(head(), b"") == [Login(0, "")]


def test_a_browser_that_comes_back_names_the_last_event_it_has():
    """HTML Living Standard section 9.2.4: the id is newer than what the address says, which never changes."""
    # S4
    (login,) = read(head({"cf_connect": json.dumps(CONNECT)}, last_event_id="e1.9"), b"")
    assert login.positions == {"app": Position("e1", 9), "user": Position("e1", 0)}
    (login,) = read(head({"token": "t"}, last_event_id="nonsense"), b"")
    assert login.positions == {}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"{", "connect is not valid JSON"),
        (b"\xff", "connect is not valid JSON"),
        (b'{"token":"\xff"}', "connect is not valid JSON"),
        (b"[]", "connect: expected object, got array"),
        (b'{"token":7}', "connect.token: expected str, got int"),
        (b'{"data":{"device_id":"' + b"x" * 65 + b'"}}', "connect.data.device_id: expected str of length <= 64"),
        (b'{"x":' + b"[" * 5000, "connect is nested too deeply"),
    ],
)
def test_what_is_no_login_is_malformed(said, reason):
    """One sentence says why."""
    # S4
    assert read(head(), said) == [Malformed(reason)]


def test_a_word_of_the_address_has_the_same_bounds():
    """As in the connect data."""
    # S4
    (event,) = read(head({"token": "t", "device_id": "x" * 65}), b"")
    assert event == Malformed("connect.data.device_id: expected str of length <= 64")


words = st.dictionaries(st.sampled_from(["cf_connect", "token", "device_id", "platform", "package"]), st.text())


@given(words, st.binary() | st.text().map(str.encode), st.text())
def test_nothing_that_is_said_ever_raises(query, body, last):
    """Whatever comes, it is a login or a sentence."""
    # S4
    (event,) = read(head(query, last_event_id=last, authorization=last), body)
    assert isinstance(event, Login | Malformed)


WELCOME = Welcome(0, "s-1", (Subscription("app", Position("e1", 41)), Subscription("events")), 45)


def test_a_welcome_is_a_push_of_its_own_and_asks_for_no_pongs():
    """`{"connect":...}`, and a handle for further words is of no use."""
    # S4
    told = json.loads(write(WELCOME))
    assert set(told) == {"connect"}
    assert (told["connect"]["client"], told["connect"]["ping"]) == ("s-1", 45)
    assert told["connect"]["subs"]["app"]["offset"] == 41
    assert not {"pong", "session", "node"} & set(told["connect"])


def test_pushes_go_unwrapped_and_a_ping_is_empty():
    """Each in one line."""
    # S4
    assert push("app", 8, b'{"id":"1"}') == b'{"channel":"app","pub":{"data":{"id":"1"},"offset":8}}'
    assert write(Ping()) == b"{}"
    assert farewell(Closing.SLOW) == b'{"disconnect":{"code":3008,"reason":"slow"}}'


def test_a_welcome_has_a_position_and_nothing_else_has():
    """Where the client would go on if it heard nothing more."""
    # S4
    assert position(WELCOME) == Position("e1", 41)
    assert position(Welcome(0, "s-1", (), 45)) is None
    assert position(Ping()) is position(Denied(0, Denial.TOKEN_EXPIRED)) is None
