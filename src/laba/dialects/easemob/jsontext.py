"""Bodies as callers write them: JSON, strictly read."""

from typing import Any

from laba.dialects import strictjson
from laba.model.refusal import Code, Refusal


def parse(body: bytes) -> Any | Refusal:
    """Read a body as UTF-8 JSON; BODY_BROKEN says where it is not."""
    try:
        return strictjson.parse(body.decode())
    except UnicodeDecodeError:
        return _broken("the body is not UTF-8 text")
    except ValueError as fault:
        return _broken(str(fault))


def parse_object(body: bytes) -> dict[str, Any] | Refusal:
    """Read a body that must be one JSON object."""
    document = parse(body)
    if isinstance(document, dict | Refusal):
        return document
    return _broken("the body must be a JSON object")


def _broken(reason: str) -> Refusal:
    return Refusal(Code.BODY_BROKEN, reason)
