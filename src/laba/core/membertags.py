"""Which members of a room a message is for, by their tags (N8)."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from laba.model.tags import All, Either, Pattern, Tag, TagExpression, Tags

# How many tag sets, and matches, one choice remembers, and how many choices are remembered; at the bound the oldest
# are forgotten, and judged anew when they are asked about.
KNOWN_MAX: Final = 20_000
CHOICES_MAX: Final = 64


Matches = Callable[[Pattern, str], bool]


def matches(pattern: Pattern, tag: str) -> bool:
    """Tell whether a pattern matches a tag as a whole."""
    return pattern.compiled.fullmatch(tag) is not None


def holds(expression: TagExpression, tags: Tags, matches: Matches = matches) -> bool:
    """Tell whether an expression holds for a member with these tags."""
    match expression:
        case Tag(text):
            return text in tags
        case Pattern():
            return any(matches(expression, tag) for tag in tags)
        case All(parts):
            return all(holds(part, tags, matches) for part in parts)
        case Either(parts):
            return any(holds(part, tags, matches) for part in parts)


class Choice:
    """An expression that is judged once for each tag set, however many members have it.

    Its patterns are matched once with each tag, however many sets hold that: a match takes longer than all the rest.
    """

    __slots__ = ("_expression", "_known", "_matched")

    def __init__(self, expression: TagExpression) -> None:
        self._expression = expression
        self._known: dict[frozenset[str], bool] = {}
        self._matched: dict[tuple[str, str], bool] = {}

    def holds(self, tags: frozenset[str]) -> bool:
        known = self._known.get(tags)
        if known is None:
            if len(self._known) >= KNOWN_MAX:
                del self._known[next(iter(self._known))]
            known = self._known[tags] = holds(self._expression, tags, self._matches)
        return known

    def _matches(self, pattern: Pattern, tag: str) -> bool:
        known = self._matched.get((pattern.text, tag))
        if known is None:
            if len(self._matched) >= KNOWN_MAX:
                del self._matched[next(iter(self._matched))]
            known = self._matched[pattern.text, tag] = matches(pattern, tag)
        return known


class Choices:
    """The choices that were made lately: of messages with one expression, only the first is judged at all."""

    __slots__ = ("_lately",)

    def __init__(self) -> None:
        self._lately: OrderedDict[TagExpression, Choice] = OrderedDict()

    def of(self, expression: TagExpression) -> Choice:
        choice = self._lately.get(expression)
        if choice is None:
            if len(self._lately) >= CHOICES_MAX:
                self._lately.popitem(last=False)
            choice = self._lately[expression] = Choice(expression)
        self._lately.move_to_end(expression)
        return choice
