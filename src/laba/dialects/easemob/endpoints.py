"""The table of what is served under an app, and how a path finds its row."""

from collections.abc import Mapping
from typing import NamedTuple

from laba.model.calls import Endpoint, Right
from laba.model.refusal import Code, Refusal

JSON = ("application/json",)

TOKEN = Endpoint("token", "POST", "/token", Right.ANYONE, JSON)
REGISTER_USERS = Endpoint("register_users", "POST", "/users", Right.APP, JSON)
GET_USER = Endpoint("get_user", "GET", "/users/{username}", Right.APP)
DELETE_USER = Endpoint("delete_user", "DELETE", "/users/{username}", Right.APP)
USERS_BROADCAST = Endpoint("users_broadcast", "POST", "/messages/users/broadcast", Right.APP, JSON)

ENDPOINTS = (TOKEN, REGISTER_USERS, GET_USER, DELETE_USER, USERS_BROADCAST)


class Found(NamedTuple):
    endpoint: Endpoint
    arguments: Mapping[str, str]


def find(method: str, path: str) -> Found | Refusal:
    """Find the endpoint of a path without its app prefix.

    ENDPOINT_UNKNOWN where nothing is served; METHOD_WRONG where something is, its `subject` naming the methods that
    are (RFC 9110 section 15.5.6).
    """
    methods = []
    for endpoint in ENDPOINTS:
        arguments = _match(endpoint.pattern, path)
        if arguments is None:
            continue
        if endpoint.method == method:
            return Found(endpoint, arguments)
        methods.append(endpoint.method)
    if methods:
        return Refusal(Code.METHOD_WRONG, f"{path} takes {' and '.join(methods)} only", subject=", ".join(methods))
    return Refusal(Code.ENDPOINT_UNKNOWN, f"nothing is served at {path}")


def _match(pattern: str, path: str) -> dict[str, str] | None:
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    arguments = {}
    for want, got in zip(wanted, given, strict=True):
        if want.startswith("{") and got:
            arguments[want[1:-1]] = got
        elif want != got:
            return None
    return arguments
