"""The members of a JSON body, each taken with its type, or refused by its path."""

from collections.abc import Mapping
from typing import Any

from laba.dialects.rongcloud.faults import bounded, broken, counted, empty, invalid, missing
from laba.dialects.strictjson import parse


class Members:
    """One JSON object. Each method takes a member by name, and raises Unacceptable where it is of another type.

    A member that is `null` is as good as absent: the vendor's SDKs send both.
    """

    __slots__ = ("_path", "_values")

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def value(self, name: str) -> Any:
        return self._values.get(name)

    def path(self, name: str) -> str:
        return f"{self._path}{name}"

    def filled(self, name: str) -> str:
        """Take a string that must be there and hold something."""
        value = self._required(name)
        if not isinstance(value, str):
            raise invalid(self.path(name), "must be a string")
        if not value:
            raise empty(self.path(name))
        return value

    def text(self, name: str, most_bytes: int) -> str:
        return bounded(self.path(name), self.filled(name), most_bytes)

    def optional(self, name: str) -> str | None:
        """Take a string; one that is empty is none."""
        value = self.value(name)
        return self.filled(name) if value is not None and value != "" else None

    def flag(self, name: str) -> bool:
        """Take true or false, as JSON or as a string of that word (vendor-apis.md 6, item 9). Absent is false."""
        value = self._values.get(name, False)
        word = value.lower() if isinstance(value, str) else value
        if word in ("true", "false"):
            return bool(word == "true")
        if not isinstance(word, bool):
            raise invalid(self.path(name), "must be true or false")
        return word

    def members(self, name: str) -> "Members":
        """Take an object that must be there."""
        value = self._required(name)
        if not isinstance(value, dict):
            raise invalid(self.path(name), "must be an object")
        return Members(value, f"{self.path(name)}.")

    def optional_members(self, name: str) -> "Members | None":
        return None if self.value(name) is None else self.members(name)

    def texts(self, name: str, most: int, most_bytes: int | None = None) -> tuple[str, ...]:
        """Take an array of strings that are not empty, each once; an absent one is empty."""
        values = self.value(name)
        if values is None:
            return ()
        if not isinstance(values, list):
            raise invalid(self.path(name), "must be an array of strings")
        for at, one in enumerate(values):
            self._judge(f"{self.path(name)}[{at}]", one, most_bytes)
        return counted(self.path(name), tuple(values), most)

    def required_texts(self, name: str, most: int, most_bytes: int | None = None) -> tuple[str, ...]:
        """Take an array of at least one string."""
        self._required(name)
        values = self.texts(name, most, most_bytes)
        if not values:
            raise empty(self.path(name))
        return values

    def _required(self, name: str) -> Any:
        value = self.value(name)
        if value is None:
            raise missing(self.path(name))
        return value

    @staticmethod
    def _judge(path: str, value: Any, most_bytes: int | None) -> None:
        if not isinstance(value, str) or not value:
            raise invalid(path, "must be a string that is not empty")
        if most_bytes is not None:
            bounded(path, value, most_bytes)


def members(body: bytes) -> Members:
    """Read a body as one JSON object."""
    try:
        document = parse(body.decode())
    except UnicodeDecodeError:
        raise broken("the body is not UTF-8 text") from None
    except ValueError as fault:
        raise broken(f"the body is not JSON: {fault}") from None
    if not isinstance(document, dict):
        raise broken("the body must be a JSON object")
    return Members(document)
