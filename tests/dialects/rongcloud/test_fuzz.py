"""Whatever a caller sends is read or refused, never an exception; and a refusal can be told (G4)."""

import json
import string
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

import builders
from laba.dialects.rongcloud.dialect import RongCloudDialect
from laba.dialects.rongcloud.endpoints import ENDPOINTS, FORM
from laba.dialects.rongcloud.types import BUILT_IN, DOCUMENTED
from laba.model.calls import Claim, Exchange, TokenRequest
from laba.model.dispatch import Submission
from laba.model.http import HttpRequest, RequestHead
from laba.model.recordcalls import Recall
from laba.model.refusal import Refusal
from laba.model.roomcalls import RoomCall
from laba.model.usercalls import UserCall
from laba.protocols.envelope import _JSON

APP = builders.app()
DIALECT = RongCloudDialect()
FORMS = [endpoint.pattern for endpoint in ENDPOINTS if endpoint.media_types == FORM]
DOCUMENTS = [endpoint.pattern for endpoint in ENDPOINTS if endpoint.media_types != FORM]

NAMES = ["fromUserId", "objectName", "content", "userId", "userIds", "chatroomId", "toChatroomId", "toUserId", "name"]
NAMES += ["chatroom[r1]", "chatroom[]", "count", "order", "destroyType", "destroyTime", "isBan", "isPersisted"]
NAMES += ["disableUpdateLastMsg", "isIncludeSender", "contentAvailable", "pushContent", "messageUID", "portraitUri"]
WORDS = ["true", "false", "ios", "android", "0", "1", "2", "", "0000-0000-0000-0001", "{}", "%7B%7D", "x" * 65]
MEMBERS = ["platform", "fromuserid", "audience", "message", "notification", "is_to_all", "tag", "tag_or", "userid"]
MEMBERS += [
    "packageName",
    "tagItems",
    "alert",
    "title",
    "extras",
    "contentAvailable",
    "pushContent",
    "userIds",
    "tags",
]
CONTENT = sorted({member.name for of_type in BUILT_IN.values() for member in of_type.members} | {"id", "portrait"})

TYPES = st.sampled_from([*BUILT_IN, *DOCUMENTED, "RC:Mine", "app:mine", "x" * 33]) | st.text(max_size=40)
TEXTS = st.sampled_from(WORDS) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*NAMES, *MEMBERS, *CONTENT]) | st.text(), inner, max_size=6)
    ),
    max_leaves=10,
)
CONTENTS = st.dictionaries(st.sampled_from(CONTENT), VALUES, max_size=6).map(json.dumps) | TEXTS


def judged(path, body):
    """Read a body; whatever comes of it can be told, or sent."""
    head = RequestHead("POST", path, headers={"app-key": "k"})
    claim = DIALECT.claim(head)
    assert isinstance(claim, Claim)
    found = DIALECT.read(claim, HttpRequest(head, body), APP, 0)
    if isinstance(found, Refusal):
        told = DIALECT.write(Exchange(claim, APP, "", 0, 0), found)
        assert 400 <= told.status < 500
        assert json.loads(told.body)["errorMessage"]
    else:
        assert isinstance(found, Submission | TokenRequest | Recall | UserCall | RoomCall)
    if isinstance(found, Submission):
        assert found.size_bytes <= found.size_limit_bytes
        _JSON.encode((found.content.fields, found.original and found.original.content, found.sender))
    return found


@settings(deadline=None)
@given(st.binary() | st.text(string.printable).map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused(body):
    """At every endpoint."""
    for endpoint in ENDPOINTS:
        judged(endpoint.pattern, body)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES) | st.text(), TEXTS), max_size=12))
def test_any_form_is_read_or_refused(fields):
    """Whatever its fields are called, and however often they come."""
    body = urlencode(fields).encode()
    for path in FORMS:
        judged(path, body)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*NAMES, *MEMBERS]), VALUES, max_size=8))
def test_any_document_is_read_or_refused(document):
    """Whatever its members hold."""
    body = json.dumps(document).encode()
    for path in DOCUMENTS:
        judged(path, body)


@settings(deadline=None)
@given(TYPES, CONTENTS | VALUES)
def test_any_content_is_read_or_refused(name, content):
    """Of any type, as text and as the JSON itself; what is accepted loses nothing (G5)."""
    message = {"objectName": name, "content": content}
    document = {"platform": ["ios"], "fromuserid": "u", "audience": {"is_to_all": True}, "message": message}
    judged("/push.json", json.dumps(document).encode())
    if isinstance(content, str):
        fields = {"fromUserId": "u", **message}
        # An unpaired surrogate has no form.
        found = judged("/message/online/broadcast.json", urlencode(fields, errors="replace").encode())
        if isinstance(found, Submission) and not name.startswith("RC:"):
            assert found.original.content == content


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"platform": VALUES, "audience": VALUES},
        optional=dict.fromkeys(("notification", "message", "fromuserid", "userIds"), VALUES),
    )
)
def test_any_push_is_read_or_refused(document):
    """Also where only its outside is right."""
    for path in DOCUMENTS:
        judged(path, json.dumps(document).encode())
