"""The fields of a body, JSON or form, each taken with its type, or refused by the name its caller gave it."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from laba.dialects.neroom.faults import broken, invalid, missing
from laba.dialects.strictjson import parse

FIELDS_MAX: Final = 200
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False}


class Fields:
    """Fields by laba's one name for each; `paths` are the callers' names, where they differ.

    A field that is `null` is as good as absent. `worded` fields come from a form: numbers and truths are words there,
    and an empty field is absent, too.
    """

    __slots__ = ("_paths", "_values", "_worded")

    def __init__(
        self, values: Mapping[str, Any], paths: Mapping[str, str] | None = None, *, worded: bool = False
    ) -> None:
        self._values = values
        self._paths = {} if paths is None else paths
        self._worded = worded

    def path(self, name: str) -> str:
        return self._paths.get(name, name)

    def value(self, name: str) -> Any:
        """Give a field as it is; None where it is absent."""
        value = self._values.get(name)
        return None if self._worded and value == "" else value

    def optional(self, name: str, most_chars: int) -> str | None:
        """Take a text, an empty one too, no longer than it may be."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise invalid(self.path(name), "must be a string")
        if len(value) > most_chars:
            raise invalid(self.path(name), f"must have at most {most_chars} characters")
        return value

    def text(self, name: str, most_chars: int) -> str:
        """Take a text that must be there and hold something."""
        value = self.optional(name, most_chars)
        if value is None:
            raise missing(self.path(name))
        if not value:
            raise invalid(self.path(name), "must not be empty")
        return value

    def identifier(self, name: str, most_bytes: int) -> str:
        """Take a name of somebody or something, bounded in bytes."""
        value = self.text(name, most_bytes)
        if len(value.encode()) > most_bytes:
            raise invalid(self.path(name), f"must have at most {most_bytes} bytes")
        return value

    def integer(self, name: str, low: int, high: int) -> int | None:
        value = self.value(name)
        if self._worded and isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            allowed = f"{low}" if low == high else f"a whole number from {low} to {high}"
            raise invalid(self.path(name), f"must be {allowed}")
        return value

    def required(self, name: str, low: int, high: int) -> int:
        value = self.integer(name, low, high)
        if value is None:
            raise missing(self.path(name))
        return value

    def flag(self, name: str) -> bool:
        """Take true or false; absent is false."""
        value = self.value(name)
        if self._worded and isinstance(value, str):
            value = _TRUTHS.get(value.lower(), value)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise invalid(self.path(name), "must be true or false")
        return value

    def json(self, name: str, most_chars: int) -> Any:
        """Take a text that is JSON, no longer than it may be; None where it is absent or empty."""
        text = self.optional(name, most_chars)
        if not text:
            return None
        try:
            return parse(text)
        except ValueError as fault:
            raise invalid(self.path(name), f"must be JSON: {fault}") from None


def from_json(body: bytes) -> dict[str, Any]:
    """Read a body as one JSON object."""
    try:
        document = parse(body.decode())
    except UnicodeDecodeError:
        raise broken("the body is not UTF-8 text") from None
    except ValueError as fault:
        raise broken(f"the body is not JSON: {fault}") from None
    if not isinstance(document, dict):
        raise broken("the body must be a JSON object")
    return document


def from_form(body: bytes) -> dict[str, str]:
    """Read a body as x-www-form-urlencoded; a field that is given twice is refused."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except UnicodeError:
        raise broken("the body is not UTF-8 text, percent-encoded") from None
    except ValueError:
        raise broken(f"the body has more than {FIELDS_MAX} fields") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise invalid(name, "is given twice")
        fields[name] = value
    return fields
