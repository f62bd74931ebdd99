import pytest

from laba.model.calls import Endpoint, Right
from laba.model.refusal import Code
from laba.model.routing import find

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
    assert find(TABLE, method, path) == (endpoint, arguments)


@pytest.mark.parametrize("path", ["", "/", "/user", "/users/", "/users/ann/", "/users/ann/more", "users", "/Users"])
def test_a_path_that_is_in_no_table_is_unknown(path):
    """Neither a part of one, nor one with an empty segment, nor one in other letters."""
    assert find(TABLE, "GET", path).code is Code.ENDPOINT_UNKNOWN


def test_a_wrong_method_is_told_the_right_ones():
    """All that the path takes, for the Allow header."""
    refusal = find(TABLE, "PUT", "/users/ann")
    assert (refusal.code, refusal.subject) == (Code.METHOD_WRONG, "GET, DELETE")


def test_what_a_pattern_spells_out_is_no_argument_of_another():
    """Whatever the method, and wherever the patterns stand in the table."""  # S11
    for table in (TABLE, TABLE[::-1]):
        assert find(table, "POST", "/users/batch/status") == (STATUSES, {})
        refusal = find(table, "GET", "/users/batch/status")
        assert (refusal.code, refusal.subject) == (Code.METHOD_WRONG, "POST")
        assert find(table, "GET", "/users/batches/status") == (STATUS, {"name": "batches"})
        assert find(table, "GET", "/users/batch") == (GET, {"name": "batch"})
