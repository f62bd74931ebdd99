"""Values that a member of a body cannot have, by what it should have been."""

import pytest

# What no member is, whatever it should have been.
NEVER = [None, 1.5, -1, 10**300, [], [[]], [5], [None], [""], "", "a\x00b", "a\r\nb"]
NO_TEXT = [*NEVER, 0, 1, True, {}, {"a": {}}, ["a"]]
# Of a text that may have any characters.
NO_STRING = [None, 0, True, [], {}, ""]
NO_FLAG = [*NEVER, 0, 1, "true", "a", {}]
NO_OBJECT = [*NEVER, 0, True, "a", "{}"]
NO_LIST = [None, 1.5, 0, True, "", "a", {}, {"0": "a"}, [5], [None], [""], [[]], [{}], ["a", True]]


def each(**members):
    """Give every member with every value that it cannot have, for a test that takes `name` and `value`."""
    pairs = [(name, value) for name, bad in members.items() for value in bad]
    return [pytest.param(name, value, id=f"{name}-{str(value)[:12]!r}") for name, value in pairs]
