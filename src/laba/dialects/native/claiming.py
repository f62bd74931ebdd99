"""The endpoints under /v1, and which of them a request is for."""

from typing import Final

from laba.model.calls import Claim, Endpoint, Right
from laba.model.http import RequestHead
from laba.model.refusal import Code, Refusal

PREFIX: Final = "/v1"
JSON: Final = ("application/json",)

CREATE_APP: Final = Endpoint("create app", "POST", "/v1/apps", Right.OPERATOR, JSON)
LIST_APPS: Final = Endpoint("list apps", "GET", "/v1/apps", Right.OPERATOR)
GET_APP: Final = Endpoint("get app", "GET", "/v1/apps/{org}/{app}", Right.APP_OR_OPERATOR)
CHANGE_APP: Final = Endpoint("change app", "PATCH", "/v1/apps/{org}/{app}", Right.OPERATOR, JSON)
ISSUE_TOKEN: Final = Endpoint("issue token", "POST", "/v1/apps/{org}/{app}/tokens", Right.APP_OR_OPERATOR, JSON)
BROADCAST: Final = Endpoint(
    "broadcast to online users", "POST", "/v1/apps/{org}/{app}/broadcasts", Right.APP_OR_OPERATOR, JSON
)
ENDPOINTS: Final = (CREATE_APP, LIST_APPS, GET_APP, CHANGE_APP, ISSUE_TOKEN, BROADCAST)


def claim(head: RequestHead) -> Claim | Refusal | None:
    """Say which endpoint is meant; None for a path outside /v1."""
    if head.path != PREFIX and not head.path.startswith(f"{PREFIX}/"):
        return None
    methods = []
    for endpoint in ENDPOINTS:
        arguments = _matched(endpoint.pattern, head.path)
        if arguments is not None and endpoint.method == head.method:
            return Claim(endpoint, head.path, arguments, _app(arguments), proof=_bearer(head))
        if arguments is not None:
            methods.append(endpoint.method)
    if methods:
        allowed = ", ".join(methods)
        return Refusal(Code.METHOD_WRONG, f"{head.path} takes {allowed}, not {head.method}", subject=allowed)
    return Refusal(Code.ENDPOINT_UNKNOWN, f"there is no {head.path}")


def _matched(pattern: str, path: str) -> dict[str, str] | None:
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    arguments = {}
    for name, segment in zip(wanted, given, strict=True):
        if name.startswith("{") and segment:
            arguments[name[1:-1]] = segment
        elif name != segment:
            return None
    return arguments


def _app(arguments: dict[str, str]) -> tuple[str, str] | None:
    return (arguments["org"], arguments["app"]) if "org" in arguments else None


def _bearer(head: RequestHead) -> str | None:
    """Give the token of `Authorization: Bearer TOKEN` (RFC 6750 section 2.1), "" where the header is another."""
    header = head.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
