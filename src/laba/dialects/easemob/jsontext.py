"""JSON as callers write it: strictly read, compactly written."""

import json
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from laba.model.refusal import Code, Refusal

DEPTH_MAX = 64

# The longest integer that every client can still hold as a double.
_DIGITS_MAX = 308

# UTF-8 holds no surrogate itself: one comes as an escape, or not at all.
_SURROGATE = b"\\u"


def parse(body: bytes) -> Any | Refusal:
    """Read a body as UTF-8 JSON (RFC 8259); BODY_BROKEN says where it is not.

    Refused as broken, because not every reader of it would see the same: a member named twice, NaN and Infinity,
    numbers beyond a double, unpaired surrogates, and more than DEPTH_MAX values inside each other.
    """
    try:
        document = _DECODER.decode(body.decode())
        if _SURROGATE in body:
            # An unpaired surrogate parses, but no UTF-8 can carry it to a client.
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeError:
        return _broken("the body is not UTF-8 text")
    except RecursionError:
        return _broken(f"more than {DEPTH_MAX} values stand inside each other")
    except ValueError as fault:
        return _broken(str(fault))
    # Most bodies have not even so many brackets.
    if body.count(b"{") + body.count(b"[") > DEPTH_MAX and _deeper_than(DEPTH_MAX, document):
        return _broken(f"more than {DEPTH_MAX} values stand inside each other")
    return document


def parse_object(body: bytes) -> dict[str, Any] | Refusal:
    """Read a body that must be one JSON object."""
    document = parse(body)
    if isinstance(document, dict | Refusal):
        return document
    return _broken("the body must be a JSON object")


def compact(value: Any) -> bytes:
    """Write JSON without spaces as UTF-8. Never fails: what UTF-8 cannot carry becomes `?`."""
    try:
        return msgspec.json.encode(value)
    except (OverflowError, UnicodeError):
        # An integer of more than 64 bits, or a stray surrogate.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _broken(reason: str) -> Refusal:
    return Refusal(Code.BODY_BROKEN, reason)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is named twice in one object")
    return members


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > _DIGITS_MAX:
        raise ValueError("a number is out of range")
    return int(text)


def _deeper_than(limit: int, document: Any) -> bool:
    level: Sequence[Any] = [document]
    for _ in range(limit):
        level = [child for value in level for child in _children(value)]
        if not level:
            return False
    return any(isinstance(value, dict | list) for value in level)


def _children(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


# Made once: to make it takes longer than to read a message.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_constant, parse_float=_fraction, parse_int=_integer
)
