"""The fields of an x-www-form-urlencoded body, each taken with its type, or refused by its name."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from laba.dialects.rongcloud.faults import bounded, broken, counted, empty, invalid, missing

FIELDS_MAX: Final = 2000
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")


class Form:
    """A body's fields. Each method takes one by name, and raises Unacceptable where it is of another type.

    A field of one value that is given twice is refused, for nobody could tell which was meant. An optional field that
    is empty is as good as absent: the vendor's SDKs send both.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str, most_bytes: int) -> str:
        """Take a text that must be there and hold something."""
        return bounded(name, self.filled(name), most_bytes)

    def filled(self, name: str) -> str:
        """Take a text of any length that must be there and hold something."""
        value = self._one(name)
        if value is None:
            raise missing(name)
        if not value:
            raise empty(name)
        return value

    def optional(self, name: str, most_bytes: int) -> str | None:
        value = self._one(name)
        return bounded(name, value, most_bytes) if value else None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Take a boolean: true, false, 1 or 0, in any case."""
        value = self._one(name)
        if not value:
            return default
        if value.lower() not in _TRUTHS:
            raise invalid(name, "must be true or false, 1 or 0")
        return _TRUTHS[value.lower()]

    def integer(self, name: str, low: int, high: int, default: int) -> int:
        value = self._one(name)
        if not value:
            return default
        if not _WHOLE.fullmatch(value) or not low <= int(value) <= high:
            raise invalid(name, f"must be a whole number from {low} to {high}")
        return int(value)

    def texts(self, name: str, most: int, most_bytes: int) -> tuple[str, ...]:
        """Take a field that may be repeated, at least one, each value once."""
        values = self._values.get(name)
        if values is None:
            raise missing(name)
        return counted(name, tuple(bounded(name, value, most_bytes) for value in values), most)

    def named(self, name: str) -> tuple[tuple[str, str], ...]:
        """Take the fields that are written `name[key]`, as pairs of key and value; there may be none."""
        opening = f"{name}["
        fields = [field for field in self._values if field.startswith(opening) and field.endswith("]")]
        return tuple((field[len(opening) : -1], self._one(field) or "") for field in fields)

    def _one(self, name: str) -> str | None:
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise invalid(name, f"is given {len(values)} times")
        return values[0]


def form(body: bytes) -> Form:
    """Read a body by the rules of the URL Standard, strictly as to UTF-8.

    A `%` that is not followed by two hex digits stands for itself there. A field without `=` makes the body broken:
    what has one is most often JSON under the wrong name.
    """
    try:
        text = body.decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except UnicodeError:
        raise broken("the body is not UTF-8 text, percent-encoded") from None
    except ValueError:
        raise broken(f"the body has more than {FIELDS_MAX} fields") from None
    if any("=" not in field for field in text.split("&") if field):
        raise broken("the body has a field without '=': it must be x-www-form-urlencoded")
    return Form(pairs)
