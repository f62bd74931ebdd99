import json
from urllib.parse import urlencode

import pytest

from builders import app
from laba.dialects.neroom.dialect import NeroomDialect
from laba.model.calls import Claim
from laba.model.dispatch import Submission
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Refusal

PATH = "/neroom/v1/broadcast"
SIGNED = {"appkey": "key", "nonce": "n1", "curtime": "1700000000", "checksum": "c1"}


def claimed(path, method="POST", **headers):
    return NeroomDialect().claim(RequestHead(method, path, headers={**SIGNED, **headers}))


@pytest.fixture
def read():
    """Read a body at a path: a dict as the path wants it, bytes as they are."""

    def call(path, body):
        claim = claimed(path)
        assert isinstance(claim, Claim), claim
        if not isinstance(body, bytes):
            is_form = path.startswith("/nimserver/")
            body = urlencode(body).encode() if is_form else json.dumps(body, ensure_ascii=False).encode()
        return NeroomDialect().read(claim, HttpRequest(RequestHead("POST", path), body), app(), 0)

    return call


@pytest.fixture
def least():
    """Give the least that a broadcast has."""
    return {"msg_id": "m1", "sender_user_uuid": "boss", "msg_type": 0, "attach": "hi"}


@pytest.fixture
def asked(read, least):
    """Read a broadcast that differs from the least one in these fields; None leaves one out."""

    def ask(**fields):
        body = {name: value for name, value in {**least, **fields}.items() if value is not None}
        return read(PATH, body)

    return ask


@pytest.fixture
def submitted(asked):
    def submit(**fields):
        submission = asked(**fields)
        assert isinstance(submission, Submission), submission
        return submission

    return submit


@pytest.fixture
def refused(asked):
    def refuse(**fields):
        refusal = asked(**fields)
        assert isinstance(refusal, Refusal), refusal
        return refusal.field

    return refuse
