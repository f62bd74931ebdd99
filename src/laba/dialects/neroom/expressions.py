"""Tag expressions as callers write them (N8, vendor-apis.md 3.3).

    expression = term { "or" term }
    term       = factor { "and" factor }
    factor     = atom | "(" expression ")"
    atom       = a JSON object: {"tag": TEXT} or {"tag": PATTERN, "matchType": "regex"}

`and` binds tighter than `or`; the vendor's page does not say which does. Both words may be written in any case. There
is no `not`. A pattern is RE2's, without back-references, and must match a tag as a whole.
"""

import json
import re
from typing import Any, Final

from laba.model.tags import All, Either, Pattern, Tag, TagExpression

EXPRESSION_MAX_CHARS: Final = 128
_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"and|or", re.IGNORECASE)
_LONE: Final = re.compile("[\ud800-\udfff]")
_MEMBERS: Final = frozenset({"tag", "matchType"})


def parse(text: str) -> TagExpression:
    """Read an expression; ValueError says what is wrong, and where.

    Nothing recurses: open parentheses wait on a list, and 128 characters hold few of them.
    """
    if len(text) > EXPRESSION_MAX_CHARS:
        raise ValueError(f"must have at most {EXPRESSION_MAX_CHARS} characters")
    return _Reading(text).whole()


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is named twice")
    return members


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members)


class _Level:
    """What was read inside one pair of parentheses so far: alternatives, and the factors of the last of them."""

    __slots__ = ("alternatives", "factors")

    def __init__(self) -> None:
        self.alternatives: list[TagExpression] = []
        self.factors: list[TagExpression] = []

    def begin_alternative(self) -> None:
        self.alternatives.append(_joined(All, self.factors))
        self.factors = []

    def closed(self) -> TagExpression:
        return _joined(Either, [*self.alternatives, _joined(All, self.factors)])


def _joined(kind: type[All] | type[Either], parts: list[TagExpression]) -> TagExpression:
    """Join parts; what is joined so already is not nested once more."""
    if len(parts) == 1:
        return parts[0]
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    return kind(tuple(flat))


class _Reading:
    """One pass over a text, from left to right."""

    __slots__ = ("_at", "_levels", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._levels = [_Level()]

    def whole(self) -> TagExpression:
        while True:
            self._factor()
            while self._next() == ")":
                self._close()
            if self._at == len(self._text):
                break
            self._join()
        if len(self._levels) > 1:
            raise self._fault("a parenthesis is not closed")
        return self._levels[0].closed()

    def _next(self) -> str:
        """Give the next character that is no space, "" at the end."""
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _factor(self) -> None:
        while self._next() == "(":
            self._at += 1
            self._levels.append(_Level())
        if self._next() != "{":
            raise self._fault('a {"tag": ...} is expected')
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            raise self._fault("what stands here is no JSON object") from None
        self._levels[-1].factors.append(self._atom(value))
        self._at = end

    def _atom(self, value: Any) -> TagExpression:
        tag, kind = value.get("tag"), value.get("matchType")
        if not isinstance(tag, str) or not value.keys() <= _MEMBERS or kind not in (None, "regex"):
            raise self._fault('an atom has a "tag" that is text, and may have "matchType": "regex"')
        if _LONE.search(tag):
            raise self._fault("a surrogate stands alone")
        try:
            return Tag(tag) if kind is None else Pattern(tag)
        except ValueError as fault:
            raise self._fault(str(fault)) from None

    def _close(self) -> None:
        if len(self._levels) == 1:
            raise self._fault("a parenthesis is closed that was not opened")
        self._at += 1
        closed = self._levels.pop().closed()
        self._levels[-1].factors.append(closed)

    def _join(self) -> None:
        word = _WORD.match(self._text, self._at)
        if word is None:
            raise self._fault("`and` or `or` is expected")
        self._at = word.end()
        if word[0].lower() == "or":
            self._levels[-1].begin_alternative()

    def _fault(self, reason: str) -> ValueError:
        return ValueError(f"at character {self._at + 1}: {reason}")
