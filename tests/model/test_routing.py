import pytest

from laba.model.calls import Endpoint, Right
from laba.model.refusal import Code
from laba.model.routing import Routes

LIST = Endpoint("list", "GET", "/users", Right.APP)
GET = Endpoint("get", "GET", "/users/{name}", Right.APP)
DELETE = Endpoint("delete", "DELETE", "/users/{name}", Right.APP)
STATUS = Endpoint("status", "GET", "/users/{name}/status", Right.APP)
STATUSES = Endpoint("statuses", "POST", "/users/batch/status", Right.APP)
TABLE = (LIST, GET, DELETE, STATUS, STATUSES)


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "arguments"),
    [
        ("GET", "/users", LIST, {}),
        ("GET", "/users/ann", GET, {"name": "ann"}),
        ("DELETE", "/users/{name}", DELETE, {"name": "{name}"}),
    ],
)
def test_a_path_finds_its_endpoint_by_its_segments(method, path, endpoint, arguments):
    """A braced one takes any segment, and names it."""
    assert Routes(TABLE).find(method, path) == (endpoint, arguments)


@pytest.mark.parametrize("path", ["", "/", "/user", "/users/", "/users/ann/", "/users/ann/more", "users", "/Users"])
def test_a_path_that_is_in_no_table_is_unknown(path):
    """Neither a part of one, nor one with an empty segment, nor one in other letters."""
    assert Routes(TABLE).find("GET", path).code is Code.ENDPOINT_UNKNOWN


def test_a_wrong_method_is_told_the_right_ones():
    """All that the path takes, for the Allow header."""
    refusal = Routes(TABLE).find("PUT", "/users/ann")
    assert (refusal.code, refusal.subject) == (Code.METHOD_WRONG, "GET, DELETE")


def test_what_a_pattern_spells_out_is_no_argument_of_another():
    """Whatever the method, and wherever the patterns stand in the table."""  # S11
    for routes in (Routes(TABLE), Routes(TABLE[::-1])):
        assert routes.find("POST", "/users/batch/status") == (STATUSES, {})
        refusal = routes.find("GET", "/users/batch/status")
        assert (refusal.code, refusal.subject) == (Code.METHOD_WRONG, "POST")
        assert routes.find("GET", "/users/batches/status") == (STATUS, {"name": "batches"})
        assert routes.find("GET", "/users/batch") == (GET, {"name": "batch"})


def test_patterns_that_spell_out_as_much_are_meant_alike():
    """Whichever serves the method; a path that follows both to their ends is told of both."""
    one, other = Endpoint("one", "GET", "/a/{x}", Right.APP), Endpoint("other", "PUT", "/{x}/b", Right.APP)
    routes = Routes((one, other))
    assert routes.find("GET", "/a/b") == (one, {"x": "b"})
    assert routes.find("PUT", "/a/b") == (other, {"x": "a"})
    assert routes.find("POST", "/a/b").subject == "GET, PUT"
    assert routes.find("PUT", "/c/b") == (other, {"x": "c"})
