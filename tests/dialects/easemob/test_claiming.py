import pytest

from laba.dialects.easemob.claiming import claim
from laba.model.app import RESERVED_ORGS
from laba.model.calls import Claim, Right
from laba.model.http import RequestHead
from laba.model.refusal import Code

BROADCAST = "/messages/users/broadcast"


def head(path: str, method: str = "POST", **headers: str) -> RequestHead:
    return RequestHead(method, path, headers=headers)


# A1, E11: both forms name the same endpoints.
def test_an_app_is_named_by_its_id():
    """The path behind /app-id/{app_id} is the endpoint's."""
    found = claim(head(f"/app-id/970CA35d{BROADCAST}"))
    assert (found.app, found.app_id, found.path) == (None, "970CA35d", BROADCAST)
    assert (found.endpoint.name, found.endpoint.right) == ("users_broadcast", Right.APP)


def test_an_app_is_named_by_its_org_and_name():
    """The path behind /{org}/{app} is the endpoint's."""
    found = claim(head(f"/easemob-demo/wang{BROADCAST}"))
    assert (found.app, found.app_id, found.path) == (("easemob-demo", "wang"), None, BROADCAST)


@pytest.mark.parametrize(
    ("method", "path", "name", "right"),
    [
        ("POST", "/token", "token", Right.ANYONE),
        ("POST", "/users", "register_users", Right.APP),
        ("GET", "/users/ann", "get_user", Right.APP),
        ("DELETE", "/users/ann", "delete_user", Right.APP),
        ("GET", "/users", "list_users", Right.APP),
        ("PUT", "/users/ann/password", "set_password", Right.APP),
        ("POST", "/users/ann/deactivate", "deactivate_user", Right.APP),
        ("POST", "/users/ann/activate", "activate_user", Right.APP),
        ("GET", "/users/ann/disconnect", "disconnect_user", Right.APP),
        ("GET", "/users/ann/status", "user_status", Right.APP),
        ("POST", "/users/batch/status", "users_status", Right.APP),
        ("GET", "/users/ann/resources", "user_resources", Right.APP),
        ("POST", BROADCAST, "users_broadcast", Right.APP),
        ("POST", "/chatfiles", "upload_file", Right.ANY_USER_OR_APP),
        ("GET", "/chatfiles/uuid", "get_file", Right.ANYONE),
        ("HEAD", "/chatfiles/uuid", "head_file", Right.ANYONE),
    ],
)
def test_every_endpoint_is_found(method, path, name, right):
    """The table of what is served."""
    found = claim(head(f"/o/a{path}", method))
    assert (found.endpoint.name, found.endpoint.right) == (name, right)


def test_the_user_is_an_argument():
    """A segment in braces is given by name, as it was written."""
    assert claim(head("/o/a/users/Ann", "GET")).arguments == {"username": "Ann"}


@pytest.mark.parametrize(
    "path", ["/", "", "/o", "/o/a", "//a/token", *(f"/{org}/a/token" for org in sorted(RESERVED_ORGS - {"app-id"}))]
)
def test_other_paths_are_not_ours(path):
    """Too short for an app's, or laba's own."""
    assert claim(head(path)) is None


@pytest.mark.parametrize(
    "path", ["/o/a/", "/o/a/nothing", "/o/a/users/", "/o/a/users/ann/x", "/o/a/token/", "/o/a//token"]
)
def test_nothing_is_served_elsewhere_under_an_app(path):
    """An unknown path is refused in this dialect's words."""
    assert claim(head(path)).code is Code.ENDPOINT_UNKNOWN


@pytest.mark.parametrize(
    ("method", "path", "right_ones"),
    [
        ("PATCH", "/users/ann", "GET, DELETE"),
        ("DELETE", "/users", "POST, GET"),
        ("POST", "/users/ann/password", "PUT"),
        ("GET", "/users/ann/deactivate", "POST"),
        ("POST", "/users/ann/disconnect", "GET"),
        # Not the status of a user named batch.
        ("GET", "/users/batch/status", "POST"),
        ("POST", "/users/ann/status", "GET"),
    ],
)
def test_another_method_is_told_the_right_ones(method, path, right_ones):
    """The refusal names what the path takes (RFC 9110 section 15.5.6)."""
    refusal = claim(head(f"/o/a{path}", method))
    assert (refusal.code, refusal.subject) == (Code.METHOD_WRONG, right_ones)


# A10
@pytest.mark.parametrize(
    ("authorization", "proof"),
    [
        ("Bearer YWMt", "YWMt"),
        ("bearer  YWMt ", "YWMt"),
        ("Bearer", ""),
        ("", ""),
        ("Basic YWMt", ""),
        ("Bearer a b", ""),
        ("YWMt", ""),
    ],
)
def test_the_proof_is_the_bearer_token(authorization, proof):
    """A header that holds no bearer token gives an empty proof."""
    assert claim(head("/o/a/users", authorization=authorization)).proof == proof


def test_no_header_is_no_proof():
    """Absent and malformed are different faults."""
    found = claim(head("/o/a/users"))
    assert isinstance(found, Claim)
    assert found.proof is None
