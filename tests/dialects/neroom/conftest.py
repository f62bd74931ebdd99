import json
from urllib.parse import urlencode

import pytest

from builders import app
from laba.dialects.neroom.dialect import NeroomDialect
from laba.model.calls import Claim
from laba.model.http import HttpRequest, RequestHead

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
