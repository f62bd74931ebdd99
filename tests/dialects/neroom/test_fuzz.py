"""Whatever a caller sends is read or refused, never an exception; and a refusal can be told (G4)."""

import json
import string
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

import builders
from laba.dialects.neroom import expressions
from laba.dialects.neroom.callbacks import write
from laba.dialects.neroom.contents import TYPES
from laba.dialects.neroom.dialect import NeroomDialect
from laba.dialects.neroom.endpoints import ENDPOINTS, FORM
from laba.dialects.neroom.messages import FORM_NAMES, JSON_PATHS
from laba.model.calls import Claim, Exchange, TokenRequest
from laba.model.dispatch import Conversation, ConversationType, Dispatch, Message, Submission
from laba.model.hook import Hook, Source
from laba.model.http import HttpRequest, RequestHead
from laba.model.letter import Letter
from laba.model.refusal import Refusal
from laba.model.roomcalls import CreateRoom
from laba.model.usercalls import GetStatuses, SetActivation
from laba.protocols.envelope import _JSON

APP = builders.app()
DIALECT = NeroomDialect()
HOOK = Hook("main", "http://back.end/", "netease")
BROADCAST = "/neroom/v1/broadcast"
PATHS = [endpoint.pattern.replace("{room}", "r1") for endpoint in ENDPOINTS]
FORMS = [endpoint.pattern for endpoint in ENDPOINTS if endpoint.media_types == FORM]
DOCUMENTS = [path for path in PATHS if path not in FORMS]

USERS = ["user_uuid", "user_token", "user_name", "icon", "im_token", "accid", "accids", "name", "token"]
ROOMS = ["template_id", "room_uuid", "room_name", "host_user_uuid", "type", "creator", "announcement", "message"]
NAMES = sorted({*FORM_NAMES, *FORM_NAMES.values(), *USERS, *ROOMS})
PARTS = sorted({part for path in [*JSON_PATHS.values(), "message.text"] for part in path.split(".")})
ATTACHED = sorted({member.name for _, members in TYPES.values() for member in members})
WORDS = ["true", "false", "0", "1", "100", "", "{}", "[]", "null", '["u"]', '{"url":"u"}', '{"tag":"a"}', "x" * 65]

TEXTS = st.sampled_from(WORDS) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*NAMES, *PARTS, *ATTACHED]) | st.text(), inner, max_size=6)
    ),
    max_leaves=10,
)
LEAST = {"msg_id": st.just("m"), "sender_user_uuid": st.just("s")}
SPOKEN = {"attach": st.dictionaries(st.sampled_from(ATTACHED), VALUES, max_size=8).map(json.dumps) | TEXTS}


def judged(path, body):
    """Read a body; whatever comes of it can be told, or sent, and told of."""
    head = RequestHead("POST", path, headers={"appkey": "k"})
    claim = DIALECT.claim(head)
    assert isinstance(claim, Claim)
    found = DIALECT.read(claim, HttpRequest(head, body), APP, 0)
    if isinstance(found, Refusal):
        told = DIALECT.write(Exchange(claim, APP, "", 0, 0), found)
        answer = json.loads(told.body)
        assert (told.status, bool(answer.get("msg") or answer.get("desc"))) == (200, True)
        assert answer["code"] not in (0, 200)
    else:
        assert isinstance(found, Submission | TokenRequest | SetActivation | GetStatuses | CreateRoom)
    if isinstance(found, Submission):
        assert found.size_bytes <= found.size_limit_bytes
        _JSON.encode((found.content.fields, found.original and found.original.content, found.sender))
        copied(found)
    return found


def copied(submission):
    sent = Dispatch.admitted(submission, dispatch_id=7, app_uuid=APP.uuid, now_ms=0)
    message = Message(7, Conversation(ConversationType.ROOM, "r1"), sent)
    json.loads(write(Letter("m", APP.uuid, "main", message, Source.CALLER), HOOK, APP, 0).body)


@settings(deadline=None)
@given(st.binary() | st.text(string.printable).map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused(body):
    """At every endpoint."""
    for path in PATHS:
        judged(path, body)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES) | st.text(), TEXTS), max_size=12))
def test_any_form_is_read_or_refused(fields):
    """Whatever its fields are called, and however often they come."""
    body = urlencode(fields, errors="replace").encode()
    for path in FORMS:
        judged(path, body)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*NAMES, *PARTS]), VALUES, max_size=8))
def test_any_document_is_read_or_refused(document):
    """Whatever its members hold."""
    body = json.dumps(document).encode()
    for path in DOCUMENTS:
        judged(path, body)


@settings(deadline=None)
@given(st.fixed_dictionaries({**LEAST, **SPOKEN, "msg_type": st.sampled_from(list(TYPES))}))
def test_any_content_is_read_or_refused(document):
    """Of any type; what is accepted loses nothing (G5)."""
    found = judged(BROADCAST, json.dumps(document).encode())
    if isinstance(found, Submission):
        assert found.original.content == {"attach": document["attach"]}


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {**LEAST, "msg_type": st.sampled_from([0, 100])},
        optional={name: VALUES for name in FORM_NAMES if name not in ("msg_id", "sender_user_uuid", "msg_type")},
    )
)
def test_any_broadcast_is_read_or_refused(document):
    """Also where what must be there is right."""
    judged(BROADCAST, json.dumps(document).encode())


PIECES = [
    '{"tag":"a"}',
    '{"tag":"(a|b)*","matchType":"regex"}',
    '{"tag":',
    " and ",
    "or",
    "(",
    ")",
    " ",
    "{",
    "[",
    "\\",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=14).map("".join))
def test_any_expression_is_read_or_refused(text):
    """With words that say why."""
    try:
        expressions.parse(text)
    except ValueError as fault:
        assert str(fault).startswith(("at character ", "must have at most "))  # noqa: PT017 - either is right
