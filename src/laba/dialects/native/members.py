"""The members of a JSON body, each taken with its type, or refused by its path."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from laba.dialects.unacceptable import Unacceptable
from laba.model.refusal import Code, Refusal
from laba.model.user import USERNAME_MAX_BYTES

# Deeper bodies are somebody's test of us; every later step may then recurse without a thought.
DEPTH_LIMIT: Final = 64

# The longest text of which nothing else is known.
TEXT_MAX: Final = 256
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
Name = TypeVar("Name", bound=StrEnum)


def invalid(field: str, reason: str, code: Code = Code.FIELD_INVALID) -> Unacceptable:
    return Unacceptable(Refusal(code, f"{field} {reason}", field=field))


def decoded(body: bytes) -> "Members":
    """Read a body as one JSON object, at most 64 levels deep."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        value = None
    except ValueError as error:
        raise Unacceptable(Refusal(Code.BODY_BROKEN, f"the body is not JSON: {error}")) from error
    if not isinstance(value, dict) or _depth(value) > DEPTH_LIMIT:
        reason = f"the body must be a JSON object, at most {DEPTH_LIMIT} levels deep"
        raise Unacceptable(Refusal(Code.BODY_BROKEN, reason))
    return Members(value)


def compact_bytes(value: Any) -> int:
    """Measure a value as compact JSON in UTF-8 (E2)."""
    return len(msgspec.json.encode(value))


class Members:
    """One JSON object. Each method takes a member by name, and raises Unacceptable where it is of another type.

    An absent member gives the default; a default of None makes it optional, `null` is no way to leave one out.
    """

    __slots__ = ("_path", "_values")

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def value(self, name: str) -> Any:
        return self._values[name]

    def path(self, name: str) -> str:
        return f"{self._path}{name}"

    def required(self, name: str) -> Any:
        if name not in self._values:
            raise invalid(self.path(name), "is missing")
        return self._values[name]

    def text(self, name: str) -> str:
        """Take a string that must be there and hold something."""
        value = self.required(name)
        if not isinstance(value, str) or not value:
            raise invalid(self.path(name), "must be a string that is not empty")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if name in self._values else None

    def flag(self, name: str) -> bool:
        value = self.required(name)
        if not isinstance(value, bool):
            raise invalid(self.path(name), "must be true or false")
        return value

    def optional_flag(self, name: str, *, otherwise: bool = False) -> bool:
        return self.flag(name) if name in self._values else otherwise

    def bounded(self, name: str, most: int = TEXT_MAX) -> str | None:
        """Take a string of one line, of at most so many characters; an absent one is None."""
        text = self.optional_text(name)
        if text is not None and (len(text) > most or CONTROL.search(text)):
            raise invalid(self.path(name), f"may have at most {most} characters, and no control characters")
        return text

    def integer(self, name: str, low: int, high: int) -> int:
        value = self.required(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise invalid(self.path(name), f"must be a whole number from {low} to {high}")
        return value

    def members(self, name: str) -> "Members":
        """Take an object; one that is absent is empty."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise invalid(self.path(name), "must be an object")
        return Members(value, f"{self.path(name)}.")

    def plain(self) -> dict[str, Any]:
        return dict(self._values)


def user_name(members: Members, name: str) -> str:
    """Take the name of a user, who need not exist (G5)."""
    user = members.text(name)
    if len(user.encode()) > USERNAME_MAX_BYTES:
        raise invalid(name, f"may have at most {USERNAME_MAX_BYTES} bytes", Code.USERNAME_TOO_LONG)
    if CONTROL.search(user):
        raise invalid(name, "may have no control characters", Code.USERNAME_ILLEGAL)
    return user


def named(names: type[Name], value: Any, path: str) -> Name:
    """Take one of our own names."""
    try:
        return names(value)
    except ValueError as error:
        raise invalid(path, f"must be one of {', '.join(names)}") from error


def _depth(value: Any) -> int:
    """Count the levels without recursion."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [inner for outer in level for inner in _inside(outer)]
    return depth


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
