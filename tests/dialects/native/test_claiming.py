import pytest

from laba.dialects.native.dialect import NativeDialect
from laba.model.calls import Claim
from laba.model.http import RequestHead
from laba.model.refusal import Code, Refusal


def claim(method, path, **headers):
    return NativeDialect().claim(RequestHead(method, path, headers=headers))


@pytest.mark.parametrize(
    ("method", "path", "name", "app"),
    [
        ("POST", "/v1/apps", "create app", None),
        ("GET", "/v1/apps", "list apps", None),
        ("GET", "/v1/apps/acme/chat", "get app", ("acme", "chat")),
        ("PATCH", "/v1/apps/acme/chat", "change app", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/tokens", "issue token", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/broadcasts", "broadcast to online users", ("acme", "chat")),
    ],
)
def test_each_path_is_claimed_for_its_app(method, path, name, app):
    found = claim(method, path)
    assert isinstance(found, Claim)
    assert (found.endpoint.name, found.app, found.path) == (name, app, path)


@pytest.mark.parametrize("path", ["/", "/v10/apps", "/acme/chat/token", "/v1x"])
def test_paths_outside_v1_are_left_to_others(path):
    assert claim("GET", path) is None


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/apps/", "/v1/apps/acme", "/v1/apps//chat", "/v1/apps/a/b/tokens/c"]
)
def test_a_path_under_v1_that_serves_nothing_is_refused(path):
    found = claim("GET", path)
    assert isinstance(found, Refusal)
    assert found.code is Code.ENDPOINT_UNKNOWN


def test_a_wrong_method_is_told_the_right_ones():
    found = claim("DELETE", "/v1/apps/acme/chat")
    assert found == Refusal(
        Code.METHOD_WRONG, "/v1/apps/acme/chat takes GET, PATCH, not DELETE", subject="GET, PATCH"
    )


@pytest.mark.parametrize(
    ("header", "proof"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("Bearer", ""), ("", "")],
)
def test_the_proof_is_the_bearer_token(header, proof):
    """A header that holds no bearer token is not the same as no header."""  # A10
    assert claim("GET", "/v1/apps/acme/chat", authorization=header).proof == proof


def test_without_the_header_there_is_no_proof():
    assert claim("GET", "/v1/apps/acme/chat").proof is None
