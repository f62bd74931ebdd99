"""JSON as callers write it: strictly read, compactly written. For every dialect whose vendor is read so."""

import json
import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec

DEPTH_MAX: Final = 64
# The longest integer that every client can still hold as a double.
_DIGITS_MAX: Final = 308


def parse(text: str) -> Any:
    """Read JSON (RFC 8259); ValueError says why it is none.

    What not every reader would see the same is none: a member named twice, NaN and Infinity, numbers beyond a double,
    unpaired surrogates, and more than DEPTH_MAX values inside each other.
    """
    try:
        value = _DECODER.decode(text)
    except RecursionError as fault:
        raise ValueError(f"more than {DEPTH_MAX} values stand inside each other") from fault
    if "\\u" in text:
        _judge_surrogates(value)
    # Most texts have not even so many brackets.
    if text.count("{") + text.count("[") > DEPTH_MAX and _deeper_than(DEPTH_MAX, value):
        raise ValueError(f"more than {DEPTH_MAX} values stand inside each other")
    return value


def compact(value: Any) -> bytes:
    """Write JSON without spaces as UTF-8. Never fails: what UTF-8 cannot carry becomes `?`."""
    try:
        return msgspec.json.encode(value)
    except (OverflowError, UnicodeError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _judge_surrogates(value: Any) -> None:
    """Refuse an unpaired surrogate: it parses, but no UTF-8 can carry it to a client."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as fault:
        raise ValueError("a surrogate stands alone") from fault


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
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_constant, parse_float=_fraction, parse_int=_integer
)
