"""How a path finds its endpoint in a dialect's table."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from laba.model.calls import Endpoint
from laba.model.refusal import Code, Refusal


class Found(NamedTuple):
    endpoint: Endpoint
    arguments: Mapping[str, str]


def find(endpoints: Sequence[Endpoint], method: str, path: str) -> Found | Refusal:
    """Find the endpoint of a path without its app prefix.

    ENDPOINT_UNKNOWN where nothing is served; METHOD_WRONG where something is, its `subject` naming the methods that
    are (RFC 9110 section 15.5.6).
    """
    methods = []
    for endpoint in endpoints:
        arguments = _match(endpoint.pattern, path)
        if arguments is None:
            continue
        if endpoint.method == method:
            return Found(endpoint, arguments)
        methods.append(endpoint.method)
    if methods:
        allowed = ", ".join(methods)
        return Refusal(Code.METHOD_WRONG, f"{path} takes {allowed}, not {method}", subject=allowed)
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
