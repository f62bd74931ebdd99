import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

import builders
from laba.dialects.rongcloud.dialect import RongCloudDialect
from laba.model.app import App, AppPolicy
from laba.model.calls import Call, Claim, Exchange
from laba.model.flags import Flags
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Refusal

FORM = "application/x-www-form-urlencoded"
NOW_MS = builders.NOW_MS


@pytest.fixture
def app() -> App:
    """One tenant, with a message type of its own whose properties the operator has set."""
    status = Flags(stored=False, counted=False, pushed=False, updates_last=False, offline=False)
    return builders.app(policy=AppPolicy(types={"app:status": status}))


@pytest.fixture
def claimed() -> Callable[[str], Claim]:
    """Claim a signed call."""

    def claim(path: str) -> Claim:
        headers = {"app-key": "key of org/app", "nonce": "14314", "timestamp": "1585127132438", "signature": "45be"}
        found = RongCloudDialect().claim(RequestHead("POST", path, headers=headers))
        assert isinstance(found, Claim)
        return found

    return claim


@pytest.fixture
def read(app: App, claimed: Callable[[str], Claim]) -> Callable[[str, object], Call | Refusal]:
    """Claim and read one call: bytes as they are, else as the endpoint takes it."""

    def read(path: str, body: object) -> Call | Refusal:
        claim = claimed(path)
        raw = body if isinstance(body, bytes) else _written(claim, body)
        return RongCloudDialect().read(claim, HttpRequest(RequestHead("POST", path), raw), app, NOW_MS)

    return read


def _written(claim: Claim, body: object) -> bytes:
    if claim.endpoint.media_types == (FORM,):
        return urlencode(body, doseq=True).encode()
    return json.dumps(body).encode()


@pytest.fixture
def exchange(app: App, claimed: Callable[[str], Claim]) -> Callable[[str], Exchange]:
    """One exchange that took 7 ms."""
    return lambda path: Exchange(claimed(path), app, "https://im.example.com", NOW_MS - 7, NOW_MS)


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    """What the vendor's pages show, as they show it (seeds/002, seeds/004)."""
    return lambda name: Path(__file__).with_name("samples").joinpath(name).read_bytes()
