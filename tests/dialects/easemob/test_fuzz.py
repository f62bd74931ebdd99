"""Whatever a caller sends is read or refused, never an exception (G4)."""

import json
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from laba.dialects.easemob import cursors
from laba.dialects.easemob.accesstoken2 import parse
from laba.dialects.easemob.bodies import TYPES
from laba.dialects.easemob.dialect import EasemobDialect
from laba.model.calls import Claim, TokenRequest
from laba.model.dispatch import Submission
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Code, Refusal
from laba.model.roomcalls import AddMembers, ChangeRoom, CreateRoom, GiveRoom, MuteMembers
from laba.model.usercalls import GetStatuses, ListUsers, RegisterUsers, SetPassword

MEMBERS = ["msg", "action", "addr", "lat", "lng", "url", "filename", "secret", "size", "length", "Length", "thumb"]
MEMBERS += ["thumb_secret", "file_length", "customEvent", "customExts", "width", "height"]
NAMES = [
    "newpassword",
    "usernames",
    "from",
    "ext",
    "type",
    "grant_type",
    "username",
    "password",
    "ttl",
    "autoCreateUser",
    "nickname",
    "name",
    "description",
    "maxusers",
    "owner",
    "newowner",
    "members",
    "mute_duration",
    *MEMBERS,
]
TEXTS = st.sampled_from([*TYPES, "password", "inherit", "agora", ""]) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=8)
    ),
    max_leaves=25,
)
BODIES = st.binary() | VALUES.map(lambda value: json.dumps(value).encode())
MESSAGES = st.fixed_dictionaries({"type": st.sampled_from(list(TYPES))}, optional=dict.fromkeys(MEMBERS, VALUES))


def read(path: str, body: bytes = b"", method: str = "POST", **query: str):
    dialect = EasemobDialect()
    head = RequestHead(method, f"/org/app{path}", query)
    claim = dialect.claim(head)
    assert isinstance(claim, Claim)
    return dialect.read(claim, HttpRequest(head, body), None, 0)


@settings(deadline=None)
@given(BODIES)
def test_any_body_is_read_or_refused(body):
    """At every endpoint that has one."""
    assert isinstance(read("/messages/users/broadcast", body), Submission | Refusal)
    assert isinstance(read("/users", body), RegisterUsers | Refusal)
    assert isinstance(read("/token", body), TokenRequest | Refusal)
    assert isinstance(read("/users/ann/password", body, "PUT"), SetPassword | Refusal)
    assert isinstance(read("/users/batch/status", body), GetStatuses | Refusal)
    assert isinstance(read("/chatrooms", body), CreateRoom | Refusal)
    assert isinstance(read("/chatrooms/7", body, "PUT"), ChangeRoom | GiveRoom | Refusal)
    assert isinstance(read("/chatrooms/7/users", body), AddMembers | Refusal)
    assert isinstance(read("/chatrooms/7/mute", body), MuteMembers | Refusal)


@settings(deadline=None)
@given(st.text(), st.text() | st.text(string.ascii_letters + string.digits + "-_="))
def test_any_query_is_read_or_refused(limit, cursor):
    """At the one endpoint that has one; what is accepted as a cursor is one that was given."""
    found = read("/users", method="GET", limit=limit)
    assert isinstance(found, ListUsers) or found.field == "limit"
    found = read("/users", method="GET", cursor=cursor)
    assert found.field == "cursor" if isinstance(found, Refusal) else cursor in ("", cursors.written(found.after))


@settings(deadline=None)
@given(MESSAGES)
def test_any_message_loses_nothing(msg):
    """What is accepted is held by the content alone, or whole by the original (G5)."""
    found = read("/messages/users/broadcast", json.dumps({"msg": msg}).encode())
    if isinstance(found, Refusal):
        assert found.code in (Code.FIELD_INVALID, Code.BODY_BROKEN)
    elif found.original is not None:
        assert found.original.content == {name: value for name, value in msg.items() if name != "type"}
    else:
        nested = [size for size in (msg.get("size"),) if found.content.kind == "img" and size is not None]
        assert len(found.content.fields) == len(msg) - 1 + sum(len(size) - 1 for size in nested)


@settings(deadline=None)
@given(st.text(string.ascii_letters + string.digits + "+/=") | st.text())
def test_any_text_is_a_token_or_none(text):
    """Nothing that a header can hold is an exception."""
    assert parse("007" + text) is None
