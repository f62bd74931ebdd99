import pytest

from laba.dialects.native.claiming import ENDPOINTS
from laba.dialects.native.dialect import NativeDialect
from laba.model.calls import Claim, Right
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
        ("POST", "/v1/apps/acme/chat/broadcasts", "broadcast", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/messages", "send to rooms", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/broadcasts/7", "get broadcast", ("acme", "chat")),
        ("GET", "/v1/broadcasts/7", "find broadcast", None),
        ("POST", "/v1/apps/acme/chat/broadcasts/7/recall", "recall", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/rooms/lobby/report", "room report", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/users/ann/conversations", "list conversations", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/users/ann/conversations/read", "read conversation", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/users/ann/history", "history", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/rooms", "list rooms", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/rooms/7", "get room", ("acme", "chat")),
        ("PATCH", "/v1/apps/acme/chat/rooms/7", "change room", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/rooms", "create room", ("acme", "chat")),
        ("DELETE", "/v1/apps/acme/chat/rooms/7", "close room", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/rooms/7/members", "list members", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/rooms/7/members", "add members", ("acme", "chat")),
        ("DELETE", "/v1/apps/acme/chat/rooms/7/members/ann", "remove member", ("acme", "chat")),
        ("PUT", "/v1/apps/acme/chat/rooms/7/members/ann/tags", "tag member", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/callbacks", "list callbacks", ("acme", "chat")),
        ("PUT", "/v1/apps/acme/chat/callbacks/main", "put callback", ("acme", "chat")),
        ("DELETE", "/v1/apps/acme/chat/callbacks/main", "remove callback", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/callbacks/main/dead", "list dead letters", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/callbacks/main/dead/resend", "resend dead letters", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/providers", "list push providers", ("acme", "chat")),
        ("PUT", "/v1/apps/acme/chat/providers/ios", "put push provider", ("acme", "chat")),
        ("DELETE", "/v1/apps/acme/chat/providers/ios", "remove push provider", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/providers/ios/check", "check push provider", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/users/ann/devices", "list devices", ("acme", "chat")),
        ("PUT", "/v1/apps/acme/chat/users/ann/devices/phone", "put device", ("acme", "chat")),
        ("DELETE", "/v1/apps/acme/chat/users/ann/devices/phone", "remove device", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/pushes", "push", ("acme", "chat")),
        ("POST", "/v1/apps/acme/chat/broadcasts/7/push/pause", "pause, resume or cancel push", ("acme", "chat")),
        ("GET", "/v1/apps/acme/chat/words", "get words", ("acme", "chat")),
        ("PUT", "/v1/apps/acme/chat/words", "put words", ("acme", "chat")),
    ],
)
def test_each_path_is_claimed_for_its_app(method, path, name, app):
    found = claim(method, path)
    assert isinstance(found, Claim)
    assert (found.endpoint.name, found.app, found.path) == (name, app, path)


def test_who_may_what_stands_in_the_table():
    """A user's own is the user's or its app's; a broadcast of any app is the operator's."""  # S2 S5 X2 A10
    rights = {endpoint.name: endpoint.right for endpoint in ENDPOINTS}
    assert {name for name, right in rights.items() if right is Right.USER_OR_APP} == {
        "list conversations",
        "read conversation",
        "history",
        "list devices",
        "put device",
        "remove device",
    }
    assert (rights["get broadcast"], rights["find broadcast"]) == (Right.APP_OR_OPERATOR, Right.OPERATOR)
    assert rights["room report"] is rights["recall"] is Right.APP_OR_OPERATOR
    # An app's own back end looks after its rooms, its callbacks, its words and its pushes: S3 S6 S7 S8
    words = ("/rooms", "/callbacks", "/words", "/providers", "/push")
    of_app = [each for each in ENDPOINTS if any(word in each.pattern for word in words)]
    assert {each.right for each in of_app} == {Right.APP_OR_OPERATOR}
    assert all("{user}" in each.pattern for each in ENDPOINTS if each.right is Right.USER_OR_APP)


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
