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

    Where several patterns fit, the one that spells out most of the path is meant, whatever the method:
    `/users/batch/status` is never the status of a user named batch. ENDPOINT_UNKNOWN where nothing is served;
    METHOD_WRONG where something is, its `subject` naming the methods that are (RFC 9110 section 15.5.6).
    """
    fitting = [
        Found(endpoint, arguments)
        for endpoint in endpoints
        if (arguments := _match(endpoint.pattern, path)) is not None
    ]
    fewest = min((len(found.arguments) for found in fitting), default=0)
    meant = [found for found in fitting if len(found.arguments) == fewest]
    for found in meant:
        if found.endpoint.method == method:
            return found
    if meant:
        allowed = ", ".join(found.endpoint.method for found in meant)
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
