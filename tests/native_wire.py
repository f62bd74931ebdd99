"""What the native dialect reads of a request and writes of an answer, for its tests."""

import json

from laba.dialects.native.dialect import NativeDialect
from laba.model.calls import Claim, Exchange
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Refusal

APP = "/v1/apps/acme/chat"
KINDS = frozenset({"apns", "fcm", "webpush"})


def read(method, path, body=b"", kinds=KINDS):
    native, head = NativeDialect(kinds=kinds), RequestHead(method, path)
    claim = native.claim(head)
    assert isinstance(claim, Claim)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return native.read(claim, HttpRequest(head, raw), None, 0)


def fault(answer):
    """Give the code of a refusal, and the field that it names."""
    assert isinstance(answer, Refusal)
    assert answer.reason
    return (answer.code, answer.field)


def told(answer):
    """Write an answer, and give its JSON."""
    native = NativeDialect()
    claim = native.claim(RequestHead("GET", APP))
    response = native.write(Exchange(claim, None, "http://localhost", 0, 0), answer)
    assert response.status == 200
    return json.loads(response.body)
