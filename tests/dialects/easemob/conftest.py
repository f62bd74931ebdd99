from collections.abc import Callable
from pathlib import Path

import pytest

from laba.dialects.easemob.dialect import EasemobDialect
from laba.model.app import App, AppKeys, AppName
from laba.model.calls import Call, Claim, Exchange
from laba.model.http import HttpRequest, RequestHead
from laba.model.refusal import Refusal

# The app of the vendor's fixed vectors (vendor-apis.md 1.2).
APP_ID = "970CA35de60c44645bbae8a215061b33"
CERTIFICATE = "5CFd2fd1755d40ecb72977518be15d3b"


@pytest.fixture
def app() -> App:
    """One tenant, with the keys of the vendor's vectors."""
    keys = AppKeys(
        app_id=APP_ID,
        app_key="key",
        client_id="YXA6",
        app_certificate=CERTIFICATE,
        app_secret="secret",
        client_secret="YXA6secret",
        token_key=b"k" * 32,
    )
    return App("331d42e6-ad85-460f-b6b0-d1fb6fef9f12", AppName("easemob-demo", "wang"), keys, 1_600_000_000_000)


@pytest.fixture
def claimed() -> Callable[..., Claim]:
    """Claim a request to the app of the `app` fixture, by its name."""

    def claim(method: str, path: str, **headers: str) -> Claim:
        found = EasemobDialect().claim(RequestHead(method, f"/easemob-demo/wang{path}", headers=headers))
        assert isinstance(found, Claim)
        return found

    return claim


@pytest.fixture
def read(claimed: Callable[..., Claim]) -> Callable[..., Call | Refusal]:
    """Claim and read one request."""

    def read(
        method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None, **headers: str
    ) -> Call | Refusal:
        head = RequestHead(method, f"/easemob-demo/wang{path}", query or {}, headers)
        request = HttpRequest(head, body)
        return EasemobDialect().read(claimed(method, path, **headers), request, None, 0)

    return read


@pytest.fixture
def exchange(app: App, claimed: Callable[..., Claim]) -> Callable[..., Exchange]:
    """One exchange that took 7 ms."""

    def exchange(method: str, path: str) -> Exchange:
        return Exchange(claimed(method, path), app, "https://im.example.com", 1699944653957, 1699944653964)

    return exchange


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    """The request bodies that the vendor's page shows, as it shows them."""
    return lambda name: Path(__file__).with_name("samples").joinpath(f"{name}.json").read_bytes()
